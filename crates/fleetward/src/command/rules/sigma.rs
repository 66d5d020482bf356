//! `fleetward rules import-sigma`: Sigma rules become rules of ours, with an account.

use std::io::Write;
use std::path::PathBuf;

use fleetward_sigma::{Account, Refusal};

use super::files::read;
use crate::cli::Global;
use crate::exit::Exit;
use crate::printer::write_line;

pub(super) fn import(global: &Global, files: &[PathBuf]) -> anyhow::Result<Exit> {
    let mut documents = Vec::new();
    let mut whole = true;
    for (file, text) in read(global, files)? {
        let import = fleetward_sigma::import(&text);
        whole &= import.is_whole();
        tell(&file, &import.accounts)?;
        documents.extend((!import.yaml.is_empty()).then_some(import.yaml));
    }
    if !documents.is_empty() {
        write_line(documents.join("---\n").trim_end())?;
    }
    Ok(if whole { Exit::Done } else { Exit::Found })
}

/// The account goes to standard error, so that the rules can go into a file.
fn tell(file: &str, accounts: &[Account]) -> std::io::Result<()> {
    let mut error = std::io::stderr().lock();
    for account in accounts {
        match &account.outcome {
            Ok(name) => writeln!(error, "{file}: {}: imported as {name}", account.title)?,
            Err(refusal @ Refusal::OnlyFeeds) => writeln!(error, "{file}: {}: {refusal}", account.title)?,
            Err(refusal) => writeln!(error, "{file}: {}: not imported: {refusal}", account.title)?,
        }
        account.notes.iter().try_for_each(|note| writeln!(error, "  note: {note}"))?;
    }
    Ok(())
}

//! What may be tried, with a budget that is remembered from run to run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use fleetward_audit::access::{Attempts, Lists};
use fleetward_fleet::Secret;

use crate::clock;
use crate::command::secret::{random_text, write_new};
use crate::exit::Failure;
use crate::server::make_private_folder;

/// The own list of well-known pairs with the owner's lists before it, and the budget in `folder`.
pub(crate) fn known(folder: &Path, files: &[PathBuf]) -> anyhow::Result<Arc<Lists>> {
    make_private_folder(folder)?;
    let mut lists = Lists::new(key(&folder.join("audit.key"))?, Attempts::default(), clock::now());
    // The first one named is tried first.
    for file in files.iter().rev() {
        add(&mut lists, file)?;
    }
    let budget = folder.join("audit-attempts.json");
    lists.remember(budget.clone()).with_context(|| budget.display().to_string())?;
    Ok(Arc::new(lists))
}

/// What is wrong with a list, without its words.
pub(crate) fn check_list(file: &Path) -> anyhow::Result<()> {
    add(&mut Lists::new(Secret::new(""), Attempts::default(), clock::now()), file)
}

fn add(lists: &mut Lists, file: &Path) -> anyhow::Result<()> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let wrong = |why: String| {
        Failure::input(format!("{}: {why}", file.display()), "a line is `user:password`; docs/audit.md has the format")
    };
    let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    Ok(lists.add(&name, &text).map_err(|error| wrong(error.to_string()))?)
}

/// Makes fingerprints of passwords; made at the first audit, since audits that are compared need the same one.
fn key(path: &Path) -> anyhow::Result<Secret> {
    match fs::read(path) {
        Ok(bytes) => Ok(Secret::new(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = random_text(32)?;
            write_new(path, text.as_bytes())?;
            Ok(Secret::new(text.as_bytes()))
        }
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Where what is remembered lies when there is no configuration: `$XDG_STATE_HOME/fleetward`, or below the home.
pub(crate) fn own_folder() -> anyhow::Result<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    let state = of("XDG_STATE_HOME").or_else(|| of("HOME").map(|home| home.join(".local/state")));
    let state = state.ok_or_else(|| {
        let hint = "the budget of attempts must be remembered: set HOME, give a configuration, or say --passwords none";
        Failure::input("there is no place for the budget of attempts", hint)
    })?;
    Ok(state.join("fleetward"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/audit.key");
        let made = key(&path).unwrap();
        assert_eq!(key(&path).unwrap().reveal(), made.reveal());
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_list_that_is_wrong_is_told_without_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.txt");
        fs::write(&file, "admin:x\nsecretword\n").unwrap();
        let error = known(&folder.path().join("state"), &[file]).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("secretword"), "{error}");
    }
}

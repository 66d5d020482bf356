//! `fleetward reload`: rules, lists and models from their files again, without a restart.

use fleetward_fleet::counted;
use serde_json::json;

use super::cell;
use crate::cli::Global;
use crate::exit::Exit;
use crate::printer::write_line;

/// All or nothing; the mistakes are the server's to tell.
pub(crate) fn run(global: &Global) -> anyhow::Result<Exit> {
    let answer = global.client()?.send("POST", "/rules/reload", &json!({}))?;
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        write_line(&format!("warning: {}", warning.as_str().unwrap_or_default()))?;
    }
    let (rules, models) = (counted(&answer["rules"], "rule"), counted(&answer["models"], "model"));
    write_line(&format!("in force: {rules}, {models}"))?;
    for (field, word) in [("added", "new"), ("changed", "changed"), ("removed", "gone")] {
        let names = cell(&answer, field);
        if !names.is_empty() && names != "—" {
            write_line(&format!("{word}: {}", names.replace(',', ", ")))?;
        }
    }
    Ok(Exit::Done)
}

//! One module a command.

pub(crate) mod audit;
pub(crate) mod capture;
pub(crate) mod changes;
pub(crate) mod demo;
pub(crate) mod devices;
pub(crate) mod enforce;
pub(crate) mod evaluate;
pub(crate) mod findings;
pub(crate) mod init;
pub(crate) mod journal;
pub(crate) mod learn;
pub(crate) mod mud;
pub(crate) mod observations;
mod page;
pub(crate) mod planned;
pub(crate) mod reload;
pub(crate) mod responses;
pub(crate) mod rules;
pub(crate) mod secret;
pub(crate) mod sessions;
pub(crate) mod simulate;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod watch;

use fleetward_fleet::counted;

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::printer::write_line;
use crate::server;

/// `fleetward check`: every problem of every file, or a summary of what would run.
pub(crate) fn check(global: &Global) -> anyhow::Result<Exit> {
    let hint = "mend these and check again; a running server goes on with what it has";
    let settings = global.settings_or(hint)?;
    let wrong = server::rehearse(&settings);
    if !wrong.is_empty() {
        let lines: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        return Err(Failure::input(lines.join("\n       "), hint).into());
    }
    for warning in &settings.warnings {
        write_line(&format!("warning: {warning}"))?;
    }
    let config = &settings.config;
    write_line(&format!(
        "{}: fine. {}, {}, {}, {}",
        global.config.display(),
        counted(config.radius.clients.len(), "client"),
        counted(settings.profiles.len(), "model"),
        counted(settings.rules.rules().len(), "rule"),
        counted(config.channels.len(), "channel"),
    ))?;
    Ok(Exit::Done)
}

/// `fleetward serve`: until SIGINT or SIGTERM.
pub(crate) fn serve(global: &Global) -> anyhow::Result<Exit> {
    let settings = global.settings()?;
    server::log::start(&settings.config.log);
    server::run(&settings)?;
    Ok(Exit::Done)
}

/// A field of a JSON object as text for a table: `—` where it is not there.
fn cell(value: &serde_json::Value, field: &str) -> String {
    let found = field.split('.').fold(value, |value, part| &value[part]);
    match found {
        serde_json::Value::Null => "—".into(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => {
            let texts: Vec<String> =
                items.iter().map(|item| item.as_str().map_or(item.to_string(), str::to_owned)).collect();
            texts.join(",")
        }
        other => other.to_string(),
    }
}

/// A time for a table, to the second and in UTC: `2026-11-22 14:30:00`.
fn time(value: &serde_json::Value, field: &str) -> String {
    let text = cell(value, field);
    text.get(..19).map_or(text.clone(), |second| second.replacen('T', " ", 1))
}

/// As much of an id as a person needs to name it.
fn short_id(value: &serde_json::Value) -> String {
    cell(value, "id").chars().take(8).collect()
}

/// Bytes for people: `1.4 MB`.
fn human_bytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

/// The whole id of the one thing under `path` whose id begins so.
fn whole_id(client: &crate::client::Client, path: &str, id: &str) -> anyhow::Result<String> {
    if id.len() == 32 {
        return Ok(id.to_owned());
    }
    let ids = client.list(path, &[], 5000)?.iter().map(|item| cell(item, "id")).collect::<Vec<_>>();
    let mut matching = ids.into_iter().filter(|whole| whole.starts_with(id));
    match (matching.next(), matching.next()) {
        (Some(whole), None) => Ok(whole),
        (None, _) => Err(Failure::input(format!("no id begins with {id:?}"), "`list` shows them").into()),
        (Some(_), Some(_)) => Err(Failure::input(format!("several ids begin with {id:?}"), "write more of it").into()),
    }
}

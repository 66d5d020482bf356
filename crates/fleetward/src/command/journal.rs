//! `fleetward journal`: reads the durable record without a server. Nothing here writes to it.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use fleetward_fleet::{Body, Offset, Timestamp, counted, wire};
use fleetward_journal::{Reader, Record};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::command::human_bytes;
use crate::config::Settings;
use crate::exit::{Exit, Failure};
use crate::printer::write_line;
use crate::unread;

/// The durable record of everything observed.
#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Read every record and check it; exit code 1 if something is wrong.
    Verify(Place),
    /// Print records, one JSON object a line, identities masked.
    Cat(Cat),
    /// Write records to a file, one JSON object a line, identities in clear: evidence, keep it safe.
    Export {
        #[command(flatten)]
        cat: Cat,
        /// The file; it must not exist yet.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
}

/// Which journal.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The journal's folder, where it is not the one of the configuration.
    #[arg(long, value_name = "FOLDER")]
    pub(super) dir: Option<PathBuf>,
}

/// Which records.
#[derive(Debug, clap::Args)]
pub(crate) struct Cat {
    #[command(flatten)]
    place: Place,
    /// The first record, by its offset.
    #[arg(long, default_value_t = 0, value_name = "OFFSET")]
    from: u64,
    /// At most so many records.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true, value_name = "N")]
    limit: u64,
    /// Only what happened at or after this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only records of this kind.
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(Body::KINDS))]
    kind: Option<String>,
}

impl Journal {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Verify(place) => verify(&place.folder(global)?),
            Self::Cat(cat) => {
                let folder = cat.place.folder(global)?;
                cat.each(&folder, true, |value| Ok(write_line(&value.to_string())?))?;
                Ok(Exit::Done)
            }
            Self::Export { cat, output } => {
                let folder = cat.place.folder(global)?;
                export(&cat, &folder, &output)
            }
        }
    }
}

impl Place {
    pub(super) fn folder(&self, global: &Global) -> anyhow::Result<PathBuf> {
        let dir = if let Some(dir) = &self.dir {
            dir.clone()
        } else {
            let (config, base) = Settings::outline(&global.config)
                .map_err(|problem| Failure::input(problem.to_string(), "name the journal's folder with --dir"))?;
            base.join(config.data).join("journal")
        };
        unread::check_journal(&dir)
            .map_err(|message| Failure::unfinished(message, "the server makes it; --dir names another folder"))?;
        Ok(dir)
    }
}

fn verify(folder: &std::path::Path) -> anyhow::Result<Exit> {
    let report = fleetward_journal::verify(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let span = match (report.first, report.last) {
        (Some((first, since)), Some((last, until))) => format!("{} to {}, {since} to {until}", first.0, last.0),
        _ => "no record".into(),
    };
    write_line(&format!(
        "{}: {} in {}, {} ({span})",
        folder.display(),
        counted(report.records, "record"),
        counted(report.segments, "segment"),
        human_bytes(report.bytes)
    ))?;
    if report.torn_bytes > 0 {
        write_line(&format!(
            "{} bytes of a half-written group at the end: normal after a crash, never acknowledged, cut off by the next start",
            report.torn_bytes
        ))?;
    }
    for problem in &report.problems {
        write_line(&format!("{}, byte {}: {}", problem.file.display(), problem.at, problem.what))?;
    }
    Ok(if report.problems.is_empty() { Exit::Done } else { Exit::Found })
}

fn export(cat: &Cat, folder: &std::path::Path, output: &std::path::Path) -> anyhow::Result<Exit> {
    crate::command::secret::write_new(output, b"")?;
    let file = std::fs::OpenOptions::new().append(true).open(output)?;
    let mut file = std::io::BufWriter::new(file);
    let mut count = 0_u64;
    cat.each(folder, false, |value| {
        count += 1;
        writeln!(file, "{value}").with_context(|| format!("cannot write {}", output.display()))
    })?;
    file.flush()?;
    write_line(&format!("{}: {}, identities in clear", output.display(), counted(count, "record")))?;
    Ok(Exit::Done)
}

impl Cat {
    /// Hands every record that is wanted to `then`.
    fn each(
        &self,
        folder: &std::path::Path,
        mask: bool,
        mut then: impl FnMut(&Value) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let reader =
            Reader::open(folder, Offset(self.from)).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut left = self.limit;
        for record in reader {
            if left == 0 {
                break;
            }
            let record = record
                .with_context(|| format!("{} is damaged; fleetward journal verify says where", folder.display()))?;
            if self.since.is_some_and(|since| record.event_time < since) {
                continue;
            }
            let mut value = describe(&record);
            if self.kind.as_ref().is_some_and(|kind| value["body"]["kind"] != kind.as_str()) {
                continue;
            }
            if mask {
                mask_identities(&mut value);
            }
            then(&value)?;
            left -= 1;
        }
        Ok(())
    }
}

/// A record as JSON. What a newer version wrote is shown as far as the journal itself knows it.
fn describe(record: &Record) -> Value {
    let body = match wire::from_wire(&record.bytes) {
        Ok(observation) => serde_json::to_value(&observation).unwrap_or_default(),
        Err(error) => {
            json!({ "event_time": record.event_time, "observed_at": record.observed_at, "unreadable": error.to_string() })
        }
    };
    let mut value = json!({ "offset": record.offset.0 });
    if let (Some(value), Value::Object(body)) = (value.as_object_mut(), body) {
        value.extend(body);
    }
    value
}

/// Leaves the head and the tail of every identity.
fn mask_identities(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match (name.as_str(), &field) {
                    ("imsi" | "iccid" | "msisdn" | "imei" | "imeisv" | "user_name" | "login", Value::String(text)) => {
                        *field = Value::String(masked(text));
                    }
                    _ => mask_identities(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_identities),
        _ => {}
    }
}

fn masked(text: &str) -> String {
    let count = text.chars().count();
    let keep = if count >= 12 { 4 } else { 1 };
    let shown = |(at, c): (usize, char)| if at < keep || at + keep / 2 >= count { c } else { '•' };
    text.chars().enumerate().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_in_a_record_are_masked_wherever_they_are() {
        let mut value =
            json!({ "identity": { "imsi": "262011234567890" }, "body": { "device": { "imei": "35693803564380" } } });
        mask_identities(&mut value);
        assert_eq!(value["identity"]["imsi"], "2620•••••••••90");
        assert_eq!(value["body"]["device"]["imei"], "3569••••••••80");
    }
}

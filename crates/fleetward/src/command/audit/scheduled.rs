//! `fleetward audit --scheduled`: what the server's schedule did last and does next.

use serde_json::Value;

use crate::cli::Global;
use crate::command::{cell, time};
use crate::exit::Exit;

const HEADINGS: [&str; 7] = ["NAME", "WHEN", "NEXT", "LAST", "ADDRESSES", "FAULTS", "REMARK"];

/// A run that is not whole, or was missed, is something found.
pub(super) fn list(global: &Global) -> anyhow::Result<Exit> {
    let audits = global.client()?.get("/audits")?;
    let audits = audits.as_array().cloned().unwrap_or_default();
    global.printer().rows(&audits, &HEADINGS, row)?;
    let is_well = |it: &Value| it["missed"].is_null() && (it["last"].is_null() || it["last"]["end"] == "whole");
    Ok(if audits.iter().all(is_well) { Exit::Done } else { Exit::Found })
}

fn row(audit: &Value) -> Vec<String> {
    let last = match audit["last"]["end"].as_str() {
        Some(end) => format!("{end} {}", time(audit, "last.began")),
        None => "—".to_owned(),
    };
    vec![
        cell(audit, "name"),
        cell(audit, "when"),
        if audit["running"].is_null() { time(audit, "next") } else { running(&audit["running"]) },
        last,
        cell(audit, "last.addresses"),
        cell(audit, "last.faults"),
        remark(audit),
    ]
}

fn running(going: &Value) -> String {
    let percent = 100.0 * going["share"].as_f64().unwrap_or_default();
    format!("running: {} of {} hosts, {percent:.0} %", going["done"], going["addresses"])
}

fn remark(audit: &Value) -> String {
    let missed = (!audit["missed"].is_null()).then(|| format!("missed {}", time(audit, "missed")));
    let reason = audit["last"]["reason"].as_str().filter(|it| !it.is_empty()).map(str::to_owned);
    let remarks: Vec<String> = missed.into_iter().chain(reason).collect();
    if remarks.is_empty() { "—".to_owned() } else { remarks.join("; ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_says_what_is_under_way_and_what_went_wrong() {
        let last = json!({ "began": "2026-11-26T02:30:00.000Z", "end": "partial", "addresses": 40, "faults": 3, "reason": "its window closed" });
        let going = json!({ "addresses": 40, "done": 10, "share": 0.25 });
        let mut audit = json!({ "name": "nightly", "when": "daily 02:30 UTC", "next": null, "running": going, "last": last, "missed": null });
        let expected = ["nightly", "daily 02:30 UTC", "running: 10 of 40 hosts, 25 %", "partial 2026-11-26 02:30:00"];
        assert_eq!(row(&audit)[..4], expected);
        assert_eq!(row(&audit)[6], "its window closed");
        (audit["missed"], audit["last"]) = (json!("2026-11-27T02:30:00.000Z"), Value::Null);
        assert_eq!((&*row(&audit)[3], &*row(&audit)[6]), ("—", "missed 2026-11-27 02:30:00"));
    }
}

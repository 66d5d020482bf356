//! SARIF 2.1.0.

use std::collections::BTreeMap;
use std::io::{self, Write};

use fleetward_fleet::Severity;
use serde_json::{Value, json};

use super::{addresses, place};
use crate::run::{Found, Report};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let rules: BTreeMap<&str, Value> = report.found.iter().map(|found| (&*found.fault.check, rule(found))).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "fleetward", "rules": rules.values().collect::<Vec<_>>() } },
            "invocations": [{ "executionSuccessful": report.is_complete }],
            "results": report.found.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn rule(found: &Found) -> Value {
    let fault = &found.fault;
    json!({
        "id": fault.check,
        "shortDescription": { "text": fault.title },
        "help": { "text": fault.advice },
        "properties": { "tags": fault.tags },
    })
}

fn result(found: &Found) -> Value {
    let fault = &found.fault;
    let locations: Vec<Value> = found
        .hosts
        .iter()
        .map(|host| {
            let name = format!("{host} {}", place(fault.port));
            json!({ "logicalLocations": [{ "fullyQualifiedName": name.trim_end(), "kind": "resource" }] })
        })
        .collect();
    let level = match fault.severity {
        Severity::Info | Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    };
    let key = format!("{} {} {}", fault.check, addresses(found), place(fault.port));
    json!({
        "ruleId": fault.check,
        "level": level,
        "message": { "text": format!("{}: {} {}", fault.title, fault.observed, fault.advice) },
        "locations": locations,
        "partialFingerprints": { "fault/v1": key.trim_end() },
    })
}

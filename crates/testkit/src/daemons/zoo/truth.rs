//! What is wrong with the zoo's devices, and how a report of an audit compares with it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::Zoo;

/// `truth.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Truth {
    devices: Vec<Device>,
    shared: Vec<Shared>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    number: u8,
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "daemon")]
    _daemon: String,
    /// Check and port.
    faults: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    check: String,
    devices: Vec<u8>,
}

/// A report held against the truth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Score {
    /// Devices of the zoo.
    pub devices: usize,
    /// Faults that were planted.
    pub planted: usize,
    /// Those of them that were reported.
    pub found: usize,
    /// Those that were not: address, check, port.
    pub missed: Vec<String>,
    /// What was reported and not planted.
    pub falsely: Vec<String>,
}

impl Score {
    /// Of a report that `fleetward audit --report json` wrote.
    ///
    /// # Panics
    /// Where the truth, which is part of the program, cannot be read.
    #[expect(clippy::expect_used, reason = "the truth is compiled in, and a test reads it")]
    pub fn of(report: &Value) -> Self {
        let truth: Truth = serde_saphyr::from_str(include_str!("truth.yaml")).expect("truth.yaml is the truth");
        let planted = truth.faults();
        let found: BTreeSet<String> = report["found"].as_array().into_iter().flatten().map(reported).collect();
        Self {
            devices: truth.devices.len(),
            planted: planted.len(),
            found: planted.intersection(&found).count(),
            missed: planted.difference(&found).cloned().collect(),
            falsely: found.difference(&planted).cloned().collect(),
        }
    }
}

impl Truth {
    fn faults(&self) -> BTreeSet<String> {
        let own = self.devices.iter().flat_map(|device| {
            let host = Zoo::address(device.number);
            device.faults.iter().map(move |fault| format!("{host} {fault}"))
        });
        let shared = self.shared.iter().map(|shared| {
            let hosts: Vec<String> = shared.devices.iter().map(|it| Zoo::address(*it).to_string()).collect();
            format!("{} {}", hosts.join(","), shared.check)
        });
        own.chain(shared).collect()
    }
}

/// As the truth writes it.
fn reported(found: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let hosts: Vec<String> = found["hosts"].as_array().into_iter().flatten().map(text).collect();
    let port = found["fault"]["port"][1].as_u64().map(|port| format!(" {port}")).unwrap_or_default();
    format!("{} {}{port}", hosts.join(","), text(&found["fault"]["check"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_is_held_against_the_truth() {
        let none = Score::of(&json!({ "found": [] }));
        assert_eq!((none.found, none.missed.len(), none.devices), (0, none.planted, 17));
        let found = |hosts: Value, check: &str, port: Value| json!({ "hosts": hosts, "fault": { "check": check, "port": port } });
        let score = Score::of(&json!({ "found": [
            found(json!(["10.77.0.11"]), "password-known", json!(["tcp", 23])),
            found(json!(["10.77.0.12", "10.77.0.13"]), "recycled-ssh-host-key", Value::Null),
            found(json!(["10.77.0.10"]), "password-known", json!(["tcp", 22])),
        ] }));
        assert_eq!((score.found, score.missed.len()), (2, none.planted - 2));
        assert_eq!(score.falsely, ["10.77.0.10 password-known 22"]);
    }
}

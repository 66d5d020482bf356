//! What an audit found, told to the server, where it becomes findings; and a finding of such an audit, looked at again.

use std::io::{self, Write};

use anyhow::Context;
use fleetward_audit::ports::PortSet;
use fleetward_audit::run::{Plan, Report};
use serde_json::{Value, json};

use crate::audit;
use crate::client::Client;
use crate::command::whole_id;
use crate::exit::Failure;

/// Octets of one request, about: the server takes eight times as many.
const BATCH: usize = 1 << 20;

/// Tells of every address whose device the inventory has. What was told before counts once.
pub(super) fn tell(client: &Client, report: &Report, plan: &Plan) -> anyhow::Result<()> {
    let (mut batch, mut octets, mut told) = (Vec::new(), 0, 0);
    for audit::Told { device, id, at, exposure } in audit::told(report, plan) {
        let mut item = serde_json::to_value(&exposure)?;
        item["kind"] = json!("exposure");
        item["device"] = json!(device);
        item["at"] = json!(at);
        item["id"] = json!(id);
        octets += item.to_string().len();
        batch.push(item);
        told += 1;
        if octets > BATCH {
            send(client, &mut batch)?;
            octets = 0;
        }
    }
    send(client, &mut batch)?;
    let strangers = report.hosts.len() - told;
    let without =
        if strangers == 0 { String::new() } else { format!("; {strangers} belong to no device of the inventory") };
    writeln!(io::stderr(), "note: the server was told of {told} addresses{without}")?;
    Ok(())
}

fn send(client: &Client, batch: &mut Vec<Value>) -> anyhow::Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let items = Value::Array(std::mem::take(batch));
    client.send("POST", "/observations", &items).context("the report is whole, but the server was not told of it")?;
    Ok(())
}

/// A finding of an audit: where to look, and for what.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) address: String,
    /// None where it is about the whole device.
    pub(super) ports: Option<PortSet>,
    id: String,
    rule: String,
}

/// Asks the server where the finding was made.
pub(super) fn look(client: &Client, id: &str) -> anyhow::Result<Looked> {
    let id = whole_id(client, "/findings", id)?;
    let finding = client.get(&format!("/findings/{id}"))?;
    let rule = finding["rule"].as_str().unwrap_or_default().to_owned();
    let tag = |name: &str| {
        let mut tags = finding["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        tags.find_map(|tag| tag.strip_prefix(name)).map(str::to_owned)
    };
    let (Some(address), true) = (tag("address:"), rule.starts_with("audit-")) else {
        let hint = "`fleetward findings list` shows the rules; those of an audit begin with audit-";
        return Err(Failure::input(format!("the finding {id} is of {rule}, and of no audit"), hint).into());
    };
    let ports = tag("port:").map(|it| it.replace("tcp/", "").replace("udp/", "udp:"));
    let ports = ports.map(|it| it.parse()).transpose().context("the finding names no port that is known here")?;
    Ok(Looked { address, ports, id, rule })
}

impl Looked {
    /// Says whether it was there again.
    pub(super) fn say(&self, report: &Report) -> anyhow::Result<()> {
        let check = self.rule.trim_start_matches("audit-");
        let is_asked = |port: Option<_>| {
            self.ports.as_ref().is_none_or(|ports| ports.spans().any(|(it, first, _)| port == Some((it, first))))
        };
        let again = report.found.iter().any(|found| *found.fault.check == *check && is_asked(found.fault.port));
        let id = &self.id;
        let what =
            if again { "it is still there" } else { "it was not there; the server resolves it if that is certain" };
        writeln!(io::stderr(), "note: {check}: {what} (`fleetward findings show {id}`)")?;
        Ok(())
    }
}

//! `fleetward devices`: the inventory.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use fleetward_fleet::counted;
use serde_json::{Value, json};

use super::cell;
use super::page::page;
use crate::cli::Global;
use crate::client::{Client, mistakes, segment};
use crate::exit::{Exit, Failure};
use crate::printer::write_line;

/// The inventory: which devices exist and what each is meant to be.
#[derive(Debug, Subcommand)]
pub(crate) enum Devices {
    /// List devices.
    List(List),
    /// Show one device with its sessions and findings, and how far its baseline has come.
    Show {
        /// Its name.
        device: String,
        /// Show identities in clear; leaves a line in the log of changes.
        #[arg(long)]
        reveal: bool,
    },
    /// Import devices from CSV (`-` reads standard input). Nothing is imported if any line is wrong.
    ///
    /// The first line names the columns that are there, out of: name, imsi, login, iccid, msisdn,
    /// imei, imei_lock (on|off), model, groups (separated by spaces), ip, ipv6, mac,
    /// state (stock|active|suspended|retired), critical (true|false).
    #[command(verbatim_doc_comment)]
    Import {
        /// The file.
        file: PathBuf,
        /// Check only; say what would change.
        #[arg(long)]
        dry_run: bool,
    },
    /// Admit a device no more, and end its sessions.
    Suspend {
        /// Its name.
        device: String,
    },
    /// Admit a device again.
    Resume {
        /// Its name.
        device: String,
    },
    /// Cut a device off at the firewall, connections that live included.
    Quarantine {
        /// Its name.
        device: String,
    },
    /// Let a device back on the network.
    Release {
        /// Its name.
        device: String,
    },
    /// End a device's sessions; it may come back.
    Disconnect {
        /// Its name.
        device: String,
    },
    /// Take a device out of the inventory.
    Remove {
        /// Its name.
        device: String,
    },
}

/// Which devices.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Part of a name or identity; `*` stands for anything.
    text: Option<String>,
    /// Only of this model.
    #[arg(long)]
    model: Option<String>,
    /// Only of this group.
    #[arg(long)]
    group: Option<String>,
    /// Only in this state: stock, active, suspended, retired.
    #[arg(long)]
    state: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: usize,
    /// Show identities in clear; leaves a line in the log of changes.
    #[arg(long)]
    reveal: bool,
}

impl Devices {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let client = global.client()?;
        match self {
            Self::List(list) => list.run(&client, global),
            Self::Show { device, reveal } => show(&client, global, &device, reveal),
            Self::Import { file, dry_run } => import(&client, global, &file, dry_run),
            Self::Suspend { device } => act(&client, global, &device, "suspend"),
            Self::Resume { device } => act(&client, global, &device, "resume"),
            Self::Quarantine { device } => act(&client, global, &device, "quarantine"),
            Self::Release { device } => act(&client, global, &device, "release"),
            Self::Disconnect { device } => act(&client, global, &device, "disconnect"),
            Self::Remove { device } => {
                client.send("DELETE", &format!("/devices/{}", segment(&device)), &Value::Null)?;
                write_line(&format!("{device} is out of the inventory"))?;
                Ok(Exit::Done)
            }
        }
    }
}

impl List {
    fn run(self, client: &Client, global: &Global) -> anyhow::Result<Exit> {
        let mut query: Vec<(&str, String)> = Vec::new();
        let filters = [("text", self.text), ("model", self.model), ("group", self.group), ("state", self.state)];
        query.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value?))));
        if self.reveal {
            query.push(("reveal", "true".into()));
        }
        let devices = client.shown("/devices", &query, self.limit)?;
        let headings = ["NAME", "MODEL", "STATE", "IMSI", "ADDRESS", "GROUPS"];
        global.printer().rows(&devices, &headings, |row| {
            let address = if row["ip"].is_null() { "mac" } else { "ip" };
            ["name", "model", "state", "imsi", address, "groups"].iter().map(|field| cell(row, field)).collect()
        })?;
        Ok(Exit::Done)
    }
}

fn show(client: &Client, global: &Global, device: &str, reveal: bool) -> anyhow::Result<Exit> {
    let path = format!("/devices/{}{}", segment(device), if reveal { "?reveal=true" } else { "" });
    let mut shown = client.get(&path)?;
    let of = [("device", device.to_owned())];
    shown["sessions"] = client.list("/sessions", &of, 20)?.into();
    shown["findings"] = client.list("/findings", &of, 20)?.into();
    global.printer().object(&shown, || {
        let mut in_words = shown.clone();
        in_words["baseline"] = shown["baseline"]["text"].clone();
        page(&in_words)
    })?;
    Ok(Exit::Done)
}

fn import(client: &Client, global: &Global, file: &Path, dry_run: bool) -> anyhow::Result<Exit> {
    let mut csv = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut csv).context("cannot read standard input")?;
    } else {
        csv = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    let path = format!("/devices/import?dry_run={dry_run}");
    let imported = client.send_bytes("POST", &path, "text/csv", &csv)?;
    let mistakes = mistakes(&imported["errors"]);
    if !mistakes.is_empty() {
        let message = format!("{} is not right:{mistakes}", file.display());
        return Err(Failure::input(message, "nothing would be imported until this is mended").into());
    }
    global.printer().object(&imported, || {
        let (added, changed, same) =
            (cell(&imported, "added"), cell(&imported, "changed"), cell(&imported, "unchanged"));
        let verb = match added.as_str() {
            _ if dry_run => "would be",
            "1" => "was",
            _ => "were",
        };
        let done = format!("{} {verb} added, {changed} changed; {same} are as they were", counted(&added, "device"));
        let warnings = imported["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
        warnings.fold(done, |said, warning| format!("{said}\nwarning: {warning}"))
    })?;
    Ok(Exit::Done)
}

fn act(client: &Client, global: &Global, device: &str, what: &str) -> anyhow::Result<Exit> {
    let answer = client.send("POST", &format!("/devices/{}/{what}", segment(device)), &json!({}))?;
    super::responses::print(global, &answer)?;
    Ok(Exit::Done)
}

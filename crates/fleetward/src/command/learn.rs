//! `fleetward learn`: a profile of a model from what its devices did.

mod record;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use fleetward_capture::{File, Summary};
use fleetward_fleet::{Mac, NetworkProfile, Profile, Timestamp};
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::learn::{Change, Learner, difference, profile_yaml, support_words, words};
use fleetward_guard::mud;
use fleetward_guard::survey::{Survey, is_public};
use fleetward_packet::{Limits, Sink, Table};
use ipnet::IpNet;

use super::capture::{say_what_is_missing, unread};
use super::cell;
use super::journal::Place;
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::printer::write_line;

/// Learn what a model needs of the network, from captures of its devices or from what the journal holds of them.
///
/// Prints the profile with what speaks for each item, or writes it. Look it through before you enforce it.
#[derive(Debug, Args)]
pub(crate) struct Learn {
    /// The model's name.
    #[arg(long)]
    model: String,
    /// Captures (pcap, pcapng; plain, gzip or zstd), each on its own: a setup, a day, a device.
    #[arg(required_unless_present = "journal", conflicts_with = "journal", value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// Learn from the journal: what devices of the model did, as capture sources, exporters and the API told it.
    #[arg(long, conflicts_with = "device")]
    journal: bool,
    /// The journal's folder, where it is not the one of the configuration.
    #[arg(long, value_name = "FOLDER", requires = "journal")]
    dir: Option<PathBuf>,
    /// Only what the journal holds from this time on (RFC 3339).
    #[arg(long, value_name = "TIME", requires = "journal")]
    since: Option<Timestamp>,
    /// Hardware addresses of devices of the model; can be repeated. Without: the only one in the captures that is no router.
    #[arg(long, value_name = "MAC")]
    device: Vec<Mac>,
    /// A network in which devices live, instead of what the captures tell; can be repeated.
    #[arg(long, value_name = "NETWORK")]
    local: Vec<IpNet>,
    /// Write the profile here; of a file that is there already, only the `network:` part is replaced.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write a MUD file (RFC 8520) too.
    #[arg(long, value_name = "FILE")]
    mud: Option<PathBuf>,
    /// Say what changes against the file of --out, and write nothing.
    #[arg(long, requires = "out")]
    diff: bool,
}

impl Learn {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let profile = if self.journal { self.by_journal(global)? } else { self.by_captures()? };
        let old = self.out.as_deref().map(read_if_there).transpose()?.flatten();
        if self.diff {
            return self.show_difference(global, old.as_deref(), &profile);
        }
        if let Some(file) = &self.mud {
            let text = mud::export(&self.model, &profile);
            fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        let page = profile_yaml(&self.model, &profile, old.as_deref());
        match &self.out {
            Some(file) => {
                fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))?;
                write_line(&summary(&profile, file))?;
            }
            None => write_line(page.trim_end())?,
        }
        Ok(Exit::Done)
    }

    fn by_captures(&self) -> anyhow::Result<NetworkProfile> {
        let hosts = self.hosts()?;
        let mut learner = Learner::of(&self.model);
        for capture in &self.captures {
            say_what_is_missing(capture, &play(capture, &mut learner.capture(&hosts))?);
        }
        let profile = learner.profile();
        if profile.learned.is_none() {
            let message = format!("nothing of {} in these captures", named(&self.device));
            return Err(Failure::input(message, "fleetward capture read FILE shows who is in it").into());
        }
        Ok(profile)
    }

    fn by_journal(&self, global: &Global) -> anyhow::Result<NetworkProfile> {
        let place = Place { dir: self.dir.clone() };
        let profile = record::learn(&self.model, &place.folder(global)?, self.since, self.network(global)?)?;
        if profile.learned.is_none() {
            let message = format!("the journal holds no conversation of a device of the model {}", self.model);
            return Err(Failure::input(message, "fleetward journal cat --kind flow shows what there is").into());
        }
        Ok(profile)
    }

    /// The network as stated here, else as the configuration states it.
    fn network(&self, global: &Global) -> anyhow::Result<Hosts> {
        let mut hosts = Hosts::default();
        if self.dir.is_none() {
            let stated = global.settings()?.config.capture;
            hosts.local = stated.local.iter().map(|net| net.0).collect();
            (hosts.resolvers, hosts.clocks) = (stated.resolvers, stated.clocks);
        }
        if !self.local.is_empty() {
            hosts.local.clone_from(&self.local);
        }
        Ok(hosts)
    }

    /// Who is who: as stated, and the rest as a first pass over the captures tells.
    fn hosts(&self) -> anyhow::Result<Hosts> {
        let mut survey = Survey::default();
        for capture in &self.captures {
            play(capture, &mut survey)?;
        }
        let devices = if self.device.is_empty() { vec![only_device(&survey)?] } else { self.device.clone() };
        let mut hosts = Hosts::default();
        hosts.local.clone_from(&self.local);
        for mac in devices {
            hosts.add(Host { name: mac.to_string().into(), model: Some(self.model.as_str().into()) }, &[mac], &[]);
        }
        survey.complete(&mut hosts);
        Ok(hosts)
    }

    fn show_difference(&self, global: &Global, old: Option<&str>, new: &NetworkProfile) -> anyhow::Result<Exit> {
        let file = self.out.as_deref().unwrap_or(Path::new("the file"));
        let old = old.map(Profile::from_yaml).transpose().with_context(|| file.display().to_string())?;
        let old = old.and_then(|profile| profile.network).unwrap_or_default();
        let changes = difference(&old, new);
        let row = |change: &Change| {
            let (mark, allow) = match change {
                Change::Added(it) => ("+", it),
                Change::Removed(it) => ("-", it),
                Change::Changed { to, .. } => ("~", to),
            };
            let why = allow.support.as_ref().map_or_else(String::new, support_words);
            serde_json::json!({ "change": mark, "what": words(allow), "why": why })
        };
        let rows: Vec<serde_json::Value> = changes.iter().map(row).collect();
        let fields = ["change", "what", "why"];
        global
            .printer()
            .rows(&rows, &["", "WHAT", "WHY"], |row| fields.iter().map(|field| cell(row, field)).collect())?;
        Ok(Exit::Done)
    }
}

/// The one hardware address that is neither a router's nor a group's.
fn only_device(survey: &Survey) -> anyhow::Result<Mac> {
    let candidates: Vec<Mac> =
        survey.macs().filter(|(_, ips)| !ips.iter().any(|ip| is_public(*ip))).map(|(mac, _)| mac).collect();
    match candidates[..] {
        [one] => Ok(one),
        [] => Err(Failure::input("no device is in these captures", "name it: --device MAC").into()),
        _ => {
            let message =
                format!("{} hardware addresses are in these captures: {}", candidates.len(), named(&candidates));
            Err(Failure::input(message, "say which are devices of the model: --device MAC").into())
        }
    }
}

fn named(macs: &[Mac]) -> String {
    macs.iter().take(12).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn summary(profile: &NetworkProfile, file: &Path) -> String {
    let low = profile.allow.iter().filter_map(|allow| allow.support.as_ref());
    let low = low.filter(|support| support.confidence == fleetward_fleet::Confidence::Low).count();
    let refused = profile.learned.as_ref().map_or(0, |learned| learned.refused.len());
    let mut text = format!("{}: {} items", file.display(), profile.allow.len());
    if low > 0 {
        text += &format!(", {low} of low confidence: look at them before you enforce");
    }
    if refused > 0 {
        text += &format!("; {refused} things were seen and never learnt");
    }
    text
}

/// The text of a file; `None` where there is none.
pub(super) fn read_if_there(file: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// Each capture has a table of its own: two of them need not follow each other.
pub(crate) fn play(file: &Path, sink: &mut impl Sink) -> anyhow::Result<Summary> {
    play_with(file, Limits::default(), sink)
}

/// The same with other timeouts of conversations.
pub(crate) fn play_with(file: &Path, limits: Limits, sink: &mut impl Sink) -> anyhow::Result<Summary> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    let mut table = Table::new(limits, u64::from_ne_bytes(seed));
    let mut file = File::open(file).map_err(|error| unread(&error))?;
    while let Some(batch) = file.batch().map_err(|error| unread(&error))? {
        for packet in &batch {
            table.push(packet.link, packet.time, packet.bytes, packet.wire, sink);
        }
    }
    table.finish(sink);
    Ok(file.summary().clone())
}

//! `fleetward watch`: captures or an interface held against profiles; what the server would notice, without one.

mod live;

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use fleetward_fleet::{Mac, Profile, did_you_mean, did_you_mean_text};
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::survey::Survey;
use fleetward_guard::watch::{Noticed, Settings, Subject, Watch as Watcher};
use fleetward_packet::{Event, Sink};
use ipnet::IpNet;
use serde_json::{Value, json};

use super::capture::{say, say_what_is_missing};
use super::cell;
use super::learn::play;
use crate::cli::Global;
use crate::exit::{Exit, Failure};

/// Hold captures, or what passes an interface, against the profiles of devices, and say what does not fit.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Captures (pcap, pcapng; plain, gzip or zstd), in the order of their time.
    #[arg(required_unless_present = "live", value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// Listen to this interface instead, and say what does not fit as it comes.
    #[arg(long, value_name = "INTERFACE", conflicts_with = "captures")]
    live: Option<String>,
    /// Stop listening after so long; without, at Ctrl-C.
    #[arg(long = "for", value_name = "DURATION", value_parser = super::capture::duration, requires = "live")]
    time: Option<Duration>,
    /// A device: its hardware address, what to call it, and its model; can be repeated. Others are strangers.
    #[arg(long, value_name = "MAC=NAME[:MODEL]")]
    device: Vec<Known>,
    /// The folder of profiles.
    #[arg(long, value_name = "FOLDER")]
    models: Option<PathBuf>,
    /// A network in which devices live, instead of what the captures tell (of an interface: all private ones); can be repeated.
    #[arg(long, value_name = "NETWORK")]
    local: Vec<IpNet>,
    /// A list of trackers: a name a line, hosts file or `||name^`; can be repeated.
    #[arg(long, value_name = "FILE")]
    trackers: Vec<PathBuf>,
}

/// One device of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    mac: Mac,
    name: String,
    model: Option<String>,
}

impl FromStr for Known {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write MAC=NAME or MAC=NAME:MODEL, like 1c:5f:2b:aa:fd:4e=front-door:doorbell".to_owned();
        let (mac, rest) = text.split_once('=').ok_or_else(wrong)?;
        let (name, model) = rest.split_once(':').map_or((rest, None), |(name, model)| (name, Some(model.to_owned())));
        if name.is_empty() || model.as_deref() == Some("") {
            return Err(wrong());
        }
        Ok(Self { mac: mac.parse().map_err(|_| wrong())?, name: name.to_owned(), model })
    }
}

/// What is told, as it comes.
struct Told {
    watch: Watcher,
    hosts: Hosts,
    noticed: Vec<Noticed>,
}

impl Sink for Told {
    fn event(&mut self, event: Event<'_>) {
        self.watch.event(&event, &self.hosts, &mut |noticed| self.noticed.push(noticed));
    }
}

impl Watch {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let profiles = self.models.as_deref().map(profiles).transpose()?.unwrap_or_default();
        self.known_models(&profiles)?;
        let mut settings = Settings::default();
        for file in &self.trackers {
            settings.trackers.add(&fs::read_to_string(file).with_context(|| file.display().to_string())?);
        }
        let mut watch = Watcher::new(settings);
        watch.set_profiles(profiles.iter().filter_map(|profile| Some((&*profile.model, profile.network.as_ref()?))));
        if let Some(interface) = &self.live {
            return live::run(interface, self.time, watch, self.stated(), global);
        }
        let mut told = Told { watch, hosts: self.hosts()?, noticed: Vec::new() };
        for capture in &self.captures {
            say_what_is_missing(capture, &play(capture, &mut told)?);
        }
        let rows: Vec<Value> = told.noticed.iter().map(|noticed| row(noticed, &told.hosts)).collect();
        global.printer().rows(&rows, &HEADINGS, |row| FIELDS.iter().map(|field| cell(row, field)).collect())?;
        Ok(Exit::Done)
    }

    /// A device of a model that is not there would fit, whatever it does.
    fn known_models(&self, profiles: &[Profile]) -> anyhow::Result<()> {
        let known: Vec<&str> = profiles.iter().map(|profile| &*profile.model).collect();
        for device in &self.device {
            let Some(model) = device.model.as_deref() else { continue };
            if let Some(profile) = profiles.iter().find(|profile| *profile.model == *model) {
                if profile.network.is_none() {
                    say(&format!("warning: {model} says nothing of the network, so nothing is held against it"));
                }
                continue;
            }
            let Some(folder) = &self.models else {
                let message =
                    format!("{} is to be held against the model {model:?}, and no models are named", device.name);
                return Err(Failure::input(message, "name the folder of profiles: --models models").into());
            };
            let near = did_you_mean(model, known.iter().copied()).map(did_you_mean_text);
            let hint = near.unwrap_or_else(|| match known.as_slice() {
                [] => "a profile is a YAML file with `model: NAME`; fleetward learn makes one".to_owned(),
                known => format!("there are {}", known.join(", ")),
            });
            return Err(Failure::input(format!("there is no model {model:?} in {}", folder.display()), hint).into());
        }
        Ok(())
    }

    /// Who is who, as far as the command line says it.
    fn stated(&self) -> Hosts {
        let mut hosts = Hosts::default();
        hosts.local.clone_from(&self.local);
        for known in &self.device {
            let model = known.model.as_deref().map(Into::into);
            hosts.add(Host { name: known.name.as_str().into(), model }, &[known.mac], &[]);
        }
        hosts
    }

    /// Who is who, the rest as a first pass over the captures tells.
    fn hosts(&self) -> anyhow::Result<Hosts> {
        let mut hosts = self.stated();
        let mut survey = Survey::default();
        for capture in &self.captures {
            play(capture, &mut survey)?;
        }
        survey.complete(&mut hosts);
        Ok(hosts)
    }
}

fn row(noticed: &Noticed, hosts: &Hosts) -> Value {
    let device = match noticed.subject {
        Subject::Host(host) => hosts.get(host).map_or_else(String::new, |host| host.name.to_string()),
        Subject::Mac(mac) => mac.to_string(),
    };
    let sign = &noticed.sign;
    json!({
        "at": noticed.time.timestamp().to_string(),
        "device": device,
        "sign": sign.sign.name(),
        "address": sign.address,
        "name": sign.name,
        "port": sign.port,
        "protocol": sign.protocol,
        "direction": sign.direction.name(),
        "count": sign.count,
        "expected": sign.expected,
        "observed": sign.observed,
    })
}

const FIELDS: [&str; 5] = ["at", "device", "sign", "expected", "observed"];
const HEADINGS: [&str; 5] = ["AT", "DEVICE", "SIGN", "EXPECTED", "OBSERVED"];

/// The profiles of a folder.
fn profiles(folder: &Path) -> anyhow::Result<Vec<Profile>> {
    let entries = fs::read_dir(folder).map_err(|error| {
        Failure::input(format!("--models: {}: {error}", folder.display()), "name a folder with one YAML file a model")
    })?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"));
    files.sort();
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        Profile::from_yaml(&text).map_err(|error| {
            Failure::input(format!("{}: {error}", file.display()), "docs/network.md shows a profile").into()
        })
    };
    files.iter().map(read).collect()
}

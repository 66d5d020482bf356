//! `fleetward enforce`: profiles become a firewall on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use fleetward_fleet::{Device, NetworkProfile, Profile};
use fleetward_guard::nft::firewall::{self, Firewall};
use fleetward_guard::nft::kernel::Kernel;
use fleetward_guard::nft::layers::{Facts, Standing, layers};
use fleetward_guard::nft::{Features, Site, Table, compile, digest_of, server};
use serde_json::{Value, json};

use super::cell;
use crate::cli::Global;
use crate::clock;
use crate::config::{Enforce as Section, Settings, member};
use crate::exit::{Exit, Failure};
use crate::printer::write_line;
use crate::server::{make_private_folder, open_store};

/// See the module.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "what is wanted: at most one")]
#[command(group = clap::ArgGroup::new("what").multiple(false))]
pub(crate) struct Enforce {
    /// Print the rules and how they differ from what was loaded last; change nothing.
    #[arg(long, group = "what")]
    dry_run: bool,
    /// Take everything of ours back, now and for the next boot.
    #[arg(long, group = "what")]
    off: bool,
    /// Say what is in force, what it counted, and what this kernel lacks.
    #[arg(long, group = "what")]
    status: bool,
    /// Say for each device which layers stand between it and the Internet, and which are missing.
    #[arg(long, group = "what")]
    layers: bool,
    /// Profiles from this folder instead of the configured one.
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
}

impl Enforce {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        if self.off {
            return off(global);
        }
        let settings = global.settings()?;
        let Some(section) = settings.config.enforce.clone() else {
            let hint = "add it: `enforce: { inside: [br0], ports: [lan1, lan2], gateway: [10.9.0.1] }`";
            return Err(Failure::input("the configuration has no section `enforce`", hint).into());
        };
        let work = Work::new(&settings, section, self.models.as_deref())?;
        if self.status {
            return work.status(global);
        }
        if self.layers {
            return work.layers(global, &settings);
        }
        if self.dry_run {
            return work.dry_run();
        }
        work.load()
    }
}

/// What everything needs.
struct Work {
    section: Section,
    devices: Vec<Device>,
    profiles: BTreeMap<Box<str>, NetworkProfile>,
    folder: PathBuf,
    kernel: Kernel,
    features: Features,
}

impl Work {
    fn new(settings: &Settings, section: Section, models: Option<&Path>) -> anyhow::Result<Self> {
        let profiles = match models {
            Some(folder) => read_models(folder)?,
            None => settings.profiles.clone(),
        };
        let profiles = profiles.into_iter().filter_map(|it| Some((it.model, it.network?))).collect();
        let mut devices = Vec::new();
        make_private_folder(&settings.data())?;
        open_store(&settings.data())?
            .each_device(|device| devices.push(device))
            .map_err(crate::server::store_failure)?;
        let kernel = Kernel::default();
        let features = kernel.probe();
        let folder = settings.data().join(FOLDER);
        Ok(Self { section, devices, profiles, folder, kernel, features })
    }

    fn site(&self) -> Site {
        Site { quarantined: firewall::quarantined(&self.folder), ..self.section.site(&self.devices) }
    }

    /// The gateway's rules and the server's.
    fn texts(&self) -> (String, String, Vec<String>) {
        let site = self.site();
        let compiled = compile(&site, &self.profiles);
        let feeder = firewall::restored(&site, &compiled, &self.folder, clock::now());
        let text = firewall::whole(&site, &self.features, &compiled, &feeder, clock::now());
        let shield = self.section.server.as_ref().and_then(|it| it.shield(&self.devices).ok());
        let server = shield.map(|it| server::ruleset(&it, &self.features)).unwrap_or_default();
        (text, server, compiled.notes)
    }

    fn load(&self) -> anyhow::Result<Exit> {
        let site = self.site();
        let members = site.members.len();
        let firewall = Firewall::start(site, &self.profiles, &self.folder, clock::now()).map_err(refused)?;
        if let Some(shield) = &self.section.server {
            let shield = shield.shield(&self.devices).map_err(|wrong| Failure::input(wrong, "write `tcp/8443`"))?;
            self.kernel.load(&server::ruleset(&shield, &self.features)).map_err(refused)?;
        }
        for (_, meaning) in self.features.missing() {
            write_line(&format!("note: {meaning}"))?;
        }
        for name in self.section.absent() {
            write_line(&format!("note: there is no interface {name} here: its rules hold once it comes"))?;
        }
        for note in firewall.notes() {
            write_line(&format!("note: {note}"))?;
        }
        let enforced = self.profiles.values().filter(|it| it.mode == fleetward_fleet::GuardMode::Enforce).count();
        write_line(&format!(
            "in force: {members} devices, {} profiles ({enforced} enforced, the rest in audit)",
            self.profiles.len()
        ))?;
        write_line("names are filled in by `fleetward serve`; take it back with: fleetward enforce --off")?;
        write_line(&format!("for the next boot: nft -f {}", self.folder.join("ruleset.nft").display()))?;
        Ok(Exit::Done)
    }

    fn dry_run(&self) -> anyhow::Result<Exit> {
        let (text, server, notes) = self.texts();
        write_line(&text)?;
        write_line(server.trim_end())?;
        for note in notes {
            write_line(&format!("# note: {note}"))?;
        }
        match self.kernel.check(&format!("{text}\n{server}")) {
            Ok(()) => write_line("# this kernel takes it")?,
            Err(error) => write_line(&format!("# not taken here: {error}"))?,
        }
        let last = firewall::last_text(&self.folder).unwrap_or_default();
        write_line("# difference to what was loaded last:")?;
        let lines = difference(&last, &text);
        if lines.is_empty() {
            write_line("#   none")?;
        }
        for line in lines {
            write_line(&format!("# {line}"))?;
        }
        Ok(Exit::Done)
    }

    fn status(&self, global: &Global) -> anyhow::Result<Exit> {
        let (text, ..) = self.texts();
        let loaded = self.kernel.loaded();
        let is_current = loaded.is_some() && loaded.as_deref() == digest_of(&text);
        let counters: Vec<Value> = self
            .kernel
            .counters()
            .into_iter()
            .map(|(table, name, packets, octets)| json!({ "table": table, "counter": name, "packets": packets, "octets": octets }))
            .collect();
        let missing: Vec<&str> = self.features.missing().map(|(_, meaning)| meaning).collect();
        let state = match (&loaded, is_current) {
            (None, _) => "not loaded",
            (Some(_), true) => "in force",
            (Some(_), false) => "in force, but other rules than the configuration says: run fleetward enforce",
        };
        let quarantined = firewall::quarantined(&self.folder);
        let answer = json!({
            "state": state,
            "server": self.kernel.has_table(Table::Server.words()),
            "quarantined": quarantined,
            "counters": counters,
            "missing": missing,
            "absent_interfaces": self.section.absent(),
            "bridged_frames_meet_ip_rules": bridge_calls_ip(),
        });
        global.printer().object(&answer, || {
            let mut lines = vec![format!("firewall: {state}"), format!("server's layer: {}", cell(&answer, "server"))];
            lines.extend(missing.iter().map(|it| format!("this kernel: {it}")));
            lines.extend(self.section.absent().iter().map(|it| format!("there is no interface {it} here")));
            if bridge_calls_ip() == Some(true) {
                lines.push(
                    "warning: bridged frames run through IP rules, too; set net.bridge.bridge-nf-call-iptables=0 and -ip6tables=0"
                        .into(),
                );
            }
            lines.extend(quarantined.iter().map(|it| format!("cut off: {it}")));
            lines.extend(counters.iter().filter(|it| it["packets"] != 0).map(|it| {
                format!(
                    "{} {}: {} packets, {} octets",
                    cell(it, "table"),
                    cell(it, "counter"),
                    it["packets"],
                    it["octets"]
                )
            }));
            lines.join("\n")
        })?;
        Ok(Exit::Done)
    }

    fn layers(&self, global: &Global, settings: &Settings) -> anyhow::Result<Exit> {
        let site = self.site();
        let (loaded, server) = (self.kernel.loaded().is_some(), self.kernel.has_table(Table::Server.words()));
        let isolated_ports = !site.ports.is_empty() && site.ports.iter().all(|port| is_isolated(port));
        let mut rows = Vec::new();
        for device in &self.devices {
            let Some(known) = member(device) else { continue };
            let profile = device.model.as_ref().and_then(|model| self.profiles.get(model));
            let stated = |it: &Profile| !(it.tacs.is_empty() && it.networks.is_empty() && it.apns.is_empty());
            let stated = settings.profiles.iter().any(|it| Some(&it.model) == device.model.as_ref() && stated(it));
            let facts = Facts {
                site: &site,
                features: &self.features,
                loaded,
                server,
                sim: device.imsi.is_some().then_some(stated),
                profile,
                isolated_ports,
            };
            for layer in layers(&known, &facts) {
                let standing = match layer.standing {
                    Standing::InForce => "in force",
                    Standing::Audit => "audit",
                    Standing::Missing => "missing",
                    Standing::NotMeasured => "not measured",
                    Standing::NotApplicable => "not applicable",
                };
                rows.push(
                    json!({ "device": device.name, "layer": layer.layer, "standing": standing, "why": layer.why }),
                );
            }
        }
        global.printer().rows(&rows, &["DEVICE", "LAYER", "STANDING", "WHY"], |row| {
            ["device", "layer", "standing", "why"].iter().map(|field| cell(row, field)).collect()
        })?;
        Ok(Exit::Done)
    }
}

/// Without reading more of the configuration than where the data is: this has to work when nothing else does.
fn off(global: &Global) -> anyhow::Result<Exit> {
    let folder = Settings::outline(&global.config).map(|(config, base)| base.join(config.data).join(FOLDER));
    match folder {
        Ok(folder) => firewall::off(&Kernel::default(), &folder).map_err(refused)?,
        Err(_) => Kernel::default().off(true).map_err(refused)?,
    }
    write_line("nothing of ours is in the firewall; `fleetward enforce`, or the next start of `serve`, puts it back")?;
    Ok(Exit::Done)
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> anyhow::Error {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    Failure::unfinished(message, "what was in force before still is; this needs root and the program nft").into()
}

fn read_models(folder: &Path) -> anyhow::Result<Vec<Profile>> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Failure::input(format!("{}: {error}", folder.display()), "name a folder with one YAML file a model")
    })?;
    let mut profiles = Vec::new();
    for path in entries.flatten().map(|it| it.path()).filter(|it| crate::rulefiles::is_rule_file(it)) {
        let text = std::fs::read_to_string(&path)?;
        let profile = Profile::from_yaml(&text)
            .map_err(|error| Failure::input(format!("{}: {error}", path.display()), "nothing was changed"))?;
        profiles.push(profile);
    }
    Ok(profiles)
}

/// Lines that came and went; of a set's elements, each by itself.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (before, after) = (pieces(before), pieces(after));
    let gone = before.iter().filter(|(it, count)| after.get(*it).is_none_or(|other| other < *count));
    let come = after.iter().filter(|(it, count)| before.get(*it).is_none_or(|other| other < *count));
    let mut lines: Vec<String> =
        gone.map(|(it, _)| format!("- {it}")).chain(come.map(|(it, _)| format!("+ {it}"))).collect();
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// Every statement and element of a text with its chain or set, and how often it is there.
fn pieces(text: &str) -> BTreeMap<String, usize> {
    let (mut pieces, mut table, mut within) = (BTreeMap::new(), "", "");
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#')) {
        if let Some(words) = line.strip_suffix(" {") {
            if words.starts_with("table ") {
                table = words;
            } else {
                within = words;
            }
            continue;
        }
        let is_living = line.starts_with("add element");
        let is_noise =
            line == "}" || line.starts_with("size ") || line.starts_with("comment ") || line.starts_with("table ");
        if is_noise || line.starts_with("delete ") {
            continue;
        }
        if is_living {
            // What is left of its life is no difference.
            let words = line.split(" timeout ").next().unwrap_or(line);
            *pieces.entry(words.to_owned()).or_default() += 1;
        } else if let Some(list) = line.strip_prefix("elements = { ").and_then(|it| it.strip_suffix(" }")) {
            for element in list.split(", ") {
                *pieces.entry(format!("{table}, {within}: {element}")).or_default() += 1;
            }
        } else {
            *pieces.entry(format!("{table}, {within}: {line}")).or_default() += 1;
        }
    }
    pieces
}

/// `br_netfilter` sends bridged frames through IP rules, where they are judged as if they were routed: `None` where it is not loaded.
pub(crate) fn bridge_calls_ip() -> Option<bool> {
    let each = ["iptables", "ip6tables"]
        .map(|it| std::fs::read_to_string(format!("/proc/sys/net/bridge/bridge-nf-call-{it}")).ok());
    let known = each.iter().flatten().map(|it| it.trim() != "0");
    known.reduce(|a, b| a || b)
}

fn is_isolated(port: &str) -> bool {
    std::fs::read_to_string(format!("/sys/class/net/{port}/brport/isolated")).is_ok_and(|it| it.trim() == "1")
}

/// In the data folder.
pub(crate) const FOLDER: &str = "enforce";
/// Lines of a difference that a person reads.
const MOST_LINES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_rules_and_elements() {
        let before = "table inet fleetward {\n  set a {\n    size 4\n    elements = { 1, 2 }\n  }\n  chain c {\n    drop\n  }\n}\nadd element inet fleetward out4 { x timeout 5s }\n";
        let after = "table inet fleetward {\n  set a {\n    size 8\n    elements = { 2, 3 }\n  }\n  chain c {\n    accept\n  }\n}\nadd element inet fleetward out4 { x timeout 3s }\n";
        let expected = [
            "- table inet fleetward, chain c: drop",
            "- table inet fleetward, set a: 1",
            "+ table inet fleetward, chain c: accept",
            "+ table inet fleetward, set a: 3",
        ];
        assert_eq!(difference(before, after), expected);
        assert!(difference(after, after).is_empty());
    }
}

//! The stage: a folder with a configuration like any other, the fleet, the gateways.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use fleetward_fleet::{Device, DeviceId, DeviceState, PlannedChange, PlannedKind, PlannedScope, Secret};
use fleetward_store::{NewToken, Role, TokenKind};
use fleetward_testkit::fleet::{Fleet, Member};
use fleetward_testkit::load;
use fleetward_testkit::nas::Entry;
use fleetward_testkit::story::{GatewaySpec, Nuisance, Script, Story};

use crate::clock;
use crate::command::demo::Demo;
use crate::command::secret::{random_text, write_new};
use crate::config::{Log, LogFormat, LogLevel, Settings};
use crate::server::Server;

/// SIMs of the background load, beside the fleet of the story.
pub(super) const LOAD_SIMS: u32 = 20_000;
/// Far from the story's own SIMs.
pub(super) const LOAD_FIRST: u32 = 1_000_000;
/// Where the background load comes from.
pub(super) const LOAD_SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 20));
const LOAD_CLIENT: &str = "load";

/// The demo's folder, removed at the end.
pub(super) struct Scene {
    folder: tempfile::TempDir,
    fleet: Fleet,
    load_secret: String,
}

/// Only what is serious: the story is told on the same terminal.
pub(super) fn quiet_log() -> Log {
    Log { format: LogFormat::Text, level: LogLevel::Error }
}

pub(super) fn fleet(demo: &Demo) -> Fleet {
    Fleet::new(demo.seed, demo.sims)
}

/// Two gateways that ask before they open a session, and a legacy one that only accounts.
pub(super) fn gateways() -> anyhow::Result<Vec<GatewaySpec>> {
    let spec = |name: &str, last: u8, entry| {
        anyhow::Ok(GatewaySpec {
            name: name.to_owned(),
            ip: IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)),
            dae_port: 0,
            secret: Secret::new(random_text(32)?),
            entry,
        })
    };
    Ok(vec![
        spec("pgw-north", 11, Entry::Asks)?,
        spec("pgw-south", 12, Entry::Asks)?,
        spec("ggsn-legacy", 13, Entry::Unasked)?,
    ])
}

/// The device whose moves are announced: the last active one that does not leave its country.
pub(super) fn announced(fleet: &Fleet) -> Option<Box<str>> {
    let fits = |member: &&Member| {
        member.device.state == DeviceState::Active && !member.model.critical && member.model.name == "water-meter"
    };
    fleet.members.iter().rev().find(fits).map(|member| member.device.name.clone())
}

/// What is played: every misuse, every nuisance, and a move that was announced.
pub(super) fn script(demo: &Demo, fleet: &Fleet) -> Script {
    let mut script = Script::demo(demo.seed);
    script.announced = announced(fleet);
    if script.announced.is_some() {
        script.nuisances.insert(3, Nuisance::AnnouncedMove);
    }
    script
}

impl Scene {
    /// Writes configuration, profiles and secrets into a new folder.
    pub(super) fn build(story: &mut Story, specs: &[GatewaySpec], demo: &Demo) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no folder for the demo")?;
        let load_secret = random_text(32)?;
        let at = |name: &str| folder.path().join(name);
        let mut config = String::from(
            "data: data\nradius:\n  authentication: [\"127.0.0.1:0\"]\n  accounting: [\"127.0.0.1:0\"]\n  clients:\n",
        );
        for (gateway, spec) in story.gateways()?.iter().zip(specs) {
            let name = &gateway.name;
            write_new(&at(&format!("secrets/{name}")), spec.secret.reveal())?;
            write!(
                config,
                "    - name: {name}\n      address: {}\n      secret: {{ file: secrets/{name} }}\n      disconnect:\n        \
                 to: \"{}\"\n        secret: {{ file: secrets/{name} }}\n        keys: [[acct-session-id, 3gpp-imsi]]\n        \
                 deadline: 10 s\n",
                gateway.ip, gateway.dae
            )?;
        }
        write_new(&at("secrets/load"), load_secret.as_bytes())?;
        write!(
            config,
            "    - name: {LOAD_CLIENT}\n      address: {LOAD_SOURCE}\n      secret: {{ file: secrets/load }}\n\
             api:\n  listen: \"127.0.0.1:0\"\n  tls: off\nsnapshot_every: 20 s\nautomation:\n  devices_per_hour: 1000\n"
        )?;
        config.push_str(&super::site::config());
        super::site::make_pipe(folder.path())?;
        write_new(&at("fleetward.yaml"), config.as_bytes())?;
        for (file, profile) in Fleet::profiles() {
            write_new(&at("models").join(file), profile.as_bytes())?;
        }
        write_new(&at("models/load.yaml"), load::PROFILE.as_bytes())?;
        write_new(&at("models/doorbell.yaml"), fleetward_testkit::site::PROFILE.as_bytes())?;
        Ok(Self { folder, fleet: fleet(demo), load_secret })
    }

    /// The configuration, read the way `serve` reads it.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let path: PathBuf = self.folder.path().join("fleetward.yaml");
        Settings::load(&path).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the demo's own configuration is wrong: {}", lines.join("; "))
        })
    }

    /// Imports the inventory.
    pub(super) fn furnish(&self, server: &Server, demo: &Demo) -> anyhow::Result<()> {
        let mut devices = self.fleet.devices();
        devices.extend(super::site::devices());
        if demo.rate > 0 {
            devices.extend((0..LOAD_SIMS).map(|index| load::device(LOAD_FIRST + index)));
        }
        server.import(devices, "demo")?;
        let Some(name) = announced(&self.fleet) else { return Ok(()) };
        let now = clock::now();
        let change = PlannedChange {
            name: "wo-4711".into(),
            scope: PlannedScope { devices: vec![name], ..PlannedScope::default() },
            excuses: vec![PlannedKind::Move],
            rules: Vec::new(),
            from: now,
            until: now + Duration::from_hours(24),
            reason: "shown abroad at a fair".into(),
            reference: "work order 4711".into(),
            by: "demo".into(),
        };
        server.plan(change)
    }

    /// A token that a day later is worth nothing.
    pub(super) fn token(server: &Server) -> anyhow::Result<String> {
        let now = clock::now();
        let expires_at = now + Duration::from_hours(24);
        let new = NewToken { name: "demo", kind: TokenKind::Api, scope: Role::Admin, user: None, expires_at };
        Ok(server.store.create_token(&new, now)?.1)
    }

    /// The devices of the story, to recognise them in findings.
    pub(super) fn devices(&self) -> Vec<(DeviceId, Box<str>)> {
        let all = self.fleet.devices().into_iter().chain(super::site::devices());
        all.map(|device: Device| (device.id(), device.name)).collect()
    }

    /// Where its files are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Shared with the background load.
    pub(super) fn load_secret(&self) -> Secret {
        Secret::new(self.load_secret.as_bytes())
    }
}

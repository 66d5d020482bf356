//! The firewall as it runs: loaded, kept up to date, put back after a restart, taken away with one command.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fleetward_fleet::{Mac, NetworkProfile, Timestamp};
use serde::{Deserialize, Serialize};

use super::compile::bindings;
use super::kernel::{Kernel, KernelError};
use super::netlink::{self, NetlinkError, Socket};
use super::{
    Answer, Change, Compiled, Element, Features, Feeder, Kept, Mark, Member, Site, compile, digest_of, quarantine,
    ruleset, sets,
};

/// Why the firewall is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum FirewallError {
    /// Loading.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// Changing elements.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The folder of its state.
    #[error("{path}")]
    State {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// This kernel cannot.
    #[error("{0}")]
    Unable(&'static str),
}

/// What outlives the process, beside the ruleset itself.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// Devices that are cut off.
    quarantined: Vec<Mac>,
    /// Addresses that are cut off.
    #[serde(default)]
    quarantined_ips: Vec<IpAddr>,
    /// Addresses of names that live.
    names: Vec<Kept>,
    /// Leases that were seen.
    leases: Vec<(Mac, IpAddr)>,
}

/// The firewall of one site. One owner; every change is in force when the call returns.
#[derive(Debug)]
pub struct Firewall {
    kernel: Kernel,
    socket: Socket,
    features: Features,
    folder: PathBuf,
    site: Site,
    compiled: Compiled,
    feeder: Feeder,
    leases: HashMap<IpAddr, Mac>,
    digest: Option<String>,
}

impl Firewall {
    /// Probes, compiles and loads: afterwards the new rules are in force or, with an error, those of before.
    ///
    /// `folder` keeps what a restart needs: `ruleset.nft` (load it at boot, before the network is up) and `state.json`.
    pub fn start(
        site: Site,
        profiles: &BTreeMap<Box<str>, NetworkProfile>,
        folder: &Path,
        now: Timestamp,
    ) -> Result<Self, FirewallError> {
        let kernel = Kernel::default();
        let features = kernel.probe();
        if !features.has(super::Probe::Base) {
            return Err(FirewallError::Unable(super::Probe::Base.without()));
        }
        let state = read_state(folder);
        let feeder = Feeder::default();
        let leases = state.leases.iter().map(|(mac, ip)| (*ip, *mac)).collect();
        let socket = Socket::open()?;
        let mut firewall = Self {
            kernel,
            socket,
            features,
            folder: folder.to_owned(),
            site,
            compiled: Compiled::default(),
            digest: None,
            feeder,
            leases,
        };
        firewall.site.quarantined.extend(state.quarantined);
        firewall.site.quarantined_ips.extend(state.quarantined_ips);
        firewall.replace(firewall.site.clone(), profiles, Some(state.names), now)?;
        Ok(firewall)
    }

    /// Compiles anew (other profiles, members, options) and swaps, keeping what names led to, leases and quarantines.
    pub fn reload(
        &mut self,
        mut site: Site,
        profiles: &BTreeMap<Box<str>, NetworkProfile>,
        now: Timestamp,
    ) -> Result<(), FirewallError> {
        site.quarantined.extend(&self.site.quarantined);
        site.quarantined_ips.extend(&self.site.quarantined_ips);
        self.replace(site, profiles, None, now)
    }

    fn replace(
        &mut self,
        mut site: Site,
        profiles: &BTreeMap<Box<str>, NetworkProfile>,
        names: Option<Vec<Kept>>,
        now: Timestamp,
    ) -> Result<(), FirewallError> {
        site.quarantined.sort_unstable();
        site.quarantined.dedup();
        site.quarantined_ips.sort_unstable();
        site.quarantined_ips.dedup();
        for (ip, mac) in &self.leases {
            if let Some(member) = site.members.iter_mut().find(|it| it.mac == *mac && !it.ips.contains(ip)) {
                member.ips.push(*ip);
            }
        }
        let compiled = compile(&site, profiles);
        let mut feeder = Feeder::new(&site, &compiled);
        match names {
            Some(names) => feeder.restore(&names, now),
            None => feeder.inherit(&self.feeder, now),
        }
        let text = whole(&site, &self.features, &compiled, &feeder, now);
        self.kernel.load(&text)?;
        let enforced = newly_enforced(&self.compiled, &compiled);
        self.digest = digest_of(&text).map(ToOwned::to_owned);
        (self.site, self.compiled, self.feeder) = (site, compiled, feeder);
        for mark in enforced {
            self.socket.tell(&netlink::delete_audited(mark))?;
        }
        self.save(now)
    }

    /// An answer passed on its way to a device. Says how many elements changed.
    pub fn answer(&mut self, answer: Answer<'_>, now: Timestamp) -> Result<usize, FirewallError> {
        let changes = self.feeder.answer(answer, now);
        if !changes.is_empty() {
            self.socket.apply(&changes)?;
        }
        Ok(changes.len())
    }

    /// A device was seen to use this address (it asked a name from there): answers to it are that device's.
    pub fn seen(&mut self, mac: Mac, ip: IpAddr) {
        self.feeder.seen(mac, ip);
    }

    /// A device was given this address: it is bound to it, and nobody else is.
    pub fn lease(&mut self, mac: Mac, ip: IpAddr) -> Result<(), FirewallError> {
        if self.leases.get(&ip) == Some(&mac) || self.leases.len() >= MOST_LEASES {
            return Ok(());
        }
        let mut changes = Vec::new();
        // Whoever had it before has it no more, and the device has no other of the same family by lease.
        let old: Vec<(IpAddr, Mac)> = self
            .leases
            .iter()
            .filter(|(other, owner)| **other == ip || **owner == mac && other.is_ipv4() == ip.is_ipv4())
            .map(|(other, owner)| (*other, *owner))
            .collect();
        for (other, owner) in old {
            self.leases.remove(&other);
            if let Some(member) = self.site.members.iter_mut().find(|it| it.mac == owner) {
                let given = Member { ips: vec![other], ..member.clone() };
                member.ips.retain(|it| *it != other);
                let mark = mark_of(&self.compiled, member);
                let own = |set: &super::Set| *set != sets::PROFILE && *set != sets::BRIDGE_PROFILE;
                let gone = bindings(&given, mark).into_iter().filter(|(set, _)| own(set));
                changes.extend(gone.map(|(set, element)| Change::Take { set, element }));
            }
        }
        let Some(member) = self.site.members.iter_mut().find(|it| it.mac == mac) else { return Ok(()) };
        if !member.ips.contains(&ip) {
            member.ips.push(ip);
        }
        let given = Member { ips: vec![ip], ..member.clone() };
        let mark = mark_of(&self.compiled, member);
        changes.extend(bindings(&given, mark).into_iter().map(|(set, element)| Change::Put {
            set,
            element,
            life: None,
        }));
        if self.site.quarantined.contains(&mac) {
            changes.extend(quarantine::cut(&given));
        }
        self.socket.apply(&changes)?;
        self.leases.insert(ip, mac);
        if let Some(mark) = mark {
            self.feeder.learn(mac, &[ip], mark);
        }
        Ok(())
    }

    /// Cuts a device off (or lets it back), connections that live included. `device` as the inventory knows it: addresses that it was
    /// seen to have are cut off with it.
    pub fn isolate(&mut self, device: &Member, cut: bool, now: Timestamp) -> Result<(), FirewallError> {
        let member = self.as_known(device);
        let changes = if cut { quarantine::cut(&member) } else { quarantine::release(&member) };
        self.socket.apply(&changes)?;
        self.site.quarantined.retain(|it| *it != member.mac);
        self.site.quarantined_ips.retain(|it| !member.ips.contains(it));
        if cut {
            if member.mac.is_unknown() {
                self.site.quarantined_ips.extend(&member.ips);
            } else {
                self.site.quarantined.push(member.mac);
            }
            for message in quarantine::forget(&member) {
                // The sets have cut it already; an old kernel that cannot filter by address only keeps the entries longer.
                self.socket.tell(&message).ok();
            }
        }
        self.save(now)
    }

    /// Packets of a device that were dropped since it was cut off, read back from the kernel; `None`: it is not cut off.
    pub fn dropped(&self, device: &Member) -> Option<u64> {
        quarantine::dropped(&self.kernel, &self.as_known(device))
    }

    /// With the addresses that are known here.
    fn as_known(&self, device: &Member) -> Member {
        let here = self.site.members.iter().find(|it| it.mac == device.mac && !it.mac.is_unknown());
        let mut member = device.clone();
        let more = here.into_iter().flat_map(|it| &it.ips).filter(|ip| !device.ips.contains(ip));
        member.ips.extend(more);
        member
    }

    /// Writes down what a restart needs.
    pub fn save(&mut self, now: Timestamp) -> Result<(), FirewallError> {
        self.feeder.tidy(now);
        let state = State {
            quarantined: self.site.quarantined.clone(),
            quarantined_ips: self.site.quarantined_ips.clone(),
            names: self.feeder.kept(now),
            leases: self.leases.iter().map(|(ip, mac)| (*mac, *ip)).collect(),
        };
        let text = whole(&self.site, &self.features, &self.compiled, &self.feeder, now);
        write(&self.folder.join(RULESET), &text)?;
        write(&self.folder.join(STATE), &serde_json::to_string(&state).unwrap_or_default())
    }

    /// The rules of this process are in force: nobody took them away or put others there.
    pub fn is_in_force(&self) -> bool {
        self.digest.is_some() && self.kernel.loaded() == self.digest
    }

    /// Answers that led to nothing.
    pub fn ignored(&self) -> super::Ignored {
        self.feeder.ignored
    }

    /// What this kernel has.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// What a person should know of what was compiled.
    pub fn notes(&self) -> &[String] {
        &self.compiled.notes
    }

    /// The site as it is now.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The kernel, to read counters.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }
}

/// The whole text: rules, elements, and what names led to with what is left of its life.
pub fn whole(site: &Site, features: &Features, compiled: &Compiled, feeder: &Feeder, now: Timestamp) -> String {
    let mut text = ruleset(site, features, &compiled.elements);
    for (set, element, left) in feeder.living(now) {
        let life = Some(left.max(Duration::from_secs(1)));
        text.push_str(&Change::Put { set, element: element.clone(), life }.to_text());
    }
    text
}

/// What lived in `folder` when the last process ended, as far as it is still allowed; for a text that is only to be read.
pub fn restored(site: &Site, compiled: &Compiled, folder: &Path, now: Timestamp) -> Feeder {
    let mut feeder = Feeder::new(site, compiled);
    feeder.restore(&read_state(folder).names, now);
    feeder
}

/// Devices that `folder` says are cut off.
pub fn quarantined(folder: &Path) -> Vec<Mac> {
    read_state(folder).quarantined
}

/// The text that was loaded last, as `folder` keeps it.
pub fn last_text(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(RULESET)).ok()
}

/// Takes everything of ours away, in the kernel and in the folder, so that nothing comes back at the next boot.
pub fn off(kernel: &Kernel, folder: &Path) -> Result<(), FirewallError> {
    kernel.off(true)?;
    match fs::remove_file(folder.join(RULESET)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FirewallError::State { path: folder.join(RULESET), source })
        }
        _ => Ok(()),
    }
}

fn read_state(folder: &Path) -> State {
    // Without it names fill again with the next answers; a file that cannot be read is no reason to stay without a firewall.
    let text = fs::read_to_string(folder.join(STATE)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Beside it, then over it: a reader sees the old or the new.
fn write(path: &Path, text: &str) -> Result<(), FirewallError> {
    let failed = |source| FirewallError::State { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let beside = path.with_extension("new");
    fs::write(&beside, text).map_err(failed)?;
    fs::File::open(&beside).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)
}

fn mark_of(compiled: &Compiled, member: &Member) -> Option<Mark> {
    member.model.as_ref().and_then(|model| compiled.marks.get(model)).copied()
}

/// Profiles that were in audit and are not any more.
fn newly_enforced(before: &Compiled, after: &Compiled) -> Vec<Mark> {
    let audited = |compiled: &Compiled, mark: Mark| {
        let mode = Element::Mode(mark, super::Verdict::Audit);
        compiled.elements.get(&sets::MODE).is_some_and(|it| it.contains(&mode))
    };
    after.marks.values().copied().filter(|mark| audited(before, *mark) && !audited(after, *mark)).collect()
}

const RULESET: &str = "ruleset.nft";
const STATE: &str = "state.json";
/// Leases that are remembered.
const MOST_LEASES: usize = 65_536;

//! What admission needs of every SIM, in memory: identity → [`Sim`].
//!
//! It is a projection of the inventory and of the journal; nothing here is the truth. Built at start, changed after
//! the journal has the change. Sharded, so that receive threads seldom meet.
//!
//! # Invariants
//!
//! * **No stale identity**: when a device's IMSI or login changes or the device goes, the old one finds nothing.
//! * **Small**: at most ~200 bytes per SIM all told (a test counts them).
//! * **An open session that is silent for three interim intervals does not block** ([`Open::is_alive`]).

use std::hash::Hasher;
use std::net::Ipv4Addr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use fleetward_fleet::metric::Sample;
use fleetward_fleet::{Device, DeviceId, DeviceState, Identity, Imei, ImeiLock, Imsi, Profile, SessionKey, Timestamp};
use hashbrown::HashMap;
use ipnet::Ipv6Net;
use parking_lot::RwLock;
use siphasher::sip::SipHasher13;

mod names;
mod shard;

use names::Names;
use shard::{OpenEntry, Record, Shard};

/// Asked for where neither the profile nor the configuration states an interim interval, seconds.
pub const DEFAULT_INTERIM_SECS: u32 = 300;

const SHARDS: usize = 64;

/// An open session, ready to be remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenMark(OpenEntry);

/// One device as admission sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sim {
    /// Which device.
    pub device: DeviceId,
    /// Where it is in its life.
    pub state: DeviceState,
    /// The module that belongs to it, if known.
    pub imei: Option<Imei>,
    /// Whether another module may use the SIM.
    pub imei_lock: ImeiLock,
    /// The name of its profile.
    pub model: Option<Arc<str>>,
    /// Fixed IPv4 address.
    pub ip: Option<Ipv4Addr>,
    /// Fixed IPv6 prefix.
    pub ipv6: Option<Ipv6Net>,
    /// Somebody is in danger when it falls silent.
    pub critical: bool,
    /// Sessions that are open as far as accounting told. Mostly none or one.
    pub open: Vec<Open>,
}

/// A session that accounting opened and has not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// [`session_hash`] of its key.
    pub session: u64,
    /// The configured name of its NAS.
    pub nas: Arc<str>,
    /// When its last record arrived, in whole seconds.
    pub last: Timestamp,
}

impl Open {
    /// It was heard of within three interim intervals.
    pub fn is_alive(&self, now: Timestamp, interim_secs: u32) -> bool {
        now.secs().saturating_sub(self.last.secs()) <= 3 * i64::from(interim_secs)
    }
}

/// A session's key as a number: enough to tell sessions of one SIM apart.
pub fn session_hash(key: &SessionKey) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0x666c_6565_7477_6172, 0x7365_7373_696f_6e31);
    hasher.write(key.nas.as_bytes());
    hasher.write_u8(0xFF);
    hasher.write(key.id.as_bytes());
    hasher.finish()
}

/// All SIMs and profiles. Shared by the receive threads, the projector of the inventory and the wiring.
#[derive(Debug)]
pub struct Directory {
    imsis: Box<[RwLock<HashMap<Imsi, DeviceId>>]>,
    logins: RwLock<HashMap<Box<str>, DeviceId>>,
    devices: Box<[RwLock<Shard>]>,
    models: Names,
    nases: Names,
    profiles: ArcSwap<HashMap<Box<str>, Arc<Profile>>>,
}

impl Default for Directory {
    fn default() -> Self {
        Self::new()
    }
}

impl Directory {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            imsis: (0..SHARDS).map(|_| RwLock::default()).collect(),
            logins: RwLock::default(),
            devices: (0..SHARDS).map(|_| RwLock::default()).collect(),
            models: Names::default(),
            nases: Names::default(),
            profiles: ArcSwap::default(),
        }
    }

    /// Replaces all profiles at once.
    pub fn set_profiles(&self, profiles: impl IntoIterator<Item = Arc<Profile>>) {
        self.profiles.store(Arc::new(profiles.into_iter().map(|p| (p.model.clone(), p)).collect()));
    }

    /// The profile of this model.
    pub fn profile(&self, model: &str) -> Option<Arc<Profile>> {
        self.profiles.load().get(model).cloned()
    }

    /// Puts the device in, or in place of what was known under its id. Its open sessions stay.
    ///
    /// An identity that another device had goes to this one; the inventory keeps them unique.
    pub fn upsert(&self, device: &Device) {
        let id = device.id();
        let record = Record::of(device, device.model.as_deref().map_or(Names::NONE, |model| self.models.number(model)));
        // The device first: an identity must never lead to nothing.
        let old = self.shard(id).write().put(record, device.login.clone());
        if let Some(imsi) = device.imsi {
            self.imsi_shard(imsi).write().insert(imsi, id);
        }
        if let Some(login) = &device.login {
            self.logins.write().insert(login.clone(), id);
        }
        let Some((imsi, login)) = old else { return };
        self.drop_identities(
            id,
            imsi.filter(|old| Some(*old) != device.imsi),
            login.filter(|old| Some(old) != device.login.as_ref()),
        );
    }

    /// Takes the device out, with its identities and sessions.
    pub fn remove(&self, id: DeviceId) {
        let old = self.shard(id).write().remove(id);
        if let Some((imsi, login)) = old {
            self.drop_identities(id, imsi, login);
        }
    }

    /// The device with this identity.
    pub fn find(&self, identity: &Identity) -> Option<Sim> {
        let id = self.device_of(identity)?;
        let shard = self.shard(id).read();
        shard.get(id).map(|record| self.sim(record))
    }

    /// The id of the device with this identity.
    pub fn device_of(&self, identity: &Identity) -> Option<DeviceId> {
        match identity {
            Identity::Imsi(imsi) => self.imsi_shard(*imsi).read().get(imsi).copied(),
            Identity::Login(login) => self.logins.read().get(login).copied(),
            // No gateway admits by a hardware address.
            Identity::Mac(_) => None,
        }
    }

    /// A record of this open session arrived (a Start or an Interim) at `last_activity`. The server does this itself
    /// for records that it stores; at start the wiring does it for the sessions of the snapshot.
    pub fn session_opened(&self, device: DeviceId, key: &SessionKey, last_activity: Timestamp) {
        self.mark_open(device, self.open_mark(key, last_activity));
    }

    /// The session is over.
    pub fn session_ended(&self, device: DeviceId, key: &SessionKey) {
        self.mark_ended(device, session_hash(key));
    }

    /// Every session of this NAS is over (Accounting-On or -Off). Costs the same for one SIM and for a million.
    pub fn nas_reset(&self, nas: &str) {
        self.mark_reset(self.nas_number(nas));
    }

    /// [`Self::session_opened`] in two steps: what to remember…
    pub(crate) fn open_mark(&self, key: &SessionKey, last_activity: Timestamp) -> OpenMark {
        let nas = self.nas_number(&key.nas);
        OpenMark(OpenEntry::new(session_hash(key), nas, self.nases.epoch(nas), last_activity))
    }

    /// … and to remember it. A NAS that was reset in between has no such session any more.
    pub(crate) fn mark_open(&self, device: DeviceId, OpenMark(entry): OpenMark) {
        self.shard(device).write().opened(device, entry, |nas| self.nases.epoch(nas));
    }

    pub(crate) fn mark_ended(&self, device: DeviceId, session: u64) {
        self.shard(device).write().ended(device, session);
    }

    pub(crate) fn nas_number(&self, nas: &str) -> u16 {
        self.nases.number(nas)
    }

    pub(crate) fn mark_reset(&self, nas: u16) {
        self.nases.next_epoch(nas);
    }

    /// How many devices it holds.
    pub fn len(&self) -> usize {
        self.devices.iter().map(|shard| shard.read().len()).sum()
    }

    /// It holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that it takes, by capacity.
    pub fn bytes(&self) -> usize {
        let devices: usize = self.devices.iter().map(|shard| shard.read().bytes()).sum();
        let imsis: usize = self.imsis.iter().map(|map| map.read().allocation_size()).sum();
        devices + imsis + self.logins.read().allocation_size()
    }

    /// See the table in [`crate::metrics`].
    pub(crate) fn metrics(&self) -> Vec<Sample> {
        #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
        let gauge = |name, help, value: usize| Sample::gauge(name, help, value as f64);
        vec![
            gauge("fleetward_directory_devices", "Devices that admission knows.", self.len()),
            gauge("fleetward_directory_bytes", "Memory that the directory takes.", self.bytes()),
        ]
    }

    fn sim(&self, record: &Record) -> Sim {
        let open = |entry: &OpenEntry| {
            let nas = self.nases.name(entry.nas)?;
            (entry.epoch == self.nases.epoch(entry.nas)).then(|| Open {
                session: entry.session,
                nas,
                last: entry.last(),
            })
        };
        Sim {
            device: record.device,
            state: record.state,
            imei: record.imei(),
            imei_lock: record.imei_lock,
            model: self.models.name(record.model),
            ip: record.ip,
            ipv6: record.ipv6.as_deref().copied(),
            critical: record.critical,
            open: record.open().filter_map(open).collect(),
        }
    }

    fn drop_identities(&self, id: DeviceId, imsi: Option<Imsi>, login: Option<Box<str>>) {
        // Only where it still leads to this device: it may have gone to another one since.
        if let Some(imsi) = imsi {
            let mut map = self.imsi_shard(imsi).write();
            if map.get(&imsi) == Some(&id) {
                map.remove(&imsi);
            }
        }
        if let Some(login) = login {
            let mut map = self.logins.write();
            if map.get(&login) == Some(&id) {
                map.remove(&login);
            }
        }
    }

    fn shard(&self, id: DeviceId) -> &RwLock<Shard> {
        &self.devices[(id.0 >> 32) as usize % SHARDS]
    }

    fn imsi_shard(&self, imsi: Imsi) -> &RwLock<HashMap<Imsi, DeviceId>> {
        // The last digits of an IMSI are dense, so their remainder spreads evenly.
        &self.imsis[(imsi.number() % SHARDS as u64) as usize]
    }
}

#[cfg(test)]
mod tests;

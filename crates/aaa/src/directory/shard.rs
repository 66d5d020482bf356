//! One shard of the devices: records in a slab, and an index of 4 octets a device.

use std::hash::{BuildHasher, Hasher};
use std::net::Ipv4Addr;

use fleetward_fleet::{Device, DeviceId, DeviceState, Imei, ImeiLock, Imsi, Timestamp};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use ipnet::Ipv6Net;

/// What a removed or replaced record was known by.
pub(super) type Identities = (Option<Imsi>, Option<Box<str>>);

/// A device, packed.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) device: DeviceId,
    imsi: Option<Imsi>,
    imei: u64,
    pub(super) ip: Option<Ipv4Addr>,
    pub(super) ipv6: Option<Box<Ipv6Net>>,
    pub(super) model: u16,
    pub(super) state: DeviceState,
    pub(super) imei_lock: ImeiLock,
    pub(super) critical: bool,
    has_login: bool,
    /// The first open session inline, because more than one is rare.
    first: Option<OpenEntry>,
    #[expect(clippy::box_collection, reason = "8 octets in a million records instead of 24")]
    more: Option<Box<Vec<OpenEntry>>>,
}

/// At most so many open sessions a device are remembered; the one that was silent longest goes first.
const MAX_OPEN: usize = 8;

/// No module is known: no 14 digits make this number.
const NO_IMEI: u64 = u64::MAX;

impl Record {
    pub(super) fn of(device: &Device, model: u16) -> Self {
        Self {
            device: device.id(),
            imsi: device.imsi,
            imei: device.imei.map_or(NO_IMEI, Imei::number),
            ip: device.ip,
            ipv6: device.ipv6.map(Box::new),
            model,
            state: device.state,
            imei_lock: device.imei_lock,
            critical: device.critical,
            has_login: device.login.is_some(),
            first: None,
            more: None,
        }
    }

    pub(super) fn imei(&self) -> Option<Imei> {
        Imei::from_number(self.imei)
    }

    pub(super) fn open(&self) -> impl Iterator<Item = &OpenEntry> {
        self.first.iter().chain(self.more.iter().flat_map(|more| more.iter()))
    }

    /// Keeps only the entries that `keep` wants, then adds `new`.
    fn reopen(&mut self, keep: impl Fn(&OpenEntry) -> bool, new: Option<OpenEntry>) {
        let mut all: Vec<OpenEntry> = self.open().filter(|entry| keep(entry)).copied().collect();
        all.extend(new);
        all.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.last));
        all.truncate(MAX_OPEN);
        let mut all = all.into_iter();
        self.first = all.next();
        self.more = if all.len() == 0 { None } else { Some(Box::new(all.collect())) };
    }
}

/// An open session, packed in 16 octets.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenEntry {
    pub(super) session: u64,
    /// Seconds since 1970; enough until 2106.
    last: u32,
    pub(super) nas: u16,
    pub(super) epoch: u16,
}

impl OpenEntry {
    pub(super) fn new(session: u64, nas: u16, epoch: u16, last: Timestamp) -> Self {
        Self { session, last: u32::try_from(last.secs()).unwrap_or(0), nas, epoch }
    }

    pub(super) fn last(&self) -> Timestamp {
        Timestamp::from_secs(i64::from(self.last))
    }
}

/// One shard.
#[derive(Debug, Default)]
pub(super) struct Shard {
    records: Vec<Record>,
    index: HashTable<u32>,
    /// Logins of the few devices that have one, for taking them out again.
    logins: HashMap<DeviceId, Box<str>>,
    hasher: IdHasher,
}

impl Shard {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn get(&self, id: DeviceId) -> Option<&Record> {
        self.slot(id).map(|slot| &self.records[slot])
    }

    /// Puts it in; returns by what the device was known before.
    pub(super) fn put(&mut self, mut record: Record, login: Option<Box<str>>) -> Option<Identities> {
        let id = record.device;
        let old_login = self.logins.remove(&id);
        if let Some(login) = login {
            self.logins.insert(id, login);
        }
        if let Some(slot) = self.slot(id) {
            let old = &mut self.records[slot];
            record.first = old.first.take();
            record.more = old.more.take();
            let imsi = old.imsi;
            *old = record;
            return Some((imsi, old_login));
        }
        // An eighth more at a time: doubling would waste half of what a million SIMs take.
        if self.records.len() == self.records.capacity() {
            self.records.reserve_exact((self.records.len() / 8).max(16));
        }
        self.records.push(record);
        let slot = (self.records.len() - 1) as u32;
        let Self { records, index, hasher, .. } = self;
        index.insert_unique(hasher.of(id), slot, |&slot| hasher.of(records[slot as usize].device));
        None
    }

    /// Takes it out; returns by what it was known.
    pub(super) fn remove(&mut self, id: DeviceId) -> Option<Identities> {
        let slot = self.slot(id)?;
        self.unindex(id);
        let gone = self.records.swap_remove(slot);
        if let Some(moved) = self.records.get(slot).map(|record| record.device) {
            let old_slot = self.records.len() as u32;
            if let Some(entry) = self.index.find_mut(self.hasher.of(moved), |&slot| slot == old_slot) {
                *entry = slot as u32;
            }
        }
        let login = if gone.has_login { self.logins.remove(&id) } else { None };
        Some((gone.imsi, login))
    }

    /// Enters or refreshes an open session; forgets those of earlier epochs of their NAS.
    pub(super) fn opened(&mut self, id: DeviceId, entry: OpenEntry, epoch_of: impl Fn(u16) -> u16) {
        let Some(slot) = self.slot(id) else { return };
        let record = &mut self.records[slot];
        match &mut record.first {
            // The common cases without touching the heap: the only session, again or for the first time.
            Some(first) if first.session == entry.session && record.more.is_none() => *first = entry,
            None => record.first = Some(entry),
            Some(_) => record.reopen(|old| old.session != entry.session && old.epoch == epoch_of(old.nas), Some(entry)),
        }
    }

    /// Forgets an open session.
    pub(super) fn ended(&mut self, id: DeviceId, session: u64) {
        if let Some(slot) = self.slot(id) {
            self.records[slot].reopen(|old| old.session != session, None);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.records.capacity() * size_of::<Record>() + self.index.allocation_size() + self.logins.allocation_size()
    }

    fn slot(&self, id: DeviceId) -> Option<usize> {
        let records = &self.records;
        self.index.find(self.hasher.of(id), |&slot| records[slot as usize].device == id).map(|&slot| slot as usize)
    }

    fn unindex(&mut self, id: DeviceId) {
        let Self { records, index, hasher, .. } = self;
        if let Ok(entry) = index.find_entry(hasher.of(id), |&slot| records[slot as usize].device == id) {
            entry.remove();
        }
    }
}

/// Hashes ids with a key of this process: device names may be chosen by strangers (unknown logins never get here,
/// but an imported list does).
#[derive(Debug, Default)]
struct IdHasher(DefaultHashBuilder);

impl IdHasher {
    fn of(&self, id: DeviceId) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write_u64(id.0);
        hasher.finish()
    }
}

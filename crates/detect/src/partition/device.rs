//! One device of a partition, packed: there are millions.

use std::net::Ipv4Addr;

use fleetward_fleet::{Device, DeviceId, DeviceState, Identity, Imei, ImeiLock, Imsi, Msisdn, Timestamp};
use fleetward_rules::SubjectState;
use serde::{Deserialize, Serialize};

use super::names::Names;
use crate::intern::Symbol;
use crate::pack::Packed;
use crate::session::Sessions;

/// What detection keeps of one device: the judging copy of its inventory entry, its sessions, its rules' state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: DeviceId,
    /// For people: identities in it are masked.
    pub(crate) name: Box<str>,
    pub(crate) imsi: Packed<Imsi>,
    pub(crate) imei: Packed<Imei>,
    pub(crate) msisdn: Packed<Msisdn>,
    pub(crate) model: Option<Symbol>,
    pub(crate) groups: Symbol,
    pub(crate) ip: Option<Ipv4Addr>,
    pub(crate) state: DeviceState,
    pub(crate) imei_lock: ImeiLock,
    pub(crate) critical: bool,
    /// The inventory has it.
    pub(crate) known: bool,
    /// It is in the set of devices that every tick looks at.
    pub(crate) watched: bool,
    first_seen: i64,
    last_seen: i64,
    pub(crate) bytes_up: u64,
    pub(crate) bytes_down: u64,
    /// Sessions ever begun.
    pub(crate) begun: u32,
    pub(crate) sessions: Sessions,
    pub(crate) rules: SubjectState,
}

/// No time yet; no event can carry it.
const NEVER: i64 = i64::MIN;

impl Entry {
    /// A device that the inventory does not have.
    pub(crate) fn unknown(id: DeviceId, identity: Option<&Identity>, names: &mut Names) -> Self {
        let imsi = match identity {
            Some(Identity::Imsi(imsi)) => Some(*imsi),
            _ => None,
        };
        Self {
            id,
            name: identity.map_or_else(|| format!("device {id}"), Identity::to_string).into(),
            imsi: Packed::of(imsi),
            imei: Packed::default(),
            msisdn: Packed::default(),
            model: None,
            groups: names.groups(&[]),
            ip: None,
            state: DeviceState::default(),
            imei_lock: ImeiLock::default(),
            critical: false,
            known: false,
            watched: false,
            first_seen: NEVER,
            last_seen: NEVER,
            bytes_up: 0,
            bytes_down: 0,
            begun: 0,
            sessions: Sessions::default(),
            rules: SubjectState::default(),
        }
    }

    /// Takes over what the inventory says.
    pub(crate) fn learn(&mut self, device: &Device, names: &mut Names) {
        let name = for_people(device);
        if *self.name != *name {
            self.name = name.into();
        }
        self.imsi = Packed::of(device.imsi);
        self.imei = Packed::of(device.imei);
        self.msisdn = Packed::of(device.msisdn);
        self.model = device.model.as_deref().map(|model| names.model(model));
        self.groups = names.groups(&device.groups);
        self.ip = device.ip;
        self.state = device.state;
        self.imei_lock = device.imei_lock;
        self.critical = device.critical;
        self.known = true;
    }

    /// It was heard of.
    pub(crate) fn seen(&mut self, at: Timestamp) {
        self.first_seen = if self.first_seen == NEVER { at.0 } else { self.first_seen.min(at.0) };
        self.last_seen = self.last_seen.max(at.0);
    }

    pub(crate) fn first_seen(&self) -> Option<Timestamp> {
        (self.first_seen != NEVER).then_some(Timestamp(self.first_seen))
    }

    pub(crate) fn last_seen(&self) -> Option<Timestamp> {
        (self.last_seen != NEVER).then_some(Timestamp(self.last_seen))
    }

    /// The device as rules read it, without an allocation: names are lent, not copied. Until [`Self::take_back`]
    /// nobody else may ask for them. Identities of the SIM are left out: rules cannot read them, and unpacking costs.
    pub(crate) fn lend(&mut self, names: &mut Names) -> Device {
        let mut device = Device::named(std::mem::take(&mut self.name));
        device.imei = self.imei.imei();
        device.imei_lock = self.imei_lock;
        device.model = self.model.map(|model| names.models.lend(model));
        device.groups = names.groups.lend(self.groups);
        device.state = self.state;
        device.ip = self.ip;
        device.critical = self.critical;
        device
    }

    /// Returns what [`Self::lend`] lent.
    pub(crate) fn take_back(&mut self, device: Device, names: &mut Names) {
        self.name = device.name;
        names.groups.give_back(self.groups, device.groups);
        if let (Some(symbol), Some(model)) = (self.model, device.model) {
            names.models.give_back(symbol, model);
        }
    }
}

/// A name that is an identity (of a device that was imported without a name) is masked.
fn for_people(device: &Device) -> String {
    match device.imsi {
        Some(imsi) if *device.name == Identity::Imsi(imsi).default_name() => Identity::Imsi(imsi).to_string(),
        _ => device.name.to_string(),
    }
}

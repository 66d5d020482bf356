//! One device of a partition, packed: there are millions.

use std::net::Ipv4Addr;

use ecow::EcoString;
use fleetward_fleet::{Device, DeviceId, Identity, Imei, Imsi, Msisdn, Timestamp};
use fleetward_rules::{Own, SubjectState};
use serde::{Deserialize, Serialize};

use super::class::{Class, ClassId, Classes};
use super::names::Names;
use crate::pack::{Moment, Packed};
use crate::session::Sessions;

/// What detection keeps of one device: the judging copy of its inventory entry, its sessions, its rules' state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: DeviceId,
    /// For people: identities in it are masked.
    pub(crate) name: EcoString,
    pub(crate) imsi: Packed<Imsi>,
    pub(crate) imei: Packed<Imei>,
    pub(crate) msisdn: Packed<Msisdn>,
    /// Model, groups, state and whatever else many devices have in common.
    pub(crate) class: ClassId,
    pub(crate) ip: Option<Ipv4Addr>,
    /// The second stage was told that it may be silent, and not yet that it speaks again.
    pub(crate) doubted: bool,
    /// It is in the set of devices that every tick looks at.
    pub(crate) watched: bool,
    first_seen: Moment,
    last_seen: Moment,
    pub(crate) bytes_up: u64,
    pub(crate) bytes_down: u64,
    /// Sessions ever begun.
    pub(crate) begun: u32,
    pub(crate) sessions: Sessions,
    pub(crate) rules: SubjectState,
}

impl Entry {
    /// A device that the inventory does not have.
    pub(crate) fn unknown(id: DeviceId, identity: Option<&Identity>, names: &mut Names, classes: &mut Classes) -> Self {
        let imsi = match identity {
            Some(Identity::Imsi(imsi)) => Some(*imsi),
            _ => None,
        };
        Self {
            id,
            name: identity.map_or_else(|| nameless(id), |identity| identity.to_string().into()),
            imsi: Packed::of(imsi),
            imei: Packed::default(),
            msisdn: Packed::default(),
            class: classes.stranger(names),
            ip: None,
            doubted: false,
            watched: false,
            first_seen: Moment::NEVER,
            last_seen: Moment::NEVER,
            bytes_up: 0,
            bytes_down: 0,
            begun: 0,
            sessions: Sessions::default(),
            rules: SubjectState::default(),
        }
    }

    /// Takes over what the inventory says.
    pub(crate) fn learn(&mut self, device: &Device, names: &mut Names, classes: &mut Classes) {
        let name = for_people(device);
        if *self.name != *name {
            self.name = name.into();
        }
        self.imsi = Packed::of(device.imsi);
        self.imei = Packed::of(device.imei);
        self.msisdn = Packed::of(device.msisdn);
        self.ip = device.ip;
        self.class = classes.intern(Class {
            model: device.model.as_deref().map(|model| names.model(model)),
            groups: names.groups(&device.groups),
            state: device.state,
            imei_lock: device.imei_lock,
            critical: device.critical,
            known: true,
        });
    }

    /// It was heard of.
    pub(crate) fn seen(&mut self, at: Timestamp) {
        self.first_seen = self.first_seen().map_or(at, |first| first.min(at)).into();
        self.last_seen = self.last_seen().max(Some(at)).into();
    }

    pub(crate) fn first_seen(&self) -> Option<Timestamp> {
        self.first_seen.value()
    }

    pub(crate) fn last_seen(&self) -> Option<Timestamp> {
        self.last_seen.value()
    }

    /// What is its own and not its class's. Identities of the SIM are left out: rules cannot read them, and unpacking costs.
    pub(crate) fn own(&self) -> Own<'_> {
        Own { name: &self.name, imei: self.imei.imei(), ip: self.ip }
    }
}

/// What a device is called of which only the id is known. Without the formatter: a storm of strangers makes many.
fn nameless(id: DeviceId) -> EcoString {
    const WORD: &[u8] = b"device ";
    let mut name = [0; WORD.len() + 16];
    let (word, digits) = name.split_at_mut(WORD.len());
    word.copy_from_slice(WORD);
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(id.0 >> (4 * place) & 0xF) as usize];
    }
    str::from_utf8(&name).unwrap_or_default().into()
}

/// A name that is an identity (of a device that was imported without a name) is masked.
fn for_people(device: &Device) -> String {
    match device.imsi {
        Some(imsi) if *device.name == Identity::Imsi(imsi).default_name() => Identity::Imsi(imsi).to_string(),
        _ => device.name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_name_is_called_after_its_id() {
        for id in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(nameless(DeviceId(id)), format!("device {}", DeviceId(id)));
        }
    }
}

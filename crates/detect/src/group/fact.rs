//! What a partition hands on about one event of one device: the part of [`Facts`] that rules can read, owned.
//!
//! Only events that matter to a rule of the second stage become facts (see [`super::Wants`]). The device itself is copied
//! only where a rule reads more of it than its model, groups and state.

use std::net::Ipv4Addr;
use std::sync::Arc;

use fleetward_fleet::{
    Body, Country, Device, DeviceId, Imei, Imeisv, Msisdn, Observation, Offset, PlannedChange, Plmn, Rat, RejectReason,
    Timestamp,
};
use fleetward_rules::{Detail, Facts, OwnedDetail, Trigger};

use super::wants::Subjects;
use crate::Compiled;

/// One event for the groups and the model of a device, or a tick for all of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupFact {
    pub(super) offset: Offset,
    pub(super) at: Timestamp,
    observed_at: Timestamp,
    source: Box<str>,
    /// Planned changes that cover the device then; for a tick, all that are in force.
    pub(super) planned: Vec<Arc<PlannedChange>>,
    /// `None`: a tick.
    event: Option<Box<Event>>,
}

/// What happened to a device. Its session is left out: with it, every other session of a group would count as something
/// new to respond to.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    id: DeviceId,
    /// For people, identities masked.
    subject: Box<str>,
    /// `None`: the inventory does not have it.
    device: Option<Arc<Device>>,
    /// To which subjects it matters.
    subjects: Subjects,
    trigger: Trigger,
    bytes_up: Option<u64>,
    bytes_down: Option<u64>,
    total_bytes: Option<u64>,
    session_secs: Option<u32>,
    terminate_cause: Option<u32>,
    open_sessions: Option<u32>,
    session_is_new: Option<bool>,
    imeisv: Option<Imeisv>,
    imei: Option<Imei>,
    network: Option<Plmn>,
    country: Option<Country>,
    apn: Option<Box<str>>,
    rat: Option<Rat>,
    cell: Option<Box<[u8]>>,
    area: Option<u16>,
    msisdn: Option<Msisdn>,
    ip: Option<Ipv4Addr>,
    reject_reason: Option<RejectReason>,
    expected: Box<str>,
    observed: Box<str>,
    detail: OwnedDetail,
    last_contact: Option<Timestamp>,
    late: bool,
}

impl GroupFact {
    /// From what a device's own rules see. `kind`: stands for the device where no rule reads more of it than what devices
    /// of its kind have in common.
    pub(crate) fn of(facts: &Facts<'_>, subjects: Subjects, kind: Option<&Arc<Device>>) -> Self {
        let event = Event {
            id: facts.device_id,
            subject: facts.subject.into(),
            device: facts
                .device
                .zip(facts.own())
                .map(|(device, own)| kind.map_or_else(|| Arc::new(own.whole(device)), Arc::clone)),
            subjects,
            trigger: facts.trigger,
            bytes_up: facts.bytes_up,
            bytes_down: facts.bytes_down,
            total_bytes: facts.total_bytes,
            session_secs: facts.session_secs,
            terminate_cause: facts.terminate_cause,
            open_sessions: facts.open_sessions,
            session_is_new: facts.session_is_new,
            imeisv: facts.imeisv,
            imei: facts.imei,
            network: facts.network,
            country: facts.country,
            apn: facts.apn.map(Into::into),
            rat: facts.rat,
            cell: facts.cell.map(Into::into),
            area: facts.area,
            msisdn: facts.msisdn,
            ip: facts.ip,
            reject_reason: facts.reject_reason,
            expected: facts.expected.into(),
            observed: facts.observed.into(),
            detail: facts.detail.to_owned(),
            last_contact: facts.last_contact,
            late: facts.late,
        };
        Self {
            offset: facts.offset,
            at: facts.at,
            observed_at: facts.observed_at,
            source: facts.source.into(),
            planned: facts.planned.to_vec(),
            event: Some(Box::new(event)),
        }
    }

    /// From a record that is about no one device: time passes, a source fell silent. `planned`: the planned changes in
    /// force, whomever they cover.
    pub(crate) fn broadcast(
        offset: Offset,
        record: &Observation,
        planned: impl FnOnce() -> Option<Vec<Arc<PlannedChange>>>,
        compiled: &Compiled,
    ) -> Option<Self> {
        let at = compiled.event_time(record);
        if let Body::SourceState(state) = &record.body {
            let mut facts = Facts::new(Trigger::SourceState, at, record.observed_at, DeviceId(0), &state.name);
            facts.offset = offset;
            facts.source = &record.source;
            facts.detail = Detail::Source(state);
            let subjects = compiled.groups.subjects(&compiled.rules, &facts);
            return (subjects != 0).then(|| Self::of(&facts, subjects, None));
        }
        matches!(record.body, Body::Tick).then(|| Self {
            offset,
            at,
            observed_at: record.observed_at,
            source: record.source.clone(),
            planned: planned().unwrap_or_default(),
            event: None,
        })
    }

    /// The order in which facts are judged: as in the journal. One record can concern many devices (a NAS that restarts);
    /// facts of one device keep the order in which they were made, and a tick comes after all that it brought about.
    pub(crate) fn order(&self) -> (Offset, bool, DeviceId) {
        (self.offset, self.event.is_none(), self.event.as_ref().map_or(DeviceId(0), |event| event.id))
    }

    /// Whether time passed for all; otherwise something happened to one device.
    pub(super) fn is_tick(&self) -> bool {
        self.event.is_none()
    }

    /// To which subjects it matters; none for a tick.
    pub(super) fn subjects(&self) -> Subjects {
        self.event.as_ref().map_or(0, |event| event.subjects)
    }

    /// The device.
    pub(super) fn device(&self) -> Option<&Arc<Device>> {
        self.event.as_ref().and_then(|event| event.device.as_ref())
    }

    /// As rules read it; a tick as if it came from `device`.
    pub(super) fn facts<'a>(&'a self, device: Option<&'a Device>, compiled: &'a Compiled) -> Facts<'a> {
        let (trigger, id, subject) = match &self.event {
            Some(event) => (event.trigger, event.id, &*event.subject),
            None => (Trigger::Tick, DeviceId(0), device.map_or("", |device| &*device.name)),
        };
        let mut facts = Facts::new(trigger, self.at, self.observed_at, id, subject);
        facts.offset = self.offset;
        facts.source = &self.source;
        facts.device = device;
        facts.profile = device.and_then(|d| d.model.as_deref()).and_then(|model| compiled.profile(model));
        if let Some(event) = &self.event {
            event.fill(&mut facts);
        }
        facts
    }
}

impl Event {
    fn fill<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.bytes_up = self.bytes_up;
        facts.bytes_down = self.bytes_down;
        facts.total_bytes = self.total_bytes;
        facts.session_secs = self.session_secs;
        facts.terminate_cause = self.terminate_cause;
        facts.open_sessions = self.open_sessions;
        facts.session_is_new = self.session_is_new;
        facts.imeisv = self.imeisv;
        facts.imei = self.imei;
        facts.network = self.network;
        facts.country = self.country;
        facts.apn = self.apn.as_deref();
        facts.rat = self.rat;
        facts.cell = self.cell.as_deref();
        facts.area = self.area;
        facts.msisdn = self.msisdn;
        facts.ip = self.ip;
        facts.reject_reason = self.reject_reason;
        facts.expected = &self.expected;
        facts.observed = &self.observed;
        facts.detail = self.detail.lend();
        facts.last_contact = self.last_contact;
        facts.late = self.late;
    }
}

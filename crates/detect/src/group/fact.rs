//! What a partition hands on about one event of one device: the part of [`Facts`] that rules can read, owned.

use std::net::Ipv4Addr;
use std::sync::Arc;

use fleetward_fleet::{
    Country, Device, DeviceId, Imei, Imeisv, Msisdn, Observation, Offset, PlannedChange, Plmn, Rat, RejectReason,
    Timestamp,
};
use fleetward_rules::{Facts, Trigger};

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
    device: Arc<Device>,
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
    msisdn: Option<Msisdn>,
    ip: Option<Ipv4Addr>,
    reject_reason: Option<RejectReason>,
    expected: Box<str>,
    observed: Box<str>,
    late: bool,
}

impl GroupFact {
    /// From what a device's own rules see; `None` for a device that the inventory does not have.
    pub(crate) fn of(facts: &Facts<'_>) -> Option<Self> {
        let event = Event {
            id: facts.device_id,
            device: Arc::new(facts.device?.clone()),
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
            msisdn: facts.msisdn,
            ip: facts.ip,
            reject_reason: facts.reject_reason,
            expected: facts.expected.into(),
            observed: facts.observed.into(),
            late: facts.late,
        };
        Some(Self {
            offset: facts.offset,
            at: facts.at,
            observed_at: facts.observed_at,
            source: facts.source.into(),
            planned: facts.planned.to_vec(),
            event: Some(Box::new(event)),
        })
    }

    /// Time passes for all groups.
    pub(crate) fn tick(
        offset: Offset,
        tick: &Observation,
        planned: Vec<Arc<PlannedChange>>,
        compiled: &Compiled,
    ) -> Self {
        Self {
            offset,
            at: compiled.event_time(tick),
            observed_at: tick.observed_at,
            source: tick.source.clone(),
            planned,
            event: None,
        }
    }

    /// The order in which facts are judged: as in the journal. One record can concern many devices (a NAS that restarts);
    /// facts of one device keep the order in which they were made, and a tick comes after all that it brought about.
    pub(crate) fn order(&self) -> (Offset, bool, DeviceId) {
        (self.offset, self.event.is_none(), self.event.as_ref().map_or(DeviceId(0), |event| event.id))
    }

    /// The device; `None` for a tick.
    pub(super) fn device(&self) -> Option<&Arc<Device>> {
        self.event.as_ref().map(|event| &event.device)
    }

    /// As rules read it; a tick as if it came from `device`.
    pub(super) fn facts<'a>(&'a self, device: &'a Device, compiled: &'a Compiled) -> Facts<'a> {
        let (trigger, id) = self.event.as_ref().map_or((Trigger::Tick, DeviceId(0)), |event| (event.trigger, event.id));
        let mut facts = Facts::new(trigger, self.at, self.observed_at, id, &device.name);
        facts.offset = self.offset;
        facts.source = &self.source;
        facts.device = Some(device);
        facts.profile = device.model.as_deref().and_then(|model| compiled.profile(model));
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
        facts.msisdn = self.msisdn;
        facts.ip = self.ip;
        facts.reject_reason = self.reject_reason;
        facts.expected = &self.expected;
        facts.observed = &self.observed;
        facts.late = self.late;
    }
}

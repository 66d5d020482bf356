//! What a rule may read about one event: the record, the device, its profile and its session, borrowed.
//!
//! The caller (detection, or a test in a rule file) computes these; the rules never look elsewhere. A field that the
//! record does not carry is `None`, "unknown" in the language, and never makes a rule fire.

use std::net::Ipv4Addr;
use std::sync::Arc;

use fleetward_fleet::{
    Attach, Country, Device, DeviceId, Imei, Imeisv, Msisdn, Offset, PlannedChange, Plmn, Profile, Rat, RejectReason,
    SessionKey, Tac, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::around::{Around, Gaps};
use crate::confirm::Past;
use crate::detail::Detail;

/// What kind of event it is. Rules are routed by it: an event costs only the rules that concern it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Trigger {
    /// Accounting Start.
    SessionStart,
    /// Accounting Interim-Update.
    SessionInterim,
    /// Accounting Stop.
    SessionStop,
    /// A session ended without a Stop: the NAS restarted, or does not know it.
    SessionLost,
    /// Access-Accept.
    Admitted,
    /// Access-Reject.
    Rejected,
    /// The inventory changed the device.
    DeviceChange,
    /// Time passed.
    Tick,
    /// A conversation of packets.
    Flow,
    /// Short messages.
    Message,
    /// A call.
    Call,
    /// An attempt to log in.
    Login,
    /// A part of the SIM changed at its platform.
    SimChange,
    /// A source fell silent or came back.
    SourceState,
    /// A verdict of the baseline; only the second stage sees it.
    Unusual,
    /// A sign that a sensor of packets saw.
    Network,
}

impl Trigger {
    /// All of them, in order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::SessionStart,
        Self::SessionInterim,
        Self::SessionStop,
        Self::SessionLost,
        Self::Admitted,
        Self::Rejected,
        Self::DeviceChange,
        Self::Tick,
        Self::Flow,
        Self::Message,
        Self::Call,
        Self::Login,
        Self::SimChange,
        Self::SourceState,
        Self::Unusual,
        Self::Network,
    ];

    /// The device was heard of for certain: an accounting record or an admission. See [`Facts::is_contact`] for the rest.
    pub fn is_contact(self) -> bool {
        Triggers::CONTACT.contains(self)
    }
}

/// A set of [`Trigger`]s.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Triggers(u32);

impl Triggers {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every trigger.
    pub const ALL: Self = Self((1 << Trigger::ALL.len()) - 1);
    /// Accounting records.
    pub const SESSION: Self = Self(0b111);
    /// Answers to access requests.
    pub const ADMISSION: Self = Self(0b11_0000);
    /// Accounting records and answers to access requests.
    pub const CONTACT: Self = Self(Self::SESSION.0 | Self::ADMISSION.0);
    /// What may show that a device is alive; [`Facts::is_contact`] says whether it does.
    pub const MAY_CONTACT: Self = Self(
        Self::CONTACT.0
            | Self::of(Trigger::Flow).0
            | Self::of(Trigger::Message).0
            | Self::of(Trigger::Call).0
            | Self::of(Trigger::Login).0
            | Self::of(Trigger::Network).0,
    );
    /// Time passed.
    pub const TICK: Self = Self::of(Trigger::Tick);

    /// The set of one.
    pub const fn of(trigger: Trigger) -> Self {
        Self(1 << trigger as u8)
    }

    /// Whether `trigger` is in it.
    pub const fn contains(self, trigger: Trigger) -> bool {
        self.0 & Self::of(trigger).0 != 0
    }

    /// In either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// In both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// In this one and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One event as rules see it. Build it with [`Facts::new`] and fill in what is known.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// What happened.
    pub trigger: Trigger,
    /// When it happened (event time). Times after `observed_at` are taken as `observed_at`: a sender whose clock is
    /// years ahead must not move the windows into the future.
    pub at: Timestamp,
    /// When we learnt it.
    pub observed_at: Timestamp,
    /// The record's place in the journal: evidence.
    pub offset: Offset,
    /// The configured name of the sensor.
    pub source: &'a str,
    /// The device.
    pub device_id: DeviceId,
    /// Its name for people, identities masked (for an unknown SIM, the masked identity).
    pub subject: &'a str,
    /// The device as the inventory knows it; `None` for one that it does not know.
    pub device: Option<&'a Device>,
    /// What is the device's own where `device` stands for all of its kind; `None`: what `device` says is.
    pub own: Option<Own<'a>>,
    /// The profile of its model, where there is one.
    pub profile: Option<&'a Profile>,

    /// Which session, for accounting and [`Trigger::SessionLost`].
    pub session: Option<&'a SessionKey>,
    /// Bytes from the device since the session's previous record.
    pub bytes_up: Option<u64>,
    /// Bytes to the device since the session's previous record.
    pub bytes_down: Option<u64>,
    /// Packets from the device since the session's previous record, where its source counts them.
    pub packets_up: Option<u32>,
    /// Packets to the device since the session's previous record, where its source counts them.
    pub packets_down: Option<u32>,
    /// Since when bytes and packets were gathered: the session's previous record, or its beginning.
    pub gathered_since: Option<Timestamp>,
    /// Bytes of the session so far, both directions.
    pub total_bytes: Option<u64>,
    /// Age of the session in seconds.
    pub session_secs: Option<u32>,
    /// Acct-Terminate-Cause of a stop.
    pub terminate_cause: Option<u32>,
    /// How many sessions the device has open, this one included (after this record).
    pub open_sessions: Option<u32>,
    /// This record is the first one of its session that we saw.
    pub session_is_new: Option<bool>,
    /// The session carried traffic between two records that both came after a newer session of the device began: two
    /// are alive at once, which a lost Stop cannot explain.
    pub session_overlaps: Option<bool>,

    /// The module with its software version.
    pub imeisv: Option<Imeisv>,
    /// The module.
    pub imei: Option<Imei>,
    /// The serving network.
    pub network: Option<Plmn>,
    /// The country of the serving network.
    pub country: Option<Country>,
    /// Access point name.
    pub apn: Option<&'a str>,
    /// Radio technology.
    pub rat: Option<Rat>,
    /// The cell, as sent.
    pub cell: Option<&'a [u8]>,
    /// The location or tracking area that the device was last heard of in ([`fleetward_fleet::CellId::short_area`]), where
    /// a rule asks about an outage.
    pub area: Option<u16>,
    /// The number.
    pub msisdn: Option<Msisdn>,
    /// The address that the device was given.
    pub ip: Option<Ipv4Addr>,

    /// Why it was not admitted, for [`Trigger::Rejected`].
    pub reject_reason: Option<RejectReason>,
    /// What the admission expected, in words; for templates.
    pub expected: &'a str,
    /// What the admission saw, in words; for templates.
    pub observed: &'a str,

    /// What only this kind of event has.
    pub detail: Detail<'a>,

    /// When sources were silent; `None`: never, as far as anyone knows.
    pub gaps: Option<&'a Gaps>,
    /// The source that the device was last heard through.
    pub last_source: Option<&'a str>,
    /// The devices around it; only the second stage knows.
    pub around: Option<&'a dyn Around>,

    /// When the device was last heard of, this record included; `None` where never. What `silence()` counts from.
    pub last_contact: Option<Timestamp>,
    /// Planned changes that cover the device at the event's time; those among them that fit a rule excuse it.
    pub planned: &'a [Arc<PlannedChange>],
    /// The record came later than its window's lateness; findings from it are marked so.
    pub late: bool,
    /// The device's earlier events, for windows that have to be measured exactly; `None`: findings say "at least".
    pub past: Option<&'a dyn Past>,
}

/// What rules may read of a device that others of its model, groups and state do not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own<'a> {
    /// [`Device::name`].
    pub name: &'a str,
    /// [`Device::imei`].
    pub imei: Option<Imei>,
    /// [`Device::ip`].
    pub ip: Option<Ipv4Addr>,
}

impl<'a> Own<'a> {
    /// Of a whole device.
    pub fn of(device: &'a Device) -> Self {
        Self { name: &device.name, imei: device.imei, ip: device.ip }
    }

    /// The device itself, `like` others of its model, groups and state.
    pub fn whole(self, like: &Device) -> Device {
        Device { name: self.name.into(), imei: self.imei, ip: self.ip, ..like.clone() }
    }
}

impl<'a> Facts<'a> {
    /// An event of which nothing else is known.
    pub fn new(trigger: Trigger, at: Timestamp, observed_at: Timestamp, device_id: DeviceId, subject: &'a str) -> Self {
        Self {
            trigger,
            at,
            observed_at,
            offset: Offset(0),
            source: "",
            device_id,
            subject,
            device: None,
            own: None,
            profile: None,
            session: None,
            bytes_up: None,
            bytes_down: None,
            packets_up: None,
            packets_down: None,
            gathered_since: None,
            total_bytes: None,
            session_secs: None,
            terminate_cause: None,
            open_sessions: None,
            session_is_new: None,
            session_overlaps: None,
            imeisv: None,
            imei: None,
            network: None,
            country: None,
            apn: None,
            rat: None,
            cell: None,
            area: None,
            msisdn: None,
            ip: None,
            reject_reason: None,
            expected: "",
            observed: "",
            detail: Detail::None,
            gaps: None,
            last_source: None,
            around: None,
            last_contact: trigger.is_contact().then_some(at),
            planned: &[],
            late: false,
            past: None,
        }
    }

    /// The same with what a packet told about module, network and place (country included).
    #[must_use]
    pub fn with_attach(mut self, attach: &'a Attach) -> Self {
        self.attach(attach);
        self
    }

    /// Fills in what a packet told about module, network and place (country included).
    pub fn attach(&mut self, attach: &'a Attach) {
        self.imeisv = attach.imeisv;
        self.imei = attach.imei();
        self.network = attach.network;
        self.country = attach.country();
        self.apn = attach.apn.as_deref();
        self.rat = attach.rat;
        self.cell = attach.location.as_deref();
        self.msisdn = attach.msisdn;
    }

    /// The device was heard of: an accounting record, an admission, or something that it sent or answered.
    pub fn is_contact(&self) -> bool {
        self.trigger.is_contact() || self.detail.is_contact()
    }

    /// What the other end of a flow, or of a sign, is called.
    pub fn destination(&self) -> Option<&'a str> {
        match self.detail {
            Detail::Flow(_, destination) | Detail::Network(_, destination) => destination,
            _ => None,
        }
    }

    /// The source that the event is about: the one that fell silent, else the one that told.
    pub fn about_source(&self) -> Option<&'a str> {
        let source = if let Detail::Source(state) = self.detail { &state.name } else { self.source };
        Some(source).filter(|source| !source.is_empty())
    }

    /// The time at which rules judge: event time, but never after we learnt it.
    pub fn time(&self) -> Timestamp {
        self.at.min(self.observed_at)
    }

    /// What the inventory says of the device alone; `None` where it does not know it.
    pub fn own(&self) -> Option<Own<'a>> {
        self.device.map(|device| self.own.unwrap_or_else(|| Own::of(device)))
    }

    /// Type Allocation Code of the module.
    pub fn tac(&self) -> Option<Tac> {
        self.imei.map(Imei::tac)
    }

    /// Bytes in both directions since the session's previous record.
    pub fn bytes(&self) -> Option<u64> {
        match (self.bytes_up, self.bytes_down) {
            (None, None) => None,
            (up, down) => Some(up.unwrap_or(0).saturating_add(down.unwrap_or(0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_name_their_triggers() {
        for trigger in Trigger::ALL {
            let name = format!("{trigger:?}");
            assert_eq!(
                Triggers::SESSION.contains(trigger),
                matches!(trigger, Trigger::SessionStart | Trigger::SessionInterim | Trigger::SessionStop),
                "{name}"
            );
            assert_eq!(
                Triggers::ADMISSION.contains(trigger),
                matches!(trigger, Trigger::Admitted | Trigger::Rejected),
                "{name}"
            );
        }
    }
}

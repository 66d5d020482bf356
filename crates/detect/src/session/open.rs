//! A session that is open, packed.

use fleetward_fleet::{Imeisv, Msisdn, Session, Timestamp};
use serde::{Deserialize, Serialize};

use super::counter::Counters;
use super::marks::Marks;
use super::texts::Texts;
use crate::intern::Symbol;
use crate::pack::{Packed, PackedPlmn};

/// One open session: what counting, a disconnect and the session list need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OpenSession {
    /// Begin, by event time, as far as we know.
    pub(crate) opened_at: Timestamp,
    /// Event time of the newest record.
    pub(crate) last_event: Timestamp,
    pub(crate) counters: Counters,
    pub(crate) texts: Texts,
    pub(crate) imeisv: Packed<Imeisv>,
    pub(crate) msisdn: Packed<Msisdn>,
    pub(crate) network: PackedPlmn,
    pub(crate) nas: Symbol,
    /// Acct-Session-Time of the newest record; `u32::MAX` where it stated none.
    pub(crate) secs: u32,
    /// The longest pause between two of its records so far, seconds: the interim interval that the NAS really keeps.
    pub(crate) pause: u32,
    pub(crate) marks: Marks,
}

/// [`OpenSession::secs`] of a record without Acct-Session-Time.
pub(crate) const NO_SECS: u32 = u32::MAX;

impl OpenSession {
    /// From the first record that we saw of it. Counters are not counted yet.
    pub(crate) fn begin(record: &Session, nas: Symbol, at: Timestamp) -> Self {
        let age = record.session_secs.unwrap_or(0);
        let mut marks = Marks::default();
        marks.learn(record.ip, record.attach.rat, record.nsapi, true);
        let mut counters = Counters::default();
        if let Some(ipv6) = record.ipv6 {
            counters.set_ipv6(ipv6);
        }
        Self {
            opened_at: at - std::time::Duration::from_secs(u64::from(age)),
            last_event: at,
            counters,
            texts: Texts::new(
                &record.key.id,
                record.user_name.as_deref(),
                record.multi_session_id.as_deref(),
                record.attach.apn.as_deref(),
            ),
            imeisv: Packed::of(record.attach.imeisv),
            msisdn: Packed::of(record.attach.msisdn),
            network: PackedPlmn::of(record.attach.network),
            nas,
            secs: record.session_secs.unwrap_or(NO_SECS),
            pause: 0,
            marks,
        }
    }

    /// Takes over what a newer record states; what it leaves out stays (a Start may lack the address, an interim the place).
    pub(crate) fn learn(&mut self, record: &Session, newer: bool) {
        let texts = &self.texts;
        let pick = |old: Option<&str>, new: &Option<Box<str>>| -> bool {
            new.as_deref().is_some_and(|new| !new.is_empty() && old != Some(new) && (newer || old.is_none()))
        };
        let user_name = pick(texts.user_name(), &record.user_name);
        let multi = pick(texts.multi_session_id(), &record.multi_session_id);
        let apn = pick(texts.apn(), &record.attach.apn);
        if user_name || multi || apn {
            let choose = |take: bool, new: &Option<Box<str>>, old: Option<&str>| -> Option<String> {
                if take { new.as_deref().map(str::to_owned) } else { old.map(str::to_owned) }
            };
            self.texts = Texts::new(
                texts.id(),
                choose(user_name, &record.user_name, texts.user_name()).as_deref(),
                choose(multi, &record.multi_session_id, texts.multi_session_id()).as_deref(),
                choose(apn, &record.attach.apn, texts.apn()).as_deref(),
            );
        }
        self.marks.learn(record.ip, record.attach.rat, record.nsapi, newer);
        if let Some(ipv6) = record.ipv6.filter(|_| newer || self.counters.ipv6().is_none()) {
            self.counters.set_ipv6(ipv6);
        }
        if record.attach.imeisv.is_some() && (newer || self.imeisv.is_none()) {
            self.imeisv = Packed::of(record.attach.imeisv);
        }
        if record.attach.msisdn.is_some() && (newer || self.msisdn.is_none()) {
            self.msisdn = Packed::of(record.attach.msisdn);
        }
        if record.attach.network.is_some() && (newer || self.network.is_none()) {
            self.network = PackedPlmn::of(record.attach.network);
        }
    }
}

//! What an event that is not about a session carries: a flow, a message, a login, a verdict of the baseline.
//!
//! One borrowed value in [`crate::Facts`] instead of thirty fields, so that session records, which are nearly all, pay
//! nothing for it.

use fleetward_fleet::{Call, Direction, Flow, Login, Message, NetworkSign, SimChange, SourceState};
use serde::{Deserialize, Serialize};

/// The part of an event that its kind alone has.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub enum Detail<'a> {
    /// A session, an admission, a change of the inventory, a tick.
    #[default]
    None,
    /// A flow, and what its destination is called ([`Flow::destination`]).
    Flow(&'a Flow, Option<&'a str>),
    /// Short messages.
    Message(&'a Message),
    /// A call.
    Call(&'a Call),
    /// An attempt to log in.
    Login(&'a Login),
    /// A change of the SIM at its platform.
    SimChange(&'a SimChange),
    /// A source that fell silent or came back.
    Source(&'a SourceState),
    /// A verdict of the baseline.
    Unusual(&'a Unusual),
    /// A sign that a sensor of packets saw, and what its other end is called ([`NetworkSign::destination`]).
    Network(&'a NetworkSign, Option<&'a str>),
}

impl Detail<'_> {
    /// It shows that the device is alive: it sent something, or answered.
    pub fn is_contact(self) -> bool {
        match self {
            Self::Flow(flow, _) => flow.bytes_up > 0 || flow.direction == Direction::Out,
            Self::Message(message) => message.direction == Direction::Out,
            Self::Call(call) => call.direction == Direction::Out || call.secs > 0,
            Self::Login(login) => login.ok,
            Self::Network(sign, _) => sign.direction == Direction::Out,
            Self::None | Self::SimChange(_) | Self::Source(_) | Self::Unusual(_) => false,
        }
    }

    /// For keeping.
    pub fn to_owned(self) -> OwnedDetail {
        match self {
            Self::None => OwnedDetail::None,
            Self::Flow(flow, name) => OwnedDetail::Flow(Box::new(flow.clone()), name.map(Into::into)),
            Self::Message(it) => OwnedDetail::Message(Box::new(it.clone())),
            Self::Call(it) => OwnedDetail::Call(Box::new(it.clone())),
            Self::Login(it) => OwnedDetail::Login(Box::new(it.clone())),
            Self::SimChange(it) => OwnedDetail::SimChange(Box::new(it.clone())),
            Self::Source(it) => OwnedDetail::Source(Box::new(it.clone())),
            Self::Unusual(it) => OwnedDetail::Unusual(Box::new(it.clone())),
            Self::Network(it, name) => OwnedDetail::Network(Box::new(it.clone()), name.map(Into::into)),
        }
    }
}

/// A [`Detail`] that owns what it says: for facts that are judged later.
#[derive(Debug, Default, Clone, PartialEq)]
pub enum OwnedDetail {
    /// See [`Detail::None`].
    #[default]
    None,
    /// See [`Detail::Flow`].
    Flow(Box<Flow>, Option<Box<str>>),
    /// See [`Detail::Message`].
    Message(Box<Message>),
    /// See [`Detail::Call`].
    Call(Box<Call>),
    /// See [`Detail::Login`].
    Login(Box<Login>),
    /// See [`Detail::SimChange`].
    SimChange(Box<SimChange>),
    /// See [`Detail::Source`].
    Source(Box<SourceState>),
    /// See [`Detail::Unusual`].
    Unusual(Box<Unusual>),
    /// See [`Detail::Network`].
    Network(Box<NetworkSign>, Option<Box<str>>),
}

impl OwnedDetail {
    /// Borrowed, as rules read it.
    pub fn lend(&self) -> Detail<'_> {
        match self {
            Self::None => Detail::None,
            Self::Flow(flow, name) => Detail::Flow(flow, name.as_deref()),
            Self::Message(it) => Detail::Message(it),
            Self::Call(it) => Detail::Call(it),
            Self::Login(it) => Detail::Login(it),
            Self::SimChange(it) => Detail::SimChange(it),
            Self::Source(it) => Detail::Source(it),
            Self::Unusual(it) => Detail::Unusual(it),
            Self::Network(it, name) => Detail::Network(it, name.as_deref()),
        }
    }
}

/// What a baseline measures.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Bytes of an hour, both directions.
    #[default]
    Bytes,
}

impl Metric {
    /// All that a rule may name.
    pub const ALL: [Self; 1] = [Self::Bytes];

    /// The name in rules.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
        }
    }
}

/// In which way it is unusual.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnusualKind {
    /// An hour of one device: `unusual(bytes)`.
    #[default]
    Hour,
    /// Days of one device that moved away slowly: `drift(bytes)`.
    Drift,
    /// Many devices of a model at once: `model_wide(bytes)`.
    ModelWide,
}

/// A verdict of the baseline, with the numbers that explain it. What is not known is 0 or empty.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each with a name in the language")]
pub struct Unusual {
    /// In which way.
    pub kind: UnusualKind,
    /// Of what.
    pub metric: Metric,
    /// It is unusual; `false`: it was, and is over.
    pub holds: bool,
    /// The amount now.
    pub now: u64,
    /// The lower end of what is usual.
    pub low: u64,
    /// The upper end.
    pub high: u64,
    /// The highest that was ever seen of this device before fades over months; this one is higher.
    pub is_record: bool,
    /// Weeks that the device itself has taught.
    pub weeks: u16,
    /// By chance about once in this many device-hours of the model.
    pub odds: u64,
    /// Devices that are unusual at the same time: of the model for [`UnusualKind::ModelWide`], else others.
    pub devices: u32,
    /// Devices of the model in all.
    pub model_devices: u32,
    /// Another IMEI, IMSI or ICCID in the last day.
    pub identity_changed: bool,
    /// Another country or network in the last day.
    pub place_changed: bool,
    /// A destination that it never contacted before, in the last day.
    pub new_destination: bool,
    /// All of it as a sentence.
    pub explanation: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_device_sent_is_a_contact() {
        let mut flow = Flow { direction: Direction::In, ..Flow::default() };
        assert!(!Detail::Flow(&flow, None).is_contact(), "a probe that nobody answered");
        flow.bytes_up = 40;
        assert!(Detail::Flow(&flow, None).is_contact());
        let message = Message { direction: Direction::In, peer: None, count: 1 };
        assert!(!Detail::Message(&message).is_contact());
    }

    #[test]
    fn lending_gives_back_what_was_owned() {
        let flow = Flow { port: Some(443), ..Flow::default() };
        let detail = Detail::Flow(&flow, Some("vendor.example"));
        assert_eq!(detail.to_owned().lend(), detail);
    }
}

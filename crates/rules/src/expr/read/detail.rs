//! What only one kind of event carries, read from its detail. `None`: it is of another kind, or does not say.

use super::Context;
use crate::detail::Detail;
use crate::symbol;
use crate::vocabulary::{Number, Symbol, TextField};

impl<'a> Context<'a> {
    pub(super) fn detail_number(&self, field: Number) -> Option<u64> {
        Some(match (field, self.facts.detail) {
            (Number::FlowPort, Detail::Flow(it, _)) => u64::from(it.port?),
            (Number::FlowBytes, Detail::Flow(it, _)) => it.bytes_up.saturating_add(it.bytes_down),
            (Number::FlowBytesUp, Detail::Flow(it, _)) => it.bytes_up,
            (Number::FlowBytesDown, Detail::Flow(it, _)) => it.bytes_down,
            (Number::FlowCount, Detail::Flow(it, _)) => u64::from(it.count.max(1)),
            (Number::SignPort, Detail::Network(it, _)) => u64::from(it.port?),
            (Number::SignCount, Detail::Network(it, _)) => it.count,
            (Number::MessageCount, Detail::Message(it)) => u64::from(it.count.max(1)),
            (Number::CallSecs, Detail::Call(it)) => u64::from(it.secs),
            (Number::SilentFor, Detail::Source(it)) => self.facts.at.since(it.silent_since?).as_secs(),
            (Number::UnusualNow, Detail::Unusual(it)) => it.now,
            (Number::UnusualLow, Detail::Unusual(it)) => it.low,
            (Number::UnusualHigh, Detail::Unusual(it)) => it.high,
            (Number::UnusualWeeks, Detail::Unusual(it)) => u64::from(it.weeks),
            (Number::UnusualOdds, Detail::Unusual(it)) => it.odds,
            (Number::UnusualDevices, Detail::Unusual(it)) => u64::from(it.devices),
            (Number::ModelDevices, Detail::Unusual(it)) => u64::from(it.model_devices),
            _ => return None,
        })
    }

    pub(super) fn detail_symbol(&self, field: Symbol) -> Option<u64> {
        Some(match (field, self.facts.detail) {
            (Symbol::FlowAddress, Detail::Flow(it, _)) => symbol::address(it.address?),
            (Symbol::FlowProtocol, Detail::Flow(it, _)) => u64::from(it.protocol?),
            (Symbol::FlowDirection, Detail::Flow(it, _)) => symbol::direction(it.direction),
            (Symbol::Sign, Detail::Network(it, _)) => symbol::sign(it.sign),
            (Symbol::SignAddress, Detail::Network(it, _)) => symbol::address(it.address?),
            (Symbol::SignProtocol, Detail::Network(it, _)) => u64::from(it.protocol?),
            (Symbol::SignDirection, Detail::Network(it, _)) => symbol::direction(it.direction),
            (Symbol::LoginFrom, Detail::Login(it)) => symbol::address(it.from?),
            (Symbol::SimPart, Detail::SimChange(it)) => symbol::sim_part(it.what),
            _ => return None,
        })
    }

    pub(super) fn detail_text(&self, field: TextField) -> Option<&'a str> {
        match (field, self.facts.detail) {
            (TextField::Destination, Detail::Flow(_, destination))
            | (TextField::SignDestination, Detail::Network(_, destination)) => destination,
            (TextField::FlowName, Detail::Flow(it, _)) => it.name.as_deref(),
            (TextField::SignName, Detail::Network(it, _)) => it.name.as_deref(),
            (TextField::SignExpected, Detail::Network(it, _)) => Some(&it.expected),
            (TextField::SignObserved, Detail::Network(it, _)) => Some(&it.observed),
            (TextField::MessagePeer, Detail::Message(it)) => it.peer.as_deref(),
            (TextField::CallPeer, Detail::Call(it)) => it.peer.as_deref(),
            (TextField::LoginService, Detail::Login(it)) => Some(&it.service),
            (TextField::LoginAccount, Detail::Login(it)) => it.account.as_deref(),
            (TextField::SimFrom, Detail::SimChange(it)) => it.from.as_deref(),
            (TextField::SimTo, Detail::SimChange(it)) => it.to.as_deref(),
            (TextField::SourceName, Detail::Source(it)) => Some(&it.name),
            (TextField::Explanation, Detail::Unusual(it)) => Some(&it.explanation),
            _ => None,
        }
    }
}

//! The kinds of observation that are not about sessions, both ways.

use std::net::IpAddr;

use super::read::{address, wrong};
use super::write::{octets, text};
use super::{WireError, message};
use crate::{
    Call, Direction, Flow, Login, Mac, Message, NetworkSign, SignKind, SimChange, SimPart, SourceState, Timestamp,
};

pub(super) fn flow_to(value: &Flow) -> message::Flow {
    message::Flow {
        address: value.address.map(octets),
        name: text(value.name.as_deref()),
        port: value.port.map(u32::from),
        protocol: value.protocol.map(u32::from),
        inbound: value.direction == Direction::In,
        bytes_up: value.bytes_up,
        bytes_down: value.bytes_down,
        count: value.count,
    }
}

pub(super) fn flow_from(value: message::Flow) -> Result<Flow, WireError> {
    Ok(Flow {
        address: some_address(value.address.as_deref(), "address")?,
        name: value.name.map(Into::into),
        port: value.port.map(|it| u16::try_from(it).map_err(|_| wrong("port"))).transpose()?,
        protocol: value.protocol.map(|it| u8::try_from(it).map_err(|_| wrong("protocol"))).transpose()?,
        direction: direction(value.inbound),
        bytes_up: value.bytes_up,
        bytes_down: value.bytes_down,
        count: value.count,
    })
}

pub(super) fn message_to(value: &Message) -> message::Message {
    message::Message {
        inbound: value.direction == Direction::In,
        peer: text(value.peer.as_deref()),
        count: value.count,
    }
}

pub(super) fn message_from(value: message::Message) -> Message {
    Message { direction: direction(value.inbound), peer: value.peer.map(Into::into), count: value.count }
}

pub(super) fn call_to(value: &Call) -> message::Call {
    message::Call { inbound: value.direction == Direction::In, peer: text(value.peer.as_deref()), seconds: value.secs }
}

pub(super) fn call_from(value: message::Call) -> Call {
    Call { direction: direction(value.inbound), peer: value.peer.map(Into::into), secs: value.seconds }
}

pub(super) fn login_to(value: &Login) -> message::Login {
    message::Login {
        service: value.service.to_string(),
        account: text(value.account.as_deref()),
        ok: value.ok,
        from: value.from.map(octets),
    }
}

pub(super) fn login_from(value: message::Login) -> Result<Login, WireError> {
    Ok(Login {
        service: value.service.into(),
        account: value.account.map(Into::into),
        ok: value.ok,
        from: some_address(value.from.as_deref(), "from")?,
    })
}

pub(super) fn sim_change_to(value: &SimChange) -> message::SimChange {
    let at = SimPart::ALL.iter().position(|part| *part == value.what);
    message::SimChange {
        what: at.map_or(0, |at| at as u32 + 1),
        from: text(value.from.as_deref()),
        to: text(value.to.as_deref()),
    }
}

pub(super) fn sim_change_from(value: message::SimChange) -> Result<SimChange, WireError> {
    let at = value.what.checked_sub(1).ok_or(wrong("what"))?;
    let what = *SimPart::ALL.get(at as usize).ok_or(WireError::Unknown)?;
    Ok(SimChange { what, from: value.from.map(Into::into), to: value.to.map(Into::into) })
}

pub(super) fn source_state_to(value: &SourceState) -> message::SourceState {
    message::SourceState { name: value.name.to_string(), silent_since: value.silent_since.map(|since| since.0) }
}

pub(super) fn source_state_from(value: message::SourceState) -> SourceState {
    SourceState { name: value.name.into(), silent_since: value.silent_since.map(Timestamp) }
}

pub(super) fn network_to(value: &NetworkSign) -> message::NetworkSign {
    message::NetworkSign {
        sign: value.sign.code(),
        address: value.address.map(octets),
        name: text(value.name.as_deref()),
        port: value.port.map(u32::from),
        protocol: value.protocol.map(u32::from),
        inbound: value.direction == Direction::In,
        count: value.count,
        expected: value.expected.to_string(),
        observed: value.observed.to_string(),
    }
}

pub(super) fn network_from(value: message::NetworkSign) -> Result<NetworkSign, WireError> {
    if value.sign == 0 {
        return Err(wrong("sign"));
    }
    Ok(NetworkSign {
        sign: SignKind::of_code(value.sign).ok_or(WireError::Unknown)?,
        address: some_address(value.address.as_deref(), "address")?,
        name: value.name.map(Into::into),
        port: value.port.map(|it| u16::try_from(it).map_err(|_| wrong("port"))).transpose()?,
        protocol: value.protocol.map(|it| u8::try_from(it).map_err(|_| wrong("protocol"))).transpose()?,
        direction: direction(value.inbound),
        count: value.count,
        expected: value.expected.into(),
        observed: value.observed.into(),
    })
}

pub(super) fn mac(octets: &[u8]) -> Result<Mac, WireError> {
    octets.try_into().map(Mac).map_err(|_| wrong("mac"))
}

fn direction(inbound: bool) -> Direction {
    if inbound { Direction::In } else { Direction::Out }
}

fn some_address(octets: Option<&[u8]>, field: &'static str) -> Result<Option<IpAddr>, WireError> {
    octets.map(|octets| address(octets, field)).transpose()
}

//! Messages into values.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

use super::{WireError, activity, exposure, message};
use crate::{
    Admission, Attach, Body, Device, DeviceChange, DeviceId, DeviceState, Identity, Imei, ImeiLock, Imeisv, Imsi,
    Msisdn, NasReset, Observation, PlannedChange, PlannedKind, PlannedScope, Plmn, Rat, RejectReason, Session,
    SessionKey, SessionStatus, SessionVanished, Timestamp,
};

/// `None` in the message's body is the caller's to judge.
pub(super) fn observation(value: message::Observation) -> Result<Observation, WireError> {
    let identity = match (value.imsi, value.login) {
        (None, None) => value.mac.as_deref().map(activity::mac).transpose()?.map(Identity::Mac),
        (Some(imsi), _) => Some(Identity::Imsi(Imsi::from_packed(imsi).ok_or(wrong("imsi"))?)),
        (None, Some(login)) => Some(Identity::Login(login.into())),
    };
    let body = body(value.body.ok_or(WireError::Unknown)?, &value.source)?;
    Ok(Observation {
        event_time: Timestamp(value.event_time),
        observed_at: Timestamp(value.observed_at),
        source: value.source.into(),
        device: DeviceId(value.device),
        identity,
        body,
    })
}

fn body(value: message::Body, source: &str) -> Result<Body, WireError> {
    Ok(match value {
        message::Body::Session(it) => Body::Session(Box::new(session(*it, source)?)),
        message::Body::Admission(it) => Body::Admission(Box::new(admission(*it, source)?)),
        message::Body::NasReset(it) => Body::NasReset(NasReset { nas: or(it.nas, source), on: it.on }),
        message::Body::SessionVanished(it) => {
            Body::SessionVanished(SessionVanished { key: SessionKey { nas: or(it.nas, source), id: it.id.into() } })
        }
        message::Body::DeviceChange(it) => Body::DeviceChange(Box::new(device_change(*it)?)),
        message::Body::Tick(message::Tick {}) => Body::Tick,
        message::Body::Flow(it) => Body::Flow(Box::new(activity::flow_from(*it)?)),
        message::Body::Message(it) => Body::Message(Box::new(activity::message_from(it))),
        message::Body::Call(it) => Body::Call(Box::new(activity::call_from(it))),
        message::Body::Login(it) => Body::Login(Box::new(activity::login_from(it)?)),
        message::Body::SimChange(it) => Body::SimChange(Box::new(activity::sim_change_from(it)?)),
        message::Body::SourceState(it) => Body::SourceState(Box::new(activity::source_state_from(it))),
        message::Body::Exposure(it) => Body::Exposure(Box::new(exposure::from(*it)?)),
        message::Body::Network(it) => Body::Network(Box::new(activity::network_from(*it)?)),
        message::Body::PlannedChange(it) => Body::PlannedChange(Box::new(planned_change(*it)?)),
    })
}

fn session(value: message::Session, source: &str) -> Result<Session, WireError> {
    Ok(Session {
        key: SessionKey { nas: or(value.nas, source), id: value.id.into() },
        status: match value.status {
            1 => SessionStatus::Start,
            2 => SessionStatus::Stop,
            3 => SessionStatus::Interim,
            0 => return Err(wrong("status")),
            _ => return Err(WireError::Unknown),
        },
        bytes_up: value.bytes_up,
        bytes_down: value.bytes_down,
        packets_up: value.packets_up,
        packets_down: value.packets_down,
        has_gigawords: value.has_gigawords,
        session_secs: value.seconds,
        terminate_cause: value.terminate_cause,
        ip: value.ip.map(Ipv4Addr::from),
        ipv6: value.ipv6.as_deref().map(prefix).transpose()?,
        attach: attach(value.attach)?,
        user_name: value.user_name.map(Into::into),
        multi_session_id: value.multi_session_id.map(Into::into),
        nsapi: value.nsapi.map(|it| u8::try_from(it).map_err(|_| wrong("nsapi"))).transpose()?,
        class: value.class.map(Into::into),
    })
}

fn attach(value: Option<message::Attach>) -> Result<Attach, WireError> {
    let Some(value) = value else { return Ok(Attach::default()) };
    Ok(Attach {
        imeisv: value.imeisv.map(|it| Imeisv::from_packed(it).ok_or(wrong("imeisv"))).transpose()?,
        network: value.network.map(network).transpose()?,
        apn: value.apn.map(Into::into),
        rat: value.rat.map(|it| u8::try_from(it).map(Rat).map_err(|_| wrong("rat"))).transpose()?,
        location: value.location.map(Into::into),
        msisdn: value.msisdn.map(|it| Msisdn::from_packed(it).ok_or(wrong("msisdn"))).transpose()?,
        gateway: value.gateway.as_deref().map(|octets| address(octets, "gateway")).transpose()?,
    })
}

fn admission(value: message::Admission, source: &str) -> Result<Admission, WireError> {
    let rejected = match value.rejected {
        0 => None,
        number => Some(*RejectReason::ALL.get(number as usize - 1).ok_or(WireError::Unknown)?),
    };
    Ok(Admission {
        rejected,
        nas: or(value.nas, source),
        attach: attach(value.attach)?,
        expected: value.expected.into(),
        observed: value.observed.into(),
    })
}

fn device_change(value: message::DeviceChange) -> Result<DeviceChange, WireError> {
    let device = device(value.device.ok_or(wrong("device"))?)?;
    Ok(DeviceChange { device, removed: value.removed, by: value.by.into() })
}

fn device(value: message::Device) -> Result<Device, WireError> {
    Ok(Device {
        name: value.name.into(),
        imsi: value.imsi.map(|it| Imsi::from_packed(it).ok_or(wrong("imsi"))).transpose()?,
        login: value.login.map(Into::into),
        iccid: value.iccid.map(|it| it.parse().map_err(|_| wrong("iccid"))).transpose()?,
        msisdn: value.msisdn.map(|it| Msisdn::from_packed(it).ok_or(wrong("msisdn"))).transpose()?,
        imei: value.imei.map(|it| Imei::from_packed(it).ok_or(wrong("imei"))).transpose()?,
        imei_lock: if value.imei_lock_off { ImeiLock::Off } else { ImeiLock::On },
        model: value.model.map(Into::into),
        groups: value.groups.into_iter().map(Into::into).collect(),
        state: match value.state {
            0 => DeviceState::Active,
            1 => DeviceState::Stock,
            2 => DeviceState::Suspended,
            3 => DeviceState::Retired,
            _ => return Err(WireError::Unknown),
        },
        ip: value.ip.map(Ipv4Addr::from),
        ipv6: value.ipv6.as_deref().map(prefix).transpose()?,
        mac: value.mac.as_deref().map(activity::mac).transpose()?,
        critical: value.critical,
    })
}

/// A kind that this version does not know is left out: what it excused is a finding then.
fn planned_change(value: message::PlannedChange) -> Result<PlannedChange, WireError> {
    let names = |names: Vec<String>| names.into_iter().map(Into::into).collect();
    let kind = |number: u32| PlannedKind::ALL.get((number as usize).wrapping_sub(1)).copied();
    if value.name.is_empty() {
        return Err(wrong("name"));
    }
    Ok(PlannedChange {
        name: value.name.into(),
        scope: PlannedScope { devices: names(value.devices), groups: names(value.groups), models: names(value.models) },
        excuses: value.excuses.into_iter().filter_map(kind).collect(),
        rules: names(value.rules),
        from: Timestamp(value.from),
        until: Timestamp(value.until),
        reason: value.reason.into(),
        reference: value.reference.into(),
        by: value.by.into(),
    })
}

fn or(name: Option<String>, source: &str) -> Box<str> {
    name.map_or_else(|| source.into(), Into::into)
}

fn network(packed: u32) -> Result<Plmn, WireError> {
    let (long_mnc, digits) = match packed {
        100_000..=199_999 => (false, packed - 100_000),
        1_000_000..=1_999_999 => (true, packed - 1_000_000),
        _ => return Err(wrong("network")),
    };
    let split = if long_mnc { 1000 } else { 100 };
    Ok(Plmn { mcc: (digits / split) as u16, mnc: (digits % split) as u16, long_mnc })
}

fn prefix(octets: &[u8]) -> Result<Ipv6Net, WireError> {
    let (&length, address) = octets.split_last().ok_or(wrong("ipv6"))?;
    let address: [u8; 16] = address.try_into().map_err(|_| wrong("ipv6"))?;
    Ipv6Net::new(Ipv6Addr::from(address), length).map_err(|_| wrong("ipv6"))
}

pub(super) fn address(octets: &[u8], field: &'static str) -> Result<IpAddr, WireError> {
    if let Ok(four) = <[u8; 4]>::try_from(octets) {
        return Ok(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(octets).map(IpAddr::from).map_err(|_| wrong(field))
}

pub(super) fn wrong(field: &'static str) -> WireError {
    WireError::Field { field }
}

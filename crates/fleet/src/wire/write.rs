//! Values into messages.

use std::net::IpAddr;

use ipnet::Ipv6Net;

use super::{activity, exposure, message};
use crate::{
    Admission, Attach, Body, Device, DeviceChange, DeviceState, Identity, ImeiLock, Imeisv, Imsi, Msisdn, Observation,
    PlannedChange, PlannedKind, Plmn, RejectReason, Session, SessionStatus,
};

pub(super) fn observation(value: &Observation) -> message::Observation {
    let (imsi, login, mac) = match &value.identity {
        None => (None, None, None),
        Some(Identity::Imsi(imsi)) => (Some(imsi.to_packed()), None, None),
        Some(Identity::Login(login)) => (None, Some(login.to_string()), None),
        Some(Identity::Mac(mac)) => (None, None, Some(mac.0.to_vec())),
    };
    message::Observation {
        event_time: value.event_time.0,
        observed_at: value.observed_at.0,
        source: value.source.to_string(),
        device: value.device.0,
        imsi,
        login,
        mac,
        body: Some(body(&value.body, &value.source)),
    }
}

fn body(value: &Body, source: &str) -> message::Body {
    match value {
        Body::Session(it) => message::Body::Session(Box::new(session(it, source))),
        Body::Admission(it) => message::Body::Admission(Box::new(admission(it, source))),
        Body::NasReset(it) => message::Body::NasReset(message::NasReset { nas: unless(&it.nas, source), on: it.on }),
        Body::SessionVanished(it) => message::Body::SessionVanished(message::SessionVanished {
            nas: unless(&it.key.nas, source),
            id: it.key.id.to_string(),
        }),
        Body::DeviceChange(it) => message::Body::DeviceChange(Box::new(device_change(it))),
        Body::Tick => message::Body::Tick(message::Tick {}),
        Body::Flow(it) => message::Body::Flow(Box::new(activity::flow_to(it))),
        Body::Message(it) => message::Body::Message(activity::message_to(it)),
        Body::Call(it) => message::Body::Call(activity::call_to(it)),
        Body::Login(it) => message::Body::Login(activity::login_to(it)),
        Body::SimChange(it) => message::Body::SimChange(activity::sim_change_to(it)),
        Body::SourceState(it) => message::Body::SourceState(activity::source_state_to(it)),
        Body::Network(it) => message::Body::Network(Box::new(activity::network_to(it))),
        Body::Exposure(it) => message::Body::Exposure(Box::new(exposure::to(it))),
        Body::PlannedChange(it) => message::Body::PlannedChange(Box::new(planned_change(it))),
    }
}

fn session(value: &Session, source: &str) -> message::Session {
    message::Session {
        nas: unless(&value.key.nas, source),
        id: value.key.id.to_string(),
        status: match value.status {
            SessionStatus::Start => 1,
            SessionStatus::Stop => 2,
            SessionStatus::Interim => 3,
        },
        bytes_up: value.bytes_up,
        bytes_down: value.bytes_down,
        packets_up: value.packets_up,
        packets_down: value.packets_down,
        has_gigawords: value.has_gigawords,
        seconds: value.session_secs,
        terminate_cause: value.terminate_cause,
        ip: value.ip.map(u32::from),
        ipv6: value.ipv6.map(prefix),
        attach: attach(&value.attach),
        user_name: text(value.user_name.as_deref()),
        multi_session_id: text(value.multi_session_id.as_deref()),
        nsapi: value.nsapi.map(u32::from),
        class: value.class.as_deref().map(<[u8]>::to_vec),
    }
}

fn attach(value: &Attach) -> Option<message::Attach> {
    let message = message::Attach {
        imeisv: value.imeisv.map(Imeisv::to_packed),
        network: value.network.map(network),
        apn: text(value.apn.as_deref()),
        rat: value.rat.map(|rat| u32::from(rat.0)),
        location: value.location.as_deref().map(<[u8]>::to_vec),
        msisdn: value.msisdn.map(Msisdn::to_packed),
        gateway: value.gateway.map(octets),
    };
    (message != message::Attach::default()).then_some(message)
}

fn admission(value: &Admission, source: &str) -> message::Admission {
    let number = |reason| RejectReason::ALL.iter().position(|&one| one == reason).map_or(0, |at| at as u32 + 1);
    message::Admission {
        rejected: value.rejected.map_or(0, number),
        nas: unless(&value.nas, source),
        attach: attach(&value.attach),
        expected: value.expected.to_string(),
        observed: value.observed.to_string(),
    }
}

fn device_change(value: &DeviceChange) -> message::DeviceChange {
    message::DeviceChange { device: Some(device(&value.device)), removed: value.removed, by: value.by.to_string() }
}

fn device(value: &Device) -> message::Device {
    message::Device {
        name: value.name.to_string(),
        imsi: value.imsi.map(Imsi::to_packed),
        login: text(value.login.as_deref()),
        iccid: value.iccid.map(crate::Iccid::reveal),
        msisdn: value.msisdn.map(Msisdn::to_packed),
        imei: value.imei.map(crate::Imei::to_packed),
        imei_lock_off: value.imei_lock == ImeiLock::Off,
        model: text(value.model.as_deref()),
        groups: value.groups.iter().map(ToString::to_string).collect(),
        state: match value.state {
            DeviceState::Active => 0,
            DeviceState::Stock => 1,
            DeviceState::Suspended => 2,
            DeviceState::Retired => 3,
        },
        ip: value.ip.map(u32::from),
        ipv6: value.ipv6.map(prefix),
        mac: value.mac.map(|mac| mac.0.to_vec()),
        critical: value.critical,
    }
}

pub(super) fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

fn planned_change(value: &PlannedChange) -> message::PlannedChange {
    let names = |names: &[Box<str>]| names.iter().map(ToString::to_string).collect();
    let number = |kind: &PlannedKind| PlannedKind::ALL.iter().position(|one| one == kind).map(|at| at as u32 + 1);
    message::PlannedChange {
        name: value.name.to_string(),
        devices: names(&value.scope.devices),
        groups: names(&value.scope.groups),
        models: names(&value.scope.models),
        excuses: value.excuses.iter().filter_map(number).collect(),
        rules: names(&value.rules),
        from: value.from.0,
        until: value.until.0,
        reason: value.reason.to_string(),
        reference: value.reference.to_string(),
        by: value.by.to_string(),
    }
}

pub(super) fn text(value: Option<&str>) -> Option<String> {
    value.map(ToOwned::to_owned)
}

fn unless(name: &str, source: &str) -> Option<String> {
    (name != source).then(|| name.to_owned())
}

fn network(value: Plmn) -> u32 {
    let (mcc, mnc) = (u32::from(value.mcc), u32::from(value.mnc));
    if value.long_mnc { 1_000_000 + mcc * 1000 + mnc } else { 100_000 + mcc * 100 + mnc }
}

fn prefix(net: Ipv6Net) -> Vec<u8> {
    let mut octets = Vec::with_capacity(17);
    octets.extend_from_slice(&net.addr().octets());
    octets.push(net.prefix_len());
    octets
}

//! Records for tests.

use fleetward_fleet::{
    Attach, Body, Device, DeviceChange, DeviceId, Identity, NasReset, Observation, Session, SessionKey, SessionStatus,
    SessionVanished, Timestamp,
};

/// Some day in 2026, in seconds.
pub(crate) const DAY: i64 = 1_795_000_000;

/// `secs` after [`DAY`].
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(DAY + secs)
}

/// An accounting record of the session `id` at `nas`.
pub(crate) fn record(id: &str, status: SessionStatus, up: u64, down: u64) -> Session {
    Session {
        key: SessionKey { nas: "pgw-1".into(), id: id.into() },
        status,
        bytes_up: up,
        bytes_down: down,
        packets_up: None,
        packets_down: None,
        has_gigawords: false,
        session_secs: None,
        terminate_cause: (status == SessionStatus::Stop).then_some(1),
        ip: None,
        ipv6: None,
        attach: Attach { network: "26201".parse().ok(), apn: Some("iot.example".into()), ..Attach::default() },
        user_name: None,
        multi_session_id: None,
        nsapi: None,
        class: None,
    }
}

pub(crate) fn imsi(number: u64) -> fleetward_fleet::Imsi {
    format!("26201{number:010}").parse().unwrap()
}

/// An observation of the device `number`, which an inventory may know as `sim-<number>`.
pub(crate) fn seen(number: u64, secs: i64, body: Body) -> Observation {
    Observation {
        event_time: at(secs),
        observed_at: at(secs),
        source: "pgw-1".into(),
        device: DeviceId::of(&format!("sim-{number}")),
        identity: Some(Identity::Imsi(imsi(number))),
        body,
    }
}

pub(crate) fn session(number: u64, secs: i64, session: Session) -> Observation {
    seen(number, secs, Body::Session(Box::new(session)))
}

pub(crate) fn device(number: u64) -> Device {
    let mut device = Device::named(format!("sim-{number}"));
    device.imsi = Some(imsi(number));
    device.model = Some("meter".into());
    device.groups = vec!["meters".into()];
    device
}

pub(crate) fn change(secs: i64, number: u64, device: Device) -> Observation {
    seen(number, secs, Body::DeviceChange(Box::new(DeviceChange { device, removed: false, by: "cli".into() })))
}

pub(crate) fn removal(secs: i64, number: u64) -> Observation {
    let removed = DeviceChange { device: device(number), removed: true, by: "cli".into() };
    seen(number, secs, Body::DeviceChange(Box::new(removed)))
}

/// Concerns all devices.
pub(crate) fn broadcast(secs: i64, body: Body) -> Observation {
    Observation { device: DeviceId(0), identity: None, ..seen(0, secs, body) }
}

pub(crate) fn tick(secs: i64) -> Observation {
    broadcast(secs, Body::Tick)
}

pub(crate) fn reset(secs: i64, nas: &str) -> Observation {
    broadcast(secs, Body::NasReset(NasReset { nas: nas.into(), on: true }))
}

pub(crate) fn vanished(number: u64, secs: i64, id: &str) -> Observation {
    let key = SessionKey { nas: "pgw-1".into(), id: id.into() };
    seen(number, secs, Body::SessionVanished(SessionVanished { key }))
}

/// What a meter is meant to do.
pub(crate) fn profile() -> fleetward_fleet::Profile {
    let text = "model: meter\ntacs: ['35693803']\ncountries: [DE]\nnetworks: ['26201']\n\
                volume: { per_hour: 2 kB, per_day: 20 MB }\ncontact_every: 2 h\ninterim_secs: 600\n";
    fleetward_fleet::Profile::from_yaml(text).unwrap()
}

/// The default rules, compiled once.
pub(crate) fn rules() -> std::sync::Arc<fleetward_rules::RuleSet> {
    static RULES: std::sync::LazyLock<std::sync::Arc<fleetward_rules::RuleSet>> =
        std::sync::LazyLock::new(|| fleetward_rules::RuleSet::builtin(&fleetward_rules::Options::default()).into());
    RULES.clone()
}

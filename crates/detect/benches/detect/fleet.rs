//! A fleet of ten models: its inventory, profiles and sessions.

use std::sync::Arc;

use fleetward_fleet::{
    Attach, Body, Device, DeviceChange, DeviceId, Identity, Observation, Profile, Rat, Session, SessionKey,
    SessionStatus, Timestamp,
};

/// Models, and groups of each kind.
pub(crate) const MODELS: u64 = 10;
/// Regions; each device is in one.
pub(crate) const REGIONS: u64 = 5;

/// What a device of each model sends: meters and sensors say little, two models are busy.
const BYTES_A_SECOND: [u64; MODELS as usize] = [1, 1, 2, 2, 4, 4, 8, 12, 40, 100];

pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_795_000_000 + secs)
}

fn observation(n: u64, secs: i64, body: Body) -> Arc<Observation> {
    Arc::new(Observation {
        event_time: at(secs),
        observed_at: at(secs),
        source: "pgw-1".into(),
        device: DeviceId::of(&format!("meter-{n:07}")),
        identity: format!("26201{n:010}").parse().ok().map(Identity::Imsi),
        body,
    })
}

pub(crate) fn tick(secs: i64) -> Arc<Observation> {
    Arc::new(Observation {
        event_time: at(secs),
        observed_at: at(secs),
        source: "clock".into(),
        device: DeviceId(0),
        identity: None,
        body: Body::Tick,
    })
}

pub(crate) fn device(n: u64) -> Arc<Observation> {
    let mut device = Device::named(format!("meter-{n:07}"));
    device.imsi = format!("26201{n:010}").parse().ok();
    device.imei = imei(n).parse().ok();
    device.model = Some(format!("model-{}", n % MODELS).into());
    device.groups = vec!["field".into(), format!("region-{}", n / MODELS % REGIONS).into()];
    device.ip = Some(std::net::Ipv4Addr::from(0x0A00_0000 + n as u32));
    observation(n, 0, Body::DeviceChange(Box::new(DeviceChange { device, removed: false, by: "import".into() })))
}

fn imei(n: u64) -> String {
    format!("3569380{}{:06}", n % MODELS, n / MODELS % 1_000_000)
}

/// An accounting record of device `n`, `secs` after the fleet began. `session`: which of its sessions.
pub(crate) fn record(n: u64, session: u64, begun: i64, secs: i64, status: SessionStatus) -> Arc<Observation> {
    let age = (secs - begun).cast_unsigned();
    let volume = age * BYTES_A_SECOND[(n % MODELS) as usize] * (90 + n / MODELS % 20) / 100;
    let session = Session {
        key: SessionKey { nas: "pgw-1".into(), id: format!("{n:08x}0a1b2c{session:02x}").into() },
        status,
        bytes_up: volume,
        bytes_down: volume / 3,
        packets_up: None,
        packets_down: None,
        has_gigawords: true,
        session_secs: Some(age as u32),
        terminate_cause: (status == SessionStatus::Stop).then_some(1),
        ip: Some(std::net::Ipv4Addr::from(0x0A00_0000 + n as u32)),
        ipv6: None,
        attach: Attach {
            imeisv: format!("{}01", imei(n)).parse().ok(),
            network: "26201".parse().ok(),
            apn: Some("iot.example".into()),
            rat: Some(Rat(6)),
            location: Some([1, 0x62, 0xF2, 0x10, 0, 1, 0, n as u8].into()),
            msisdn: format!("49170{n:08}").parse().ok(),
            gateway: None,
        },
        user_name: Some("meter".into()),
        multi_session_id: None,
        nsapi: Some(5),
        class: Some(n.to_be_bytes().into()),
    };
    observation(n, secs, Body::Session(Box::new(session)))
}

pub(crate) fn profiles() -> impl Iterator<Item = Profile> {
    (0..MODELS).map(|model| {
        let text = format!(
            "model: model-{model}\ntacs: ['3569380{model}']\ncountries: [DE]\nnetworks: ['26201']\napns: [iot.example]\n\
             volume: {{ per_hour: 2 MB, per_day: 20 MB }}\nsessions_per_day: 20\ncontact_every: 26 h\ninterim_secs: 900\n"
        );
        Profile::from_yaml(&text).expect("a profile of our own")
    })
}

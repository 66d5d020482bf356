//! What the layers hand on: small, sortable, made into an [`Observation`] only when it is its turn.

use fleetward_fleet::{
    Admission, Attach, Body, DeviceChange, DeviceId, Imeisv, Observation, Plmn, Rat, RejectReason, Session, SessionKey,
    SessionStatus, Timestamp,
};

use crate::unit::Member;

/// Module, network and place of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attached {
    pub(crate) imeisv: Imeisv,
    pub(crate) network: Plmn,
    /// LTE cell identity, 28 bits; the area is the upper part.
    pub(crate) cell: u32,
    /// Index into the names of the world.
    pub(crate) apn: u16,
    pub(crate) rat: u8,
}

/// One event of one unit. Times in milliseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) observed: i64,
    pub(crate) happened: i64,
    pub(crate) unit: u32,
    /// Of this unit: equal times keep the order in which they were made.
    pub(crate) number: u32,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Record(Record),
    Rejected(RejectReason, Attached),
    Device(Box<DeviceChange>),
    /// What another sensor saw.
    Other(Body),
}

/// An accounting record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) status: SessionStatus,
    pub(crate) serial: u32,
    pub(crate) up: u64,
    pub(crate) down: u64,
    /// Packets from and to the device.
    pub(crate) packets: (u32, u32),
    pub(crate) secs: u32,
    pub(crate) cause: Option<u8>,
    pub(crate) at: Attached,
}

impl Event {
    /// Observations have one order, whatever made them.
    pub(crate) fn order(&self) -> (i64, u32, u32) {
        (self.observed, self.unit, self.number)
    }

    /// The sensor's name.
    fn source(&self, member: &Member) -> &'static str {
        match &self.what {
            What::Record(_) | What::Rejected(..) => member.nas,
            What::Device(_) => "inventory",
            What::Other(Body::Flow(_)) => "mirror",
            What::Other(Body::Login(_)) => "syslog",
            What::Other(_) => "platform",
        }
    }

    pub(crate) fn observation(self, member: &Member, apns: &[Box<str>]) -> Observation {
        let source = self.source(member);
        let body = match self.what {
            What::Record(record) => Body::Session(Box::new(record.session(self.unit, member, apns))),
            What::Rejected(reason, at) => Body::Admission(Box::new(Admission {
                rejected: Some(reason),
                nas: member.nas.into(),
                attach: at.attach(member, apns),
                expected: "as the profile says".into(),
                observed: format!("module of type {}, network {}", at.imeisv.tac(), at.network).into(),
            })),
            What::Device(change) => Body::DeviceChange(change),
            What::Other(body) => body,
        };
        Observation {
            event_time: Timestamp(self.happened),
            observed_at: Timestamp(self.observed),
            source: source.into(),
            device: member.id,
            identity: if source == "inventory" { None } else { member.identity.clone() },
            body,
        }
    }
}

impl Record {
    fn session(self, unit: u32, member: &Member, apns: &[Box<str>]) -> Session {
        let wrap = |octets: u64| if member.gigawords { octets } else { octets & 0xFFFF_FFFF };
        Session {
            key: SessionKey { nas: member.nas.into(), id: format!("{unit:08x}{:08x}", self.serial).into() },
            status: self.status,
            bytes_up: wrap(self.up),
            bytes_down: wrap(self.down),
            packets_up: Some(self.packets.0),
            packets_down: Some(self.packets.1),
            has_gigawords: member.gigawords,
            session_secs: Some(self.secs),
            terminate_cause: self.cause.map(u32::from),
            ip: member.device.ip,
            ipv6: None,
            attach: self.at.attach(member, apns),
            user_name: None,
            multi_session_id: None,
            nsapi: Some(5),
            class: None,
        }
    }
}

impl Attached {
    fn attach(self, member: &Member, apns: &[Box<str>]) -> Attach {
        Attach {
            imeisv: Some(self.imeisv),
            network: Some(self.network),
            apn: apns.get(usize::from(self.apn)).cloned(),
            rat: Some(Rat(self.rat)),
            location: Some(location(self.network, self.cell)),
            msisdn: member.device.msisdn,
            gateway: None,
        }
    }
}

/// 3GPP-User-Location-Info of type 130, TAI and ECGI (TS 29.061 §16.4.7.2, TS 29.274 §8.21).
fn location(network: Plmn, cell: u32) -> Box<[u8]> {
    let plmn = octets(network);
    let area = ((cell >> 8) as u16).to_be_bytes();
    [&[130][..], &plmn, &area, &plmn, &(cell & 0x0FFF_FFFF).to_be_bytes()].concat().into()
}

/// A network as three octets of swapped digits (TS 24.008 §10.5.1.13).
fn octets(network: Plmn) -> [u8; 3] {
    let digits = |value: u16| [(value / 100) as u8, (value / 10 % 10) as u8, (value % 10) as u8];
    let (country, code) = (digits(network.mcc), digits(network.mnc));
    let (third, first, second) = if network.long_mnc { (code[2], code[0], code[1]) } else { (15, code[1], code[2]) };
    [country[1] << 4 | country[0], third << 4 | country[2], second << 4 | first]
}

/// A tick of the clock: concerns all devices.
pub(crate) fn tick(at: i64) -> Observation {
    let at = Timestamp(at);
    Observation {
        event_time: at,
        observed_at: at,
        source: "clock".into(),
        device: DeviceId(0),
        identity: None,
        body: Body::Tick,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_written_as_they_are_read() {
        for text in ["26299", "310410", "20801"] {
            let network: Plmn = text.parse().unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(Plmn::from_octets(octets(network)), Some(network));
        }
    }
}

//! What the query side shows of the state: owned values, made on demand by the worker that owns the partition.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use fleetward_fleet::metric::Sample;
use fleetward_fleet::{Country, DeviceId, DeviceState, Imeisv, Imsi, Msisdn, Plmn, Rat, SessionKey, Timestamp};
use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};

use crate::EndCause;

/// One session. The last few closed ones of a device are kept (see [`crate::Limits`]) and know less: module, place and address are gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// Whose.
    pub device: DeviceId,
    /// The device's name; masked identity where the inventory does not have it.
    pub device_name: Box<str>,
    /// The NAS.
    pub nas: Box<str>,
    /// Acct-Session-Id.
    pub id: Box<str>,
    /// When it began, by event time, as far as we know.
    pub opened_at: Timestamp,
    /// The event time of its newest record.
    pub last_seen: Timestamp,
    /// When it ended, by event time; `None` while it is open.
    pub ended_at: Option<Timestamp>,
    /// How it ended; `None` while it is open.
    pub ended: Option<EndCause>,
    /// Octets from the device so far.
    pub bytes_up: u64,
    /// Octets to the device so far.
    pub bytes_down: u64,
    /// A counter went down without Gigawords: at least one 32-bit wrap, the octets around it are missing from the sum.
    pub wrapped: bool,
    /// Framed-IP-Address.
    pub ip: Option<Ipv4Addr>,
    /// Framed-IPv6-Prefix.
    pub ipv6: Option<Ipv6Net>,
    /// The SIM, as the inventory knows it (or as the sensor knew it).
    pub imsi: Option<Imsi>,
    /// The module.
    pub imeisv: Option<Imeisv>,
    /// The number.
    pub msisdn: Option<Msisdn>,
    /// Serving network.
    pub network: Option<Plmn>,
    /// Its country.
    pub country: Option<Country>,
    /// Access point name.
    pub apn: Option<Box<str>>,
    /// Radio technology.
    pub rat: Option<Rat>,
    /// User-Name.
    pub user_name: Option<Box<str>>,
    /// Acct-Multi-Session-Id.
    pub multi_session_id: Option<Box<str>>,
    /// 3GPP-NSAPI.
    pub nsapi: Option<u8>,
}

impl SessionView {
    pub(crate) fn empty() -> Self {
        Self {
            device: DeviceId(0),
            device_name: Box::default(),
            nas: Box::default(),
            id: Box::default(),
            opened_at: Timestamp(0),
            last_seen: Timestamp(0),
            ended_at: None,
            ended: None,
            bytes_up: 0,
            bytes_down: 0,
            wrapped: false,
            ip: None,
            ipv6: None,
            imsi: None,
            imeisv: None,
            msisdn: None,
            network: None,
            country: None,
            apn: None,
            rat: None,
            user_name: None,
            multi_session_id: None,
            nsapi: None,
        }
    }

    /// What a request to the NAS may have to say about it.
    pub fn target(&self) -> crate::SessionTarget {
        crate::SessionTarget {
            key: self.key(),
            user_name: self.user_name.clone(),
            multi_session_id: self.multi_session_id.clone(),
            ip: self.ip,
            ipv6: self.ipv6,
            imsi: self.imsi,
            msisdn: self.msisdn,
            nsapi: self.nsapi,
        }
    }

    /// Its key.
    pub fn key(&self) -> SessionKey {
        SessionKey { nas: self.nas.clone(), id: self.id.clone() }
    }
}

/// Which sessions.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SessionFilter {
    /// Of this device only.
    pub device: Option<DeviceId>,
    /// Of this NAS only.
    pub nas: Option<Box<str>>,
    /// `Some(true)`: open ones; `Some(false)`: recently closed ones; `None`: both.
    pub open: Option<bool>,
    /// Part of the device's name, the session id, the address, APN or model, in any case.
    pub text: Option<Box<str>>,
}

/// One page and where the next one starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// At most as many as were asked for.
    pub items: Vec<T>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Cursor>,
}

/// A place in the list of sessions: by partition, then device, then session. It stays valid while sessions come and go:
/// each session that exists all the time is listed exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    pub(crate) partition: u8,
    pub(crate) device: u64,
    pub(crate) session: u128,
}

/// The text is no cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor that this server gave out")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:016x}{:032x}", self.partition, self.device, self.session)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() != 50 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidCursor);
        }
        Ok(Self {
            partition: u8::from_str_radix(&text[..2], 16).map_err(|_| InvalidCursor)?,
            device: u64::from_str_radix(&text[2..18], 16).map_err(|_| InvalidCursor)?,
            session: u128::from_str_radix(&text[18..], 16).map_err(|_| InvalidCursor)?,
        })
    }
}

/// What detection knows of a device right now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceView {
    /// Which.
    pub device: DeviceId,
    /// Its name; masked identity where the inventory does not have it.
    pub name: Box<str>,
    /// Whether the inventory has it.
    pub known: bool,
    /// Where it is in its life, as judged.
    pub state: DeviceState,
    /// The kind of device.
    pub model: Option<Box<str>>,
    /// When we first heard of it talking, by event time.
    pub first_seen: Option<Timestamp>,
    /// When we last heard of it talking, by event time.
    pub last_seen: Option<Timestamp>,
    /// Octets from the device, ever.
    pub bytes_up: u64,
    /// Octets to the device, ever.
    pub bytes_down: u64,
    /// Sessions ever begun.
    pub sessions: u64,
    /// Sessions open now.
    pub open: Vec<SessionView>,
    /// Some rule has an episode under way (or cooling down) on it.
    pub has_episodes: bool,
    /// How many whole days of traffic its baseline has seen, by the partition's newest time; `None` where none is learnt.
    pub baseline_days: Option<u32>,
}

/// How far the baseline of a device has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Learnt {
    /// Nothing is learnt: baselines are off, all or those of its model.
    Off,
    /// None of its records came since it is learnt.
    Unheard,
    /// It is learnt.
    Days {
        /// Whole days that it has taught.
        days: u32,
        /// What its model has taught; `None`: nothing yet.
        model: Option<fleetward_baseline::Learning>,
    },
}

/// What the state holds and has done; sums over all workers.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Devices of the inventory.
    pub known_devices: u64,
    /// Devices that talk but are not in the inventory (bounded).
    pub unknown_devices: u64,
    /// Unknown devices that had to make room.
    pub unknown_dropped: u64,
    /// Sessions open now.
    pub open_sessions: u64,
    /// Records judged since the start of the process.
    pub applied: u64,
    /// Findings raised since the start of the process.
    pub findings: u64,
    /// Judgements that a planned change excused since the start of the process.
    pub excused: u64,
    /// Session records that changed nothing: retransmits and late ones.
    pub stale_records: u64,
    /// Counters that went down without Gigawords.
    pub wraps: u64,
}

impl Counts {
    /// For `/metrics`. What the unit of `applied` counts: a tick or a reset is judged once per partition.
    pub(crate) fn metrics(&self) -> Vec<Sample> {
        #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
        let gauge = |name, help, value: u64| Sample::gauge(name, help, value as f64);
        let devices =
            |value, known: &str| gauge("fleetward_detect_devices", "Devices with state.", value).with("known", known);
        vec![
            devices(self.known_devices, "true"),
            devices(self.unknown_devices, "false"),
            gauge("fleetward_detect_open_sessions", "Sessions open now.", self.open_sessions),
            Sample::counter("fleetward_detect_records_total", "Records judged.", self.applied),
            Sample::counter("fleetward_detect_findings_total", "Findings raised.", self.findings),
            Sample::counter(
                "fleetward_detect_excused_total",
                "Judgements that a planned change excused.",
                self.excused,
            ),
            Sample::counter(
                "fleetward_detect_unknown_dropped_total",
                "Unknown devices that made room.",
                self.unknown_dropped,
            ),
            Sample::counter(
                "fleetward_detect_stale_records_total",
                "Session records that said nothing new.",
                self.stale_records,
            ),
            Sample::counter(
                "fleetward_detect_counter_wraps_total",
                "Counters that went down without Gigawords.",
                self.wraps,
            ),
        ]
    }
}

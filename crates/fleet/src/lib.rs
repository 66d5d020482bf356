//! The words of the product as types, and nothing else: no clock, no I/O, no other crate of ours.
//!
//! A sensor makes an [`Observation`]; the journal keeps it (its [`wire`] form); detection holds it against a
//! [`Profile`] and the operator's rules and makes a [`Finding`]; a finding may lead to a [`Response`].
//!
//! # Invariants
//!
//! * **Identities print masked.** `Display` and `Debug` of [`Imsi`], [`Iccid`], [`Msisdn`], [`Imei`] and [`Secret`]
//!   never show the whole value; `reveal()` does, by name.
//! * **Time is a value.** [`Timestamp`] is passed in; nothing here reads a clock.
//! * **A device lives in one partition for life**: [`DeviceId::partition`] depends on its name alone.
//!
//! ```
//! use fleetward_fleet::{DeviceId, Imsi};
//! let imsi: Imsi = "262011234567890".parse().unwrap();
//! assert_eq!(imsi.to_string(), "26201•••••••890");
//! assert_eq!(DeviceId::of("meter-17"), DeviceId::of("meter-17"));
//! ```

mod activity;
mod count;
mod device;
pub mod exposure;
mod finding;
mod id;
mod identity;
mod mac;
pub mod metric;
mod network;
mod notice;
mod observation;
mod place;
mod planned;
mod profile;
mod response;
mod secret;
mod sign;
mod spelling;
mod time;
mod unit;
pub mod wire;
mod yaml;
mod zone;

pub use activity::{Call, Direction, Flow, Login, Message};
pub use count::counted;
pub use device::{Device, DeviceState, ImeiLock};
pub use exposure::Exposure;
pub use finding::{Finding, FindingState, Severity, Suppression, SuppressionScope};
pub use id::{DeviceId, FindingId, Offset, PARTITIONS, Partition, ResponseId};
pub use identity::{Iccid, Identity, Imei, Imeisv, Imsi, InvalidIdentity, Msisdn, Tac};
pub use mac::{InvalidMac, Mac};
pub use network::{
    Allow, Confidence, GuardMode, Learned, NetworkProfile, Peer, PortRange, Protocol, Rate, Role, Support, TlsShape,
};
pub use notice::{SimChange, SimPart, SourceState, masked};
pub use observation::{
    Admission, Attach, Body, DeviceChange, NasReset, Observation, Rat, RejectReason, Session, SessionKey,
    SessionStatus, SessionVanished,
};
pub use place::{CellId, Country, Plmn, Point};
pub use planned::{InvalidPlan, MAX_PLANNED_DAYS, MAX_PLANNED_NAMES, PlannedChange, PlannedKind, PlannedScope};
pub use profile::{MissingImeisv, Profile, ProfileError, Simultaneous, Volume};
pub use response::{Action, Actor, Response, ResponseState, Transition};
pub use secret::Secret;
pub use sign::{NetworkSign, SignKind};
pub use spelling::{did_you_mean, did_you_mean_text};
pub use time::Timestamp;
pub use unit::{parse_bytes, parse_duration, read_bytes, read_duration};
pub use yaml::{YamlError, from_yaml};
pub use zone::{Hours, InvalidHours, InvalidZone, LocalTime, Zone};

//! The messages and their field numbers. They are a contract with every journal on every disk.
//!
//! * A number is never reused and never changes its type. A field that goes leaves its number in a comment.
//! * A new field is optional, and its absence means what it meant before the field existed.
//! * A new kind of observation takes the next number of [`Body`] (from 39 on; never below 16).
//!
//! Identities of digits are stored as one number with a 1 in front (`Imsi::to_packed`), networks likewise.

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Observation {
    /// Milliseconds since 1970.
    #[prost(int64, tag = "1")]
    pub event_time: i64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub observed_at: i64,
    #[prost(string, tag = "3")]
    pub source: String,
    #[prost(fixed64, tag = "4")]
    pub device: u64,
    /// Packed digits. Wins over `login`.
    #[prost(uint64, optional, tag = "5")]
    pub imsi: Option<u64>,
    #[prost(string, optional, tag = "6")]
    pub login: Option<String>,
    /// Six octets. Where there is neither `imsi` nor `login`.
    #[prost(bytes = "vec", optional, tag = "7")]
    pub mac: Option<Vec<u8>>,
    #[prost(oneof = "Body", tags = "8, 9, 10, 11, 12, 13, 14, 15, 32, 33, 34, 35, 36, 37, 38")]
    pub body: Option<Body>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Body {
    #[prost(message, tag = "8")]
    Session(Box<Session>),
    #[prost(message, tag = "9")]
    Admission(Box<Admission>),
    #[prost(message, tag = "10")]
    NasReset(NasReset),
    #[prost(message, tag = "11")]
    SessionVanished(SessionVanished),
    #[prost(message, tag = "12")]
    DeviceChange(Box<DeviceChange>),
    #[prost(message, tag = "13")]
    Tick(Tick),
    #[prost(message, tag = "14")]
    Flow(Box<Flow>),
    #[prost(message, tag = "15")]
    Message(Message),
    #[prost(message, tag = "32")]
    Call(Call),
    #[prost(message, tag = "33")]
    Login(Login),
    #[prost(message, tag = "34")]
    SimChange(SimChange),
    #[prost(message, tag = "35")]
    SourceState(SourceState),
    #[prost(message, tag = "36")]
    PlannedChange(Box<PlannedChange>),
    #[prost(message, tag = "37")]
    Network(Box<NetworkSign>),
    #[prost(message, tag = "38")]
    Exposure(Box<Exposure>),
}

/// The numbers of [`Body`] that this version knows.
pub(super) const BODIES: std::ops::RangeInclusive<u32> = 8..=38;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Session {
    /// Absent: the same as the observation's source.
    #[prost(string, optional, tag = "1")]
    pub nas: Option<String>,
    #[prost(string, tag = "2")]
    pub id: String,
    /// As in Acct-Status-Type: 1 start, 2 stop, 3 interim.
    #[prost(uint32, tag = "3")]
    pub status: u32,
    #[prost(uint64, tag = "4")]
    pub bytes_up: u64,
    #[prost(uint64, tag = "5")]
    pub bytes_down: u64,
    #[prost(bool, tag = "6")]
    pub has_gigawords: bool,
    #[prost(uint32, optional, tag = "7")]
    pub seconds: Option<u32>,
    #[prost(uint32, optional, tag = "8")]
    pub terminate_cause: Option<u32>,
    /// The four octets as a number, first octet highest.
    #[prost(fixed32, optional, tag = "9")]
    pub ip: Option<u32>,
    /// 16 octets and the length of the prefix in bits.
    #[prost(bytes = "vec", optional, tag = "10")]
    pub ipv6: Option<Vec<u8>>,
    #[prost(message, optional, tag = "11")]
    pub attach: Option<Attach>,
    #[prost(string, optional, tag = "12")]
    pub user_name: Option<String>,
    #[prost(string, optional, tag = "13")]
    pub multi_session_id: Option<String>,
    #[prost(uint32, optional, tag = "14")]
    pub nsapi: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "15")]
    pub class: Option<Vec<u8>>,
    #[prost(uint32, optional, tag = "16")]
    pub packets_up: Option<u32>,
    #[prost(uint32, optional, tag = "17")]
    pub packets_down: Option<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Attach {
    /// Packed digits.
    #[prost(uint64, optional, tag = "1")]
    pub imeisv: Option<u64>,
    /// MCC and MNC with a 1 in front: 126201, 1310410.
    #[prost(uint32, optional, tag = "2")]
    pub network: Option<u32>,
    #[prost(string, optional, tag = "3")]
    pub apn: Option<String>,
    #[prost(uint32, optional, tag = "4")]
    pub rat: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "5")]
    pub location: Option<Vec<u8>>,
    /// Packed digits.
    #[prost(uint64, optional, tag = "6")]
    pub msisdn: Option<u64>,
    /// 4 or 16 octets.
    #[prost(bytes = "vec", optional, tag = "7")]
    pub gateway: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Admission {
    /// 0: admitted; otherwise the place in `RejectReason::ALL`, from 1.
    #[prost(uint32, tag = "1")]
    pub rejected: u32,
    /// Absent: the same as the observation's source.
    #[prost(string, optional, tag = "2")]
    pub nas: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub attach: Option<Attach>,
    #[prost(string, tag = "4")]
    pub expected: String,
    #[prost(string, tag = "5")]
    pub observed: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NasReset {
    /// Absent: the same as the observation's source.
    #[prost(string, optional, tag = "1")]
    pub nas: Option<String>,
    #[prost(bool, tag = "2")]
    pub on: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SessionVanished {
    /// Absent: the same as the observation's source.
    #[prost(string, optional, tag = "1")]
    pub nas: Option<String>,
    #[prost(string, tag = "2")]
    pub id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DeviceChange {
    #[prost(message, optional, tag = "1")]
    pub device: Option<Device>,
    #[prost(bool, tag = "2")]
    pub removed: bool,
    #[prost(string, tag = "3")]
    pub by: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Device {
    #[prost(string, tag = "1")]
    pub name: String,
    /// Packed digits.
    #[prost(uint64, optional, tag = "2")]
    pub imsi: Option<u64>,
    #[prost(string, optional, tag = "3")]
    pub login: Option<String>,
    /// The digits as text: 19 of them do not fit a number.
    #[prost(string, optional, tag = "4")]
    pub iccid: Option<String>,
    /// Packed digits.
    #[prost(uint64, optional, tag = "5")]
    pub msisdn: Option<u64>,
    /// Packed digits.
    #[prost(uint64, optional, tag = "6")]
    pub imei: Option<u64>,
    /// The lock is on unless this says otherwise.
    #[prost(bool, tag = "7")]
    pub imei_lock_off: bool,
    #[prost(string, optional, tag = "8")]
    pub model: Option<String>,
    #[prost(string, repeated, tag = "9")]
    pub groups: Vec<String>,
    /// 0 active, 1 stock, 2 suspended, 3 retired.
    #[prost(uint32, tag = "10")]
    pub state: u32,
    /// The four octets as a number, first octet highest.
    #[prost(fixed32, optional, tag = "11")]
    pub ip: Option<u32>,
    /// 16 octets and the length of the prefix in bits.
    #[prost(bytes = "vec", optional, tag = "12")]
    pub ipv6: Option<Vec<u8>>,
    #[prost(bool, tag = "13")]
    pub critical: bool,
    /// Six octets.
    #[prost(bytes = "vec", optional, tag = "14")]
    pub mac: Option<Vec<u8>>,
}

/// No fields yet.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Tick {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Flow {
    /// 4 or 16 octets.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub address: Option<Vec<u8>>,
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    #[prost(uint32, optional, tag = "3")]
    pub port: Option<u32>,
    #[prost(uint32, optional, tag = "4")]
    pub protocol: Option<u32>,
    /// The other side began it.
    #[prost(bool, tag = "5")]
    pub inbound: bool,
    #[prost(uint64, tag = "6")]
    pub bytes_up: u64,
    #[prost(uint64, tag = "7")]
    pub bytes_down: u64,
    #[prost(uint32, tag = "8")]
    pub count: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Message {
    /// To the device.
    #[prost(bool, tag = "1")]
    pub inbound: bool,
    #[prost(string, optional, tag = "2")]
    pub peer: Option<String>,
    #[prost(uint32, tag = "3")]
    pub count: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Call {
    /// To the device.
    #[prost(bool, tag = "1")]
    pub inbound: bool,
    #[prost(string, optional, tag = "2")]
    pub peer: Option<String>,
    #[prost(uint32, tag = "3")]
    pub seconds: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Login {
    #[prost(string, tag = "1")]
    pub service: String,
    #[prost(string, optional, tag = "2")]
    pub account: Option<String>,
    #[prost(bool, tag = "3")]
    pub ok: bool,
    /// 4 or 16 octets.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub from: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SimChange {
    /// The place in `SimPart::ALL`, from 1.
    #[prost(uint32, tag = "1")]
    pub what: u32,
    #[prost(string, optional, tag = "2")]
    pub from: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub to: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NetworkSign {
    /// `SignKind::code`.
    #[prost(uint32, tag = "1")]
    pub sign: u32,
    /// 4 or 16 octets.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub address: Option<Vec<u8>>,
    #[prost(string, optional, tag = "3")]
    pub name: Option<String>,
    #[prost(uint32, optional, tag = "4")]
    pub port: Option<u32>,
    #[prost(uint32, optional, tag = "5")]
    pub protocol: Option<u32>,
    /// The other side began it.
    #[prost(bool, tag = "6")]
    pub inbound: bool,
    #[prost(uint64, tag = "7")]
    pub count: u64,
    #[prost(string, tag = "8")]
    pub expected: String,
    #[prost(string, tag = "9")]
    pub observed: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Exposure {
    /// 4 or 16 octets.
    #[prost(bytes = "vec", tag = "1")]
    pub address: Vec<u8>,
    #[prost(bool, tag = "2")]
    pub is_whole: bool,
    /// Protocol, first and last port, and so on.
    #[prost(uint32, repeated, tag = "3")]
    pub settled: Vec<u32>,
    #[prost(message, repeated, tag = "4")]
    pub open: Vec<Opening>,
    #[prost(message, repeated, tag = "5")]
    pub faults: Vec<Weakness>,
    #[prost(string, repeated, tag = "6")]
    pub marks: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Opening {
    #[prost(uint32, tag = "1")]
    pub protocol: u32,
    #[prost(uint32, tag = "2")]
    pub port: u32,
    #[prost(string, tag = "3")]
    pub service: String,
    #[prost(string, tag = "4")]
    pub product: String,
    #[prost(string, repeated, tag = "5")]
    pub doubts: Vec<String>,
    #[prost(string, repeated, tag = "6")]
    pub tried: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Weakness {
    #[prost(string, tag = "1")]
    pub check: String,
    /// Absent: the whole device.
    #[prost(uint32, optional, tag = "2")]
    pub protocol: Option<u32>,
    #[prost(uint32, tag = "3")]
    pub port: u32,
    /// 1 info, ... 5 critical.
    #[prost(uint32, tag = "4")]
    pub severity: u32,
    #[prost(string, tag = "5")]
    pub title: String,
    #[prost(string, tag = "6")]
    pub expected: String,
    #[prost(string, tag = "7")]
    pub observed: String,
    #[prost(string, tag = "8")]
    pub advice: String,
    #[prost(string, repeated, tag = "9")]
    pub tags: Vec<String>,
    #[prost(string, optional, tag = "10")]
    pub by: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SourceState {
    #[prost(string, tag = "1")]
    pub name: String,
    /// Milliseconds since 1970; absent: it speaks again.
    #[prost(int64, optional, tag = "2")]
    pub silent_since: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PlannedChange {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, repeated, tag = "2")]
    pub devices: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    pub groups: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub models: Vec<String>,
    /// The places in `PlannedKind::ALL`, from 1.
    #[prost(uint32, repeated, tag = "5")]
    pub excuses: Vec<u32>,
    #[prost(string, repeated, tag = "6")]
    pub rules: Vec<String>,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "7")]
    pub from: i64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "8")]
    pub until: i64,
    #[prost(string, tag = "9")]
    pub reason: String,
    #[prost(string, tag = "10")]
    pub reference: String,
    #[prost(string, tag = "11")]
    pub by: String,
}

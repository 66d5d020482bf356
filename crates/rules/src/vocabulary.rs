//! Every field that an expression may name: the closed vocabulary, its types, and which events carry each.

use crate::facts::Triggers;
use crate::symbol::SymbolType;

/// What a number measures; numbers of different dimension are not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dimension {
    Plain,
    Bytes,
    /// Seconds.
    Duration,
}

impl Dimension {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Plain => "a number",
            Self::Bytes => "a volume",
            Self::Duration => "a duration",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    SessionStart,
    SessionInterim,
    SessionStop,
    Admitted,
    Rejected,
    Contact,
    DeviceKnown,
    DeviceCritical,
    SessionIsNew,
    Late,
    SimultaneousAllowed,
    Fixed,
    SessionOverlaps,
    Flow,
    MessageSent,
    MessageReceived,
    CallMade,
    CallReceived,
    LoginOk,
    LoginFailed,
    SimChanged,
    Sign,
    SourceSilent,
    SourceBack,
    IsRecord,
    IdentityChanged,
    PlaceChanged,
    NewDestination,
    InHours,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Number {
    Bytes = 150,
    BytesUp,
    PacketsUp,
    PacketsDown,
    PacketsUpPerSecond,
    BytesDown,
    TotalBytes,
    SessionSecs,
    Svn,
    Age,
    TerminateCause,
    HourOfDay,
    Weekday,
    OpenSessions,
    VolumePerHour,
    VolumePerDay,
    SessionsPerDay,
    ContactEvery,
    FlowPort,
    FlowBytes,
    FlowBytesUp,
    FlowBytesDown,
    FlowCount,
    MessageCount,
    CallSecs,
    SilentFor,
    UnusualNow,
    UnusualLow,
    UnusualHigh,
    UnusualWeeks,
    UnusualOdds,
    UnusualDevices,
    ModelDevices,
    UplinkRatio,
    MessagesPerDay,
    CallsPerDay,
    LocalHour,
    LocalWeekday,
    VolumePerCycle,
    VolumePerLife,
    SignPort,
    SignCount,
}

/// The numbers are part of snapshots: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Symbol {
    Kind = 0,
    Status = 1,
    Country = 2,
    Network = 3,
    Rat = 4,
    Imei = 5,
    Tac = 6,
    Ip = 7,
    Cell = 8,
    Msisdn = 9,
    Reason = 10,
    DeviceState = 11,
    DeviceImei = 12,
    DeviceImeiLock = 13,
    DeviceIp = 14,
    /// The device itself, for `distinct: device` of a group.
    Device = 15,
    FlowAddress = 16,
    FlowProtocol = 17,
    FlowDirection = 18,
    LoginFrom = 19,
    SimPart = 20,
    Sign = 21,
    SignAddress = 22,
    SignProtocol = 23,
    SignDirection = 24,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum TextField {
    Apn = 100,
    DeviceName = 101,
    DeviceModel = 102,
    Source = 103,
    Expected = 104,
    Observed = 105,
    Destination = 106,
    FlowName = 107,
    MessagePeer = 108,
    CallPeer = 109,
    LoginService = 110,
    LoginAccount = 111,
    SimFrom = 112,
    SimTo = 113,
    SourceName = 114,
    Explanation = 115,
    SignName = 116,
    SignExpected = 117,
    SignObserved = 118,
    SignDestination = 119,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListField {
    Groups,
    Tacs,
    Countries,
    Networks,
    Apns,
    Rats,
    Destinations,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Flag(Flag),
    Number(Number, Dimension),
    Symbol(Symbol, SymbolType),
    Text(TextField),
    List(ListField, Option<SymbolType>),
}

impl Field {
    /// Names the field in the memory of a subject.
    pub(crate) fn code(self) -> Option<u8> {
        match self {
            Self::Number(number, _) => Some(number as u8),
            Self::Symbol(symbol, _) => Some(symbol as u8),
            Self::Text(text) => Some(text as u8),
            Self::Flag(_) | Self::List(..) => None,
        }
    }
}

/// One entry of the vocabulary.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) field: Field,
    /// The events that may carry it.
    pub(crate) carriers: Triggers,
    pub(crate) doc: &'static str,
}

const ALL: Triggers = Triggers::ALL;
const SESSION: Triggers = Triggers::SESSION;
const CONTACT: Triggers = Triggers::CONTACT;
const REJECTED: Triggers = Triggers::of(crate::facts::Trigger::Rejected);
const STOP: Triggers = Triggers::of(crate::facts::Trigger::SessionStop);
const FLOW: Triggers = Triggers::of(crate::facts::Trigger::Flow);
const MESSAGE: Triggers = Triggers::of(crate::facts::Trigger::Message);
const CALL: Triggers = Triggers::of(crate::facts::Trigger::Call);
const LOGIN: Triggers = Triggers::of(crate::facts::Trigger::Login);
const SIM: Triggers = Triggers::of(crate::facts::Trigger::SimChange);
const SOURCE: Triggers = Triggers::of(crate::facts::Trigger::SourceState);
const NETWORK: Triggers = Triggers::of(crate::facts::Trigger::Network);
const UNUSUAL: Triggers = Triggers::of(crate::facts::Trigger::Unusual);

const fn flag(name: &'static str, flag: Flag, carriers: Triggers, doc: &'static str) -> Entry {
    Entry { name, field: Field::Flag(flag), carriers, doc }
}
const fn bytes(name: &'static str, number: Number, carriers: Triggers, doc: &'static str) -> Entry {
    Entry { name, field: Field::Number(number, Dimension::Bytes), carriers, doc }
}
const fn duration(name: &'static str, number: Number, carriers: Triggers, doc: &'static str) -> Entry {
    Entry { name, field: Field::Number(number, Dimension::Duration), carriers, doc }
}
const fn plain(name: &'static str, number: Number, carriers: Triggers, doc: &'static str) -> Entry {
    Entry { name, field: Field::Number(number, Dimension::Plain), carriers, doc }
}
const fn symbol(name: &'static str, of: (Symbol, SymbolType), carriers: Triggers, doc: &'static str) -> Entry {
    Entry { name, field: Field::Symbol(of.0, of.1), carriers, doc }
}
const fn text(name: &'static str, text: TextField, carriers: Triggers, doc: &'static str) -> Entry {
    Entry { name, field: Field::Text(text), carriers, doc }
}
const fn list(name: &'static str, list: ListField, of: Option<SymbolType>, doc: &'static str) -> Entry {
    Entry { name, field: Field::List(list, of), carriers: ALL, doc }
}

use SymbolType as S;

/// The vocabulary.
#[rustfmt::skip]
pub(crate) static FIELDS: &[Entry] = &[
    symbol("kind", (Symbol::Kind, S::Kind), ALL, "session, session_lost, admission, device_change, tick, flow, message, call, login, sim_change, source_state, unusual or sign"),
    symbol("status", (Symbol::Status, S::Status), SESSION, "start, interim or stop of a session record"),
    flag("session_start", Flag::SessionStart, ALL, "the event is an accounting Start"),
    flag("session_interim", Flag::SessionInterim, ALL, "the event is an interim update"),
    flag("session_stop", Flag::SessionStop, ALL, "the event is an accounting Stop"),
    flag("admitted", Flag::Admitted, ALL, "the event is an admission that was granted"),
    flag("rejected", Flag::Rejected, ALL, "the event is an admission that was refused"),
    flag("contact", Flag::Contact, ALL, "the device was heard of: a session record, an admission, or something that it sent or answered"),
    flag("late", Flag::Late, ALL, "the record came after its lateness"),
    bytes("bytes", Number::Bytes, SESSION, "both directions, since the session's previous record"),
    bytes("bytes_up", Number::BytesUp, SESSION, "from the device, since the session's previous record"),
    bytes("bytes_down", Number::BytesDown, SESSION, "to the device, since the session's previous record"),
    plain("packets_up", Number::PacketsUp, SESSION, "from the device, since the session's previous record; unknown where the source counts none"),
    plain("packets_down", Number::PacketsDown, SESSION, "to the device, since the session's previous record; unknown where the source counts none"),
    plain("packets_up_per_second", Number::PacketsUpPerSecond, SESSION, "from the device, on average since the session's previous record"),
    plain("uplink_ratio", Number::UplinkRatio, SESSION, "share of `bytes` that came from the device, 0 to 1; unknown without traffic"),
    bytes("total_bytes", Number::TotalBytes, SESSION, "of the session so far, both directions"),
    duration("session_secs", Number::SessionSecs, SESSION, "age of the session"),
    plain("terminate_cause", Number::TerminateCause, STOP, "Acct-Terminate-Cause of a stop (RFC 2866 5.10)"),
    symbol("country", (Symbol::Country, S::Country), CONTACT, "country of the serving network, ISO 3166-1"),
    symbol("network", (Symbol::Network, S::Network), CONTACT, "serving network, MCC and MNC"),
    text("apn", TextField::Apn, CONTACT, "access point name"),
    symbol("rat", (Symbol::Rat, S::Rat), CONTACT, "radio technology: eutran, nb-iot, lte-m, nr, ..."),
    symbol("imei", (Symbol::Imei, S::Imei), CONTACT, "the module"),
    symbol("tac", (Symbol::Tac, S::Tac), CONTACT, "the model of the module: first 8 digits of the IMEI"),
    plain("svn", Number::Svn, CONTACT, "software version of the module: last 2 digits of the IMEISV"),
    symbol("ip", (Symbol::Ip, S::Ip), SESSION, "address that the device was given"),
    symbol("cell", (Symbol::Cell, S::Cell), CONTACT, "radio cell, as sent"),
    symbol("msisdn", (Symbol::Msisdn, S::Msisdn), CONTACT, "telephone number"),
    duration("age", Number::Age, ALL, "how long after it happened we learnt it"),
    text("source", TextField::Source, ALL, "configured name of the sensor"),
    symbol("reject_reason", (Symbol::Reason, S::Reason), REJECTED, "why it was not admitted"),
    text("reject_expected", TextField::Expected, REJECTED, "what the admission expected, in words"),
    text("reject_observed", TextField::Observed, REJECTED, "what the admission saw, in words"),
    flag("flow", Flag::Flow, ALL, "the event is a flow"),
    text("flow.destination", TextField::Destination, FLOW, "name of the other end, else its address"),
    text("flow.name", TextField::FlowName, FLOW, "name that led to the address"),
    symbol("flow.address", (Symbol::FlowAddress, S::Ip), FLOW, "address of the other end"),
    plain("flow.port", Number::FlowPort, FLOW, "port of the side that was called"),
    symbol("flow.protocol", (Symbol::FlowProtocol, S::Protocol), FLOW, "tcp, udp, icmp, ... or the IANA number"),
    symbol("flow.direction", (Symbol::FlowDirection, S::Direction), FLOW, "out: the device began it; in: the other side"),
    bytes("flow.bytes", Number::FlowBytes, FLOW, "both directions, of this record"),
    bytes("flow.bytes_up", Number::FlowBytesUp, FLOW, "from the device, of this record"),
    bytes("flow.bytes_down", Number::FlowBytesDown, FLOW, "to the device, of this record"),
    plain("flow.count", Number::FlowCount, FLOW, "conversations that the record sums up"),
    flag("message_sent", Flag::MessageSent, ALL, "the event is a short message from the device"),
    flag("message_received", Flag::MessageReceived, ALL, "the event is a short message to the device"),
    text("message.peer", TextField::MessagePeer, MESSAGE, "the other number or sender; masked in findings"),
    plain("message.count", Number::MessageCount, MESSAGE, "messages that the record sums up"),
    flag("call_made", Flag::CallMade, ALL, "the event is a call from the device"),
    flag("call_received", Flag::CallReceived, ALL, "the event is a call to the device"),
    text("call.peer", TextField::CallPeer, CALL, "the other number; masked in findings"),
    duration("call.duration", Number::CallSecs, CALL, "how long the call was answered"),
    flag("login_ok", Flag::LoginOk, ALL, "the event is a login that was let in"),
    flag("login_failed", Flag::LoginFailed, ALL, "the event is a login that was refused"),
    text("login.service", TextField::LoginService, LOGIN, "the service of the device: ssh, telnet, web, ..."),
    text("login.account", TextField::LoginAccount, LOGIN, "the account that was tried"),
    symbol("login.from", (Symbol::LoginFrom, S::Ip), LOGIN, "address from which it came"),
    flag("sim_changed", Flag::SimChanged, ALL, "the event is a change of the SIM at its platform"),
    symbol("sim.part", (Symbol::SimPart, S::SimPart), SIM, "imsi, iccid, esim_profile, plan, state or imei_lock"),
    text("sim.from", TextField::SimFrom, SIM, "what it was; identities masked in findings"),
    text("sim.to", TextField::SimTo, SIM, "what it is now; identities masked in findings"),
    flag("source_silent", Flag::SourceSilent, ALL, "the event says that a source fell silent"),
    flag("source_back", Flag::SourceBack, ALL, "the event says that a source speaks again"),
    text("source_state.name", TextField::SourceName, SOURCE, "the source that it is about"),
    duration("source_state.silent_for", Number::SilentFor, SOURCE, "how long nothing came from it"),
    flag("sign", Flag::Sign, ALL, "the event is a sign in the device's network traffic, seen by a sensor of packets"),
    symbol("sign.kind", (Symbol::Sign, S::Sign), NETWORK, "unlisted_peer, unlisted_port, unlisted_role, device_to_device, scan, flood_out, flood_in, beacon, brute_force, dns_bypass, hard_coded_address, tracker, plaintext, credentials_in_clear, over_rate, unknown_device, other_model, foreign_tls, model_novelty or spoofing"),
    text("sign.destination", TextField::SignDestination, NETWORK, "name of the other end, else its address"),
    text("sign.name", TextField::SignName, NETWORK, "name of the other end, where one led there"),
    symbol("sign.address", (Symbol::SignAddress, S::Ip), NETWORK, "address of the other end"),
    plain("sign.port", Number::SignPort, NETWORK, "port of the side that was called"),
    symbol("sign.protocol", (Symbol::SignProtocol, S::Protocol), NETWORK, "tcp, udp, icmp, ... or the IANA number"),
    symbol("sign.direction", (Symbol::SignDirection, S::Direction), NETWORK, "out: the device began it; in: the other side"),
    plain("sign.count", Number::SignCount, NETWORK, "how much of it: hosts of a scan, packets a second of a flood, attempts, devices"),
    text("sign.expected", TextField::SignExpected, NETWORK, "what was expected, as a sentence"),
    text("sign.observed", TextField::SignObserved, NETWORK, "what happened, as a sentence"),
    text("unusual.explanation", TextField::Explanation, UNUSUAL, "what is usual, what is now, and how rare that is, as a sentence"),
    bytes("unusual.now", Number::UnusualNow, UNUSUAL, "the amount that is unusual"),
    bytes("unusual.low", Number::UnusualLow, UNUSUAL, "the lower end of what is usual"),
    bytes("unusual.high", Number::UnusualHigh, UNUSUAL, "the upper end of what is usual"),
    plain("unusual.weeks", Number::UnusualWeeks, UNUSUAL, "weeks that the device itself has taught"),
    plain("unusual.odds", Number::UnusualOdds, UNUSUAL, "by chance about once in so many device-hours"),
    plain("unusual.devices", Number::UnusualDevices, UNUSUAL, "devices that are unusual at the same time"),
    plain("unusual.model_devices", Number::ModelDevices, UNUSUAL, "devices of the model"),
    flag("unusual.record", Flag::IsRecord, UNUSUAL, "the highest ever of this device"),
    flag("unusual.identity_changed", Flag::IdentityChanged, UNUSUAL, "another IMEI, IMSI or ICCID in the last day"),
    flag("unusual.place_changed", Flag::PlaceChanged, UNUSUAL, "another country or network in the last day"),
    flag("unusual.new_destination", Flag::NewDestination, UNUSUAL, "a destination that it never contacted, in the last day"),
    plain("hour_of_day", Number::HourOfDay, ALL, "0 to 23, UTC"),
    plain("weekday", Number::Weekday, ALL, "1 (Monday) to 7 (Sunday), UTC"),
    plain("local_hour", Number::LocalHour, ALL, "0 to 23 in the profile's `time_zone`; without one UTC"),
    plain("local_weekday", Number::LocalWeekday, ALL, "1 (Monday) to 7 (Sunday) in the profile's `time_zone`; without one UTC"),
    flag("profile.in_hours", Flag::InHours, ALL, "the local time is in the profile's `hours`; unknown where it states none"),
    symbol("device", (Symbol::Device, S::Device), ALL, "the device itself; for `distinct: device`"),
    flag("device.known", Flag::DeviceKnown, ALL, "the inventory has it"),
    text("device.name", TextField::DeviceName, ALL, "its name"),
    symbol("device.state", (Symbol::DeviceState, S::DeviceState), ALL, "stock, active, suspended or retired"),
    text("device.model", TextField::DeviceModel, ALL, "its model"),
    list("device.groups", ListField::Groups, None, "its groups"),
    flag("device.critical", Flag::DeviceCritical, ALL, "it or its model is safety-critical"),
    symbol("device.imei", (Symbol::DeviceImei, S::Imei), ALL, "the module that belongs to it"),
    symbol("device.imei_lock", (Symbol::DeviceImeiLock, S::ImeiLock), ALL, "on or off"),
    symbol("device.ip", (Symbol::DeviceIp, S::Ip), ALL, "its fixed address"),
    plain("session.open_sessions", Number::OpenSessions, SESSION, "how many sessions it has open, one that starts included, one that stops not"),
    flag("session.is_new", Flag::SessionIsNew, SESSION, "first record of the session that we saw"),
    flag("session.overlaps", Flag::SessionOverlaps, SESSION, "it carries traffic beside a newer session of the device"),
    duration("session.age", Number::SessionSecs, SESSION, "age of the session"),
    list("profile.tacs", ListField::Tacs, Some(S::Tac), "types of module that the model uses"),
    list("profile.countries", ListField::Countries, Some(S::Country), "countries where it is meant to be"),
    list("profile.networks", ListField::Networks, Some(S::Network), "networks that it may use"),
    list("profile.apns", ListField::Apns, None, "access point names that it may use"),
    list("profile.rats", ListField::Rats, Some(S::Rat), "radio technologies that it may use"),
    bytes("profile.volume.per_hour", Number::VolumePerHour, ALL, "plenty for an hour"),
    bytes("profile.volume.per_day", Number::VolumePerDay, ALL, "plenty for a day"),
    bytes("profile.volume.per_cycle", Number::VolumePerCycle, ALL, "plenty for a billing cycle"),
    bytes("profile.volume.per_life", Number::VolumePerLife, ALL, "plenty for a lifetime"),
    list("profile.destinations", ListField::Destinations, None, "whom it may talk to: names, `*.` for all below one, addresses, networks"),
    plain("profile.sessions_per_day", Number::SessionsPerDay, ALL, "plenty of sessions for a day"),
    plain("profile.messages_per_day", Number::MessagesPerDay, ALL, "short messages that it may send in a day"),
    plain("profile.calls_per_day", Number::CallsPerDay, ALL, "calls that it may make in a day"),
    flag("profile.fixed", Flag::Fixed, ALL, "its devices stay where they were installed"),
    flag("profile.simultaneous_allowed", Flag::SimultaneousAllowed, ALL, "several sessions at a time are meant to be"),
    duration("profile.contact_every", Number::ContactEvery, ALL, "it should be heard of at least this often"),
];

/// The functions, with what they do.
pub(crate) static FUNCTIONS: &[(&str, &str)] = &[
    ("has(x)", "x is known: the record carries it, the profile states it"),
    (
        "new_to_device(x)",
        "the device shows this x for the first time ever; unknown in the first day of its values, and where it showed more than 64",
    ),
    ("rate(window)", "the window's amount a second: `rate(used) > 10 kB`"),
    ("ratio(a, b)", "a divided by b; unknown where b is 0"),
    (
        "distance_km(place, previous(place))",
        "at least how far from the place before; `cell` or `country` instead of `place` for these alone",
    ),
    ("speed_kmh(place, previous(place))", "at least how fast it went from the place before"),
    ("border_pair(country, previous(country))", "the country and the one before border on each other"),
    (
        "in_area(place, \"name\")",
        "the cell, network or country is in the named area; unknown where the record does not tell",
    ),
    ("changed(x)", "the record carries x, and the device's last x was another one"),
    ("previous(x)", "the device's last x before this record"),
    ("first(x)", "the record carries x, and no x of this device was known before"),
    ("tac(imei)", "the first 8 digits: the model of a module"),
    ("silence()", "how long the device was not heard of; unknown before its first contact"),
    ("allowed(x, list)", "x is in the list, or the profile does not state the list"),
    ("in_list(x, \"name\")", "x is in the named list"),
    ("in_cidr(ip, \"10.0.0.0/8\")", "the address is in the network"),
    ("text.startsWith(\"...\")", "the text begins so"),
    ("text.endsWith(\"...\")", "the text ends so"),
    ("text.contains(\"...\")", "the text contains it"),
    (
        "feed_gap(source)",
        "the source that the device was last heard through is silent now; `silence()` leaves such time out",
    ),
    (
        "network_outage(network, 0.2)",
        "more than this share of the devices of its network is silent; `area` instead of `network`: of its tracking area",
    ),
    (
        "new_to_group(x)",
        "the device's model (without one: the fleet) first showed this x within the last day; unknown in the first week",
    ),
    ("unusual(bytes)", "the baseline says that this hour of the device is unusual; false when it says that it is over"),
    ("drift(bytes)", "the baseline says that the device has moved away over days; false when it says that it is over"),
    ("model_wide(bytes)", "the baseline says that many devices of a model are unusual at once: with `per: model`"),
    ("size(list)", "how many entries the list has; unknown where it is not stated"),
];

/// The entry of this name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    FIELDS.iter().find(|entry| entry.name == name)
}

/// The (first) name of a number.
pub(crate) fn name(number: Number) -> &'static str {
    let is_it = |entry: &&Entry| matches!(entry.field, Field::Number(held, _) if held == number);
    FIELDS.iter().find(is_it).map_or("it", |entry| entry.name)
}

/// The (first) name of a field.
pub(crate) fn name_of(field: Field) -> &'static str {
    FIELDS.iter().find(|entry| entry.field == field).map_or("it", |entry| entry.name)
}

/// The least and the greatest value of a number that has both.
pub(crate) fn range(number: Number) -> Option<(f64, f64)> {
    match number {
        Number::HourOfDay | Number::LocalHour => Some((0.0, 23.0)),
        Number::Weekday | Number::LocalWeekday => Some((1.0, 7.0)),
        Number::UplinkRatio => Some((0.0, 1.0)),
        Number::Svn => Some((0.0, 99.0)),
        Number::FlowPort | Number::SignPort => Some((0.0, 65_535.0)),
        _ => None,
    }
}

/// The field with this number ([`Field::code`]).
pub(crate) fn by_code(code: u8) -> Option<Field> {
    FIELDS.iter().map(|entry| entry.field).find(|field| field.code() == Some(code))
}

/// The vocabulary as (name, type, meaning) rows, for documents and editors.
pub fn reference() -> Vec<(&'static str, String, &'static str)> {
    let fields = FIELDS.iter().map(|entry| (entry.name, type_of(entry.field), entry.doc));
    fields.chain(FUNCTIONS.iter().map(|(name, doc)| (*name, "function".to_owned(), *doc))).collect()
}

fn type_of(field: Field) -> String {
    match field {
        Field::Flag(_) => "true or false".into(),
        Field::Number(_, dimension) => dimension.describe().into(),
        Field::Symbol(_, kind) => kind.describe().into(),
        Field::Text(_) => "text".into(),
        Field::List(_, kind) => format!("list of {}", kind.map_or("text", SymbolType::describe)),
    }
}

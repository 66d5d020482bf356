//! Observations from elsewhere: a connectivity platform, a firewall, a collector of log-ins. JSON in, [`Observation`]s out.
//!
//! One object an observation: about which device (`device` by id or name, or `imsi`, `iccid`, `msisdn`, `login`), when (`at`),
//! what (`kind`), and the fields of that kind. Every mistake is found in one go and none of the batch is taken while there
//! is one. What a subscriber's identity was is never said back.

use std::time::Duration;

use fleetward_fleet::{
    Body, Call, DeviceId, Exposure, Flow, Iccid, Identity, Imsi, InvalidMac, Login, Mac, Message, Msisdn, NetworkSign,
    Observation, SimChange, Timestamp,
};
use fleetward_store::{Lookup, Store};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::inventory::LineError;

/// Observations in one request.
pub const MAX_OBSERVATIONS: usize = 5000;
/// Longest text in an observation, in bytes.
const MAX_TEXT: usize = 255;
/// Longest text in what an audit found: advice is a sentence or two.
const MAX_WORDS: usize = 2048;
/// Most ranges of ports, open ports, faults or marks of one address.
const MAX_ENTRIES: usize = 4096;
/// A clock may be this far ahead of ours.
const AHEAD: Duration = Duration::from_mins(5);
/// Older than this, nothing would judge it.
const BEHIND: Duration = Duration::from_hours(62 * 24);

/// The kinds that can be told. Sessions and admissions come over RADIUS, where they are answered for.
pub const KINDS: [&str; 7] = ["flow", "message", "call", "login", "sim_change", "sign", "exposure"];

/// One observation as it is written, for the description of the API; the fields of its kind stand beside these.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "it describes; `read` takes the JSON apart itself, to name every mistake")]
pub(crate) struct ObservationInput {
    /// `flow` (`address`, `name`, `port`, `protocol`, `direction`, `bytes_up`, `bytes_down`, `count`), `message` (`direction`,
    /// `peer`, `count`), `call` (`direction`, `peer`, `secs`), `login` (`service`, `account`, `ok`, `from`), `sim_change`
    /// (`what`, `from`, `to`), `exposure` (`address`, `is_whole`, `settled`, `open`, `faults`, `marks`: what `fleetward audit --tell` found at one
    /// address) or `sign` (`sign`, `address`, `name`, `port`, `protocol`, `direction`, `count`, `expected`, `observed`:
    /// what another watch over packets noticed).
    kind: String,
    /// When it happened (RFC 3339).
    at: String,
    /// The source's own number of this event: with it, a repetition is the same event whatever else it says; without it,
    /// two events of one device and second that say the same are one.
    id: Option<String>,
    /// The device, by id or name. Or one of the next five.
    device: Option<String>,
    /// The SIM. One that the inventory does not have is taken and judged as unknown.
    imsi: Option<String>,
    /// The card.
    iccid: Option<String>,
    /// The number.
    msisdn: Option<String>,
    /// The VPN login.
    login: Option<String>,
    /// The hardware address. One that the inventory does not have is taken and judged as unknown.
    mac: Option<String>,
}

/// An observation and what makes a repetition the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The observation.
    pub observation: Observation,
    /// The source's own number of the event.
    pub id: Option<String>,
}

/// Reads a batch. `source`: who tells it; `now`: when we learnt it.
pub(crate) fn read(store: &Store, items: Vec<Value>, source: &str, now: Timestamp) -> Result<Vec<Told>, ApiError> {
    if items.len() > MAX_OBSERVATIONS {
        return Err(ApiError::invalid("", format!("at most {MAX_OBSERVATIONS} observations in one request")));
    }
    let (mut told, mut mistakes) = (Vec::with_capacity(items.len()), Vec::new());
    for (line, item) in (1..).zip(items) {
        match one(store, item, source, now)? {
            Ok(one) => told.push(one),
            Err((column, message)) => mistakes.push(LineError { line, column, message, ..LineError::default() }),
        }
    }
    if mistakes.is_empty() { Ok(told) } else { Err(ApiError::Lines(mistakes)) }
}

/// A field and what is wrong with it.
type Mistake = (String, String);

fn wrong<T>(field: &str, message: impl Into<String>) -> Result<T, Mistake> {
    Err((field.to_owned(), message.into()))
}

/// The outer result is about the store, the inner one about the observation.
fn one(store: &Store, item: Value, source: &str, now: Timestamp) -> Result<Result<Told, Mistake>, ApiError> {
    let Value::Object(mut fields) = item else { return Ok(wrong("", "an object expected")) };
    let head = (|| {
        let id = text(&mut fields, "id")?;
        let event_time = time(&mut fields, now)?;
        let whom = whom(&mut fields)?;
        let body = body(fields)?;
        Ok((id, event_time, whom, body))
    })();
    let (id, event_time, whom, body) = match head {
        Ok(head) => head,
        Err(mistake) => return Ok(Err(mistake)),
    };
    let Some((device, identity)) = whom.find(store)? else {
        return Ok(wrong(whom.field(), "the inventory has no such device"));
    };
    let observation = Observation { event_time, observed_at: now, source: source.into(), device, identity, body };
    Ok(Ok(Told { observation, id }))
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Mistake> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() || text.len() > MAX_TEXT => {
            wrong(name, format!("1 to {MAX_TEXT} bytes expected"))
        }
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => wrong(name, "a text expected"),
    }
}

fn time(fields: &mut Map<String, Value>, now: Timestamp) -> Result<Timestamp, Mistake> {
    let Some(text) = text(fields, "at")? else { return wrong("at", "say when it happened: 2027-01-31T12:00:00Z") };
    let Ok(at) = text.parse::<Timestamp>() else { return wrong("at", "a time like 2027-01-31T12:00:00Z expected") };
    if at > now + AHEAD {
        return wrong("at", "it lies in the future; is the source's clock right?");
    }
    if at + BEHIND < now {
        return wrong("at", "older than 62 days: nothing would judge it");
    }
    Ok(at)
}

/// About whom.
enum Whom {
    Device(String),
    Imsi(Imsi),
    Iccid(Iccid),
    Msisdn(Msisdn),
    Login(String),
    Mac(Mac),
}

fn whom(fields: &mut Map<String, Value>) -> Result<Whom, Mistake> {
    let named = |name: &str| format!("{name}: 6 to 19 digits expected"); // never the digits themselves
    let mut found = Vec::new();
    if let Some(key) = text(fields, "device")? {
        found.push(Whom::Device(key));
    }
    if let Some(digits) = text(fields, "imsi")? {
        found.push(Whom::Imsi(digits.parse().map_err(|_| ("imsi".to_owned(), named("imsi")))?));
    }
    if let Some(digits) = text(fields, "iccid")? {
        found.push(Whom::Iccid(digits.parse().map_err(|_| ("iccid".to_owned(), named("iccid")))?));
    }
    if let Some(digits) = text(fields, "msisdn")? {
        let digits = digits.trim_start_matches('+').parse();
        found.push(Whom::Msisdn(digits.map_err(|_| ("msisdn".to_owned(), named("msisdn")))?));
    }
    // A login is also a kind of observation; there the word stands under `kind`.
    if let Some(login) = text(fields, "login")? {
        found.push(Whom::Login(login));
    }
    if let Some(mac) = text(fields, "mac")? {
        found.push(Whom::Mac(mac.parse().map_err(|error: InvalidMac| ("mac".to_owned(), error.to_string()))?));
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => wrong("device", "say about which: one of device, imsi, iccid, msisdn, login, mac"),
        _ => wrong("device", "one of device, imsi, iccid, msisdn, login and mac is enough"),
    }
}

impl Whom {
    fn field(&self) -> &'static str {
        match self {
            Self::Device(_) => "device",
            Self::Imsi(_) => "imsi",
            Self::Iccid(_) => "iccid",
            Self::Msisdn(_) => "msisdn",
            Self::Login(_) => "login",
            Self::Mac(_) => "mac",
        }
    }

    fn find(&self, store: &Store) -> Result<Option<(DeviceId, Option<Identity>)>, ApiError> {
        let lookup = match self {
            Self::Device(key) => match key.parse::<DeviceId>() {
                Ok(id) if store.device(&Lookup::Id(id))?.is_some() => Lookup::Id(id),
                _ => Lookup::Name(key.as_str().into()),
            },
            Self::Imsi(imsi) => Lookup::Imsi(*imsi),
            Self::Iccid(iccid) => Lookup::Iccid(*iccid),
            Self::Msisdn(msisdn) => Lookup::Msisdn(*msisdn),
            Self::Login(login) => Lookup::Login(login.as_str().into()),
            Self::Mac(mac) => Lookup::Mac(*mac),
        };
        let identity = match self {
            Self::Imsi(imsi) => Some(Identity::Imsi(*imsi)),
            Self::Login(login) => Some(Identity::Login(login.as_str().into())),
            Self::Mac(mac) => Some(Identity::Mac(*mac)),
            _ => None,
        };
        let known = store.device(&lookup)?.map(|device| device.id());
        // A SIM that nobody has imported is worth knowing of; a misspelt name is a mistake.
        let stranger = || match self {
            Self::Imsi(imsi) => Some(DeviceId::of(&Identity::Imsi(*imsi).default_name())),
            Self::Mac(mac) => Some(DeviceId::of(&Identity::Mac(*mac).default_name())),
            _ => None,
        };
        Ok(known.or_else(stranger).map(|id| (id, identity)))
    }
}

fn body(mut fields: Map<String, Value>) -> Result<Body, Mistake> {
    let Some(kind) = text(&mut fields, "kind")? else {
        return wrong("kind", format!("one of {}", KINDS.join(", ")));
    };
    let long = fields.iter().find(|(_, value)| value.as_str().is_some_and(|text| text.len() > MAX_TEXT));
    if let Some((name, _)) = long {
        return wrong(name, format!("at most {MAX_TEXT} bytes"));
    }
    Ok(match kind.as_str() {
        "flow" => {
            number_protocol(&mut fields)?;
            let mut flow: Flow = typed(&fields)?;
            if flow.address.is_none() && flow.name.is_none() {
                return wrong("address", "a flow has an address or a name");
            }
            flow.name = flow.name.map(|name| name.trim_end_matches('.').to_ascii_lowercase().into());
            flow.address = flow.address.map(|address| address.to_canonical());
            Body::Flow(Box::new(flow))
        }
        "message" => Body::Message(Box::new(typed::<Message>(&fields)?)),
        "call" => Body::Call(Box::new(typed::<Call>(&fields)?)),
        "login" => Body::Login(Box::new(typed::<Login>(&fields)?)),
        "sign" => {
            number_protocol(&mut fields)?;
            let mut sign: NetworkSign = typed(&fields)?;
            sign.name = sign.name.map(|name| name.trim_end_matches('.').to_ascii_lowercase().into());
            sign.address = sign.address.map(|address| address.to_canonical());
            Body::Network(Box::new(sign))
        }
        "exposure" => Body::Exposure(Box::new(exposure(&fields)?)),
        "sim_change" => Body::SimChange(Box::new(typed::<SimChange>(&fields)?)),
        "session" | "admission" => return wrong("kind", "sessions and admissions come over RADIUS"),
        other => return wrong("kind", format!("{other:?} is none of {}", KINDS.join(", "))),
    })
}

/// What an audit found at one address: lists and texts are bounded, since each fault becomes a finding.
fn exposure(fields: &Map<String, Value>) -> Result<Exposure, Mistake> {
    let mut exposure: Exposure = typed(fields)?;
    exposure.address = exposure.address.to_canonical();
    let lengths = [
        ("settled", exposure.settled.len()),
        ("open", exposure.open.len()),
        ("faults", exposure.faults.len()),
        ("marks", exposure.marks.len()),
    ];
    if let Some((name, _)) = lengths.into_iter().find(|(_, length)| *length > MAX_ENTRIES) {
        return wrong(name, format!("at most {MAX_ENTRIES} entries"));
    }
    for name in ["open", "faults", "marks"] {
        if fields.get(name).is_some_and(has_long_text) {
            return wrong(name, format!("at most {MAX_WORDS} bytes in a text, and {MAX_ENTRIES} entries in a list"));
        }
    }
    Ok(exposure)
}

/// A text that is too long, or a list of more entries than any has, somewhere in it.
fn has_long_text(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() > MAX_WORDS,
        Value::Array(items) => items.len() > MAX_ENTRIES || items.iter().any(has_long_text),
        Value::Object(fields) => fields.values().any(has_long_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// `tcp` is easier to write than 6.
fn number_protocol(fields: &mut Map<String, Value>) -> Result<(), Mistake> {
    let Some(Value::String(name)) = fields.get("protocol") else { return Ok(()) };
    let number = match name.to_ascii_lowercase().as_str() {
        "icmp" => 1,
        "tcp" => 6,
        "udp" => 17,
        "icmpv6" => 58,
        "sctp" => 132,
        _ => return wrong("protocol", "icmp, tcp, udp, icmpv6, sctp or an IANA number expected"),
    };
    fields.insert("protocol".to_owned(), number.into());
    Ok(())
}

/// The fields of a kind; the one that is wrong is named as far as serde tells.
fn typed<T: DeserializeOwned>(fields: &Map<String, Value>) -> Result<T, Mistake> {
    let names: Vec<String> = fields.keys().cloned().collect();
    serde_json::from_value(Value::Object(fields.clone())).map_err(|error| {
        let message = error.to_string();
        let quoted = message.split('`').nth(1).unwrap_or_default();
        let is_missing = message.starts_with("missing field");
        let stated = (is_missing || names.iter().any(|name| name == quoted)).then(|| quoted.to_owned());
        // A value of the wrong type: serde does not say of which field, so each is tried as the only one left out.
        let culprit = || {
            names.iter().find(|name| {
                let mut rest = fields.clone();
                rest.remove(*name);
                let without = serde_json::from_value::<T>(Value::Object(rest));
                without.map_or_else(|other| other.to_string() != message, |_| true)
            })
        };
        (stated.or_else(|| culprit().cloned()).unwrap_or_default(), message)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(fields) => fields,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn kinds_are_read_with_their_fields() {
        let flow = body(fields(json!({
            "kind": "flow", "name": "Updates.Vendor.Example.", "port": 443, "protocol": "tcp", "bytes_up": 10
        })));
        let expected = Flow {
            name: Some("updates.vendor.example".into()),
            port: Some(443),
            protocol: Some(6),
            bytes_up: 10,
            ..Flow::default()
        };
        assert_eq!(flow, Ok(Body::Flow(Box::new(expected))));
        let port = json!({ "protocol": 6, "port": 23, "service": "telnet" });
        let exposure = body(fields(json!({ "kind": "exposure", "address": "::ffff:10.9.0.11", "open": [port] })));
        assert!(matches!(exposure, Ok(Body::Exposure(it)) if it.address.is_ipv4() && it.open[0].port == 23));
        let login = body(fields(json!({ "kind": "login", "service": "ssh", "ok": true, "from": "198.51.100.7" })));
        assert!(matches!(login, Ok(Body::Login(login)) if login.ok));
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        let cases = [
            (json!({ "kind": "flow", "name": "a.example", "port": "https" }), "port"),
            (json!({ "kind": "flow", "name": "a.example", "ports": 1 }), "ports"),
            (json!({ "kind": "flow", "port": 1 }), "address"),
            (json!({ "kind": "flow", "name": "a", "protocol": "quic" }), "protocol"),
            (json!({ "kind": "exposure" }), "address"),
            (json!({ "kind": "exposure", "address": "10.9.0.11", "marks": ["m".repeat(MAX_WORDS + 1)] }), "marks"),
            (json!({ "kind": "exposure", "address": "10.9.0.11", "marks": vec!["m"; MAX_ENTRIES + 1] }), "marks"),
            (json!({ "kind": "message" }), "direction"),
            (json!({ "kind": "session" }), "kind"),
            (json!({ "port": 1 }), "kind"),
        ];
        for (value, field) in cases {
            let (column, message) = body(fields(value.clone())).unwrap_err();
            assert_eq!(column, field, "{value}: {message}");
        }
    }

    #[test]
    fn times_are_bounded_and_exactly_one_device_is_named() {
        let now = Timestamp::from_secs(1_795_000_000);
        let at = |at: Timestamp| time(&mut fields(json!({ "at": at.to_string() })), now);
        assert!(at(now).is_ok() && at(now + AHEAD).is_ok());
        assert!(at(now + AHEAD + Duration::from_secs(1)).is_err());
        assert!(at(now - BEHIND - Duration::from_secs(1)).is_err());
        assert!(whom(&mut fields(json!({}))).is_err());
        assert!(whom(&mut fields(json!({ "device": "a", "imsi": "262011234567890" }))).is_err());
        let message = whom(&mut fields(json!({ "imsi": "26201123456789x" }))).map(|_| ()).unwrap_err().1;
        assert!(!message.contains("26201"), "{message}");
    }
}

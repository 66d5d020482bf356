//! Which Sigma log sources and fields are which of ours.
//!
//! Names are those of the Sigma taxonomy, of ECS, of Zeek and of Windows, as rules in the wild use them. For rules written
//! for us, `product: fleetward` takes the names of our own vocabulary, with `service` as the kind of event.

use rsigma_parser::LogSource;

use crate::Refusal;

/// What a value of a field is, and so how it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text. `lower`: recorded in small letters, so Sigma's comparison without case is exact.
    Text { lower: bool },
    /// An amount, counted in this unit of ours (`B`, `s`, or none).
    Number(&'static str),
    /// An address.
    Address,
    /// A name from a closed set.
    Symbol,
    /// True or false.
    Flag,
    /// Text that stands for one of our flags: (what it says, our flag).
    Named(&'static [(&'static str, &'static str)]),
}

/// A field of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) ours: &'static str,
    pub(crate) kind: Kind,
}

/// A log source that we have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Events {
    /// For messages.
    name: &'static str,
    /// What our event must be.
    pub(crate) guard: &'static str,
    fields: &'static [(&'static [&'static str], Field)],
    native: bool,
}

const fn field(ours: &'static str, kind: Kind) -> Field {
    Field { ours, kind }
}

const LOWER: Kind = Kind::Text { lower: true };
const TEXT: Kind = Kind::Text { lower: false };

#[rustfmt::skip]
const FLOW: &[(&[&str], Field)] = &[
    (&["DestinationIp", "dst_ip", "dst-ip", "destination.ip", "dest_ip", "id.resp_h", "c-dst", "answers", "dns.answers.data"], field("flow.address", Kind::Address)),
    (&["DestinationPort", "dst_port", "dst-port", "destination.port", "dest_port", "id.resp_p"], field("flow.port", Kind::Number(""))),
    (&["DestinationHostname", "destination.domain", "query", "QueryName", "dns.question.name", "cs-host", "r-dns", "url.domain", "server_name", "tls.client.server_name", "host_header"], field("flow.name", LOWER)),
    (&["Protocol", "proto", "protocol", "network.transport"], field("flow.protocol", Kind::Symbol)),
    (&["Initiated"], field("flow.direction", Kind::Named(&[("true", "flow.direction == \"out\""), ("false", "flow.direction == \"in\"")]))),
    (&["cs-bytes", "orig_bytes", "source.bytes", "bytes_out"], field("flow.bytes_up", Kind::Number("B"))),
    (&["sc-bytes", "resp_bytes", "destination.bytes", "bytes_in"], field("flow.bytes_down", Kind::Number("B"))),
    (&["bytes", "network.bytes"], field("flow.bytes", Kind::Number("B"))),
];

#[rustfmt::skip]
const LOGIN: &[(&[&str], Field)] = &[
    (&["User", "user.name", "username", "user", "TargetUserName", "TargetUser", "acct"], field("login.account", TEXT)),
    (&["SourceIp", "src_ip", "source.ip", "src-ip", "IpAddress", "SourceAddress", "rhost", "id.orig_h"], field("login.from", Kind::Address)),
    (&["service", "Service", "service.name", "process.name", "app"], field("login.service", TEXT)),
    (&["event.outcome", "outcome", "Outcome", "action", "event.action", "Status", "auth_success"], field("login_ok", Kind::Named(&[
        ("success", "login_ok"), ("succeeded", "login_ok"), ("allowed", "login_ok"), ("accepted", "login_ok"), ("true", "login_ok"),
        ("failure", "login_failed"), ("failed", "login_failed"), ("denied", "login_failed"), ("rejected", "login_failed"), ("false", "login_failed"),
    ]))),
];

const FLOWS: Events = Events { name: "flows", guard: "kind == \"flow\"", fields: FLOW, native: false };
const LOGINS: Events = Events { name: "logins", guard: "kind == \"login\"", fields: LOGIN, native: false };

/// (category or service of Sigma, our events).
const SOURCES: &[(&str, Events)] = &[
    ("network_connection", FLOWS),
    ("dns", FLOWS),
    ("dns_query", FLOWS),
    ("firewall", FLOWS),
    ("proxy", FLOWS),
    ("netflow", FLOWS),
    ("conn", FLOWS),
    ("ssl", FLOWS),
    ("authentication", LOGINS),
    ("sshd", LOGINS),
    ("auth", LOGINS),
];

/// `service` of `product: fleetward`.
const NATIVE: &[(&str, &str)] = &[
    ("session", "kind == \"session\""),
    ("admission", "kind == \"admission\""),
    ("flow", "kind == \"flow\""),
    ("message", "kind == \"message\""),
    ("call", "kind == \"call\""),
    ("login", "kind == \"login\""),
    ("sim_change", "kind == \"sim_change\""),
];

/// The events that a log source means.
pub(crate) fn events(source: &LogSource) -> Result<Events, Refusal> {
    let wanted = || [&source.service, &source.category].into_iter().flatten().map(String::as_str);
    if source.product.as_deref() == Some("fleetward") {
        let native = NATIVE.iter().find(|(name, _)| wanted().any(|wanted| wanted == *name));
        let (name, guard) = native.ok_or_else(|| Refusal::UnknownSource(describe(source)))?;
        return Ok(Events { name, guard, fields: &[], native: true });
    }
    let known = wanted().find_map(|wanted| SOURCES.iter().find(|(name, _)| *name == wanted));
    known.map(|(_, events)| *events).ok_or_else(|| Refusal::UnknownSource(describe(source)))
}

fn describe(source: &LogSource) -> String {
    let parts = [("category", &source.category), ("product", &source.product), ("service", &source.service)];
    let stated = parts.iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.as_ref()?)));
    format!("({})", stated.collect::<Vec<_>>().join(", "))
}

impl Events {
    /// Our field of this Sigma name.
    pub(crate) fn field(&self, name: &str) -> Result<Field, Refusal> {
        let unknown = || Refusal::UnknownField { field: name.to_owned(), source_name: self.name.to_owned() };
        if self.native {
            return native(name).ok_or_else(unknown);
        }
        let known = self.fields.iter().find(|(names, _)| names.contains(&name));
        known.map(|(_, field)| *field).ok_or_else(unknown)
    }
}

/// A field of our vocabulary by its own name.
fn native(name: &str) -> Option<Field> {
    let (ours, kind, _) = fleetward_rules::reference().into_iter().find(|(known, ..)| *known == name)?;
    let kind = match kind.as_str() {
        "text" => Kind::Text { lower: matches!(name, "flow.name" | "flow.destination" | "apn") },
        "true or false" => Kind::Flag,
        "a number" => Kind::Number(""),
        "a volume" => Kind::Number("B"),
        "a duration" => Kind::Number("s"),
        "an IP address" => Kind::Address,
        "function" => return None,
        list if list.starts_with("list") => return None,
        _ => Kind::Symbol,
    };
    Some(Field { ours, kind })
}

/// What a correlation groups by: the device (`None`), or a key of ours.
pub(crate) fn group(events: &Events, name: &str) -> Result<Option<&'static str>, Refusal> {
    const DEVICE: &[&str] = &[
        "device",
        "device.name",
        "Computer",
        "ComputerName",
        "hostname",
        "host.name",
        "Hostname",
        "imsi",
        "iccid",
        "sim",
    ];
    const KEYS: &[&str] = &["flow.destination", "network", "country", "cell", "apn", "imei", "ip"];
    // The source of a flow is the device itself.
    const SOURCE: &[&str] = &["SourceIp", "src_ip", "source.ip", "src-ip", "id.orig_h", "SourceHostname"];
    if DEVICE.contains(&name) || events.name == "flows" && SOURCE.contains(&name) {
        return Ok(None);
    }
    let ours = events.field(name)?.ours;
    let key = if matches!(ours, "flow.name" | "flow.address") { "flow.destination" } else { ours };
    let known = KEYS.iter().find(|known| **known == key);
    known.map(|key| Some(*key)).ok_or_else(|| {
        let why = format!("windows are about a device, or about one of {}", KEYS.join(", "));
        Refusal::because(format!("group-by `{name}`"), why)
    })
}

/// The mapping for people: (events, Sigma names, our field).
pub fn mapping() -> Vec<(&'static str, String, &'static str)> {
    let all = [(FLOWS.name, FLOW), (LOGINS.name, LOGIN)];
    let rows = all.iter().flat_map(|(name, fields)| {
        fields.iter().map(move |(names, field)| {
            let ours = if field.ours == "login_ok" { "login_ok, login_failed" } else { field.ours };
            (*name, names.join(", "), ours)
        })
    });
    rows.collect()
}

//! How clients introduce themselves, in a MUD file (RFC 9761 §5): a profile a shape, beside the rule that it belongs to.

use fleetward_fleet::{PortRange, TlsShape};
use serde_json::{Map, Value, json};

const KEY: &str = "ietf-acl-tls:client-profiles";
/// Versions by their number on the wire and their name in RFC 9761.
const VERSIONS: [(u16, &str); 2] = [(0x0303, "tls12"), (0x0304, "tls13")];

/// Beside a rule for a port over which TLS is spoken.
pub(super) fn write(matches: &mut Map<String, Value>, shapes: &[TlsShape], port: Option<PortRange>) {
    let speaks = port.is_some_and(|port| {
        port.first == port.last && matches!(port.first, 443 | 465 | 853 | 989..=995 | 5061 | 5671 | 8443 | 8883)
    });
    if shapes.is_empty() || !speaks {
        return;
    }
    let profiles: Vec<Value> = shapes.iter().enumerate().map(|(at, shape)| profile(at, shape)).collect();
    matches.insert(KEY.to_owned(), json!({ "tls-dtls-profile": profiles }));
}

fn profile(at: usize, shape: &TlsShape) -> Value {
    let versions = shape.versions.iter().filter_map(|it| VERSIONS.iter().find(|(wire, _)| wire == it));
    let suites = shape.ciphers.iter().map(|suite| {
        let [cipher, hash] = suite.to_be_bytes();
        json!({ "cipher": cipher, "hash": hash })
    });
    json!({
        "name": format!("client-{at}"),
        "supported-tls-version": versions.map(|(_, name)| *name).collect::<Vec<_>>(),
        "cipher-suite": suites.collect::<Vec<_>>(),
        "extension-type": shape.extensions,
        "supported-group": shape.groups,
        "signature-algorithm": shape.signatures,
        "application-protocol": shape.alpn,
    })
}

/// The shapes of a rule.
pub(super) fn read(matches: &Value) -> Vec<TlsShape> {
    let Some(profiles) = matches[KEY]["tls-dtls-profile"].as_array() else { return Vec::new() };
    let numbers = |value: &Value| -> Vec<u16> {
        let numbers = value.as_array().into_iter().flatten().filter_map(Value::as_u64);
        numbers.filter_map(|number| number.try_into().ok()).collect()
    };
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let shape = |profile: &Value| TlsShape {
        versions: texts(&profile["supported-tls-version"])
            .iter()
            .filter_map(|name| VERSIONS.iter().find(|(_, it)| it == name).map(|(wire, _)| *wire))
            .collect(),
        ciphers: profile["cipher-suite"].as_array().into_iter().flatten().filter_map(suite).collect(),
        extensions: numbers(&profile["extension-type"]),
        groups: numbers(&profile["supported-group"]),
        signatures: numbers(&profile["signature-algorithm"]),
        alpn: texts(&profile["application-protocol"]).into_iter().map(Into::into).collect(),
    };
    profiles.iter().map(shape).collect()
}

fn suite(value: &Value) -> Option<u16> {
    let octet = |key: &str| value[key].as_u64().and_then(|octet| u8::try_from(octet).ok());
    Some(u16::from_be_bytes([octet("cipher")?, octet("hash")?]))
}

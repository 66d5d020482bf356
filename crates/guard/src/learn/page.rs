//! A learnt profile as a page of YAML: one block an item, with what speaks for it above, so that a person can judge it line by line.

use std::fmt::Write as _;

use fleetward_fleet::{Allow, Direction, Learned, NetworkProfile, Peer, Support};
use serde::Serialize;

/// The `network:` part of a `models/NAME.yaml`. Nested values are in flow style, which is JSON and YAML at once.
pub fn network_yaml(profile: &NetworkProfile) -> String {
    let mut text = String::from("network:\n");
    line(&mut text, 2, "mode", &profile.mode);
    if let Some(url) = &profile.mud_url {
        line(&mut text, 2, "mud_url", url);
    }
    if let Some(learned) = &profile.learned {
        refused(&mut text, learned);
        line(&mut text, 2, "learned", learned);
    }
    if profile.allow.is_empty() {
        text.push_str(
            "  # Nothing but what every device does: it gets an address, asks the given resolver, joins groups.\n",
        );
    }
    text.push_str("  allow:\n");
    if profile.allow.is_empty() {
        text.truncate(text.len() - 1);
        text.push_str(" []\n");
    }
    profile.allow.iter().for_each(|allow| item(&mut text, allow));
    if !profile.tls.is_empty() {
        text.push_str("  # How its TLS clients introduce themselves (RFC 9761).\n  tls:\n");
        for shape in &profile.tls {
            let _ = writeln!(text, "    - {}", json(shape));
        }
    }
    text
}

/// A whole file where there is none yet, or `old` with its `network:` part replaced and all else as it was.
pub fn profile_yaml(model: &str, profile: &NetworkProfile, old: Option<&str>) -> String {
    let network = network_yaml(profile);
    let Some(old) = old else { return format!("model: {}\n{network}", json(&model)) };
    let (mut kept, mut written, mut inside) = (String::new(), false, false);
    for line in old.split_inclusive('\n') {
        let is_key = line.starts_with(|c: char| c.is_ascii_alphabetic());
        if line.starts_with("network:") {
            kept.push_str(&network);
            (written, inside) = (true, true);
        } else if !inside || is_key {
            inside = false;
            kept.push_str(line);
        }
    }
    if !written {
        if !kept.is_empty() && !kept.ends_with('\n') {
            kept.push('\n');
        }
        kept.push_str(&network);
    }
    kept
}

/// An item in words: who, what, which way.
pub fn words(allow: &Allow) -> String {
    let peer = match &allow.peer {
        Peer::Name(name) => name.to_string(),
        Peer::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
        Peer::Net(net) => net.to_string(),
        Peer::Role(role) => json(role).trim_matches('"').replace('_', " "),
        Peer::Model(model) => format!("model {model}"),
    };
    let ports: Vec<String> = allow.ports.iter().map(ToString::to_string).collect();
    let port = if ports.is_empty() { String::new() } else { format!(" {}", ports.join(", ")) };
    let way = if allow.begins == Direction::Out { "to" } else { "from" };
    format!("{}{port} {way} {peer}", allow.protocol)
}

/// What speaks for it, in words.
pub fn support_words(support: &Support) -> String {
    let confidence = json(&support.confidence);
    let note = if support.note.is_empty() { String::new() } else { format!("; {}", support.note) };
    let count = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let counts = [
        count(support.devices.into(), "device"),
        count(support.days.into(), "day"),
        count(support.captures.into(), "capture"),
        count(support.flows, "flow"),
    ];
    format!("{} confidence: {}{note}", confidence.trim_matches('"'), counts.join(", "))
}

fn refused(text: &mut String, learned: &Learned) {
    for refused in &learned.refused {
        let _ = writeln!(text, "  # never learnt: {}", refused.replace('\n', " "));
    }
}

fn item(text: &mut String, allow: &Allow) {
    if let Some(support) = &allow.support {
        let _ = writeln!(text, "    # {}", support_words(support).replace('\n', " "));
    }
    let peer = serde_json::to_value(&allow.peer).unwrap_or_default();
    let (kind, value) = peer
        .as_object()
        .and_then(|map| map.iter().next())
        .map_or(("name", serde_json::Value::Null), |(kind, value)| (kind.as_str(), value.clone()));
    let _ = writeln!(text, "    - {kind}: {value}");
    line(text, 6, "protocol", &allow.protocol);
    if !allow.ports.is_empty() {
        line(text, 6, "ports", &allow.ports);
    }
    if allow.begins == Direction::In {
        line(text, 6, "begins", &allow.begins);
    }
    if let Some(rate) = &allow.rate {
        line(text, 6, "rate", rate);
    }
    if let Some(support) = &allow.support {
        line(text, 6, "support", support);
    }
}

fn line(text: &mut String, indent: usize, key: &str, value: &impl Serialize) {
    let _ = writeln!(text, "{:indent$}{key}: {}", "", json(value));
}

/// JSON is YAML but for what YAML does not print (YAML 1.2 §5.1), which JSON need not escape: DEL, C1, separators of lines, the byte order mark.
fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    let is_printed =
        |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    if text.chars().all(is_printed) {
        return text;
    }
    let escaped = |c: char| if is_printed(c) { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::{PortRange, Profile, Protocol};

    use super::*;

    fn profile() -> NetworkProfile {
        let allow = Allow {
            peer: Peer::Name("api.vendor.example".into()),
            protocol: Protocol::TCP,
            ports: vec![PortRange::one(443)],
            begins: Direction::Out,
            rate: None,
            support: None,
        };
        NetworkProfile { allow: vec![allow], ..NetworkProfile::default() }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let text = profile_yaml("bulb", &profile(), None);
        assert_eq!(Profile::from_yaml(&text).expect("it is a profile").network, Some(profile()));
        let empty = NetworkProfile::default();
        assert_eq!(Profile::from_yaml(&profile_yaml("bulb", &empty, None)).expect("it is one").network, Some(empty));
    }

    #[test]
    fn what_yaml_does_not_print_is_escaped() {
        let network = NetworkProfile { mud_url: Some("https://a\u{7f}\u{85}\u{2028}\u{feff}é".into()), ..profile() };
        let back = Profile::from_yaml(&profile_yaml("bulb\u{7f}", &network, None)).expect("it is a profile");
        assert_eq!((&*back.model, back.network), ("bulb\u{7f}", Some(network)));
    }

    #[test]
    fn the_rest_of_a_file_stays_as_it_was() {
        let old = "model: bulb\n# mine\ncountries: [DE]\nnetwork:\n  mode: enforce\n  allow: []\nfixed: true\n";
        let text = profile_yaml("bulb", &profile(), Some(old));
        assert!(text.starts_with("model: bulb\n# mine\ncountries: [DE]\nnetwork:\n"), "{text}");
        assert!(text.ends_with("fixed: true\n"), "{text}");
        assert_eq!(Profile::from_yaml(&text).expect("it is a profile").network, Some(profile()));
    }
}

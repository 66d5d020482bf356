//! VNC (RFC 6143 §7.1): the version, and which kinds of log-in are offered. No screen is opened.

use std::io;

use super::way::{Answer, Way, hear};
use super::words::{note, shown};
use crate::door::Line;
use crate::fact::{Access, Service};

/// Goes on from the greeting; answers in the version of the server, at most 3.8.
pub(super) async fn ask(way: &Way, mut line: Line, greeting: Vec<u8>) -> io::Result<Answer> {
    let version: &[u8] = if greeting.starts_with(b"RFB 003.003") { b"RFB 003.003\n" } else { b"RFB 003.008\n" };
    line.extend(way.patience());
    line.say(version).await?;
    let kinds =
        hear(&mut line, 256, |it| it.len() >= 4 || it.first().is_some_and(|n| it.len() > usize::from(*n))).await;
    Ok(Answer::of(read(&greeting, &kinds), greeting))
}

/// What the version and the list of kinds (3.3: one kind of four octets) show.
pub(super) fn read(greeting: &[u8], kinds: &[u8]) -> Option<Service> {
    let version = greeting.strip_prefix(b"RFB ")?.get(..7)?;
    let version = String::from_utf8_lossy(version).into_owned();
    let offered: Vec<u8> = match (version.as_str(), kinds) {
        ("003.003", [0, 0, 0, kind, ..]) => vec![*kind],
        ("003.003", _) => Vec::new(),
        (_, [count, rest @ ..]) => rest.iter().copied().take(usize::from(*count)).collect(),
        _ => Vec::new(),
    };
    let names: Vec<String> = offered.iter().map(|kind| name(*kind)).collect();
    let evidence = shown(&format!("RFB {version}; offers {}", names.join(", ")));
    let access = match offered[..] {
        [] => Access::Unasked,
        _ if offered.contains(&1) => Access::Anybody,
        _ => Access::Asks { methods: names.iter().map(|it| it.as_str().into()).collect() },
    };
    let mut service = Service { protocol: "vnc".into(), access, evidence, ..Service::default() };
    note(&mut service, "methods", &names.join(", "));
    Some(service)
}

/// Security types that IANA lists.
fn name(kind: u8) -> String {
    match kind {
        1 => "none".into(),
        2 => "password".into(),
        16 => "tight".into(),
        18 => "tls".into(),
        19 => "vencrypt".into(),
        30 => "apple".into(),
        other => format!("type-{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_log_in() {
        assert_eq!(read(b"RFB 003.008\n", &[2, 1, 2]).unwrap().access, Access::Anybody);
        let asks = read(b"RFB 003.003\n", &[0, 0, 0, 2]).unwrap();
        assert_eq!(asks.access, Access::Asks { methods: vec!["password".into()] });
        assert_eq!(read(b"RFB 003.008\n", &[]).unwrap().access, Access::Unasked);
        assert!(read(b"RFB", &[]).is_none());
    }
}

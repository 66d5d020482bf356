//! Redis (RESP): PING, and its version where everybody may know it.

use std::io;

use super::product;
use super::way::{Answer, Way, has_line};
use super::words::shown;
use crate::door::Line;
use crate::fact::{Access, Service};

pub(super) async fn ask(way: &Way, mut line: Line) -> io::Result<Answer> {
    let mut heard = way.exchange(&mut line, b"PING\r\n", has_line).await;
    if heard.starts_with(b"+PONG") {
        let whole = |info: &[u8]| info.ends_with(b"\r\n\r\n") || info.starts_with(b"-");
        heard.extend(way.exchange(&mut line, b"INFO server\r\n", |it| whole(it) || has_version(it)).await);
    }
    Ok(Answer::of(read(&heard), heard))
}

/// What the answers to PING and INFO show.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let text = String::from_utf8_lossy(heard);
    let word = text.split_whitespace().next()?;
    let asks = |method: &str| Access::Asks { methods: vec![method.into()] };
    let access = match word {
        "+PONG" => Access::Anybody,
        "-NOAUTH" => asks("password"),
        "-DENIED" => asks("loopback"),
        _ => return None,
    };
    let first = text.lines().next().unwrap_or_default();
    let version = text.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or_default();
    let evidence = shown(&format!("{first} {version}"));
    let mut service = Service { protocol: "redis".into(), access, evidence, ..Service::default() };
    product::state(&mut service, "redis", version.trim());
    Some(service)
}

/// The line with the version came whole; the rest tells nothing that is needed.
fn has_version(info: &[u8]) -> bool {
    let text = String::from_utf8_lossy(info);
    text.split_once("redis_version:").is_some_and(|(_, rest)| rest.contains('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let open = read(b"+PONG\r\n$99\r\n# Server\r\nredis_version:7.0.15\r\n").unwrap();
        assert_eq!((open.access, open.version.as_deref()), (Access::Anybody, Some("7.0.15")));
        let asks = read(b"-NOAUTH Authentication required.\r\n").unwrap();
        assert_eq!(asks.access, Access::Asks { methods: vec!["password".into()] });
        assert!(read(b"-ERR unknown\r\n").is_none());
        assert!(has_version(b"redis_version:1\r\n") && !has_version(b"redis_version:1"));
    }
}

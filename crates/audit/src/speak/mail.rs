//! SMTP (RFC 5321), POP3 (RFC 1939), IMAP (RFC 3501): the greeting, and what they say they can. Nobody logs in, no mail is sent.

use std::io;

use super::product;
use super::way::{Answer, Way, has_line, has_reply};
use super::words::{has, note, shown_octets};
use crate::door::Line;
use crate::fact::{Access, Service};

/// Goes on from the greeting.
pub(super) async fn ask(way: &Way, mut line: Line, greeting: Vec<u8>) -> io::Result<Answer> {
    let (question, quit): (&[u8], &[u8]) = match kind(&greeting) {
        Some("smtp") => (b"EHLO audit.invalid\r\n", b"QUIT\r\n"),
        Some("pop3") => (b"CAPA\r\n", b"QUIT\r\n"),
        Some("imap") => (b"a CAPABILITY\r\n", b"b LOGOUT\r\n"),
        _ => return Ok(Answer::Other(greeting)),
    };
    let can = way.exchange(&mut line, question, is_whole).await;
    line.say(quit).await.ok();
    Ok(Answer::of(read(&greeting, &can), greeting))
}

/// The three end their answers each in a way of its own.
fn is_whole(heard: &[u8]) -> bool {
    let text = |word: &str| String::from_utf8_lossy(heard).lines().any(|line| line.starts_with(word));
    has_line(heard) && (has_reply(heard) || heard.ends_with(b"\r\n.\r\n") || heard.starts_with(b"-ERR") || text("a "))
}

fn kind(greeting: &[u8]) -> Option<&'static str> {
    match greeting {
        [b'2', b'2', b'0', ..] | [b'5', b'5', b'4', ..] => Some("smtp"),
        [b'+', b'O', b'K', ..] => Some("pop3"),
        [b'*', b' ', b'O', b'K', ..] => Some("imap"),
        _ => None,
    }
}

/// What greeting and abilities show.
pub(super) fn read(greeting: &[u8], can: &[u8]) -> Option<Service> {
    let protocol = kind(greeting)?;
    let evidence = shown_octets(greeting);
    let mut service = Service { protocol: protocol.into(), evidence, ..Service::default() };
    product::find(&mut service, &String::from_utf8_lossy(greeting));
    let text = String::from_utf8_lossy(can);
    if has(&text, &["starttls", "stls"]) {
        let only = has(&text, &["logindisabled"]) || protocol == "smtp" && !has(&text, &["auth "]);
        note(&mut service, "starttls", if only { "required" } else { "offered" });
    }
    let methods = mechanisms(&text);
    note(&mut service, "methods", &methods.join(", "));
    service.access = match protocol {
        "smtp" if methods.is_empty() => Access::Unasked,
        _ if methods.is_empty() => Access::Asks { methods: vec!["password".into()] },
        _ => Access::Asks { methods: methods.into_iter().map(Into::into).collect() },
    };
    Some(service)
}

/// `AUTH PLAIN LOGIN`, `SASL PLAIN`, `AUTH=PLAIN`.
fn mechanisms(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines().take(50) {
        let mut words = line.trim_start_matches(|it: char| it.is_ascii_digit() || it == '-').split_whitespace();
        let is_list = words.next().is_some_and(|it| it == "AUTH" || it == "SASL");
        for word in words.take(20) {
            let named = if is_list { Some(word) } else { word.strip_prefix("AUTH=") };
            let named = named.filter(|it| it.len() <= 24).map(str::to_ascii_lowercase);
            found.extend(named.filter(|it| !found.contains(it)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(words: &[&str]) -> Access {
        Access::Asks { methods: words.iter().map(|it| (*it).into()).collect() }
    }

    #[test]
    fn three_kinds_of_mail() {
        let smtp = read(b"220 mx ESMTP Exim 4.96\r\n", b"250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n").unwrap();
        assert_eq!((&*smtp.protocol, smtp.version.as_deref()), ("smtp", Some("4.96")));
        assert_eq!((smtp.access, &*smtp.notes["starttls"]), (asks(&["plain", "login"]), "offered"));
        let pop = read(b"+OK Dovecot ready.\r\n", b"+OK\r\nSTLS\r\nSASL PLAIN\r\n.\r\n").unwrap();
        assert_eq!((&*pop.protocol, pop.access), ("pop3", asks(&["plain"])));
        let imap = read(b"* OK hello\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na OK\r\n").unwrap();
        assert_eq!((&*imap.notes["starttls"], imap.access), ("required", asks(&["password"])));
        assert!(read(b"SSH-2.0-x\r\n", b"").is_none());
        assert!(is_whole(b"* CAPABILITY\r\na OK\r\n") && is_whole(b"250 ok\r\n") && !is_whole(b"+OK\r\nSTLS\r\n"));
    }
}

//! What services say unasked, and what protocol it shows: SSH, FTP, SMTP, Telnet, POP3, IMAP, VNC, and banners of what
//! is not known here.

use super::protocol::Protocol;
use super::way::has_reply;
use super::words::{has, note, shown, shown_octets};
use super::{ftp, mail, product, vnc};
use crate::access::hexadecimal;
use crate::access::telnet::{Prompt, prompt_of};
use crate::fact::Service;

/// Whether enough came to tell; more would come only after an answer of ours.
pub(super) fn is_whole(heard: &[u8]) -> bool {
    match heard {
        [] => false,
        [b'2', b'2', b'0', ..] => has_reply(heard),
        [255, ..] => heard.len() >= 3,
        // The keys' exchange begins at once, and has no end of a line.
        [b'S', b'S', b'H', b'-', ..] => heard.contains(&b'\n'),
        _ => heard.ends_with(b"\n") || has_prompt(heard),
    }
}

/// The protocol that such words belong to, asked for or not.
pub(super) fn protocol(heard: &[u8]) -> Option<Protocol> {
    let text = String::from_utf8_lossy(&heard[..heard.len().min(512)]);
    let begins = |word: &str| text.starts_with(word);
    Some(match heard {
        [255, 251..=254, ..] => Protocol::Telnet,
        // An alert of TLS, or what web servers say to who forgot TLS.
        [0x15 | 0x16, 3, ..] => Protocol::Tls,
        _ if begins("HTTP/1") && has(&text, NO_TLS) => Protocol::Tls,
        _ if begins("SSH-") => Protocol::Ssh,
        _ if begins("220") && has(&text, &["ftp"]) => Protocol::Ftp,
        _ if begins("220") && has(&text, &["smtp"]) => Protocol::Mail,
        _ if begins("+OK ") || begins("* OK ") => Protocol::Mail,
        _ if begins("RFB 00") => Protocol::Vnc,
        _ if begins("AMQP") => Protocol::Amqp,
        _ if begins("SIP/2.0") => Protocol::Sip,
        _ if begins("ACKF") || begins("ERRF") => Protocol::OpcUa,
        _ if begins("RTSP/") => Protocol::Rtsp,
        _ if begins("HTTP/") => Protocol::Http,
        _ if begins("-NOAUTH") || begins("+PONG") || begins("-DENIED Redis") => Protocol::Redis,
        _ if has_prompt(heard) => Protocol::Telnet,
        _ => return None,
    })
}

/// What the greeting alone shows: the protocol, or `unknown` with the banner; nothing of nothing.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let evidence = shown_octets(heard);
    if heard.is_empty() {
        return None;
    }
    let mut service = Service { protocol: "unknown".into(), evidence, ..Service::default() };
    let text = String::from_utf8_lossy(heard).into_owned();
    match protocol(heard) {
        Some(Protocol::Ssh) => ssh(&mut service, text.lines().next().unwrap_or_default()),
        Some(Protocol::Ftp) => return ftp::read(heard, &[]),
        Some(Protocol::Mail) => return mail::read(heard, &[]),
        Some(Protocol::Vnc) => return vnc::read(heard, &[]),
        Some(named) => {
            service.protocol = named.name().into();
            product::find(&mut service, &text);
        }
        None if service.evidence.is_empty() => {
            note(&mut service, "octets", &hexadecimal(&heard[..heard.len().min(32)]));
        }
        None => {
            product::find(&mut service, &text);
        }
    }
    Some(service)
}

/// `SSH-2.0-OpenSSH_9.2p1 Debian-2` (RFC 4253 §4.2): version of the protocol, software, comment.
fn ssh(service: &mut Service, line: &str) {
    (service.protocol, service.evidence) = ("ssh".into(), shown(line));
    let mut parts = line.splitn(3, '-');
    let (version, software) = (parts.nth(1).unwrap_or_default(), parts.next().unwrap_or_default());
    note(service, "version", version);
    let (software, comment) = software.split_once(' ').unwrap_or((software, ""));
    note(service, "comment", comment);
    let (name, version) = product::token(software).unwrap_or_default();
    product::state(service, name, version);
}

/// The last line waits for a log-in.
fn has_prompt(heard: &[u8]) -> bool {
    let tail = String::from_utf8_lossy(&heard[heard.len().saturating_sub(128)..]);
    matches!(prompt_of(&tail), Some(Prompt::Account | Prompt::Password))
}

/// Words of nginx, Go and Apache to a request in clear at a port that speaks TLS.
const NO_TLS: &[&str] =
    &["request was sent to https port", "http request to an https server", "ssl-enabled server port"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings() {
        let of = |text: &str| read(text.as_bytes()).unwrap();
        let ssh = of("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
        assert_eq!(
            (&*ssh.protocol, ssh.product.as_deref(), ssh.version.as_deref()),
            ("ssh", Some("OpenSSH"), Some("9.2p1"))
        );
        assert_eq!(&*ssh.notes["comment"], "Debian-2+deb12u3");
        assert_eq!(of("SSH-2.0-dropbear_2022.83\r\n").version.as_deref(), Some("2022.83"));
        assert_eq!(of("SSH-2.0-\r\n").product, None);
        let unknown = of("ACME widget ready\u{1b}[2J\r\n");
        assert_eq!((&*unknown.protocol, &*unknown.evidence), ("unknown", "ACME widget ready [2J"));
        assert_eq!(&*read(&[0, 1, 2]).unwrap().notes["octets"], "000102");
        assert!(read(b"").is_none());
    }

    #[test]
    fn enough() {
        assert!(is_whole(b"SSH-2.0-x\r\n") && is_whole(&[255, 253, 24]) && is_whole(b"router login: "));
        assert!(!is_whole(b"220-hello\r\n") && !is_whole(b"SSH-2.0") && !is_whole(b""));
    }
}

//! Protocols that one payload shows by its form. Each check is strict enough that chance bytes rarely pass; where the form alone is
//! weak (NTP, CoAP, TFTP, Modbus), the usual port must agree.

use crate::Application;

/// What a datagram is, between a client and a server's `port`.
pub(super) fn datagram(bytes: &[u8], port: u16) -> Option<Application> {
    let found = match port {
        123 if is_ntp(bytes) => Application::Ntp,
        5683 if is_coap(bytes) => Application::Coap,
        69 if is_tftp(bytes) => Application::Tftp,
        47808 if matches!(bytes, [0x81, 0..=0x0c, high, low, ..] if length(*high, *low) == bytes.len()) => {
            Application::Bacnet
        }
        _ if is_stun(bytes) => Application::Stun,
        _ if is_sip(bytes) => Application::Sip,
        _ => return None,
    };
    Some(found)
}

/// RFC 5905 §7.3: 48 octets at least, a version that exists, a mode of client, server, broadcast, peers or control.
fn is_ntp(bytes: &[u8]) -> bool {
    let (version, mode) = (bytes.first().map_or(0, |it| it >> 3 & 7), bytes.first().map_or(0, |it| it & 7));
    (1..=4).contains(&version)
        && match mode {
            1..=5 => bytes.len() >= 48,
            6 => bytes.len() >= 12,
            _ => false,
        }
}

/// RFC 7252 §3: version 1, a token of at most 8 octets, a code whose class exists.
fn is_coap(bytes: &[u8]) -> bool {
    let &[first, code, ..] = bytes else { return false };
    first >> 6 == 1
        && first & 0xf <= 8
        && matches!(code >> 5, 0 | 2 | 4 | 5)
        && bytes.len() >= 4 + usize::from(first & 0xf)
}

/// RFC 1350 §5: a request names a file and a mode.
fn is_tftp(bytes: &[u8]) -> bool {
    let Some([0, 1 | 2]) = bytes.first_chunk() else { return false };
    let mut parts = bytes[2..].split(|it| *it == 0);
    let (file, mode) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let modes = [&b"netascii"[..], b"octet", b"mail"];
    !file.is_empty() && modes.iter().any(|it| mode.eq_ignore_ascii_case(it))
}

/// RFC 8489 §5: two zero bits, a length of whole words, the magic cookie.
fn is_stun(bytes: &[u8]) -> bool {
    matches!(bytes, [0..=0x3f, _, high, low, 0x21, 0x12, 0xa4, 0x42, ..] if length(*high, *low).is_multiple_of(4))
}

/// RFC 3261 §7.
pub(super) fn is_sip(bytes: &[u8]) -> bool {
    let line = bytes.split(|it| *it == b'\r').next().unwrap_or_default();
    line.starts_with(b"SIP/2.0 ") || line.ends_with(b" SIP/2.0")
}

/// RFC 7826 §20 and before.
pub(super) fn is_rtsp(bytes: &[u8]) -> bool {
    let line = bytes.split(|it| *it == b'\r').next().unwrap_or_default();
    line.starts_with(b"RTSP/1.0 ") || line.ends_with(b" RTSP/1.0") || line.ends_with(b" RTSP/2.0")
}

/// MODBUS Messaging on TCP/IP §3.1.3: protocol 0, the length of what follows, a function code.
pub(super) fn is_modbus(bytes: &[u8]) -> bool {
    let Some([_, _, 0, 0, high, low, _, function]) = bytes.first_chunk() else { return false };
    length(*high, *low) + 6 == bytes.len() && (1..=0x2b).contains(&(function & 0x7f))
}

/// SNMP (RFC 3416, framing of RFC 1157 §4): which version; 0 (v1) and 1 (v2c) state a community in clear.
pub(super) fn snmp_version(bytes: &[u8]) -> Option<u8> {
    let ([0x30, 0..=0x7f, rest @ ..] | [0x30, 0x81, _, rest @ ..] | [0x30, 0x82, _, _, rest @ ..]) = bytes else {
        return None;
    };
    match rest {
        [2, 1, version @ (0 | 1), 4, length, rest @ ..] => {
            // The community, then a message of a known kind.
            let kind = rest.get(usize::from(*length))?;
            matches!(kind, 0xa0..=0xa8).then_some(*version)
        }
        [2, 1, 3, 0x30, ..] => Some(3),
        _ => None,
    }
}

/// MQTT (OASIS, 3.1.1 §3.1 and 5.0): a CONNECT, and whether a password comes with it.
pub(super) fn mqtt_connect(bytes: &[u8]) -> Option<bool> {
    let (&0x10, rest) = bytes.split_first()? else { return None };
    let digits = rest.iter().take(4).position(|it| it & 0x80 == 0)?;
    let rest = rest.get(digits + 1..)?;
    let name = [&b"\0\x04MQTT"[..], b"\0\x06MQIsdp"].into_iter().find(|name| rest.starts_with(name))?;
    let flags = rest.get(name.len() + 1)?;
    Some(flags & 0x40 != 0)
}

/// MQTT: whether a CONNACK accepts.
pub(super) fn mqtt_answer(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [0x20, 2..=0x7f, _, code, ..] => Some(*code == 0),
        _ => None,
    }
}

fn length(high: u8, low: u8) -> usize {
    usize::from(u16::from_be_bytes([high, low]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_recognised_and_others_are_not() {
        let ntp = [&[0x23][..], &[0; 47]].concat();
        assert_eq!(datagram(&ntp, 123), Some(Application::Ntp));
        assert_eq!(datagram(&ntp, 124), None);
        assert_eq!(datagram(b"\x00\x01config.bin\x00octet\x00", 69), Some(Application::Tftp));
        assert_eq!(datagram(b"\x40\x01\x12\x34\xb4test", 5683), Some(Application::Coap));
        assert_eq!(datagram(b"\x00\x01\x00\x00\x21\x12\xa4\x42............", 3478), Some(Application::Stun));
        assert_eq!(datagram(b"REGISTER sip:a.example SIP/2.0\r\n", 5060), Some(Application::Sip));
        assert_eq!(datagram(b"\x81\x0b\x00\x08\x01\x20\xff\xff", 47808), Some(Application::Bacnet));
        assert!(is_modbus(b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x02"));
        assert!(is_rtsp(b"DESCRIBE rtsp://10.0.0.1/ RTSP/1.0\r\n"));
        assert_eq!(snmp_version(b"\x30\x12\x02\x01\x01\x04\x06public\xa0\x05....."), Some(1));
        assert_eq!(snmp_version(b"\x30\x12\x02\x01\x03\x30"), Some(3));
        assert_eq!(mqtt_connect(b"\x10\x20\x00\x04MQTT\x04\xc2\x00\x3c"), Some(true));
        assert_eq!(mqtt_connect(b"\x10\x20\x00\x06MQIsdp\x03\x02\x00\x3c"), Some(false));
        assert_eq!(mqtt_answer(b"\x20\x02\x00\x05"), Some(false));
    }
}

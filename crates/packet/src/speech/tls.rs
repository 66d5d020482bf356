//! The ClientHello of TLS (RFC 8446 §4.1.2, and before) and DTLS (RFC 9147 §5.3): the server's name and the hello's shape.
//!
//! Encrypted ClientHello (RFC 9849) shows as extension 65037 in the shape; the name is then the outer one, a public name of the
//! provider, or GREASE.

use fleetward_fleet::TlsShape;

use crate::cursor::Cursor;
use crate::name::host_name;

/// What a ClientHello says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) name: Option<Box<str>>,
    pub(crate) shape: TlsShape,
}

/// What the beginning of a TLS stream holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stream<'a> {
    /// A whole ClientHello's body, in one record.
    Whole(&'a [u8]),
    /// The same, put together from several records.
    Joined(Vec<u8>),
    /// Its beginning; more is needed.
    More,
    /// A record of TLS, but no ClientHello.
    Other,
    /// No TLS.
    No,
}

/// Longest handshake message looked at: a hello with post-quantum shares has 2 KiB.
pub(crate) const LONGEST: usize = 16_384;

const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const GROUPS: u16 = 10;
const SIGNATURES: u16 = 13;
const ALPN: u16 = 16;
const VERSIONS: u16 = 43;

/// Looks for a ClientHello in the first octets that a client sent.
pub(crate) fn stream(bytes: &[u8]) -> Stream<'_> {
    let Some((&[kind, major, minor, high, low], rest)) = bytes.split_first_chunk() else {
        return if matches!(bytes, [22, 3, ..]) { Stream::More } else { Stream::No };
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    // RFC 8446 §5.1: a record has at most 2^14 + 256 octets; alert, handshake, data (change of cipher spec begins nothing).
    if major != 3 || minor > 4 || length == 0 || length > LONGEST + 256 || !(20..=23).contains(&kind) {
        return Stream::No;
    }
    if kind != 22 || rest.first().is_some_and(|it| *it != CLIENT_HELLO) {
        return Stream::Other;
    }
    match rest.get(..length) {
        Some(record) => match whole(record) {
            Some(body) => Stream::Whole(body),
            None => joined(bytes),
        },
        None => Stream::More,
    }
}

/// Body of a ClientHello without records around it, as QUIC carries it, if all of it is there.
pub(super) fn message(handshake: &[u8]) -> Option<&[u8]> {
    if handshake.first() == Some(&CLIENT_HELLO) { whole(handshake) } else { None }
}

/// Body of the handshake message at the front, if all of it is there.
fn whole(handshake: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(handshake);
    cursor.u8()?;
    let length = cursor.u24()?;
    cursor.take(length as usize)
}

/// A hello that runs over several records (RFC 8446 §5.1).
fn joined(mut bytes: &[u8]) -> Stream<'_> {
    let mut handshake = Vec::new();
    while let Some((&[kind, 3, _, high, low], rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if kind != 22 || handshake.len() + length > LONGEST {
            return Stream::Other;
        }
        let Some(record) = rest.get(..length) else { return Stream::More };
        handshake.extend_from_slice(record);
        if let Some(body) = whole(&handshake) {
            return Stream::Joined(body.to_vec());
        }
        bytes = &rest[length..];
    }
    if bytes.len() < 5 { Stream::More } else { Stream::Other }
}

/// Reads a ClientHello's body. What follows a damaged part is missing, not invented; `None` where not even ciphers are readable.
pub(crate) fn hello(body: &[u8], is_datagram: bool) -> Option<Hello> {
    let mut body = Cursor::new(body);
    let version = body.u16()?;
    body.take(32)?;
    body.vector8()?;
    if is_datagram {
        body.vector8()?; // RFC 9147 §5.3: the cookie
    }
    let mut hello = Hello::default();
    hello.shape.ciphers = numbers(body.vector16()?);
    body.vector8()?;
    hello.shape.versions = vec![version];
    let extensions = match body.u16() {
        Some(length) => body.take_up_to(length.into()),
        None => &[],
    };
    let mut extensions = Cursor::new(extensions);
    while let (Some(kind), Some(length)) = (extensions.u16(), extensions.u16()) {
        if !is_grease(kind) {
            hello.shape.extensions.push(kind);
        }
        let Some(content) = extensions.take(length.into()) else { break };
        extension(&mut hello, kind, Cursor::new(content));
    }
    Some(hello)
}

/// Reads what it can of one extension.
fn extension(hello: &mut Hello, kind: u16, mut content: Cursor<'_>) -> Option<()> {
    let shape = &mut hello.shape;
    match kind {
        SERVER_NAME => {
            let mut names = Cursor::new(content.vector16()?);
            while let Some(kind) = names.u8() {
                let name = names.vector16()?;
                if kind == 0 && hello.name.is_none() {
                    hello.name = host_name(name);
                }
            }
        }
        GROUPS => shape.groups = numbers(content.vector16()?),
        SIGNATURES => shape.signatures = numbers(content.vector16()?),
        VERSIONS => shape.versions = numbers(content.vector8()?),
        ALPN => {
            let mut protocols = Cursor::new(content.vector16()?);
            while let Some(protocol) = protocols.vector8() {
                let is_grease = matches!(protocol, &[a, b] if is_grease(u16::from_be_bytes([a, b])));
                if !is_grease {
                    shape.alpn.push(protocol.escape_ascii().to_string().into());
                }
            }
        }
        _ => {}
    }
    Some(())
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    let (pairs, _) = bytes.as_chunks();
    let mut numbers = Vec::with_capacity(pairs.len());
    numbers.extend(pairs.iter().map(|pair| u16::from_be_bytes(*pair)).filter(|it| !is_grease(*it)));
    numbers
}

/// RFC 8701: values that clients make up so that servers keep ignoring the unknown: 0x0a0a, 0x1a1a, …
fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A hello for `name`, own-made, as a handshake message.
    pub(crate) fn example(name: &str, padding: usize) -> Vec<u8> {
        let name_length = name.len() as u16;
        let mut extensions = Vec::new();
        extensions.extend([0x1a, 0x1a, 0, 0]);
        extensions.extend(SERVER_NAME.to_be_bytes());
        extensions.extend((name_length + 5).to_be_bytes());
        extensions.extend((name_length + 3).to_be_bytes());
        extensions.push(0);
        extensions.extend(name_length.to_be_bytes());
        extensions.extend(name.as_bytes());
        extensions.extend([0, 10, 0, 6, 0, 4, 0x2a, 0x2a, 0, 29]);
        extensions.extend([0, 13, 0, 4, 0, 2, 4, 3]);
        extensions.extend([0, 16, 0, 5, 0, 3, 2, b'h', b'2']);
        extensions.extend([0, 43, 0, 5, 4, 3, 4, 3, 3]);
        extensions.extend([0, 21]);
        extensions.extend((padding as u16).to_be_bytes());
        extensions.resize(extensions.len() + padding, 0);
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 6, 0x0a, 0x0a, 0x13, 0x01, 0xc0, 0x2b, 1, 0]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        let mut message = vec![CLIENT_HELLO, 0];
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(body);
        message
    }

    /// The same in records of at most `size`.
    pub(crate) fn records(handshake: &[u8], size: usize) -> Vec<u8> {
        let record = |part: &[u8]| [&[22, 3, 1][..], &(part.len() as u16).to_be_bytes(), part].concat();
        handshake.chunks(size).flat_map(record).collect()
    }

    #[test]
    fn name_and_shape() {
        let bytes = records(&example("API.vendor.example", 4), 4_096);
        let Stream::Whole(body) = stream(&bytes) else { panic!("it is whole") };
        let hello = hello(body, false).expect("it is readable");
        assert_eq!(hello.name.as_deref(), Some("api.vendor.example"));
        assert_eq!(hello.shape.versions, [0x0304, 0x0303]);
        assert_eq!(hello.shape.ciphers, [0x1301, 0xc02b]);
        assert_eq!(hello.shape.extensions, [0, 10, 13, 16, 43, 21]);
        assert_eq!((hello.shape.groups, hello.shape.signatures), (vec![29], vec![0x0403]));
        assert_eq!(hello.shape.alpn, ["h2".into()]);
    }

    #[test]
    fn records_are_joined_and_cuts_ask_for_more() {
        let handshake = example("a.example", 300);
        let bytes = records(&handshake, 100);
        assert_eq!(stream(&bytes), Stream::Joined(handshake[4..].to_vec()));
        for end in 2..bytes.len() {
            assert_eq!(stream(&bytes[..end]), Stream::More, "{end}");
        }
        assert_eq!(stream(b"GET / HTTP/1.1"), Stream::No);
        assert_eq!(stream(&[23, 3, 3, 0, 40, 1]), Stream::Other);
        assert_eq!(stream(&[22, 3, 3, 0, 40, 2]), Stream::Other, "a ServerHello");
    }

    #[test]
    fn every_cut_of_a_hello_is_survived() {
        let handshake = example("a.example", 0);
        for end in 4..handshake.len() {
            hello(&handshake[4..end], false);
        }
    }
}

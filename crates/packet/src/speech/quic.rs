//! QUIC Initials (RFC 9000 §17.2.2): their keys follow from the destination's connection id (RFC 9001 §5.2), so whoever sees the first
//! packet can read the ClientHello in it.

use ring::aead::quic::{AES_128 as MASK, HeaderProtectionKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use crate::cursor::Cursor;

/// A version that is spoken.
struct Version {
    salt: [u8; 20],
    /// What HKDF labels begin with.
    prefix: &'static str,
    /// The two bits of an Initial.
    initial: u8,
}

const SALT_1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f,
    0x0a,
];
const SALT_2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e,
    0xd9,
];
const SALT_DRAFT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8,
    0x99,
];
const SALT_DRAFT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5,
    0x02,
];

/// Octets of a packet's payload that are opened; a datagram of QUIC has at most 1,500 or so.
const LONGEST: usize = 4_096;

impl Version {
    /// RFC 9000, RFC 9369, and the drafts that are still met.
    fn of(number: u32) -> Option<Self> {
        let (salt, prefix, initial) = match number {
            1 => (SALT_1, "quic ", 0),
            0x6b33_43cf => (SALT_2, "quicv2 ", 1),
            0xff00_001d..=0xff00_0022 => (SALT_DRAFT_29, "quic ", 0),
            0xff00_0017..=0xff00_001c => (SALT_DRAFT_23, "quic ", 0),
            _ => return None,
        };
        Some(Self { salt, prefix, initial })
    }
}

/// It begins with the long header of a version that is spoken.
pub(super) fn is_quic(bytes: &[u8]) -> bool {
    let Some((&[first, a, b, c, d, destination], _)) = bytes.split_first_chunk() else { return false };
    first & 0xc0 == 0xc0 && destination <= 20 && Version::of(u32::from_be_bytes([a, b, c, d])).is_some()
}

/// Opens the Initials of a client's datagram and hands out pieces of its handshake: where they belong, and their octets.
pub(super) fn initials(datagram: &[u8], mut piece: impl FnMut(u32, &[u8])) -> Option<()> {
    let mut rest = datagram;
    // RFC 9000 §12.2: several packets in one datagram.
    for _ in 0..4 {
        if rest.first().is_none_or(|first| first & 0xc0 != 0xc0) {
            break;
        }
        rest = initial(rest, &mut piece)?;
    }
    Some(())
}

/// One packet; what follows it.
fn initial<'a>(packet: &'a [u8], piece: &mut impl FnMut(u32, &[u8])) -> Option<&'a [u8]> {
    let mut header = Cursor::new(packet);
    let first = header.u8()?;
    let version = Version::of(u32::from_be_bytes(header.array()?))?;
    let destination = header.vector8()?;
    header.vector8()?;
    let is_initial = first >> 4 & 3 == version.initial;
    if is_initial {
        let token = varint(&mut header)?;
        header.take(usize::try_from(token).ok()?)?;
    }
    let length = usize::try_from(varint(&mut header)?).ok()?;
    let at = packet.len() - header.left();
    let end = at.checked_add(length)?;
    let whole = packet.get(..end)?;
    if is_initial && length <= LONGEST {
        open(&version, destination, whole, at, piece)?;
    }
    packet.get(end..)
}

/// RFC 9001 §5.3 and §5.4: takes the mask off the header, then opens the payload.
fn open(
    version: &Version,
    destination: &[u8],
    packet: &[u8],
    at: usize,
    piece: &mut impl FnMut(u32, &[u8]),
) -> Option<()> {
    let secret = Salt::new(HKDF_SHA256, &version.salt).extract(destination);
    let client: [u8; 32] = expand(&secret, "client in")?;
    let client = Prk::new_less_safe(HKDF_SHA256, &client);
    let label = |what: &str| format!("{}{what}", version.prefix);
    let key: [u8; 16] = expand(&client, &label("key"))?;
    let nonce: [u8; 12] = expand(&client, &label("iv"))?;
    let mask: [u8; 16] = expand(&client, &label("hp"))?;
    let sample = packet.get(at + 4..at + 20)?;
    let mask = HeaderProtectionKey::new(&MASK, &mask).ok()?.new_mask(sample).ok()?;
    let first = packet[0] ^ mask[0] & 0x0f;
    let octets = usize::from(first & 3) + 1;
    let mut header = packet.get(..at + octets)?.to_vec();
    header[0] = first;
    let mut number = 0;
    for (octet, mask) in header[at..].iter_mut().zip(&mask[1..]) {
        *octet ^= mask;
        number = number << 8 | u64::from(*octet);
    }
    let mut nonce = nonce;
    for (octet, number) in nonce[4..].iter_mut().zip(number.to_be_bytes()) {
        *octet ^= number;
    }
    let mut payload = packet.get(at + octets..)?.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let frames = key.open_in_place(nonce, Aad::from(&header), &mut payload).ok()?;
    crypto(frames, piece)
}

/// RFC 9000 §19: CRYPTO frames among the others that an Initial may have.
fn crypto(frames: &[u8], piece: &mut impl FnMut(u32, &[u8])) -> Option<()> {
    let mut frames = Cursor::new(frames);
    while let Some(kind) = frames.u8() {
        match kind {
            // Padding, ping.
            0 | 1 => {}
            // Acknowledgements.
            2 | 3 => {
                varint(&mut frames)?;
                varint(&mut frames)?;
                let ranges = varint(&mut frames)?.min(64);
                varint(&mut frames)?;
                for _ in 0..2 * ranges {
                    varint(&mut frames)?;
                }
                for _ in 0..if kind == 3 { 3 } else { 0 } {
                    varint(&mut frames)?;
                }
            }
            6 => {
                let offset = varint(&mut frames)?;
                let length = usize::try_from(varint(&mut frames)?).ok()?;
                piece(u32::try_from(offset).ok()?, frames.take(length)?);
            }
            _ => return Some(()),
        }
    }
    Some(())
}

/// RFC 9000 §16.
fn varint(cursor: &mut Cursor<'_>) -> Option<u64> {
    let first = cursor.u8()?;
    let more = (1_usize << (first >> 6)) - 1;
    let octets = cursor.take(more)?;
    Some(octets.iter().fold(u64::from(first & 0x3f), |number, octet| number << 8 | u64::from(*octet)))
}

/// HKDF-Expand-Label (RFC 8446 §7.1) without context.
fn expand<const N: usize>(secret: &Prk, label: &str) -> Option<[u8; N]> {
    struct Octets(usize);
    impl KeyType for Octets {
        fn len(&self) -> usize {
            self.0
        }
    }
    let label = ["tls13 ", label].concat();
    let length = (N as u16).to_be_bytes();
    let info = [&length[..], &[label.len() as u8], label.as_bytes(), &[0]];
    let mut out = [0; N];
    secret.expand(&info, Octets(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of RFC 9001, appendix A.1.
    #[test]
    fn keys_are_those_of_the_standard() {
        let destination = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let secret = Salt::new(HKDF_SHA256, &SALT_1).extract(&destination);
        let client: [u8; 32] = expand(&secret, "client in").expect("enough");
        let client = Prk::new_less_safe(HKDF_SHA256, &client);
        let key: [u8; 16] = expand(&client, "quic key").expect("enough");
        assert_eq!(key, 0x1f36_9613_dd76_d546_7730_efcb_e3b1_a22d_u128.to_be_bytes());
        let mask: [u8; 16] = expand(&client, "quic hp").expect("enough");
        assert_eq!(mask, 0x9f50_449e_04a0_e810_283a_1e99_33ad_edd2_u128.to_be_bytes());
    }

    #[test]
    fn other_bytes_are_passed_over() {
        assert!(is_quic(&[0xc3, 0, 0, 0, 1, 8, 0]) && !is_quic(&[0xc3, 0, 0, 0, 2, 8, 0]) && !is_quic(&[0x43]));
        let mut bytes = vec![0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x9e];
        bytes.resize(1200, 0x5a);
        assert_eq!(initials(&bytes, |_, _| panic!("it cannot be opened")), None);
        for end in 0..60 {
            let _cut = initials(&bytes[..end], |_, _| ());
        }
    }
}

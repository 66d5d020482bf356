//! The peers' own RADIUS codec: just enough to write requests, to sign and check them, and to find an attribute.
//!
//! Deliberately not `fleetward-radius` (see the crate's invariants). Formulas: RFC 2865 §3 and §5.2, RFC 2866 §3,
//! RFC 3579 §3.2, RFC 5176 §2.3.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};

pub(crate) const ACCESS_REQUEST: u8 = 1;
pub(crate) const ACCESS_ACCEPT: u8 = 2;
pub(crate) const ACCESS_REJECT: u8 = 3;
pub(crate) const ACCOUNTING_REQUEST: u8 = 4;
pub(crate) const ACCOUNTING_RESPONSE: u8 = 5;
pub(crate) const DISCONNECT_REQUEST: u8 = 40;
pub(crate) const DISCONNECT_ACK: u8 = 41;
pub(crate) const DISCONNECT_NAK: u8 = 42;
pub(crate) const COA_REQUEST: u8 = 43;
pub(crate) const COA_ACK: u8 = 44;
pub(crate) const COA_NAK: u8 = 45;

/// 3GPP (TS 29.061 §16.4.7).
const VENDOR_3GPP: u32 = 10415;
const HEADER: usize = 20;
const MAX: usize = 4096;
const VENDOR_SPECIFIC: u8 = 26;
const MESSAGE_AUTHENTICATOR: u8 = 80;

/// A request or answer being written.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    /// Where the value of Message-Authenticator is, if there is one.
    mac_at: Option<usize>,
}

impl Writer {
    pub(crate) fn new(code: u8, identifier: u8) -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend([code, identifier]);
        bytes.resize(HEADER, 0);
        Self { bytes, mac_at: None }
    }

    /// Reserves Message-Authenticator. Call it first, so that it is the first attribute.
    pub(crate) fn message_authenticator(&mut self) -> &mut Self {
        self.mac_at = Some(self.bytes.len() + 2);
        self.octets(MESSAGE_AUTHENTICATOR, &[0; 16])
    }

    /// Values longer than 253 octets are cut: nothing here writes any.
    pub(crate) fn octets(&mut self, kind: u8, value: &[u8]) -> &mut Self {
        let value = &value[..value.len().min(253)];
        self.bytes.extend([kind, value.len() as u8 + 2]);
        self.bytes.extend(value);
        self
    }

    pub(crate) fn text(&mut self, kind: u8, value: &str) -> &mut Self {
        self.octets(kind, value.as_bytes())
    }

    pub(crate) fn number(&mut self, kind: u8, value: u32) -> &mut Self {
        self.octets(kind, &value.to_be_bytes())
    }

    /// One 3GPP sub-attribute in a Vendor-Specific attribute of its own.
    pub(crate) fn tgpp(&mut self, kind: u8, value: &[u8]) -> &mut Self {
        let value = &value[..value.len().min(247)];
        self.bytes.extend([VENDOR_SPECIFIC, value.len() as u8 + 8]);
        self.bytes.extend(VENDOR_3GPP.to_be_bytes());
        self.bytes.extend([kind, value.len() as u8 + 2]);
        self.bytes.extend(value);
        self
    }

    /// User-Password hidden for this authenticator (RFC 2865 §5.2), at most 128 octets.
    pub(crate) fn password(&mut self, clear: &[u8], authenticator: &[u8; 16], secret: &[u8]) -> &mut Self {
        let hidden = hide_password(clear, authenticator, secret);
        self.octets(2, &hidden)
    }

    /// An Access-Request: the authenticator is random, the Message-Authenticator protects it.
    pub(crate) fn finish_access(mut self, authenticator: [u8; 16], secret: &[u8]) -> Vec<u8> {
        self.seal();
        self.bytes[4..HEADER].copy_from_slice(&authenticator);
        if let Some(at) = self.mac_at {
            let mac = hmac(secret, &[&self.bytes]);
            self.bytes[at..at + 16].copy_from_slice(&mac);
        }
        self.bytes
    }

    /// An Accounting-, Disconnect- or CoA-Request: the authenticator signs it.
    pub(crate) fn finish_signed(mut self, secret: &[u8]) -> Vec<u8> {
        self.seal();
        if let Some(at) = self.mac_at {
            let mac = hmac(secret, &[&self.bytes]);
            self.bytes[at..at + 16].copy_from_slice(&mac);
        }
        sign(&mut self.bytes, secret);
        self.bytes
    }

    /// The answer to the request with this authenticator.
    pub(crate) fn finish_answer(mut self, request_authenticator: &[u8; 16], secret: &[u8]) -> Vec<u8> {
        self.seal();
        self.bytes[4..HEADER].copy_from_slice(request_authenticator);
        if let Some(at) = self.mac_at {
            let mac = hmac(secret, &[&self.bytes]);
            self.bytes[at..at + 16].copy_from_slice(&mac);
        }
        let signature = md5(&[&self.bytes, secret]);
        self.bytes[4..HEADER].copy_from_slice(&signature);
        self.bytes
    }

    fn seal(&mut self) {
        debug_assert!(self.bytes.len() <= MAX, "nothing here writes that much");
        let length = (self.bytes.len() as u16).to_be_bytes();
        self.bytes[2..4].copy_from_slice(&length);
    }
}

/// Puts the Request Authenticator of RFC 2866 §3 into a finished packet whose secret-keyed fields are set.
pub(crate) fn sign(packet: &mut [u8], secret: &[u8]) {
    packet[4..HEADER].fill(0);
    let signature = md5(&[packet, secret]);
    packet[4..HEADER].copy_from_slice(&signature);
}

/// Puts the Message-Authenticator whose value is at `at` into an Access-Request.
pub(crate) fn sign_access(packet: &mut [u8], at: usize, secret: &[u8]) {
    packet[at..at + 16].fill(0);
    let mac = hmac(secret, &[packet]);
    packet[at..at + 16].copy_from_slice(&mac);
}

/// User-Password as it goes over the wire (RFC 2865 §5.2).
pub(crate) fn hide_password(clear: &[u8], authenticator: &[u8; 16], secret: &[u8]) -> Vec<u8> {
    let mut hidden = clear[..clear.len().min(128)].to_vec();
    hidden.resize(hidden.len().max(1).next_multiple_of(16), 0);
    let mut previous = *authenticator;
    for block in hidden.chunks_exact_mut(16) {
        let mask = md5(&[secret, &previous]);
        block.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
        previous.copy_from_slice(block);
    }
    hidden
}

/// A received packet whose attributes all lie within it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    bytes: &'a [u8],
}

impl<'a> View<'a> {
    /// `None` where header or attributes are malformed; padding after Length is cut off.
    pub(crate) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16::from_be_bytes([*datagram.get(2)?, *datagram.get(3)?]));
        if !(HEADER..=MAX).contains(&length) {
            return None;
        }
        let view = Self { bytes: datagram.get(..length)? };
        let mut rest = &view.bytes[HEADER..];
        while !rest.is_empty() {
            let step = usize::from(*rest.get(1)?);
            rest = rest.get(step.max(2)..).filter(|_| step >= 2)?;
        }
        Some(view)
    }

    pub(crate) fn code(&self) -> u8 {
        self.bytes[0]
    }

    pub(crate) fn identifier(&self) -> u8 {
        self.bytes[1]
    }

    pub(crate) fn authenticator(&self) -> [u8; 16] {
        let mut octets = [0; 16];
        octets.copy_from_slice(&self.bytes[4..HEADER]);
        octets
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut rest = &self.bytes[HEADER..];
        std::iter::from_fn(move || {
            let (kind, step) = (*rest.first()?, usize::from(*rest.get(1)?));
            let value = rest.get(2..step)?;
            rest = &rest[step..];
            Some((kind, value))
        })
    }

    pub(crate) fn first(&self, kind: u8) -> Option<&'a [u8]> {
        self.attributes().find(|(k, _)| *k == kind).map(|(_, value)| value)
    }

    pub(crate) fn number(&self, kind: u8) -> Option<u32> {
        self.first(kind).and_then(|v| v.try_into().ok()).map(u32::from_be_bytes)
    }

    pub(crate) fn text(&self, kind: u8) -> Option<&'a str> {
        self.first(kind).and_then(|v| std::str::from_utf8(v).ok())
    }

    /// The first 3GPP sub-attribute of this kind, also where several share one Vendor-Specific attribute.
    pub(crate) fn tgpp(&self, kind: u8) -> Option<&'a [u8]> {
        let of_vendor = |value: &'a [u8]| value.strip_prefix(&VENDOR_3GPP.to_be_bytes());
        let vsas = self.attributes().filter(|(k, _)| *k == VENDOR_SPECIFIC).filter_map(move |(_, v)| of_vendor(v));
        for mut rest in vsas {
            while let [found, step, ..] = *rest {
                let Some(value) = rest.get(2..usize::from(step)) else { break };
                if found == kind {
                    return Some(value);
                }
                rest = &rest[usize::from(step)..];
            }
        }
        None
    }

    /// Whether this answers the request with that authenticator and comes from somebody who knows the secret. A
    /// Message-Authenticator, where there is one, must be right too.
    pub(crate) fn answers(&self, request_authenticator: &[u8; 16], secret: &[u8]) -> bool {
        let (head, rest) = (&self.bytes[..4], &self.bytes[HEADER..]);
        md5(&[head, request_authenticator, rest, secret]) == self.authenticator()
            && self.mac_is_right(request_authenticator, secret) != Some(false)
    }

    /// Whether this is a Disconnect- or CoA-Request signed with the secret (RFC 5176 §2.3).
    pub(crate) fn is_signed(&self, secret: &[u8]) -> bool {
        let (head, rest) = (&self.bytes[..4], &self.bytes[HEADER..]);
        md5(&[head, &[0; 16], rest, secret]) == self.authenticator()
            && self.mac_is_right(&[0; 16], secret) != Some(false)
    }

    /// Whether a Message-Authenticator is there.
    pub(crate) fn has_mac(&self) -> bool {
        self.first(MESSAGE_AUTHENTICATOR).is_some()
    }

    fn mac_is_right(&self, authenticator: &[u8; 16], secret: &[u8]) -> Option<bool> {
        let mut at = HEADER;
        for (kind, value) in self.attributes() {
            if kind == MESSAGE_AUTHENTICATOR {
                let (before, after) = (&self.bytes[HEADER..at + 2], &self.bytes[at + 2 + value.len()..]);
                let parts = [&self.bytes[..4], authenticator, before, &[0; 16], after];
                return Some(value.len() == 16 && hmac(secret, &parts) == *value);
            }
            at += value.len() + 2;
        }
        None
    }
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"xyzzy5461";

    #[test]
    fn hides_a_password_as_rfc_2865_section_7_1_does() {
        let authenticator =
            [0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57, 0xbd, 0x83, 0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a];
        let hidden = hide_password(b"arctangent", &authenticator, SECRET);
        assert_eq!(hidden[..4], [0x0d, 0xbe, 0x70, 0x8d]);
    }

    #[test]
    fn what_one_side_signs_the_other_accepts_and_nothing_else() {
        let mut request = Writer::new(DISCONNECT_REQUEST, 7);
        request.message_authenticator().text(44, "s1").tgpp(1, b"262990000000001");
        let bytes = request.finish_signed(SECRET);
        let view = View::parse(&bytes).unwrap();
        assert!(view.is_signed(SECRET) && !view.is_signed(b"other"));
        assert_eq!(view.tgpp(1), Some(&b"262990000000001"[..]));

        let mut answer = Writer::new(DISCONNECT_ACK, 7);
        answer.message_authenticator();
        let mut bytes = answer.finish_answer(&view.authenticator(), SECRET);
        assert!(View::parse(&bytes).unwrap().answers(&view.authenticator(), SECRET));
        bytes[25] ^= 1;
        assert!(!View::parse(&bytes).unwrap().answers(&view.authenticator(), SECRET));
    }

    #[test]
    fn refuses_malformed_packets() {
        let mut bytes = Writer::new(ACCOUNTING_REQUEST, 1);
        bytes.text(44, "abc");
        let mut bytes = bytes.finish_signed(SECRET);
        assert!(View::parse(&bytes[..bytes.len() - 1]).is_none());
        bytes[21] = 0;
        assert!(View::parse(&bytes).is_none());
        bytes[21] = 200;
        assert!(View::parse(&bytes).is_none());
        assert!(View::parse(&[]).is_none());
    }
}

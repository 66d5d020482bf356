//! A server's first flight: what it chose and showed, before anything is encrypted (RFC 5246 §7.4, RFC 8446 §4.1.3).

use super::{Version, suites};
use crate::speak::cursor::Cursor;

/// Of it, what an audit wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flight {
    pub version: Version,
    pub suite: u16,
    pub compression: bool,
    /// RFC 5746 is there.
    pub renegotiation: bool,
    /// As DER, its own first.
    pub certificates: Vec<Vec<u8>>,
    pub asks_client: bool,
    /// Bits of the prime of a Diffie-Hellman exchange.
    pub dh_bits: Option<u32>,
    /// Code of the group of an exchange over elliptic curves.
    pub group: Option<u16>,
}

impl Flight {
    /// From a `ServerHello`; a `HelloRetryRequest` looks the same, and has chosen a suite, too.
    pub(super) fn hello(body: &[u8]) -> Option<Self> {
        let mut at = Cursor(body);
        let mut version = Version::of(at.u16()?)?;
        at.take(32)?;
        at.vector(1)?;
        let (suite, compression) = (at.u16()?, at.u8()? != 0);
        let (mut renegotiation, mut group) = (false, None);
        let mut extensions = Cursor(at.vector(2).unwrap_or_default());
        while let (Some(code), Some(content)) = (extensions.u16(), extensions.vector(2)) {
            match code {
                0xFF01 => renegotiation = true,
                43 => version = Version::of(Cursor(content).u16()?)?,
                51 => group = Cursor(content).u16(),
                _ => {}
            }
        }
        let (certificates, asks_client, dh_bits) = (Vec::new(), false, None);
        Some(Self { version, suite, compression, renegotiation, certificates, asks_client, dh_bits, group })
    }

    /// Another message of the flight. What is odd in it is left out: the suite was taken all the same.
    pub(super) fn add(&mut self, kind: u8, body: &[u8]) {
        match kind {
            CERTIFICATE if self.certificates.is_empty() => self.certificates = certificates(body).unwrap_or_default(),
            KEY_EXCHANGE => self.exchange(body),
            CERTIFICATE_REQUEST => self.asks_client = true,
            _ => {}
        }
    }

    /// RFC 5246 §7.4.3, RFC 8422 §5.4. With PSK a hint stands before it, which is not read here.
    fn exchange(&mut self, body: &[u8]) {
        let name = suites::name(self.suite);
        let with = |words: &[&str]| words.iter().any(|it| name.contains(it)) && !name.contains("_PSK_");
        if with(&["_DHE_", "_DH_anon_"]) {
            self.dh_bits = Cursor(body).vector(2).map(bits);
        } else if with(&["_ECDHE_", "_ECDH_anon_"]) {
            let mut at = Cursor(body);
            // 3: a named curve.
            self.group = at.u8().filter(|it| *it == 3).and_then(|_| at.u16());
        }
    }
}

fn certificates(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut list = Cursor(Cursor(body).vector(3)?);
    let one = || list.vector(3).map(<[u8]>::to_vec);
    Some(std::iter::from_fn(one).take(MOST_CERTIFICATES).collect())
}

/// Length of an unsigned number.
fn bits(number: &[u8]) -> u32 {
    let zeros = number.iter().take_while(|it| **it == 0).count();
    let first = number.get(zeros).map_or(8, |it| it.leading_zeros());
    (8 * (number.len() - zeros) as u32).saturating_sub(first)
}

/// Chains of devices have one to four.
const MOST_CERTIFICATES: usize = 16;

const CERTIFICATE: u8 = 11;
const KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(suite: u16, extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([5; 32]);
        body.extend([2, 8, 8]);
        body.extend(suite.to_be_bytes());
        body.push(1);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        body
    }

    #[test]
    fn a_hello_with_what_it_says_beside() {
        let flight = Flight::hello(&hello(0xC02F, &[0xFF, 1, 0, 1, 0, 0, 23, 0, 0])).unwrap();
        assert_eq!((flight.version, flight.suite), (Version::Tls12, 0xC02F));
        assert!(flight.renegotiation && flight.compression);
        let retry = Flight::hello(&hello(0x1301, &[0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 24])).unwrap();
        assert_eq!((retry.version, retry.group), (Version::Tls13, Some(24)));
        assert_eq!(Flight::hello(&hello(0x1301, &[0, 43, 0, 2, 9, 9])), None);
        assert_eq!(Flight::hello(&[3, 3, 0]), None);
    }

    #[test]
    fn sizes_of_keys_and_certificates() {
        let mut flight = Flight::hello(&hello(0x0033, &[])).unwrap();
        flight.add(KEY_EXCHANGE, &[&[0, 129, 0], &[0xFF; 128][..], &[0, 1, 2]].concat());
        assert_eq!(flight.dh_bits, Some(1024));
        let mut flight = Flight::hello(&hello(0xC013, &[])).unwrap();
        flight.add(KEY_EXCHANGE, &[3, 0, 23, 1, 4]);
        flight.add(CERTIFICATE, &[0, 0, 9, 0, 0, 2, 48, 0, 0, 0, 1, 7]);
        flight.add(CERTIFICATE_REQUEST, &[]);
        assert_eq!((flight.group, flight.asks_client), (Some(23), true));
        assert_eq!(flight.certificates, [vec![48, 0], vec![7]]);
        assert_eq!((bits(&[]), bits(&[0, 0]), bits(&[0, 1]), bits(&[0x80])), (0, 0, 1, 8));
    }
}

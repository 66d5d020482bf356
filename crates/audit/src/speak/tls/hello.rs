//! What is said: one `ClientHello` of any version (RFC 6101 §5.6.1.2, RFC 5246 §7.4.1.2, RFC 8446 §4.1.2).

use super::Version;

/// One question: is any of these suites taken in this version?
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub version: Version,
    pub suites: Vec<u16>,
}

/// What each hello has anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dice {
    pub random: [u8; 32],
    /// Stands for a public key on Curve25519, where every 32 octets are one; nobody has the private one, so a
    /// handshake of TLS 1.3 goes no further than the server's hello.
    pub share: [u8; 32],
}

impl Question {
    /// As a record.
    pub(super) fn to_wire(&self, dice: Dice) -> Vec<u8> {
        let mut body = Vec::with_capacity(1024);
        body.extend(self.version.min(Version::Tls12).code().to_be_bytes());
        body.extend(dice.random);
        // TLS 1.3 for those on the way that know only sessions (RFC 8446 §D.4).
        let session: &[u8] = if self.version == Version::Tls13 { &dice.share } else { &[] };
        vector8(&mut body, session);
        let mut suites: Vec<u8> = self.suites.iter().flat_map(|it| it.to_be_bytes()).collect();
        if self.version == Version::Ssl3 {
            // RFC 5746 §3.3: SSL 3.0 has no extensions to say it with.
            suites.extend([0x00, 0xFF]);
        }
        vector16(&mut body, &suites);
        // Nobody should take DEFLATE (CRIME); TLS 1.3 has none.
        vector8(&mut body, if self.version == Version::Tls13 { &[0] } else { &[1, 0] });
        if self.version != Version::Ssl3 {
            vector16(&mut body, &self.extensions(dice));
        }
        let record = if self.version == Version::Ssl3 { Version::Ssl3 } else { Version::Tls10 };
        let mut wire = vec![22];
        wire.extend(record.code().to_be_bytes());
        wire.extend((body.len() as u16 + 4).to_be_bytes());
        wire.extend([1, 0]);
        wire.extend((body.len() as u16).to_be_bytes());
        wire.extend(body);
        wire
    }

    fn extensions(&self, dice: Dice) -> Vec<u8> {
        let mut out = Vec::new();
        let listed = |values: &[u16]| {
            let mut list = Vec::new();
            vector16(&mut list, &values.iter().flat_map(|it| it.to_be_bytes()).collect::<Vec<_>>());
            list
        };
        extension(&mut out, 10, &listed(&GROUPS));
        extension(&mut out, 11, &[1, 0]);
        if self.version >= Version::Tls12 {
            extension(&mut out, 13, &listed(&SIGNATURES));
        }
        if self.version == Version::Tls13 {
            extension(&mut out, 43, &[2, 3, 4]);
            let mut share = vec![0, 36, 0, 29, 0, 32];
            share.extend(dice.share);
            extension(&mut out, 51, &share);
        } else {
            extension(&mut out, 0xFF01, &[0]);
        }
        out
    }
}

fn extension(out: &mut Vec<u8>, code: u16, content: &[u8]) {
    out.extend(code.to_be_bytes());
    vector16(out, content);
}

fn vector8(out: &mut Vec<u8>, content: &[u8]) {
    out.push(content.len() as u8);
    out.extend(content);
}

fn vector16(out: &mut Vec<u8>, content: &[u8]) {
    out.extend((content.len() as u16).to_be_bytes());
    out.extend(content);
}

/// All curves of the registry, those of today first: X25519, P-256, P-384, P-521, X448, Brainpool, secp256k1, and the old ones.
const GROUPS: [u16; 30] =
    [29, 23, 24, 25, 30, 26, 27, 28, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1];

/// Hash and signature, those of today first, down to MD5 and DSA: what a server signs with is looked at, not relied on.
const SIGNATURES: [u16; 21] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601,
    0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0202, 0x0101,
];

#[cfg(test)]
mod tests {
    use super::super::suites;
    use super::*;

    fn hello(version: Version) -> Vec<u8> {
        let dice = Dice { random: [7; 32], share: [9; 32] };
        Question { version, suites: suites::of(version) }.to_wire(dice)
    }

    #[test]
    fn lengths_agree_and_versions_stand_where_they_belong() {
        for version in Version::ALL {
            let wire = hello(version);
            assert_eq!(wire.len(), 5 + usize::from(u16::from_be_bytes([wire[3], wire[4]])), "{version:?}");
            assert_eq!(wire.len(), 9 + usize::from(u16::from_be_bytes([wire[7], wire[8]])), "{version:?}");
        }
        assert_eq!((&hello(Version::Ssl3)[1..3], &hello(Version::Ssl3)[9..11]), (&[3, 0][..], &[3, 0][..]));
        assert_eq!((&hello(Version::Tls13)[1..3], &hello(Version::Tls13)[9..11]), (&[3, 1][..], &[3, 3][..]));
    }
}

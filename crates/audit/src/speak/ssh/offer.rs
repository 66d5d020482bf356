//! KEXINIT: what a side offers (RFC 4253 §7.1), and what is chosen of two offers.

use super::wire::{names, string};
use crate::fact::Ssh;
use crate::speak::cursor::Cursor;

/// A server's offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub kex: Vec<Box<str>>,
    pub host_keys: Vec<Box<str>>,
    pub ciphers_in: Vec<Box<str>>,
    pub ciphers_out: Vec<Box<str>>,
    pub macs_out: Vec<Box<str>>,
}

impl Offer {
    /// From the payload.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let mut at = Cursor(payload);
        if at.u8()? != KEXINIT {
            return None;
        }
        at.take(16)?;
        let (kex, host_keys) = (names(&mut at)?, names(&mut at)?);
        let (ciphers_in, ciphers_out) = (names(&mut at)?, names(&mut at)?);
        let (_, macs_out) = (names(&mut at)?, names(&mut at)?);
        Some(Self { kex, host_keys, ciphers_in, ciphers_out, macs_out })
    }

    pub(super) fn facts(&self) -> Ssh {
        Ssh {
            kex: self.kex.clone(),
            host_keys: self.host_keys.clone(),
            ciphers: self.ciphers_out.clone(),
            macs: self.macs_out.clone(),
            ..Ssh::default()
        }
    }

    /// Both directions can be encrypted in the way that is known here.
    pub(super) fn encrypts(&self) -> bool {
        [&self.ciphers_in, &self.ciphers_out].into_iter().all(|it| has(it, CIPHER))
    }
}

/// Our payload. The cookie is of 16 random octets.
pub(super) fn ours(cookie: [u8; 16], host_keys: &[&str]) -> Vec<u8> {
    let mut out = vec![KEXINIT];
    out.extend(cookie);
    let (ciphers, macs, none) = (OUR_CIPHERS.join(","), OUR_MACS.join(","), "none".to_owned());
    let lists = [KEX.join(","), host_keys.join(","), ciphers.clone(), ciphers, macs.clone(), macs, none.clone(), none];
    for list in lists {
        string(&mut out, list.as_bytes());
    }
    // No languages, no guess, and four octets for later.
    out.extend([0; 8 + 1 + 4]);
    out
}

/// The first of ours that is theirs too.
pub(super) fn chosen(ours: &[&'static str], theirs: &[Box<str>]) -> Option<&'static str> {
    ours.iter().copied().find(|it| has(theirs, it))
}

fn has(list: &[Box<str>], name: &str) -> bool {
    list.iter().any(|it| &**it == name)
}

pub(super) const KEXINIT: u8 = 20;

/// By which keys are exchanged here: all hash with SHA-256.
pub(super) const KEX: [&str; 3] = ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"];

/// Host keys whose proof can be checked here; the order is fixed, so that audits see the same key of a device.
pub(super) const HOST_KEYS: [&str; 5] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256", "rsa-sha2-512", "ssh-rsa"];

/// Those of them whose length is worth a look.
pub(super) const RSA: [&str; 3] = ["rsa-sha2-256", "rsa-sha2-512", "ssh-rsa"];

/// What can be spoken.
const CIPHER: &str = "chacha20-poly1305@openssh.com";

/// Without a cipher in common no server shows its key, so those are named that are never reached.
const OUR_CIPHERS: [&str; 7] =
    [CIPHER, "aes128-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes128-cbc", "aes256-cbc", "3des-cbc"];
const OUR_MACS: [&str; 4] = ["hmac-sha2-256", "hmac-sha1", "hmac-sha2-512", "hmac-md5"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_read_as_it_was_written() {
        let offer = Offer::read(&ours([1; 16], &HOST_KEYS)).unwrap();
        assert_eq!(offer.kex, KEX.map(Box::from));
        assert_eq!((offer.host_keys.len(), offer.macs_out.len(), offer.encrypts()), (5, 4, true));
        assert_eq!(chosen(&HOST_KEYS, &["ssh-rsa".into(), "rsa-sha2-512".into()]), Some("rsa-sha2-512"));
        assert_eq!(Offer::read(&[KEXINIT; 20]), None);
        assert_eq!(Offer::read(&[21]), None);
    }
}

//! An exchange of keys over an elliptic curve (RFC 5656 §4, RFC 8731), in which the server proves its host key.

use ring::agreement::{Algorithm, ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RsaParameters,
    RsaPublicKeyComponents,
};
use sha2::{Digest as _, Sha256};

use super::wire::{mpint, string};
use crate::speak::cursor::Cursor;

/// Our half of it.
#[derive(Debug)]
pub(super) struct Exchange {
    private: EphemeralPrivateKey,
    public: Vec<u8>,
    algorithm: &'static Algorithm,
}

/// What both sides said before, of which the hash is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub our_name: &'a [u8],
    pub their_name: &'a [u8],
    pub our_offer: &'a [u8],
    pub their_offer: &'a [u8],
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agreed {
    /// The host key as it stands on the wire.
    pub host_key: Vec<u8>,
    /// The signature is that of the host key.
    pub proved: bool,
    /// As an mpint.
    secret: Vec<u8>,
    hash: [u8; 32],
}

impl Exchange {
    /// By the name of the method.
    pub(super) fn begin(method: &str) -> Option<Self> {
        let algorithm = if method.starts_with("curve25519") { &X25519 } else { &ECDH_P256 };
        let private = EphemeralPrivateKey::generate(algorithm, &SystemRandom::new()).ok()?;
        let public = private.compute_public_key().ok()?.as_ref().to_vec();
        Some(Self { private, public, algorithm })
    }

    /// `SSH_MSG_KEX_ECDH_INIT`.
    pub(super) fn to_wire(&self) -> Vec<u8> {
        let mut out = vec![30];
        string(&mut out, &self.public);
        out
    }

    /// From the payload of `SSH_MSG_KEX_ECDH_REPLY`.
    pub(super) fn end(self, payload: &[u8], said: Said<'_>) -> Option<Agreed> {
        let (host_key, theirs, proof) = reply(payload)?;
        let mut secret = Vec::new();
        let peer = UnparsedPublicKey::new(self.algorithm, theirs);
        agree_ephemeral(self.private, &peer, |shared| mpint(&mut secret, shared)).ok()?;
        let mut text = Vec::new();
        for part in [said.our_name, said.their_name, said.our_offer, said.their_offer, host_key, &self.public, theirs] {
            string(&mut text, part);
        }
        text.extend(&secret);
        let hash = Sha256::digest(&text).into();
        Some(Agreed {
            host_key: host_key.to_vec(),
            proved: is_proved(host_key, proof, &hash) == Some(true),
            secret,
            hash,
        })
    }
}

impl Agreed {
    /// 64 octets of key for this letter (RFC 4253 §7.2); the first exchange's hash names the session.
    pub(super) fn key(&self, letter: u8) -> [u8; 64] {
        let base = Sha256::new().chain_update(&self.secret).chain_update(self.hash);
        let first = base.clone().chain_update([letter]).chain_update(self.hash).finalize();
        let second = base.chain_update(first).finalize();
        let mut key = [0; 64];
        key[..32].copy_from_slice(&first);
        key[32..].copy_from_slice(&second);
        key
    }
}

/// Host key, public key of the exchange, proof.
fn reply(payload: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut at = Cursor(payload);
    (at.u8()? == REPLY).then_some(())?;
    Some((at.string()?, at.string()?, at.string()?))
}

/// `None`: in a way that is not known here.
fn is_proved(host_key: &[u8], proof: &[u8], hash: &[u8; 32]) -> Option<bool> {
    let (mut key, mut proof) = (Cursor(host_key), Cursor(proof));
    let kind = key.string()?;
    let (by, signature) = (proof.string()?, proof.string()?);
    Some(match kind {
        b"ssh-ed25519" => signature::UnparsedPublicKey::new(&ED25519, key.string()?).verify(hash, signature).is_ok(),
        b"ecdsa-sha2-nistp256" => {
            key.string()?;
            let fixed = fixed(signature)?;
            signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.string()?).verify(hash, &fixed).is_ok()
        }
        b"ssh-rsa" => {
            let (e, n) = (unsigned(key.string()?), unsigned(key.string()?));
            let parameters: &RsaParameters = match by {
                b"rsa-sha2-256" => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                b"rsa-sha2-512" => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
                b"ssh-rsa" => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
                _ => return None,
            };
            RsaPublicKeyComponents { n, e }.verify(parameters, hash, signature).is_ok()
        }
        _ => return None,
    })
}

/// Two numbers as 32 octets each (RFC 5656 §3.1.2 has them as mpints).
fn fixed(signature: &[u8]) -> Option<[u8; 64]> {
    let (mut at, mut out) = (Cursor(signature), [0; 64]);
    for half in out.chunks_exact_mut(32) {
        let number = unsigned(at.string()?);
        half[32_usize.checked_sub(number.len())?..].copy_from_slice(number);
    }
    Some(out)
}

fn unsigned(mpint: &[u8]) -> &[u8] {
    let zeros = mpint.iter().take_while(|it| **it == 0).count();
    &mpint[zeros..]
}

/// The host key's algorithm, and its length where that is a choice.
pub(super) fn describe(host_key: &[u8]) -> Option<(String, Option<u32>)> {
    let mut at = Cursor(host_key);
    let kind = String::from_utf8_lossy(at.string()?).chars().filter(char::is_ascii_graphic).take(64).collect();
    let bits = |number: &[u8]| {
        let number = unsigned(number);
        number.first().map(|first| 8 * number.len() as u32 - first.leading_zeros())
    };
    // e and n (RFC 4253 §6.6), or p first.
    let length = match &host_key[..host_key.len().min(11)] {
        [_, _, _, _, b's', b's', b'h', b'-', b'r', ..] => at.string().and_then(|_| at.string()).and_then(bits),
        [_, _, _, _, b's', b's', b'h', b'-', b'd', ..] => at.string().and_then(bits),
        _ => None,
    };
    Some((kind, length))
}

/// Both halves, for any octets.
pub(super) fn read_anything(octets: &[u8]) {
    if let Some((host_key, _, proof)) = reply(octets) {
        assert_ne!(is_proved(host_key, proof, &[7; 32]), Some(true), "nobody signed that");
    }
    if let Some((_, Some(bits))) = describe(octets) {
        assert!(bits as usize <= 8 * octets.len());
    }
}

pub(super) const REPLY: u8 = 31;

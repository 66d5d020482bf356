//! Passwords: PAP is hidden, CHAP is answered (RFC 2865 §5.2, §5.3, §7).

use std::fmt;

use md5::{Digest as _, Md5};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::same;
use crate::Packet;
use crate::dictionary::{CHAP_CHALLENGE, CHAP_PASSWORD, USER_PASSWORD};

/// The most octets of a password.
const MOST: usize = 128;

/// A password on the stack, wiped when dropped, never printed.
#[derive(Clone)]
pub struct Password {
    octets: [u8; MOST],
    length: usize,
}

impl Password {
    /// The octets, without padding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    /// Whether it is `expected`, in constant time for equal lengths.
    pub fn is(&self, expected: &[u8]) -> bool {
        same(self.as_bytes(), expected)
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

impl ZeroizeOnDrop for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The User-Password of an Access-Request, revealed with the secret and without its NUL padding. `None` when there is none or
/// its length is not a multiple of 16 up to 128. A wrong secret gives noise, not `None`: verify the packet first.
pub fn user_password(packet: &Packet<'_>, secret: &[u8]) -> Option<Password> {
    let hidden = packet.first(USER_PASSWORD)?;
    if hidden.is_empty() || hidden.len() > MOST || !hidden.len().is_multiple_of(16) {
        return None;
    }
    let mut password = Password { octets: [0; MOST], length: hidden.len() };
    let mut previous = packet.authenticator().as_slice();
    for (clear, block) in password.octets.chunks_mut(16).zip(hidden.chunks(16)) {
        xor(clear, block, &mut pad(secret, previous));
        previous = block;
    }
    while password.length > 0 && password.octets[password.length - 1] == 0 {
        password.length -= 1;
    }
    Some(password)
}

/// The hidden form for an Access-Request with this authenticator. `None` above 128 octets.
pub(crate) fn hide(password: &[u8], authenticator: &[u8; 16], secret: &[u8]) -> Option<Password> {
    if password.len() > MOST {
        return None;
    }
    // An empty password still takes one block: the attribute has at least 16 octets.
    let length = password.len().next_multiple_of(16).max(16);
    let mut clear = [0; MOST];
    clear[..password.len()].copy_from_slice(password);
    let mut hidden = Password { octets: [0; MOST], length };
    let mut previous = *authenticator;
    for (out, block) in hidden.octets[..length].chunks_exact_mut(16).zip(clear.chunks_exact(16)) {
        xor(out, block, &mut pad(secret, &previous));
        previous.copy_from_slice(out);
    }
    clear.zeroize();
    Some(hidden)
}

/// Whether CHAP-Password answers its challenge (CHAP-Challenge, else the Request Authenticator) with this password. `None`
/// when the packet has no CHAP-Password; one of a wrong length never verifies.
pub fn chap_verify(packet: &Packet<'_>, password: &[u8]) -> Option<bool> {
    let value = packet.first(CHAP_PASSWORD)?;
    let Some((&identifier, answer)) = value.split_first() else { return Some(false) };
    let challenge = packet.first(CHAP_CHALLENGE).unwrap_or(packet.authenticator());
    Some(same(&chap(identifier, password, challenge), answer))
}

/// MD5 over identifier, password and challenge.
pub(crate) fn chap(identifier: u8, password: &[u8], challenge: &[u8]) -> [u8; 16] {
    Md5::new().chain_update([identifier]).chain_update(password).chain_update(challenge).finalize().into()
}

fn pad(secret: &[u8], previous: &[u8]) -> [u8; 16] {
    Md5::new().chain_update(secret).chain_update(previous).finalize().into()
}

fn xor(out: &mut [u8], block: &[u8], pad: &mut [u8; 16]) {
    for ((out, block), pad) in out.iter_mut().zip(block).zip(pad.iter()) {
        *out = block ^ pad;
    }
    pad.zeroize();
}

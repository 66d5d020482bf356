//! Who wrote this packet: authenticators (RFC 2865 §3, RFC 2866 §3, RFC 2869 §5.14, RFC 5176 §2.3, RFC 5997 §3).
//!
//! | Packet | Authenticator | Message-Authenticator is over |
//! |---|---|---|
//! | Access-Request, Status-Server | 16 random octets: proves nothing | the packet as it is |
//! | Accounting-, Disconnect-, CoA-Request | MD5 with 16 zero octets in the field | 16 zero octets in the field |
//! | any reply | MD5 with the request's authenticator in the field | the request's authenticator in the field |
//!
//! Message-Authenticator's own value counts as zeros, and it is computed first because the MD5 covers it. Comparisons take
//! the same time whatever differs. Of Message-Authenticators there may be one, of 18 octets; anything else is invalid.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

use crate::dictionary::{EAP_MESSAGE, MESSAGE_AUTHENTICATOR, PROXY_STATE};
use crate::{Code, HEADER, Packet};

pub(crate) mod password;

pub use password::{Password, chap_verify, user_password};

/// The length of the whole attribute.
pub(crate) const MESSAGE_AUTHENTICATOR_OCTETS: usize = 18;

/// Why a packet is not believed. Silence towards the peer; a counter and a rate-limited line for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// This code is not a request, or does not answer the one that was sent.
    #[error("{0} is not expected here")]
    Code(Code),
    /// The reply is for another request.
    #[error("identifier {0} is not the one asked with")]
    Identifier(u8),
    /// The authenticator does not verify: another secret, or changed on the way.
    #[error("authenticator does not verify (wrong secret?)")]
    Authenticator,
    /// Message-Authenticator is required here and missing.
    #[error("Message-Authenticator is missing")]
    MessageAuthenticatorMissing,
    /// Message-Authenticator does not verify, has a wrong length, or is there twice.
    #[error("Message-Authenticator does not verify (wrong secret?)")]
    MessageAuthenticatorInvalid,
    /// Proxy-State without Message-Authenticator, or one that was never sent: what a `BlastRADIUS` forgery looks like.
    #[error("unexpected Proxy-State")]
    ProxyState,
    /// Event-Timestamp is missing or too far from now (RFC 5176 §6.3).
    #[error("Event-Timestamp is missing or outside the window")]
    Stale,
}

/// How strict to be with an Access-Request, and with the reply to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Message-Authenticator is required.
    #[default]
    Require,
    /// The peer cannot send it. Proxy-State is then refused without it ("limit Proxy-State"), and Status-Server and
    /// EAP still need it.
    LegacyPap,
}

/// What Message-Authenticator says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageAuthenticator {
    /// There is none.
    Missing,
    /// One, and it verifies.
    Valid,
    /// It does not verify, has a wrong length, or there are several.
    Invalid,
}

/// Whether a request of any kind may be believed: the one call a server makes before it looks at anything else.
///
/// Accounting-, Disconnect- and CoA-Requests are covered by their authenticator (RFC 5080 §2.3.3: discard if wrong), and
/// their Message-Authenticator, if any, must verify too. For Access-Requests see [`Policy`].
pub fn verify_request(packet: &Packet<'_>, secret: &[u8], policy: Policy) -> Result<(), Untrusted> {
    let code = packet.code();
    if !code.is_request() {
        return Err(Untrusted::Code(code));
    }
    if !code.has_random_authenticator() && !has_valid_request_authenticator(packet, secret) {
        return Err(Untrusted::Authenticator);
    }
    match request_message_authenticator(packet, secret) {
        MessageAuthenticator::Invalid => Err(Untrusted::MessageAuthenticatorInvalid),
        MessageAuthenticator::Missing if code.has_random_authenticator() => {
            accept_without(packet, policy, code == Code::STATUS_SERVER)
        }
        MessageAuthenticator::Missing | MessageAuthenticator::Valid => Ok(()),
    }
}

/// Whether a reply may be believed: it answers `request` (as it was sent), its authenticator verifies, and replies to
/// Access-Requests and Status-Server carry a Message-Authenticator (unless [`Policy::LegacyPap`]). A Proxy-State that was not
/// in the request is a forger's padding and refused, whatever else verifies.
pub fn verify_reply(reply: &Packet<'_>, request: &Packet<'_>, secret: &[u8], policy: Policy) -> Result<(), Untrusted> {
    let code = reply.code();
    if !code.answers(request.code()) {
        return Err(Untrusted::Code(code));
    }
    if reply.identifier() != request.identifier() {
        return Err(Untrusted::Identifier(reply.identifier()));
    }
    if !has_valid_response_authenticator(reply, request.authenticator(), secret) {
        return Err(Untrusted::Authenticator);
    }
    let state = reply_message_authenticator(reply, request.authenticator(), secret);
    if state == MessageAuthenticator::Invalid {
        return Err(Untrusted::MessageAuthenticatorInvalid);
    }
    if !echoes_only(reply, request) {
        return Err(Untrusted::ProxyState);
    }
    // A reply to a hashed request cannot be steered by its forger, so only these need more than MD5.
    if state == MessageAuthenticator::Missing && request.code().has_random_authenticator() {
        return accept_without(reply, policy, request.code() == Code::STATUS_SERVER);
    }
    Ok(())
}

/// The authenticator of an Accounting-, Disconnect- or CoA-Request.
pub fn has_valid_request_authenticator(packet: &Packet<'_>, secret: &[u8]) -> bool {
    same(&digest(packet.bytes(), &[0; 16], secret), packet.authenticator())
}

/// The authenticator of any reply.
pub fn has_valid_response_authenticator(packet: &Packet<'_>, request_authenticator: &[u8; 16], secret: &[u8]) -> bool {
    same(&digest(packet.bytes(), request_authenticator, secret), packet.authenticator())
}

/// Message-Authenticator of a request, over the right field for its code.
pub fn request_message_authenticator(packet: &Packet<'_>, secret: &[u8]) -> MessageAuthenticator {
    let field = if packet.code().has_random_authenticator() { packet.authenticator() } else { &[0; 16] };
    check(packet, field, secret)
}

/// Message-Authenticator of a reply.
pub fn reply_message_authenticator(
    packet: &Packet<'_>,
    request_authenticator: &[u8; 16],
    secret: &[u8],
) -> MessageAuthenticator {
    check(packet, request_authenticator, secret)
}

/// Constant-time equality of octets of the same length; different lengths are told apart at once.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// What may pass without Message-Authenticator.
fn accept_without(packet: &Packet<'_>, policy: Policy, always: bool) -> Result<(), Untrusted> {
    if always || policy == Policy::Require || packet.has(EAP_MESSAGE) {
        return Err(Untrusted::MessageAuthenticatorMissing);
    }
    if packet.has(PROXY_STATE) {
        return Err(Untrusted::ProxyState);
    }
    Ok(())
}

/// Whether every Proxy-State of the reply is one of the request's, in the same order.
fn echoes_only(reply: &Packet<'_>, request: &Packet<'_>) -> bool {
    let mut sent = request.all(PROXY_STATE);
    reply.all(PROXY_STATE).all(|state| sent.any(|sent| sent == state))
}

fn check(packet: &Packet<'_>, field: &[u8; 16], secret: &[u8]) -> MessageAuthenticator {
    let mut at = HEADER;
    let mut found = None;
    for attribute in packet.attributes() {
        if attribute.kind == MESSAGE_AUTHENTICATOR {
            if found.is_some() || attribute.value.len() != 16 {
                return MessageAuthenticator::Invalid;
            }
            found = Some((at + 2, attribute.value));
        }
        at += attribute.value.len() + 2;
    }
    match found {
        None => MessageAuthenticator::Missing,
        Some((at, value)) if same(&hmac(packet.bytes(), field, at, secret), value) => MessageAuthenticator::Valid,
        Some(_) => MessageAuthenticator::Invalid,
    }
}

/// HMAC-MD5 over the packet with `field` as authenticator and zeros for the 16 octets at `at`.
pub(crate) fn hmac(packet: &[u8], field: &[u8; 16], at: usize, secret: &[u8]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(secret).expect("HMAC takes keys of every length");
    mac.update(&packet[..4]);
    mac.update(field);
    mac.update(&packet[HEADER..at]);
    mac.update(&[0; 16]);
    mac.update(&packet[at + 16..]);
    mac.finalize().into_bytes().into()
}

/// MD5 over the packet with `field` as authenticator, then the secret.
pub(crate) fn digest(packet: &[u8], field: &[u8; 16], secret: &[u8]) -> [u8; 16] {
    let mut md5 = Md5::new();
    md5.update(&packet[..4]);
    md5.update(field);
    md5.update(&packet[HEADER..]);
    md5.update(secret);
    md5.finalize().into()
}

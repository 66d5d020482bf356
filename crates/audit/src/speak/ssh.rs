//! SSH (RFC 4253): who it is, what it offers, its host key, and by which methods it lets in.
//!
//! ```text
//! wire      types and packets                                   no I/O
//! offer     KEXINIT: what a side offers
//! exchange  keys over an elliptic curve; the host key's proof
//! talk      names, offers, keys, encrypted packets
//! login     asks for methods; tries one password
//! ```
//!
//! Spoken here is what nearly all servers since 2014 have: curve25519 or P-256, and chacha20-poly1305. Of the others
//! the name and the offer are told, and no password is tried. A whole library would be sixty packages for one question.

mod exchange;
mod login;
mod offer;
mod talk;
mod wire;

use std::io;

use sha2::{Digest as _, Sha256};

use super::{At, greeting};
use crate::access::hexadecimal;
use crate::door::Line;
use crate::fact::{Access, Service, Ssh};
use exchange::Agreed;
use offer::{HOST_KEYS, Offer, RSA};
use talk::Talk;

pub(crate) use login::{Login, Said, log_in};

/// What an SSH server tells of itself; `None` where something else speaks. At most two conversations: the second asks
/// for the length of an RSA key.
///
/// # Errors
/// The port does not open, or nothing was said before the deadline.
pub async fn ask(at: At<'_>) -> io::Result<Option<Service>> {
    go_on(at, at.door.tcp(at.target, at.port).await?, Vec::new()).await
}

/// As [`ask`], of a conversation in which this was heard.
pub(super) async fn go_on(at: At<'_>, mut line: Line, heard: Vec<u8>) -> io::Result<Option<Service>> {
    line.extend(at.door.limits().patience);
    let Some(mut talk) = Talk::open(line, heard).await? else { return Ok(None) };
    let Some(mut service) = greeting::read(&[&talk.name[..], b"\n"].concat()) else { return Ok(None) };
    // What was said until here stands, whatever becomes of the rest.
    let Ok((Some(offer), agreed)) = talk.exchange(&HOST_KEYS).await else { return Ok(Some(service)) };
    let mut ssh = offer.facts();
    if let Some(agreed) = &agreed {
        show(&mut ssh, agreed);
        if let Some(methods) = login::methods(&mut talk, &offer, agreed).await {
            service.access = methods;
        }
    }
    drop(talk);
    if ssh.rsa_bits.is_none() && RSA.iter().any(|it| offer::chosen(&[it], &offer.host_keys).is_some()) {
        ssh.rsa_bits = rsa_bits(at).await;
    }
    service.ssh = Some(ssh);
    Ok(Some(service))
}

/// Its key, where it proved it.
fn show(ssh: &mut Ssh, agreed: &Agreed) {
    let Some((kind, bits)) = exchange::describe(&agreed.host_key) else { return };
    ssh.rsa_bits = bits.filter(|_| kind == "ssh-rsa");
    if agreed.proved {
        ssh.host_key = Some((hexadecimal(&Sha256::digest(&agreed.host_key)).into(), kind.into()));
    }
}

async fn rsa_bits(at: At<'_>) -> Option<u32> {
    let mut talk = Talk::open(at.door.tcp(at.target, at.port).await.ok()?, Vec::new()).await.ok()??;
    let agreed = talk.exchange(&RSA).await.ok()?.1?;
    exchange::describe(&agreed.host_key)?.1
}

/// Every reader of what a server says, for any octets.
pub(crate) fn read_anything(octets: &[u8]) {
    if let talk::Name::Is(name, read) = talk::name(octets) {
        assert!(name.starts_with(b"SSH-") && read <= octets.len());
    }
    for payload in [octets, wire::payload(octets).unwrap_or_default()] {
        if let Some(offer) = Offer::read(payload) {
            let facts = offer.facts();
            assert!(facts.kex.iter().chain(&facts.macs).all(|it| it.len() <= 64));
        }
        exchange::read_anything(payload);
        login::read_anything(payload);
    }
    if let wire::Packet::Whole(payload, used) = wire::packet(octets) {
        assert!(!payload.is_empty() && used <= octets.len());
    }
}

/// The methods in the words of [`Access::Asks`].
fn asks(methods: &[Box<str>]) -> Access {
    Access::Asks { methods: methods.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::offer::KEXINIT;

    proptest::proptest! {
        #[test]
        fn anything_is_read(octets: Vec<u8>, first in proptest::sample::select(vec![KEXINIT, super::exchange::REPLY, 51, 60])) {
            super::read_anything(&octets);
            super::read_anything(&[&[first][..], &octets].concat());
        }
    }
}

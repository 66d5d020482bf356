//! What speaks at a port: one file a protocol, each a question, a reader of the answer, and what it shows.
//!
//! A reader is sans-I/O: octets in, [`Service`] out, bounded, never a panic, whatever they are. A question harms nobody:
//! it reads, it never writes, resets or starts anything, and it asks once.

mod ftp;
mod greeting;
mod http;
mod modbus;
mod mqtt;
mod order;
mod product;
mod redis;
mod rtsp;
mod telnet;
mod udp;
mod way;
mod words;

use std::io;

pub use udp::{UDP_PORTS, udp};
pub(crate) use udp::{read_anything as read_datagram, udp_once};

use crate::door::Door;
use crate::fact::Service;
use crate::scope::Target;

/// Whom to ask.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The way out.
    pub door: &'a Door,
    /// The host.
    pub target: Target,
    /// The port.
    pub port: u16,
}

/// What speaks at an open TCP port; `None` where it could not be told at all.
///
/// # Errors
/// The port does not open (any more), or nothing was to be had before the deadline.
pub async fn tcp(at: At<'_>) -> io::Result<Option<Service>> {
    order::identify(&way::Way::to(at)).await
}

/// Every reader of what speaks at a TCP port, for any octets.
pub(crate) fn read_anything(octets: &[u8]) {
    let all = [
        greeting::read(octets),
        ftp::read(octets, b""),
        http::read(octets),
        modbus::read(octets),
        mqtt::read(octets),
        redis::read(octets),
        rtsp::read(octets, octets),
        telnet::read(octets),
    ];
    for service in all.into_iter().flatten() {
        let notes = service.notes.values().chain([&service.evidence]);
        assert!(notes.into_iter().all(|it| words::is_shown(it)), "{service:?} shows what cannot be printed");
    }
}

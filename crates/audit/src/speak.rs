//! What speaks at a port: one file a protocol, each a question, a reader of the answer, and what it shows.
//!
//! A reader is sans-I/O: octets in, [`Service`] out, bounded, never a panic, whatever they are. A question harms nobody:
//! it reads, it never writes, resets or starts anything, and it asks once.

mod adb;
mod amqp;
mod cursor;
mod ftp;
mod greeting;
pub(crate) mod http;
mod inside;
mod mail;
mod modbus;
mod mqtt;
mod opcua;
mod order;
mod product;
mod protocol;
mod redis;
mod rtsp;
mod s7;
mod sip;
pub mod ssh;
mod telnet;
pub mod tls;
mod udp;
mod vnc;
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
    // Where a conversation has two answers, they are the two halves.
    let (first, second) = octets.split_at(octets.len() / 2);
    let mut page = Service::default();
    http::onvif::read(&mut page, octets);
    http::upnp::read(&mut page, octets);
    let all = [
        Some(page),
        adb::read(octets),
        amqp::read(octets),
        ftp::read(first, second),
        greeting::read(octets),
        http::read(octets),
        mail::read(first, second),
        modbus::read(octets),
        mqtt::read(octets),
        opcua::read(octets),
        redis::read(octets),
        rtsp::read(first, second),
        s7::read(octets),
        sip::read(octets),
        telnet::read(octets),
        vnc::read(first, second),
    ];
    for service in all.into_iter().flatten() {
        let said = [&service.product, &service.version, &service.device_model].into_iter().flatten();
        let shown = said.chain(service.notes.values()).chain([&service.evidence]).all(|it| words::is_shown(it));
        assert!(shown, "{service:?} shows what cannot be printed");
    }
}

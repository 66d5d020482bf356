//! What speaks at a port: one file a protocol, each a question, a reader of the answer, and what it shows.
//!
//! A reader is sans-I/O: octets in, [`Service`] out, bounded, never a panic, whatever they are. A question harms nobody:
//! it reads, it never writes, resets or starts anything, and it asks once.

use std::io;

use crate::door::Door;
use crate::fact::{PortState, Service};
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

/// UDP ports that are worth a question on IoT devices: one for each protocol that is spoken here.
pub const UDP_PORTS: &[u16] = &[];

/// What speaks at an open TCP port; `None` where it could not be told at all.
///
/// # Errors
/// The port does not open (any more), or nothing was to be had before the deadline.
pub async fn tcp(at: At<'_>) -> io::Result<Option<Service>> {
    let _line = at.door.tcp(at.target, at.port).await?;
    Ok(None)
}

/// Asks a UDP port in the protocol that fits it: open with what speaks there, closed (ICMP), or unknown.
pub async fn udp(_at: At<'_>) -> (PortState, Option<Service>) {
    (PortState::Unknown, None)
}

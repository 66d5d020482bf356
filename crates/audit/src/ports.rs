//! Which ports of a target are open: engines behind one interface.
//!
//! Both engines walk the same sweep; what differs is how a question leaves. UDP ports are asked by [`udp`], each by the
//! speaker of its protocol, because an unanswered datagram says nothing.

mod connect;
mod pulse;
mod raw;
mod segment;
mod set;
mod sweep;
pub mod udp;

use std::io;

pub use set::{InvalidPorts, PortSet};

use crate::door::Door;
use crate::fact::Outcome;
use crate::scope::Target;
use sweep::Sweep;

/// Every reader of what comes from outside, for any octets: answers to SYNs, and ports as people write them.
pub(crate) fn read_anything(octets: &[u8]) {
    for is_v4 in [true, false] {
        if let Some(answer) = segment::answer(octets, is_v4) {
            assert!(octets.len() >= 20 && answer.state != crate::fact::PortState::Unknown);
        }
    }
    if let Ok(ports) = String::from_utf8_lossy(octets).parse::<PortSet>() {
        assert_eq!(ports.to_string().parse(), Ok(ports), "what is written is read");
    }
}

/// How TCP ports are asked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Raw where the process may, connect elsewhere.
    #[default]
    Auto,
    /// SYNs over a raw socket (`CAP_NET_RAW`).
    Raw,
    /// Connections.
    Connect,
}

/// What is done with a host, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Which ports are open.
    Ports,
    /// What speaks there.
    Services,
    /// Whether a known password opens it.
    Passwords,
}

/// Who is told how far it is, and says when to stop.
pub trait Progress: Send + Sync {
    /// So many of the host's ports are through this stage.
    fn stage(&self, target: Target, stage: Stage, settled: usize, of: usize);
    /// The host is done.
    fn host(&self, target: Target);
    /// Whether the audit should end now.
    fn is_cancelled(&self) -> bool;
}

/// Nobody is told, and it goes on to its end.
impl Progress for () {
    fn stage(&self, _: Target, _: Stage, _: usize, _: usize) {}
    fn host(&self, _: Target) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// What a host's TCP ports said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortScan {
    /// How far it came.
    pub outcome: Outcome,
    /// Open ones, ascending.
    pub open: Vec<u16>,
    /// How many are closed.
    pub closed: u32,
    /// How many were asked and said nothing.
    pub unknown: u32,
    /// Those that answered, open or closed.
    pub settled: PortSet,
    /// Those that were not asked to the end.
    pub left: PortSet,
}

/// Asks the TCP ports of one host.
///
/// # Errors
/// Where sockets cannot be had: `PermissionDenied` for [`Engine::Raw`] without the capability.
pub async fn scan(
    door: &Door,
    target: Target,
    ports: &PortSet,
    engine: Engine,
    progress: &dyn Progress,
) -> io::Result<PortScan> {
    let limits = door.limits();
    let wire = match engine {
        Engine::Connect => None,
        Engine::Raw => Some(raw::Wire::open(target)?),
        Engine::Auto => raw::Wire::open(target).ok(),
    };
    let window = if wire.is_some() { limits.unanswered } else { limits.knocks };
    let mut sweep = Sweep::new(ports, limits, window);
    let outcome = match &wire {
        Some(wire) => raw::run(door, wire, &mut sweep, target, progress).await?,
        None => connect::run(door, &mut sweep, target, progress).await,
    };
    let (open, closed, unknown, left) = sweep.harvest();
    Ok(PortScan { outcome, open, closed, unknown, settled: sweep.settled(), left })
}

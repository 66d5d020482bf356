//! A simulated fleet, RADIUS load and real daemons: for tests, the demo and benchmarks, never for production.
//!
//! * [`fleet`]: a seeded fleet of five kinds of device, its profiles and its inventory.
//! * [`nas`]: a gateway that speaks real RADIUS over UDP and obeys (or ignores) a Disconnect.
//! * [`story`]: the fleet's day, with misuse mixed in and the ground truth kept.
//! * [`site`]: the packets of a local network, and of a device that is taken over.
//! * [`load`]: many requests a second for little CPU, every answer verified.
//! * [`torture`]: accounting that remembers exactly what was acknowledged.
//! * [`process`]: a program under test: start, kill, CPU time, memory.
//! * [`daemons`]: FreeRADIUS, strongSwan, hostapd and radsecproxy in network namespaces of their own.
//!
//! # Invariants
//!
//! * **A second opinion.** The peers write and check packets with a codec of their own (`wire`), not with
//!   `fleetward-radius`: a mistake there must not cancel itself out.
//! * **Own ground only.** Traffic goes to loopback or to namespaces made here, and everything ends in bounded time.
//! * **Seeds decide.** The same seed gives the same fleet and the same plan of misuse.

#![expect(clippy::doc_markdown, reason = "FreeRADIUS, RadSec and CoA are names, not code")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "statistics and simulated volumes; nothing that comes from outside is cast"
)]

pub mod daemons;
pub mod fleet;
pub mod load;
#[cfg(test)]
mod mirror;
pub mod nas;
pub mod process;
mod random;
pub mod site;
pub mod story;
pub mod torture;
mod wire;

use std::sync::Arc;

use fleetward_fleet::Timestamp;

/// Where the time of day comes from; the crate itself never reads it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

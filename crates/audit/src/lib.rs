//! Probes of one's own devices: which ports are open, what speaks there, whether a known password opens it, how it
//! encrypts; and what of it should be closed.
//!
//! ```text
//! scope    which addresses are the owner's; makes `Target`, without which no packet leaves
//!   |
//! door     the way out: connects, sends, reads; paced by host (pace), bounded in time and octets
//!   |
//! ports    Target -> which ports are open, closed, unknown         (raw SYN | connect | UDP in its protocol)
//!   |
//! speak    an open port -> Service: what speaks there
//!   |
//! access   a Service that asks who one is -> which rule opened it, never the password
//!   |
//! judge    Host -> Fault: what should not be, why, what to do, which provision
//!   |
//! report   faults and hosts as table, JSON, SARIF, CSV, HTML
//! ```
//!
//! # Invariants
//!
//! * **Only what the owner listed.** Sockets are opened by [`door`], and raw ones by the engine in [`ports`], for a
//!   [`scope::Target`] only, and only [`scope::Scope`] makes one. What a device says (a redirect, a URL, a name) is never followed to another address.
//! * **No harm.** [`pace`] holds a host's connections, packets and attempts below the temperament's rates; a host that
//!   slows down is asked more slowly, one that falls silent is left alone and said to have.
//! * **Unknown is not closed.** A probe without an answer is [`fact::PortState::Unknown`], and counted.
//! * **No secret leaves.** A password that opened something is named by the rule that tried it.
//! * **Parsers are sans-I/O**: octets in, values out; bounded; they never panic (`fuzz/`).

pub mod access;
pub mod door;
mod exposure;
pub mod fact;
#[doc(hidden)]
pub mod fuzz;
pub mod judge;
pub mod pace;
pub mod ports;
pub mod report;
pub mod run;
pub mod scope;
pub mod speak;

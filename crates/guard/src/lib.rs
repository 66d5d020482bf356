//! Learns what a model needs of the network, notices the rest, and compiles what enforces it.
//!
//! ```text
//!   flows (packet) --view--> learn  -> NetworkProfile (fleet) <-> MUD file (RFC 8520)
//!                        \-> watch  -> signs: what does not fit, for the journal
//!   NetworkProfile --compile--> nftables text and elements, RADIUS policy
//! ```
//!
//! Sans-I/O: what touches the kernel lives in one module, `nft`.

pub mod fit;
pub mod hosts;
pub mod learn;
pub mod mud;
pub mod nft;
pub mod pattern;
pub mod roles;
pub mod survey;
pub mod view;
pub mod watch;

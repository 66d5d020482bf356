//! Bytes to frames to flows to names. Sans-I/O: bytes and time in, values out; it runs the same behind a live interface, a
//! capture file, a test and a fuzzer.
//!
//! # Invariants
//!
//! * **Hostile bytes are the normal case.** Every parser is bounded in time and memory, never panics, has a fuzz target.
//! * **Bounded.** The table of flows, the book of names and the shelf of fragments have limits; what falls out is counted.
//! * **Time is the packet's.** Nothing here reads a clock.

mod cursor;
mod flow;
mod frame;
mod name;
mod speech;
mod table;

pub use flow::{
    Application, Endpoint, Event, Flow, Name, NameSource, Neighbour, NeighbourDoes, Sink, TcpSeen, Time, Told,
};
pub use frame::Reject;
pub use name::NameLimits;
pub use speech::{Counted, Ends, Heard, Listener, Segment, Speech};
pub use table::{Counts, Limits, Table};

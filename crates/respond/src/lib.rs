//! Findings become verified responses.
//!
//! A response is a request to a world that often says "OK" and does nothing. So it is a state, not a call:
//! `proposed -> approved -> sent -> accepted -> verified`, or `failed`, or `reverted`, and it is *verified* only by
//! something that was observed: the session's Stop, the inventory's change coming back through the journal, a
//! channel's acceptance.
//!
//! * [`machine`] decides. It is pure: time comes in, effects come out; no clock, no I/O.
//! * [`dac`] speaks RFC 5176 to the NASes, each by its profile.
//! * [`channel`] tells people: webhook, mail, syslog.
//! * [`Responder`] wires them to the store and to a clock, in a handful of threads.
//!
//! # Invariants
//!
//! * **Persisted before acting.** The store knows of a step before the world does. After a crash a request may go out
//!   a second time (a Disconnect for a session that is gone is answered "no such session", a suspension is
//!   idempotent, a webhook carries the same id); none is forgotten.
//! * **One request outstanding for a response**, and one response acting on a session or device at a time: others join it.
//! * **Final states stay final**, except that a person may revert a suspension. Every other state has a due time or
//!   waits for a person (promise 3).
//! * **Automation is bounded** per rule and for the whole fleet (promise 4). What is beyond the budget waits for a
//!   person; it does not trickle out as the hour passes.
//! * **Nothing is sent to an address from a packet**: only to the one in the NAS's profile.

pub mod channel;
pub mod dac;
pub mod machine;
mod metrics;
mod runtime;
mod undo;

pub use runtime::{ActionRequest, Config, Failed, Hooks, Responder, ResponseEvent, StartError};

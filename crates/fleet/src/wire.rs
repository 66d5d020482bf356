//! An [`Observation`] as bytes for the journal: Protocol Buffers, so that fields can be added.
//!
//! # Invariants
//!
//! * Every field of every [`Body`](crate::Body) comes back as it went in.
//! * What this version writes, the next one reads: field numbers are a contract (`wire/message.rs`) and a test pins bytes.
//! * What the next version adds, this one skips; a whole new kind of observation is [`WireError::Unknown`], not garbage.
//! * Any bytes at all are read without a panic, in time and memory proportional to their length.

use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use crate::Observation;

pub use subject::{nas_subject, subject};

mod activity;
mod exposure;
mod message;
mod read;
mod subject;
#[cfg(test)]
mod tests;
mod write;

/// Why bytes are no observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// They are not a Protocol Buffers message of this shape.
    #[error("the bytes are not an observation")]
    Malformed,
    /// A field that every observation has is missing or holds what cannot be.
    #[error("the observation's field `{field}` is missing or wrong")]
    Field {
        /// Its name.
        field: &'static str,
    },
    /// A newer version wrote a kind of observation that this one does not know. Skip it or upgrade.
    #[error("the observation is of a kind that a newer version writes")]
    Unknown,
}

/// Appends the wire form to `into`.
pub fn to_wire(observation: &Observation, into: &mut Vec<u8>) {
    write::observation(observation).encode_raw(into);
}

/// Reads the wire form. Unknown fields are skipped.
pub fn from_wire(bytes: &[u8]) -> Result<Observation, WireError> {
    let message = message::Observation::decode(bytes).map_err(|_| WireError::Malformed)?;
    if message.body.is_none() && !has_newer_body(bytes) {
        return Err(WireError::Field { field: "body" });
    }
    read::observation(message)
}

/// Whether a field is there that can only be a kind of observation from a newer version.
fn has_newer_body(mut bytes: &[u8]) -> bool {
    while let Ok((number, kind)) = decode_key(&mut bytes) {
        if number > *message::BODIES.end() {
            return true;
        }
        if skip_field(kind, number, &mut bytes, DecodeContext::default()).is_err() {
            return false;
        }
    }
    false
}

//! An [`Observation`] as bytes for the journal: Protocol Buffers, so that fields can be added.

use crate::Observation;

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
    let _ = (observation, into);
    todo!()
}

/// Reads the wire form. Unknown fields are skipped.
pub fn from_wire(bytes: &[u8]) -> Result<Observation, WireError> {
    let _ = bytes;
    todo!()
}

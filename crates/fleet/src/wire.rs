//! An [`Observation`](crate::Observation) as bytes for the journal: Protocol Buffers, so that fields can be added.

//! The durable order of observations: segments on disk

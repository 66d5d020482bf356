//! The running server: real sockets on loopback, a real journal, the `radius` crate as the NAS.

#![expect(clippy::unwrap_used, clippy::cast_sign_loss, reason = "helpers of tests fail as tests do")]

mod admission;
mod bad_input;
mod radsec;
mod recording;
mod support;

//! `fleetward.yaml`: what it says, checked as a whole before anything starts.
//!
//! Reading knows nothing of sockets: [`Settings::load`] gives a value in which every file that it names was readable
//! and every secret is present, or says the file, line, column and the way out.

mod audit;
mod enforce;
mod load;
mod place;
mod secret;
mod types;

pub(crate) use enforce::{Enforce, member};
pub(crate) use load::{OPS, Problem, Settings};
pub(crate) use place::Socket;
pub(crate) use types::{
    Capture, CaptureSource, Channel, Client, Config, Disconnect, DisconnectKey, IdentityKind, Log, LogFormat, LogLevel,
    PasswordKind, Passwords, Scheduled, Tls,
};

/// The commented file that `fleetward init` writes: every setting with its default.
pub(crate) const TEMPLATE: &str = include_str!("../assets/fleetward.yaml");

//! How gently: a host's rate of connections and attempts, and when to leave it alone. Time is passed in.

use std::time::Duration;

/// How much a host is asked of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Temperament {
    /// For fragile devices: at most 20 connections or packets a second and host, two connections at once.
    #[default]
    Gentle,
    /// For what stands on a desk.
    Normal,
    /// For what was built for it.
    Fast,
}

impl Temperament {
    /// Packets (or connections) a second to one host at most, connections open at once to one host, time to wait for
    /// an answer.
    pub fn limits(self) -> Limits {
        match self {
            Self::Gentle => Limits { per_second: 20, at_once: 2, patience: Duration::from_secs(5) },
            Self::Normal => Limits { per_second: 2_000, at_once: 16, patience: Duration::from_secs(3) },
            Self::Fast => Limits { per_second: 100_000, at_once: 64, patience: Duration::from_secs(2) },
        }
    }
}

/// See [`Temperament::limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A second and host.
    pub per_second: u32,
    /// At once and host.
    pub at_once: u32,
    /// For one answer.
    pub patience: Duration,
}

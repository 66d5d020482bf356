//! `audit:`: which networks may be probed, and when the server does it by itself.

use std::path::PathBuf;

use fleetward_audit::pace::Temperament;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::super::place::{Address, Minute, Ports, Span};

/// The section.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Audit {
    /// The owner's networks. Nothing outside is ever touched.
    pub(crate) networks: Vec<Address>,
    /// What the server audits by itself.
    pub(crate) schedule: Vec<Scheduled>,
}

/// One audit that comes again and again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scheduled {
    pub(crate) name: Spanned<String>,
    /// As on the command line; none: every device of the inventory with an address in the networks.
    #[serde(default)]
    pub(crate) targets: Vec<Spanned<String>>,
    /// The time of day, in UTC.
    #[serde(default)]
    pub(crate) at: Option<Minute>,
    /// On these days; none: on all.
    #[serde(default)]
    pub(crate) days: Vec<Weekday>,
    /// What is not done by then is left for the next time.
    #[serde(default)]
    pub(crate) until: Option<Minute>,
    /// Instead of a time of day.
    #[serde(default)]
    pub(crate) every: Option<Span>,
    #[serde(default)]
    pub(crate) ports: Ports,
    #[serde(default)]
    pub(crate) temperament: How,
    #[serde(default)]
    pub(crate) passwords: Passwords,
    /// Lists of passwords of the owner's, the first one tried first.
    #[serde(default)]
    pub(crate) lists: Vec<Spanned<PathBuf>>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// How gently.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum How {
    #[default]
    Gentle,
    Normal,
    Fast,
}

impl From<How> for Temperament {
    fn from(how: How) -> Self {
        match how {
            How::Gentle => Self::Gentle,
            How::Normal => Self::Normal,
            How::Fast => Self::Fast,
        }
    }
}

/// Whether known passwords are tried.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Passwords {
    #[default]
    Known,
    None,
}

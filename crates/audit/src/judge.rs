//! What of the facts should not be: faults with severity, advice and provision.

use fleetward_fleet::Severity;
use serde::{Deserialize, Serialize};

use crate::fact::Transport;

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which check found it: `telnet-open`, `password-known`, `tls-old` ...; stable, for suppressions and SARIF.
    pub check: Box<str>,
    /// Where: the port, or none where it is the whole host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<(Transport, u16)>,
    /// How bad, and why so.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// What was expected, in words.
    pub expected: String,
    /// What was seen, in words; never a secret.
    pub observed: String,
    /// What to do about it with this product.
    pub advice: String,
    /// Provisions: `etsi-en-303-645:5.1-1` ...
    pub tags: Vec<Box<str>>,
}

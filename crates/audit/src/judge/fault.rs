//! A fault.

use fleetward_fleet::Severity;
use serde::{Deserialize, Serialize};

use super::Check;
use crate::fact::Transport;

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which check found it: `plaintext-management`, `password-known` ... (see [`super::CHECKS`]); stable, for
    /// suppressions and SARIF.
    pub check: Box<str>,
    /// Where: the port, or none where it is the whole host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<(Transport, u16)>,
    /// How bad.
    pub severity: Severity,
    /// Why so bad and not worse or less, in words.
    pub why: String,
    /// One line.
    pub title: String,
    /// What was expected, in words.
    pub expected: String,
    /// What was seen, in words; never a secret.
    pub observed: String,
    /// What to do about it with this product.
    pub advice: String,
    /// What it rests on: the rule and account that opened it, or the mark that is shared. It is gone only once that was
    /// looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_on: Option<Box<str>>,
    /// Provisions: `etsi-en-303-645:5.1-1` ...
    pub tags: Vec<Box<str>>,
}

impl Fault {
    /// A fault of `check` with its severity and the reason for it; the words are set with [`Fault::words`].
    pub(super) fn new(check: &Check, port: Option<(Transport, u16)>, severity: Severity, why: &str) -> Self {
        let tags = check.tags.iter().map(|tag| Box::from(*tag)).collect();
        let (title, expected) = (check.title.to_owned(), check.expected.to_owned());
        let (observed, advice) = (String::new(), String::new());
        let (check, why, rests_on) = (check.name.into(), why.into(), None);
        Self { check, port, severity, why, title, expected, observed, advice, rests_on, tags }
    }

    /// What it rests on.
    pub(super) fn resting_on(mut self, rests_on: impl Into<Box<str>>) -> Self {
        self.rests_on = Some(rests_on.into());
        self
    }

    /// What was seen, and what to do.
    pub(super) fn words(mut self, observed: impl Into<String>, advice: impl Into<String>) -> Self {
        (self.observed, self.advice) = (observed.into(), advice.into());
        self
    }
}

//! What rules would have found and done: outputs of a replay, counted.
//!
//! The replay itself is an [`crate::Engine`] like any other; here its outputs become a [`Report`]. Rules are compiled as if
//! they were enforced (`Options::mode`), so their responses are seen and nobody carries them out.
//!
//! # Invariants
//!
//! * **Only the asked span counts**: what happened before it warms windows and sessions up and is not reported.
//! * **Budgets are kept as live**: at most so many devices an hour, for the rule and for the fleet; alarms a day.
//! * **The same findings in the same order give the same report.**

mod account;
mod budget;
mod compare;
mod report;
mod scope;
#[cfg(test)]
mod tests;

pub use account::Account;
pub use report::{Difference, Example, Report, RuleReport, Would};
pub use scope::Scopes;

use fleetward_fleet::Timestamp;

/// Which part of a replay counts, and what automation may do.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// From here on, by when it was learnt.
    pub from: Timestamp,
    /// Until here, exclusive.
    pub to: Timestamp,
    /// Devices that all rules together may touch in an hour.
    pub fleet_per_hour: u32,
    /// Devices that a rule without a budget of its own may touch in an hour.
    pub rule_per_hour: u32,
}

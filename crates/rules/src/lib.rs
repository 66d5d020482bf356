//! Parse, check, explain and evaluate a rule.

mod builtin;
mod compile;
mod diagnostic;
mod explain;
mod facts;
mod firing;
mod rule;
mod ruleset;
mod state;
mod testing;
pub mod window;

pub use diagnostic::Diagnostic;
pub use facts::{Facts, Trigger, Triggers};
pub use firing::Firing;
pub use rule::{Budget, Cost, Mode, Repeat, Respond, RespondAction, Rule, Subject};
pub use ruleset::{GroupKey, Options, RuleSet};
pub use state::SubjectState;
pub use testing::{TestResult, run_tests};

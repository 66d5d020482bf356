//! Parse, check, explain and evaluate a rule.

mod builtin;
mod compile;
mod diagnostic;
mod document;
mod episode;
mod evaluate;
mod explain;
mod expr;
mod facts;
mod firing;
mod rule;
mod ruleset;
mod source;
mod state;
mod symbol;
mod template;
mod testing;
mod vocabulary;
pub mod window;

pub use builtin::FILES as BUILTIN_FILES;
pub use diagnostic::Diagnostic;
pub use facts::{Facts, Trigger, Triggers};
pub use firing::Firing;
pub use rule::{Budget, Cost, Mode, Repeat, Respond, RespondAction, Rule, Subject};
pub use ruleset::{GroupKey, Options, RuleSet};
pub use state::SubjectState;
pub use testing::{TestResult, run_tests};
pub use vocabulary::reference;

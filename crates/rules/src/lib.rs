//! Parse, check, explain and evaluate a rule.
//!
//! A rule file (`document`) becomes typed nodes (`expr`), closures and windows (`compile`), and a [`RuleSet`] that knows which
//! events concern which rules. [`RuleSet::observe`] judges one event of one device from [`Facts`] that the caller made, with a
//! [`SubjectState`] that the caller keeps. The language is described in `docs/rules.md`.
//!
//! # Invariants
//!
//! * **Pure**: no clock, no I/O, no randomness. The same facts in the same order give the same firings and the same state.
//! * **Unknown never fires**: a condition about what the record does not carry is neither true nor false.
//! * **Bounded**: expressions, windows, lists and examples have limits; there are no loops, so cost is known when a rule is read.
//! * **Idle is small**: a subject of which nothing is remembered costs one pointer.

mod around;
mod builtin;
mod calendar;
mod called;
mod compare;
mod compile;
mod confirm;
mod detail;
mod diagnostic;
mod document;
mod episode;
mod evaluate;
mod explain;
mod expr;
mod facts;
mod firing;
mod key;
mod lookup;
mod named;
mod places;
mod plan;
mod planned;
mod rule;
mod ruleset;
mod schema;
mod shared;
mod source;
mod state;
mod subject;
mod symbol;
mod template;
mod testing;
mod vocabulary;
pub mod window;

pub use around::{Around, Gaps};
pub use builtin::FILES as BUILTIN_FILES;
pub use called::Called;
pub use compare::Difference;
pub use compile::MAX_LIST_FILE;
pub use confirm::{AT_LEAST, Past};
pub use detail::{Detail, Metric, OwnedDetail, Unusual, UnusualKind};
pub use diagnostic::Diagnostic;
pub use facts::{Facts, Own, Trigger, Triggers};
pub use firing::Firing;
pub use key::Key;
pub use plan::{Class, Plan, Shape, ShapedPlan, Shown};
pub use planned::PlannedKinds;
pub use rule::{Budget, Cost, Excepted, Mode, Repeat, Respond, RespondAction, Rule};
pub use ruleset::{Interest, Options, RuleSet};
pub use schema::SCHEMA;
pub use state::SubjectState;
pub use subject::Subject;
pub use testing::{TestResult, run_tests};
pub use vocabulary::reference;

//! Rule documents become rules.
use crate::diagnostic::Diagnostic;
use crate::facts::Triggers;
use crate::rule::Cost;
use crate::ruleset::{Options, RuleSet};

pub(crate) struct Compiled {
    pub(crate) triggers: Triggers,
    pub(crate) cost: Cost,
}

pub(crate) fn compile(files: &[(&str, &str)], options: &Options) -> Result<RuleSet, Vec<Diagnostic>> {
    todo!("{files:?} {options:?}")
}

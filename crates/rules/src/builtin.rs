//! The rules that come with Fleetward.
use crate::ruleset::{Options, RuleSet};

pub(crate) fn compile(options: &Options) -> RuleSet {
    todo!("{options:?}")
}

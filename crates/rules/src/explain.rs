//! A rule in a sentence.
use crate::rule::Rule;

pub(crate) fn explain(rule: &Rule) -> String {
    rule.text.when.clone()
}

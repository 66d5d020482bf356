//! What a rule names beside the vocabulary, and what it means by that: it may change though the rule's own words do not.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::places::{Area, Positions};
use crate::shared::Macro;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meaning {
    /// The expression of a macro, as it was written.
    Macro(Arc<str>),
    List(Arc<[String]>),
    Area(Arc<Area>),
    Positions(Arc<Positions>),
}

/// By kind and name: `macro quiet`, `list good-peers`.
pub(crate) type Meanings = BTreeMap<String, Meaning>;

/// Fills while expressions are checked.
#[derive(Debug, Default, Clone)]
pub(crate) struct Named(RefCell<Meanings>);

/// Dotted names in an expression, texts between quotes left out; of `apn.contains("x")` that is `apn`.
pub(crate) fn names(expression: &str) -> impl Iterator<Item = &str> {
    let outside = expression.split('"').step_by(2).flat_map(|part| part.split('\'').step_by(2));
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let pieces = outside.flat_map(move |part| part.split_inclusive(move |c| !is_name(c)));
    let names = pieces.map(move |piece| {
        let name = piece.trim_end_matches(|c| !is_name(c));
        let asked = if piece.ends_with('(') { name.rsplit_once('.') } else { None };
        asked.map_or(name, |(of, _)| of)
    });
    names.filter(|name| !name.is_empty())
}

/// An expression, the macros that it names, and those that these name.
pub(crate) fn expanded<'a>(expression: &'a str, macros: &'a BTreeMap<String, Macro>) -> Vec<&'a str> {
    let named = names(expression).filter_map(|name| macros.get(name));
    std::iter::once(expression).chain(named.flat_map(|held| expanded(&held.text, macros))).collect()
}

impl Named {
    pub(crate) fn add(&self, name: impl Into<String>, meaning: Meaning) {
        self.0.borrow_mut().insert(name.into(), meaning);
    }

    pub(crate) fn add_all(&self, meanings: &Meanings) {
        self.0.borrow_mut().extend(meanings.iter().map(|(name, meaning)| (name.clone(), meaning.clone())));
    }

    /// What was named so far.
    pub(crate) fn meanings(&self) -> Meanings {
        self.0.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_stands_outside_quotes() {
        let found: Vec<_> =
            names("used > 0.4 * profile.volume.per_hour && x == \"imei\" || apn.contains('y') && !in_list").collect();
        assert_eq!(found, ["used", "0.4", "profile.volume.per_hour", "x", "apn", "in_list"]);
    }
}

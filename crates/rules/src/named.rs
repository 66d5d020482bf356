//! What a rule names beside the vocabulary, and what it means by that: it may change though the rule's own words do not.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::places::{Area, Positions};

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

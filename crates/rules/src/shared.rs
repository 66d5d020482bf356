//! What all rules of a set may name beside the vocabulary: lists, macros, areas, and what operators excepted.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetward_fleet::Timestamp;
use serde_saphyr::Spanned;

use crate::expr::Typed;
use crate::named::Meanings;
use crate::places::{Area, Positions};

/// Named things, found when files are read and handed to every rule.
#[derive(Debug, Default, Clone)]
pub(crate) struct Shared {
    pub(crate) lists: BTreeMap<String, Arc<[String]>>,
    pub(crate) macros: BTreeMap<String, Macro>,
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) areas: BTreeMap<String, Arc<Area>>,
    pub(crate) positions: Arc<Positions>,
}

/// A checked expression with a name. It stands for itself wherever the name stands.
#[derive(Debug, Clone)]
pub(crate) struct Macro {
    pub(crate) typed: Typed,
    /// How many terms it adds to an expression that names it.
    pub(crate) nodes: usize,
    pub(crate) text: Arc<str>,
    /// What it names itself.
    pub(crate) named: Meanings,
}

impl Macro {
    /// One with a mistake, which was told: who names it makes no second one.
    pub(crate) fn wrong() -> Self {
        Self { typed: Typed::Error, nodes: 0, text: "".into(), named: Meanings::new() }
    }
}

/// A case in which a rule is not meant, with an end.
#[derive(Debug, Clone)]
pub(crate) struct Exception {
    pub(crate) rule: Spanned<String>,
    pub(crate) when: Spanned<String>,
    pub(crate) until: Timestamp,
    /// The same as it was written.
    pub(crate) until_text: String,
    /// The line in its document.
    pub(crate) until_line: usize,
    pub(crate) reason: String,
    /// For mistakes: the file, the lines before the document, and the document.
    pub(crate) file: String,
    pub(crate) lines_before: usize,
    pub(crate) text: String,
}

impl Shared {
    /// What an operator's files define wins over what is built in.
    pub(crate) fn or(mut self, other: &Self) -> Self {
        self.lists.extend(other.lists.iter().map(|(name, list)| (name.clone(), Arc::clone(list))));
        self.exceptions.extend(other.exceptions.iter().cloned());
        self.areas.extend(other.areas.iter().map(|(name, area)| (name.clone(), Arc::clone(area))));
        if other.positions.len() > 0 {
            self.positions = Arc::clone(&other.positions);
        }
        self
    }
}

//! Sigma rules become rules of ours: <https://sigmahq.io>, specification 2.
//!
//! Parsing is done by `rsigma-parser`; here its tree is translated. `docs/rules/sigma.md` has the mapping of fields.
//!
//! # Invariants
//!
//! * **Whole or not at all**: a rule of which one part cannot be expressed is refused, and the account says which part and
//!   why. Leaving out a part would make it another rule.
//! * **Same answer for what is missing**: Sigma takes a condition about a missing field as false, also behind `not`; ours is
//!   unknown. Behind `not` the translation therefore asks `has(field)` first.
//! * **What is handed out compiles**: every translated rule went through the compiler of the language.
//! * **In dry run**: an imported rule tells and touches nobody until an operator says so.

mod condition;
mod correlation;
mod expression;
mod fields;
mod item;
mod write;

use std::collections::BTreeMap;

use fleetward_rules::{Options, RuleSet};
use rsigma_parser::{SigmaCollection, SigmaRule, parse_sigma_yaml};

pub use fields::mapping;
use write::Written;

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// Rules of ours, as YAML documents divided by `---`; empty where none could be expressed.
    pub yaml: String,
    /// What became of each Sigma rule, in the order of the file: rules, then correlations.
    pub accounts: Vec<Account>,
}

/// What became of one Sigma rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its title, or where in the file something could not be read.
    pub title: String,
    /// The name of our rule, or why there is none.
    pub outcome: Result<String, Refusal>,
    /// In what our rule differs though it was expressed.
    pub notes: Vec<String>,
}

/// Why a Sigma rule cannot be expressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No observation of ours carries the field.
    #[error("the field `{field}` of the log source {source_name} is not among what we observe")]
    UnknownField {
        /// The field.
        field: String,
        /// The log source.
        source_name: String,
    },
    /// No observation of ours is of this log source.
    #[error("the log source {0} is not among what we observe")]
    UnknownSource(String),
    /// The language leaves it out on purpose, or it makes no sense for the field.
    #[error("{what}: {why}")]
    NotExpressible {
        /// The part of the rule.
        what: String,
        /// Why not.
        why: String,
    },
    /// It is part of a correlation, which is what alarms.
    #[error("it only feeds a correlation")]
    OnlyFeeds,
    /// Sigma itself does not read so.
    #[error("it is not a Sigma rule: {0}")]
    NotSigma(String),
}

impl Refusal {
    pub(crate) fn because(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::NotExpressible { what: what.into(), why: why.into() }
    }
}

impl Import {
    /// Whether every Sigma rule was expressed (rules that only feed a correlation do not count).
    pub fn is_whole(&self) -> bool {
        self.accounts.iter().all(|account| matches!(account.outcome, Ok(_) | Err(Refusal::OnlyFeeds)))
    }
}

/// Translates a Sigma file: rules, correlations, or both.
pub fn import(text: &str) -> Import {
    match parse_sigma_yaml(text) {
        Ok(collection) => translate(&collection),
        Err(error) => Import { yaml: String::new(), accounts: vec![unreadable(error.to_string())] },
    }
}

fn unreadable(message: String) -> Account {
    Account { title: "a document".into(), outcome: Err(Refusal::NotSigma(message)), notes: Vec::new() }
}

fn translate(collection: &SigmaCollection) -> Import {
    let mut import = Import::default();
    import.accounts.extend(collection.errors.iter().cloned().map(unreadable));
    let fed: Vec<&str> = collection
        .correlations
        .iter()
        .filter(|correlation| !correlation.generate)
        .flat_map(|correlation| correlation.rules.iter().map(String::as_str))
        .collect();
    let mut names = BTreeMap::new();
    for rule in &collection.rules {
        let only_feeds = called(rule).any(|name| fed.contains(&name));
        let written = if only_feeds { Err(Refusal::OnlyFeeds) } else { condition::rule(rule) };
        import.add(&rule.title, written, &mut names);
    }
    for rule in &collection.correlations {
        import.add(&rule.title, correlation::rule(rule, &collection.rules), &mut names);
    }
    for filter in &collection.filters {
        let refusal = Refusal::because("a filter document", "put its condition into `unless` of the imported rule");
        import.add(&filter.title, Err(refusal), &mut names);
    }
    import
}

/// By what a correlation may name a rule.
fn called(rule: &SigmaRule) -> impl Iterator<Item = &str> {
    rule.name.as_deref().into_iter().chain(rule.id.as_deref())
}

impl Import {
    fn add(&mut self, title: &str, written: Result<Written, Refusal>, names: &mut BTreeMap<String, u32>) {
        let mut notes = Vec::new();
        let outcome = written.and_then(|mut written| {
            written.make_unique(names);
            let document = written.document();
            notes.append(&mut written.notes);
            compiles(&document)?;
            let border = if self.yaml.is_empty() { "" } else { "---\n" };
            self.yaml.push_str(border);
            self.yaml.push_str(&document);
            Ok(written.name)
        });
        self.accounts.push(Account { title: title.to_owned(), outcome, notes });
    }
}

/// The last word has the compiler of the language.
fn compiles(document: &str) -> Result<(), Refusal> {
    let compiled = RuleSet::compile(&[("sigma", document)], &Options::default());
    compiled.map(drop).map_err(|mistakes| {
        let mistakes: Vec<String> = mistakes.into_iter().map(|mistake| mistake.message).collect();
        Refusal::because("the translated condition", mistakes.join("; "))
    })
}

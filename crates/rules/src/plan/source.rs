//! What windows are fed with. Many of them watch the same thing over other spans, so it is worked out once.

use std::sync::Arc;

use super::{PlannedFeed, guard};
use crate::compile::{Feed, FeedValue};
use crate::expr::Bool;
use crate::expr::build::Condition;
use crate::expr::ir::Num;
use crate::expr::read::{Context, Value, octets};
use crate::window::Aggregate;

/// What an event adds to some windows.
pub(crate) struct Source {
    /// `None`: always.
    test: Option<Condition>,
    feed: Arc<Feed>,
    /// It asks what other windows know, so it must be worked out after these are fed.
    pub(crate) is_late: bool,
}

/// So many are worked out for one kind of event; what more windows are fed with is not shared.
pub(crate) const SOURCES: usize = 16;

impl Source {
    /// `None`: nothing.
    pub(crate) fn amount(&self, context: &Context<'_>) -> Option<u64> {
        let fits = self.test.as_ref().is_none_or(|test| test(context) == Some(true));
        if fits { self.feed.amount(context) } else { None }
    }
}

/// Windows that are fed with the same get the same source.
pub(super) fn share(feeds: Vec<(Arc<Feed>, Vec<Bool>)>) -> (Vec<Source>, Vec<PlannedFeed>) {
    let (mut sources, mut planned) = (Vec::<Source>::new(), Vec::new());
    let mut known: Vec<Vec<Bool>> = Vec::new();
    for (feed, tests) in feeds {
        let (key, spec) = (feed.key, feed.spec);
        let same = |(source, held): (&Source, &Vec<Bool>)| feed.is_fed_like(&source.feed) && *held == tests;
        let place = sources.iter().zip(&known).position(same);
        let source = place.unwrap_or(sources.len());
        if place.is_none() {
            let test = (!tests.is_empty()).then(|| guard::all_of(tests.clone(), &[]));
            sources.push(Source { test, is_late: feed.asks_known || sources.len() >= SOURCES, feed });
            known.push(tests);
        }
        let is_late = sources[source].is_late;
        planned.push(PlannedFeed { key, spec, source, is_late, asked: None });
    }
    (sources, planned)
}

impl Feed {
    /// What must hold for an event to be added.
    pub(super) fn conditions(&self) -> impl Iterator<Item = &Bool> {
        self.scope_node.iter().chain(&self.filter_node).chain(&self.event_node)
    }

    /// Whether it is fed with the same as another wherever the conditions of both hold.
    fn is_fed_like(&self, other: &Self) -> bool {
        let is_shared = !self.asks_known && !other.asks_known;
        is_shared && self.counts_nothing() == other.counts_nothing() && self.value.is_same(&other.value)
    }

    /// Nothing up or down is no reason to keep state, but it may be the smallest or the last.
    fn counts_nothing(&self) -> bool {
        matches!(self.spec.aggregate, Aggregate::Min | Aggregate::Last)
    }

    /// What is added; `None`: nothing. Whether its conditions hold was asked before.
    pub(crate) fn amount(&self, context: &Context<'_>) -> Option<u64> {
        match &self.value {
            FeedValue::Event(_) => Some(1),
            FeedValue::Identity(field) => context.stored(*field).map(Value::identity),
            FeedValue::Amount(Num::Field(field), _) if let Some(octets) = octets(*field) => {
                octets(context.facts).filter(|octets| *octets > 0 || self.counts_nothing())
            }
            // Negative amounts count as nothing.
            #[expect(clippy::cast_sign_loss, reason = "no amounts below zero")]
            FeedValue::Amount(_, amount) => {
                let value = amount(context);
                (value > 0.0 || self.counts_nothing() && value >= 0.0).then_some(value as u64)
            }
            FeedValue::Symbol(sym) => sym.read(context),
            FeedValue::Text(text) => text.read(context).map(|text| crate::symbol::hash(text.as_bytes())),
        }
    }
}

impl FeedValue {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            // Its condition is among those that must hold.
            (Self::Event(_), Self::Event(_)) => true,
            (Self::Amount(a, _), Self::Amount(b, _)) => a == b,
            (Self::Symbol(a), Self::Symbol(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Identity(a), Self::Identity(b)) => a == b,
            _ => false,
        }
    }
}

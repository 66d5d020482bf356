//! Before an episode begins: what the rule's windows hold exactly.
//!
//! A window in memory covers its length and at most one bucket more: it may say more than is true, so a rule could fire
//! for nothing. Where that bucket holds something, the device's own past is told once more by whoever keeps the records
//! ([`Past`]), fed through the same conditions as live, and the rule is asked again with what really lies inside the
//! window. Nothing is kept: the past is the journal's.

use fleetward_fleet::{Finding, Timestamp};

use crate::compile::Feed;
use crate::evaluate::{fed, remember};
use crate::expr::read::Context;
use crate::facts::{Facts, Trigger, Triggers};
use crate::rule::Rule;
use crate::ruleset::RuleSet;
use crate::state::SubjectState;

/// A device's earlier events, as the rules saw them.
pub trait Past: std::fmt::Debug {
    /// Tells, in the order of the journal, every event of the device of `of` that came before it and happened after
    /// `since`, and perhaps some that happened earlier. `false`: some of them are not known any more.
    fn tell(&self, of: &Facts<'_>, since: Timestamp, each: &mut dyn FnMut(&Facts<'_>)) -> bool;
}

/// What is known of a rule's windows.
pub(crate) enum Exactness {
    /// What is in memory is exact.
    Exact,
    /// The subject's state with the windows as they really are.
    Measured(Box<SubjectState>),
    /// At least one window may reach further back than it says, and nobody can tell.
    AtLeast,
}

/// Said in the confidence of a finding whose windows could not be measured.
pub const AT_LEAST: &str = "at least: measured over the window and up to a twelfth of it more";

/// Events that a device's own records do not tell of, or not at that very time.
const NOT_TOLD: Triggers =
    Triggers::of(Trigger::SessionLost).or(Triggers::of(Trigger::SourceState)).or(Triggers::of(Trigger::Unusual));

/// Looks at the windows of `rule` at `now`.
pub(crate) fn look(set: &RuleSet, rule: &Rule, facts: &Facts<'_>, state: &SubjectState, now: Timestamp) -> Exactness {
    let blurred = |feed: &&Feed| state.is_blurred(feed.key, feed.spec, now);
    let wanted: Vec<&Feed> = rule.compiled.feeds.iter().map(|feed| &**feed).filter(blurred).collect();
    if wanted.is_empty() {
        return Exactness::Exact;
    }
    let Some(past) =
        facts.past.filter(|_| wanted.iter().all(|feed| feed.triggers.and(NOT_TOLD).is_empty() && !feed.asks_known))
    else {
        return Exactness::AtLeast;
    };
    let Some(found) = measure(set, &wanted, past, facts, now) else { return Exactness::AtLeast };
    let mut exact = Box::new(state.clone());
    for (feed, values) in wanted.iter().zip(&found) {
        exact.become_exactly(feed.key, feed.spec, now, values);
    }
    Exactness::Measured(exact)
}

/// The same for a group, of whose devices nobody tells the past.
pub(crate) fn of_group(rule: &Rule, state: &SubjectState, now: Timestamp) -> Exactness {
    let any = rule.compiled.feeds.iter().any(|feed| state.is_blurred(feed.key, feed.spec, now));
    if any { Exactness::AtLeast } else { Exactness::Exact }
}

/// Marks a finding whose windows could not be measured.
pub(crate) fn say_at_least(finding: &mut Finding) {
    let stated = std::mem::take(&mut finding.confidence);
    finding.confidence = if stated.is_empty() { AT_LEAST.into() } else { format!("{stated}; {AT_LEAST}") };
}

/// What fed each window inside its length; `None` where the past is not known well enough.
fn measure(
    set: &RuleSet,
    wanted: &[&Feed],
    past: &dyn Past,
    facts: &Facts<'_>,
    now: Timestamp,
) -> Option<Vec<Vec<(Timestamp, u64)>>> {
    let longest = wanted.iter().map(|feed| feed.spec.over()).max()?;
    let since = now - longest;
    // A condition that compares with the value before needs one from before the window: a little further, then far.
    let compares = wanted.iter().any(|feed| feed.compares);
    let margins: &[u64] = if compares { &[24, 31 * 24] } else { &[0] };
    for (try_no, hours) in margins.iter().enumerate() {
        let mut told =
            Told { set, wanted, now, since, state: SubjectState::default(), forgot: false, found: Vec::new() };
        told.found.resize_with(wanted.len(), Vec::new);
        if !past.tell(facts, since - std::time::Duration::from_hours(*hours), &mut |facts| told.event(facts)) {
            return None;
        }
        told.event(facts);
        if !told.forgot || try_no + 1 == margins.len() {
            return Some(told.found);
        }
    }
    None
}

/// The past as it is told.
struct Told<'a> {
    set: &'a RuleSet,
    wanted: &'a [&'a Feed],
    now: Timestamp,
    /// Where the longest window begins.
    since: Timestamp,
    /// What conditions compare with.
    state: SubjectState,
    /// When the window began, a field had no value to compare with yet.
    forgot: bool,
    found: Vec<Vec<(Timestamp, u64)>>,
}

impl Told<'_> {
    fn event(&mut self, facts: &Facts<'_>) {
        let time = facts.time();
        if time > self.since && !self.forgot {
            self.forgot = self.state.fields() < self.set.memory.len();
        }
        for (feed, found) in self.wanted.iter().zip(&mut self.found) {
            if !feed.triggers.contains(facts.trigger) || time <= self.now - feed.spec.over() {
                continue;
            }
            let context = Context { facts, state: Some(&self.state), now: self.now, held: &[] };
            found.extend(fed(feed, &context).map(|value| (time, value)));
        }
        if facts.trigger != Trigger::Tick {
            remember(self.set, facts, &mut self.state, self.now);
        }
    }
}

//! One event against the rules that concern it. Live records, replays, backtests and the examples in rule files all come
//! through here.

use std::borrow::Cow;
use std::sync::Arc;

use fleetward_fleet::{DeviceId, Finding, FindingId, FindingState, Imei, Imsi, PlannedChange, SessionKey, Timestamp};

use crate::compile::{Feed, FeedValue};
use crate::confirm::{self, Exactness};
use crate::episode::{Said, Told, step};
use crate::expr::read::{Context, Value, is_critical, optional};
use crate::facts::{Facts, Trigger};
use crate::firing::Firing;
use crate::key::Key;
use crate::plan::{Asked, HELD, Plan, SOURCES, ShapedPlan, Shown, Steps};
use crate::rule::{Mode, Respond, Rule};
use crate::ruleset::{Routes, RuleSet};
use crate::state::{Episode, Phase, SubjectState};
use crate::symbol;

/// Feeds windows, judges, remembers.
pub(crate) fn observe(
    set: &RuleSet,
    routes: &Routes,
    whom: Whom<'_>,
    facts: &Facts<'_>,
    state: &mut SubjectState,
    out: &mut Vec<Firing>,
) {
    let time = facts.time();
    let now = state.watermark().map_or(time, |held| held.max(time));
    for feed in routes.feeds(facts.trigger) {
        feed_window(feed, facts, state, now);
    }
    for index in routes.rules(facts.trigger) {
        judge(set, set.by_index(*index), whom, facts, state, now, out);
    }
    finish(set, whom, facts, state, Shown::News, now, out);
}

/// Time passes: what is under way goes on or ends, and nothing begins.
pub(crate) fn pass(set: &RuleSet, whom: Whom<'_>, facts: &Facts<'_>, state: &mut SubjectState, out: &mut Vec<Firing>) {
    let now = state.watermark().map_or(facts.time(), |held| held.max(facts.time()));
    let open: Vec<u16> = open_rules(set, facts.trigger, state).collect();
    for index in open {
        judge(set, set.by_index(index), whom, facts, state, now, out);
    }
    finish(set, whom, facts, state, Shown::News, now, out);
}

/// As [`observe`], with a plan of the device's class: it says which windows to feed, and which rules may begin an episode. `shaped`
/// is the plan for records of this shape, where there is one.
pub(crate) fn observe_planned(
    set: &RuleSet,
    plan: &Plan,
    shaped: Option<(&ShapedPlan, Shown)>,
    facts: &Facts<'_>,
    state: &mut SubjectState,
    out: &mut Vec<Firing>,
) {
    let time = facts.time();
    let now = state.watermark().map_or(time, |held| held.max(time));
    let shown = shaped.map_or(Shown::News, |(_, shown)| shown);
    let steps = match shaped {
        Some((shaped, Shown::TheSame | Shown::AllTheSame)) => &shaped.steps,
        _ => plan.at(facts.trigger),
    };
    if state.is_empty() && !steps.feeds.is_empty() {
        state.reserve(USUAL + WINDOW * steps.feeds.len());
    }
    let (held, mut above) = feed(steps, facts, state, now);
    let mut hits = Vec::new();
    let context = Context { facts, state: Some(state), now, held: &held };
    while above != 0 {
        steps.watching[above.trailing_zeros() as usize].ask(&context, &mut hits);
        above &= above - 1;
    }
    for ladder in &steps.ladders {
        ladder.ask(&context, &mut hits);
    }
    for guarded in &steps.guarded {
        guarded.ask(&context, &mut hits);
    }
    let whom = Whom::DEVICE;
    if !hits.is_empty() || state.has_episodes() {
        hits.extend(open_rules(set, facts.trigger, state));
        hits.sort_unstable();
        hits.dedup();
        for index in hits {
            judge(set, set.by_index(index), whom, facts, state, now, out);
        }
    }
    finish(set, whom, facts, state, shown, now, out);
}

/// Feeds the windows; returns what those hold that rules compare, by their numbers, and which of them are above what any rule
/// asks.
fn feed(steps: &Steps, facts: &Facts<'_>, state: &mut SubjectState, now: Timestamp) -> ([f64; HELD], u32) {
    let mut amounts = [None; SOURCES];
    let context = Context { facts, state: Some(state), now, held: &[] };
    for (amount, source) in amounts.iter_mut().zip(&steps.sources) {
        *amount = if source.is_late { None } else { source.amount(&context) };
    }
    // What comes from a source beyond these is late: it has no amount here, and is not asked for one.
    let worked_out = |source: usize| amounts.get(source).copied().flatten();
    let (mut held, mut above, mut hard, time) = ([f64::NAN; HELD], 0, 0_u64, facts.time());
    let mut tell = |asked: Option<Asked>, value: Option<u64>| {
        let Some(asked) = asked else { return };
        above |= u32::from(value.is_some_and(|value| value >= asked.least)) << asked.number;
        if let Some(held) = held.get_mut(usize::from(asked.number)) {
            *held = optional(value);
        }
    };
    let mut row = state.row(now);
    for (place, passing) in steps.row.iter().enumerate() {
        let value = worked_out(passing.source);
        let found = match value {
            // What is not the newest event is rare.
            _ if now != time => None,
            Some(value) => row.feed(passing.window, if passing.counts { 1 } else { value }),
            None if passing.asked.is_some() => row.ask(passing.window.key, steps.feeds[passing.place].spec),
            None => continue,
        };
        match found {
            Some(_) => tell(passing.asked, found),
            None => hard |= 1 << place,
        }
    }
    let mut near = 0;
    while hard != 0 {
        let planned = &steps.feeds[steps.row[hard.trailing_zeros() as usize].place];
        hard &= hard - 1;
        let value = worked_out(planned.source);
        if value.is_some() || planned.asked.is_some() {
            tell(planned.asked, state.feed_and_ask(&mut near, &planned.fed(time, value), now));
        }
    }
    near = 0;
    for planned in steps.rest.iter().map(|place| &steps.feeds[*place]) {
        let value = if planned.is_late {
            steps.sources[planned.source].amount(&Context { facts, state: Some(state), now, held: &[] })
        } else {
            worked_out(planned.source)
        };
        if value.is_some() || planned.asked.is_some() {
            tell(planned.asked, state.feed_and_ask(&mut near, &planned.fed(time, value), now));
        }
    }
    (held, above)
}

/// Octets that the last values of a device usually take, and each of its windows at first. Rather too many: who outgrows the size
/// in which memory was handed out leaves a hole in pages that others fill, a hundred octets a device when it was tried.
const USUAL: usize = 64;
const WINDOW: usize = 16;

/// Rules with an episode under way that this kind of event concerns.
fn open_rules(set: &RuleSet, trigger: Trigger, state: &SubjectState) -> impl Iterator<Item = u16> {
    let indices = state.episodes().iter().filter_map(|held| set.index_of(held.rule));
    indices.filter(move |index| set.by_index(*index).compiled.triggers.contains(trigger))
}

/// What comes after the rules have judged. `shown`: as far as it is known, [`Shown::News`] otherwise.
fn finish(
    set: &RuleSet,
    whom: Whom<'_>,
    facts: &Facts<'_>,
    state: &mut SubjectState,
    shown: Shown,
    now: Timestamp,
    out: &mut Vec<Firing>,
) {
    if state.has_episodes() {
        follow_up(set, whom, facts, state, now, out);
    }
    if shown == Shown::AllTheSame {
        state.hold_on(facts.time());
    } else if whom.remembers && facts.trigger != Trigger::Tick && !set.memory.is_empty() {
        remember(set, facts, state, now);
    }
    state.advance(now);
}

/// About whom a judgement is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whom<'a> {
    /// `None`: the device of the event.
    pub(crate) key: Option<&'a Key<'a>>,
    /// Last values are kept: the device itself, by its own records.
    pub(crate) remembers: bool,
}

impl Whom<'_> {
    pub(crate) const DEVICE: Self = Self { key: None, remembers: true };
    pub(crate) const LATER: Self = Self { key: None, remembers: false };
}

/// Whether the event adds something to the window, seen from the event alone.
pub(crate) fn feeds(feed: &Feed, facts: &Facts<'_>) -> bool {
    fed(feed, &Context { facts, state: None, now: facts.time(), held: &[] }).is_some()
}

fn feed_window(feed: &Feed, facts: &Facts<'_>, state: &mut SubjectState, now: Timestamp) {
    let context = Context { facts, state: Some(state), now, held: &[] };
    if let Some(value) = fed(feed, &context) {
        state.feed(feed.key, feed.spec, facts.time(), value);
    }
}

/// Whether scope and condition are not plainly false, and nothing excuses the rule, seen from the event alone.
pub(crate) fn may_hold(rule: &Rule, facts: &Facts<'_>) -> bool {
    let compiled = &rule.compiled;
    let context = Context { facts, state: None, now: facts.time(), held: &[] };
    compiled.scope.as_ref().is_none_or(|scope| scope(&context) != Some(false))
        && (compiled.when)(&context) != Some(false)
        && compiled.unless.iter().all(|unless| unless(&context) != Some(true))
}

/// What an event adds to a window; `None`: nothing.
pub(crate) fn fed(feed: &Feed, context: &Context<'_>) -> Option<u64> {
    let fits = |condition: &Option<_>| {
        condition.as_ref().is_none_or(|test: &crate::expr::build::Condition| test(context) == Some(true))
    };
    if !fits(&feed.scope) || !fits(&feed.filter) {
        return None;
    }
    let happened = match &feed.value {
        FeedValue::Event(condition) => condition(context) == Some(true),
        FeedValue::Amount(..) | FeedValue::Symbol(_) | FeedValue::Text(_) | FeedValue::Identity(_) => true,
    };
    if happened { feed.amount(context) } else { None }
}

/// Rules with an open episode that this event did not concern otherwise: they may clear.
fn follow_up(
    set: &RuleSet,
    whom: Whom<'_>,
    facts: &Facts<'_>,
    state: &mut SubjectState,
    now: Timestamp,
    out: &mut Vec<Firing>,
) {
    let waits = |rule: &&Arc<Rule>| {
        let compiled = &rule.compiled;
        !compiled.triggers.contains(facts.trigger) && compiled.open_triggers.contains(facts.trigger)
    };
    let waiting: Vec<_> = state.episodes().iter().filter_map(|held| set.by_key(held.rule)).filter(waits).collect();
    for rule in waiting {
        judge(set, rule, whom, facts, state, now, out);
    }
}

fn judge(
    set: &RuleSet,
    rule: &Arc<Rule>,
    whom: Whom<'_>,
    facts: &Facts<'_>,
    state: &mut SubjectState,
    now: Timestamp,
    out: &mut Vec<Firing>,
) {
    let compiled = &rule.compiled;
    let open = state.episodes().iter().position(|held| held.rule == compiled.key);
    let context = Context { facts, state: Some(state), now, held: &[] };
    let scope = compiled.scope.as_ref().map_or(Some(true), |scope| scope(&context));
    if open.is_none() && scope != Some(true) {
        return;
    }
    let when = (compiled.when)(&context);
    if open.is_none() && when != Some(true) {
        return;
    }
    let decide = |context: &Context<'_>, when: Option<bool>| {
        let excused = when == Some(true) && compiled.unless.iter().any(|unless| unless(context) == Some(true));
        if excused || scope == Some(false) { Some(false) } else { when }
    };
    let mut holds = decide(&context, when);
    let mut exactness = Exactness::Exact;
    if holds == Some(true) && !is_told(open, state) {
        exactness = if whom.key.is_some() {
            confirm::of_group(rule, state, now)
        } else {
            confirm::look(set, rule, facts, state, now)
        };
        if let Exactness::Measured(measured) = &exactness {
            let context = Context { facts, state: Some(measured), now, held: &[] };
            holds = decide(&context, (compiled.when)(&context));
        }
    }
    if holds == Some(true)
        && scope == Some(true)
        && let Some(change) = planned(rule, facts)
    {
        holds = Some(false);
        out.push(Firing::Excused { rule: Arc::clone(rule), change: Arc::clone(change), at: facts.time() });
    }
    if open.is_none() && holds != Some(true) {
        return;
    }
    let value = compiled.value.and_then(|field| context.stored(field)).map_or(0, Value::identity);
    let said = Said {
        at: facts.time(),
        now,
        holds: if scope == Some(true) { holds } else { holds.filter(|holds| !holds) },
        clear: compiled.clear.as_ref().and_then(|clear| clear(&context)),
        out_of_scope: scope == Some(false),
        value,
        session: facts.session.map_or(0, session_hash),
        evidence: compiled.triggers.contains(facts.trigger).then_some(facts.offset),
    };
    let held = open.and_then(|at| state.take_episode(at));
    let (episode, told) = step(compiled.key, held, said, compiled.times);
    let seen = if let Exactness::Measured(measured) = &exactness { measured } else { &*state };
    let context = Context { facts, state: Some(seen), now, held: &[] };
    for told in told {
        let mut firing = firing(rule, whom, &context, told, episode.as_ref());
        if let (Some(Firing::Started { finding, .. }), Exactness::AtLeast) = (&mut firing, &exactness) {
            confirm::say_at_least(finding);
        }
        out.extend(firing);
    }
    if let Some(episode) = episode {
        state.put_episode(episode);
    } else {
        state.shrink();
    }
}

/// The planned change that excuses the rule now; it covers the device and the time already.
fn planned<'a>(rule: &Rule, facts: &Facts<'a>) -> Option<&'a Arc<PlannedChange>> {
    facts.planned.iter().find(|change| crate::planned::excuses(change, &rule.name, rule.planned()))
}

/// Whether people have been told of the episode at this place: then nothing has to be confirmed.
fn is_told(open: Option<usize>, state: &SubjectState) -> bool {
    let episode = open.and_then(|at| state.episodes().get(at));
    episode.is_some_and(|held| matches!(held.phase, Phase::Firing | Phase::Clearing))
}

fn session_hash(key: &SessionKey) -> u64 {
    (symbol::hash(key.nas.as_bytes()) ^ symbol::hash(key.id.as_bytes()).rotate_left(1)).max(1)
}

fn firing(
    rule: &Arc<Rule>,
    whom: Whom<'_>,
    context: &Context<'_>,
    told: Told,
    episode: Option<&Episode>,
) -> Option<Firing> {
    let rule = Arc::clone(rule);
    match told {
        Told::Cleared(episode) => {
            let id = finding_id(&rule, whom, context.facts, &episode);
            Some(Firing::Cleared { rule, id, at: context.facts.time(), count: episode.count })
        }
        Told::Started => {
            let finding = Box::new(finding(&rule, whom, context, episode?));
            let responds = responds(&rule, whom, context);
            Some(Firing::Started { rule, finding, responds })
        }
        Told::Again { respond } => {
            let finding = Box::new(finding(&rule, whom, context, episode?));
            // More devices may take part by now; what was asked for a device already is not asked again.
            let responds = if respond || whom.key.is_some() { responds(&rule, whom, context) } else { Vec::new() };
            Some(Firing::Again { rule, finding, responds })
        }
    }
}

fn finding_id(rule: &Rule, whom: Whom<'_>, facts: &Facts<'_>, episode: &Episode) -> FindingId {
    let subject = whom.key.map_or(facts.device_id.0, |key| key.id ^ key.subject as u64);
    // Two values in one second are two episodes with one start.
    let value = if rule.repeat.per_value { episode.value.rotate_left(17) } else { 0 };
    FindingId::of(&rule.name, subject ^ value, episode.start.0)
}

fn finding(rule: &Rule, whom: Whom<'_>, context: &Context<'_>, episode: &Episode) -> Finding {
    let facts = context.facts;
    let compiled = &rule.compiled;
    Finding {
        id: finding_id(rule, whom, facts, episode),
        rule: rule.name.clone(),
        rule_version: rule.version,
        device: if whom.key.is_some() { DeviceId(0) } else { facts.device_id },
        subject: masked(&whom.key.map_or(Cow::Borrowed(facts.subject), |key| key.describe(facts))).into(),
        severity: rule.severity,
        title: compiled.title.render(context),
        expected: compiled.expected.render(context),
        observed: compiled.observed.render(context),
        advice: compiled.advice.render(context),
        tags: rule.tags.clone(),
        first_seen: episode.start,
        last_seen: episode.last,
        observed_at: facts.observed_at,
        count: episode.count,
        evidence: episode.evidence.clone(),
        session: facts.session.cloned(),
        late: facts.late,
        confidence: compiled.confidence.render(context),
        state: FindingState::New,
    }
}

/// A device that nobody has named is called after its SIM, a module after its number; those are identities, and findings
/// are read by many.
pub(crate) fn masked(name: &str) -> Cow<'_, str> {
    let sim = name.strip_prefix("imsi:").and_then(|digits| digits.parse::<Imsi>().ok());
    let module = name.strip_prefix("imei:").and_then(|digits| Imei::from_any(digits).ok());
    match (sim, module) {
        (Some(sim), _) => Cow::Owned(format!("imsi:{sim}")),
        (None, Some(module)) => Cow::Owned(format!("imei:{module}")),
        (None, None) => Cow::Borrowed(name),
    }
}

/// What the rule asks for now: by its mode, each response's `unless`, and whether somebody would be in danger.
fn responds(rule: &Rule, whom: Whom<'_>, context: &Context<'_>) -> Vec<Respond> {
    // Where many devices take part, each of them is asked for itself.
    let critical = is_critical(context.facts) && whom.key.is_none();
    let wanted = rule.responds.iter().zip(&rule.compiled.responds_unless).filter(|(respond, unless)| {
        let allowed = match rule.mode {
            Mode::Off | Mode::DryRun => false,
            Mode::NotifyOnly => !respond.action.is_intervention(),
            Mode::Enforce => true,
        };
        allowed && unless.as_ref().is_none_or(|unless| unless(context) != Some(true))
    });
    let decided = wanted.map(|(respond, _)| Respond {
        action: respond.action.clone(),
        needs_approval: respond.needs_approval || (critical && respond.action.is_intervention()),
    });
    decided.collect()
}

/// Values are remembered after the rules have compared them. An older record does not overwrite a newer one's.
pub(crate) fn remember(set: &RuleSet, facts: &Facts<'_>, state: &mut SubjectState, now: Timestamp) {
    let context = Context { facts, state: None, now, held: &[] };
    state.remember(facts.time(), set.memory.iter().filter_map(|field| field.code().zip(context.stored(*field))));
}

/// See [`RuleSet::expire`].
pub(crate) fn expire(set: &RuleSet, state: &mut SubjectState, now: Timestamp) {
    if !state.is_empty() {
        let asks = |held: u8| set.memory.iter().any(|field| field.code() == Some(held));
        state.expire(now, |key| set.window(key), asks, |rule| set.by_key(rule).is_some());
    }
}

//! Rules made ready for one class of devices: what cannot concern them is left out, what is the same for all of them is
//! decided once.
//!
//! Most of what a rule asks is the same for every record of a class (its scope, what the profile states, the kind of
//! event). A [`Plan`] folds that away for each kind of event, puts what is cheap and selective first, and asks what
//! several rules have in common once. What remains of a rule is a test that must hold before the rule can begin an
//! episode; when it does, the rule is judged in full. So a plan never changes what is found, only what it costs.
//!
//! # Invariants
//!
//! * **Necessary, never sufficient**: where a rule would begin an episode, its test holds.
//! * **Open episodes are judged in full**, whatever the plan says.
//! * **A window that no rule of the plan can use is not fed.**

mod fixed;
mod guard;
mod ladder;
mod shape;
mod source;
mod truth;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{Device, DeviceId, Profile, Timestamp};

use crate::compile::Feed;
use crate::expr::Bool;
use crate::expr::build::{self, Condition};
use crate::expr::ir::{Num, Op};
use crate::expr::read::Context;
use crate::facts::{Facts, Trigger};
use crate::rule::Rule;
use crate::ruleset::RuleSet;
use crate::state::{Fed, Sliding, SubjectState};
use crate::subject::Subject;
use crate::window::{Aggregate, WindowSpec};

use self::fixed::Extent;
use self::guard::{Guarded, Tested};
use self::ladder::Ladder;
pub use self::shape::{Shape, ShapedPlan, Shown};
pub(crate) use self::source::{SOURCES, Source};
use self::truth::{Known, Truth};

/// The rules of a [`RuleSet`] about single devices, made ready for one class of them: those that differ only in name, module
/// and address. Good for that rule set alone.
pub struct Plan {
    steps: [Steps; Trigger::ALL.len()],
    /// The windows that its rules read, whatever the event.
    used: Vec<u32>,
    /// It was made for one class, not for all devices.
    is_of_class: bool,
    remembers: bool,
    /// A tick matters from this many seconds of silence on; `None`: it may matter at any time.
    silence: Option<f64>,
    /// The same for rules about devices that are judged in the second stage.
    doubt: Option<f64>,
}

/// What one kind of event asks for.
#[derive(Default)]
pub(crate) struct Steps {
    /// What windows are fed with, each worked out once for all of them.
    pub(crate) sources: Vec<Source>,
    pub(crate) feeds: Vec<PlannedFeed>,
    /// The sliding sums and counts among them, to be fed in one pass, at most [`ROW`].
    pub(crate) row: Vec<Passing>,
    /// Places of the others.
    pub(crate) rest: Vec<usize>,
    /// Rules for which the window with this number must be above a limit: few of many records bring one there.
    pub(crate) watching: Vec<Guarded>,
    /// Rules that ask for more than a constant of some number.
    pub(crate) ladders: Vec<Ladder>,
    pub(crate) guarded: Vec<Guarded>,
}

/// A window that may be fed.
pub(crate) struct PlannedFeed {
    pub(crate) key: u32,
    pub(crate) spec: WindowSpec,
    /// With what.
    pub(crate) source: usize,
    /// What it is fed with is worked out when it is.
    pub(crate) is_late: bool,
    /// Rules compare it with constants, so it is read when it has just been fed.
    pub(crate) asked: Option<Asked>,
}

impl PlannedFeed {
    /// An event for it.
    #[inline]
    pub(crate) fn fed(&self, time: Timestamp, value: Option<u64>) -> Fed<'_> {
        let least = self.asked.map(|asked| asked.least);
        Fed { key: self.key, spec: &self.spec, time, value, least }
    }

    /// The milliseconds of a bucket, where it goes by in the row.
    fn slides(&self) -> Option<u32> {
        self.spec.slides().filter(|_| !self.is_late).map(NonZeroU32::get)
    }
}

/// A [`PlannedFeed`] that goes by in the row.
pub(crate) struct Passing {
    pub(crate) window: Sliding,
    /// With what it is fed.
    pub(crate) source: usize,
    /// It counts events.
    pub(crate) counts: bool,
    /// Its place among all.
    pub(crate) place: usize,
    pub(crate) asked: Option<Asked>,
}

/// So many windows go by in a row; what more of them there are is fed one by one.
const ROW: usize = 64;

/// How a window is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) key: u32,
    /// What it holds is put at this place of [`Context::held`].
    pub(crate) number: u8,
    /// Below this all comparisons say the same: no rule asks whether it is above less.
    pub(crate) least: u64,
}

/// So many windows are read right after they were fed; more of them for one kind of event are looked up when a rule asks.
pub(crate) const HELD: usize = 24;

/// What a device of some class is judged by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Class<'a> {
    /// The device, of which name, module and address are not looked at; `None`: the inventory does not have it.
    pub device: Option<&'a Device>,
    /// Its profile.
    pub profile: Option<&'a Profile>,
}

impl Plan {
    pub(crate) fn of(set: &RuleSet, class: Option<Class<'_>>) -> Self {
        let extent = Extent { class: class.is_some(), shape: false };
        let mut all = Trigger::ALL.map(|trigger| first_tests(set, &facts_of(class, trigger), extent));
        let silence = silence(&all[Trigger::Tick as usize]);
        let later = set.second(Subject::Device).rules(Trigger::Tick);
        let doubt = self::silence(&tests(set, later, &facts_of(class, Trigger::Tick), extent));
        let rules = all.iter().flatten().map(|(index, _)| set.by_index(*index));
        let used: Vec<u32> = rules.flat_map(|rule| windows_of(rule)).collect();
        let steps = Trigger::ALL.map(|trigger| {
            let tests = std::mem::take(&mut all[trigger as usize]);
            steps(set, tests, &facts_of(class, trigger), extent, &used)
        });
        Self { steps, used, is_of_class: class.is_some(), remembers: !set.memory.is_empty(), silence, doubt }
    }

    /// Whether an event of this kind may matter to a device of this class in `state`; see [`RuleSet::concerns`].
    pub fn concerns(&self, trigger: Trigger, state: &SubjectState) -> bool {
        let steps = self.at(trigger);
        let remembers = self.remembers && trigger != Trigger::Tick;
        remembers || steps.rules() > 0 || !steps.feeds.is_empty() || state.has_episodes()
    }

    /// Whether a tick cannot matter to a device without an episode under way that has been silent for this long (`None`:
    /// it was never heard of): most ticks need no more than this.
    pub fn is_idle_at_tick(&self, silent: Option<Duration>) -> bool {
        let steps = self.at(Trigger::Tick);
        steps.feeds.is_empty() && (steps.rules() == 0 || waits(self.silence, silent))
    }

    /// Whether a rule that is judged in the second stage may begin an episode at a tick, as far as the silence tells.
    pub fn may_doubt_at_tick(&self, silent: Option<Duration>) -> bool {
        !waits(self.doubt, silent)
    }

    pub(crate) fn at(&self, trigger: Trigger) -> &Steps {
        &self.steps[trigger as usize]
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = |steps: &Steps| (steps.feeds.len(), steps.rules());
        f.debug_struct("Plan").field("feeds_and_rules", &self.steps.each_ref().map(count)).finish_non_exhaustive()
    }
}

impl Steps {
    /// How many rules there are.
    fn rules(&self) -> usize {
        let guarded: usize = self.watching.iter().chain(&self.guarded).map(Guarded::len).sum();
        guarded + self.ladders.iter().map(Ladder::len).sum::<usize>()
    }
}

/// Numbers the windows that are fed and of which a rule demands that they are above a constant.
fn ask(feeds: &mut [PlannedFeed], tests: &[(u16, Vec<Bool>)]) -> Vec<Asked> {
    let mut all = Vec::new();
    for planned in feeds {
        let tests = tests.iter().flat_map(|(_, tests)| tests);
        let limits = tests.filter_map(guard::above).filter(|(window, ..)| window.key == planned.key);
        let Some(least) = limits.map(|(.., limit)| limit).reduce(f64::min) else { continue };
        if all.len() < HELD {
            // Windows hold whole numbers, none below zero.
            #[expect(clippy::cast_sign_loss, reason = "what is below zero is as good as zero")]
            let asked = Asked { key: planned.key, number: all.len() as u8, least: least.ceil() as u64 };
            planned.asked = Some(asked);
            all.push(asked);
        }
    }
    all
}

/// What an event asks for of which so much is known, its rules by [`first_tests`]. `used`: windows that no rule reads are not
/// fed.
fn steps(set: &RuleSet, tests: Tested, facts: &Facts<'_>, extent: Extent, used: &[u32]) -> Steps {
    let (sources, mut feeds) = source::share(feeds(set, facts, extent, used));
    let asked = ask(&mut feeds, &tests);
    let (watching, others) = guard::watch(tests, &asked);
    let (guarded, alone) = guard::share(others, &asked);
    let (ladders, alone) = ladder::climb(alone, &asked);
    let alone = guard::alone(alone, &asked);
    let (row, rest) = in_a_row(&feeds);
    Steps { sources, feeds, row, rest, watching, ladders, guarded: guarded.into_iter().chain(alone).collect() }
}

/// Those that slide, and the places of the others.
fn in_a_row(feeds: &[PlannedFeed]) -> (Vec<Passing>, Vec<usize>) {
    let (mut row, mut rest) = (Vec::new(), Vec::new());
    for (place, &PlannedFeed { key, source, asked, ref spec, .. }) in feeds.iter().enumerate() {
        let Some(length) = feeds[place].slides().filter(|_| row.len() < ROW) else {
            rest.push(place);
            continue;
        };
        let window = Sliding { key, length, least: asked.map_or(u64::MAX, |asked| asked.least) };
        row.push(Passing { window, source, counts: spec.aggregate == Aggregate::Count, place, asked });
    }
    (row, rest)
}

/// Each rule of the first stage that an event may concern, with all that it asks.
fn first_tests(set: &RuleSet, facts: &Facts<'_>, extent: Extent) -> Tested {
    tests(set, set.routes(Subject::Device).rules(facts.trigger), facts, extent)
}

/// Each of these rules that an event may concern, with all that it asks.
fn tests(set: &RuleSet, rules: &[u16], facts: &Facts<'_>, extent: Extent) -> Tested {
    let known = Known { context: Context { facts, state: None, now: facts.at, held: &[] }, extent };
    let wanted = rules.iter().filter_map(|&index| {
        let compiled = &set.by_index(index).compiled;
        let parts: Vec<&Bool> = compiled.scope_node.iter().chain([&compiled.when_node]).collect();
        match known.all(&parts) {
            Truth::Never => None,
            Truth::Always => Some((index, Vec::new())),
            Truth::If(tests) => Some((index, tests)),
        }
    });
    wanted.collect()
}

impl Rule {
    /// Whether its scope leaves out all devices of this class, whatever they do.
    pub fn leaves_out(&self, class: Class<'_>) -> bool {
        let extent = Extent { class: true, shape: false };
        let scope: Vec<&Bool> = self.compiled.scope_node.iter().collect();
        let never = |trigger: Trigger| {
            let facts = facts_of(Some(class), trigger);
            let context = Context { facts: &facts, state: None, now: facts.at, held: &[] };
            Known { context, extent }.all(&scope) == Truth::Never
        };
        Trigger::ALL.into_iter().filter(|trigger| self.triggers().contains(*trigger)).all(never)
    }
}

/// Whether a tick comes too early for what is asked for after this silence.
fn waits(needed: Option<f64>, silent: Option<Duration>) -> bool {
    needed.is_some_and(|needed| silent.is_none_or(|silent| silent.as_secs_f64() < needed))
}

/// The shortest silence that any of these rules asks for at a tick, if all of them do; without rules there is none.
fn silence(tests: &[(u16, Vec<Bool>)]) -> Option<f64> {
    let of_test = |test: &Bool| match test {
        Bool::Compare(Op::Greater | Op::GreaterEqual, Num::Silence, Num::Const(seconds)) => Some(*seconds),
        _ => None,
    };
    let asked: Option<Vec<f64>> = tests.iter().map(|(_, asked)| asked.iter().find_map(of_test)).collect();
    Some(asked?.into_iter().fold(f64::INFINITY, f64::min))
}

fn windows_of(rule: &Rule) -> impl Iterator<Item = u32> {
    rule.compiled.feeds.iter().map(|feed| feed.key)
}

/// Each window that an event may feed, with the conditions that are not fixed.
fn feeds(set: &RuleSet, facts: &Facts<'_>, extent: Extent, used: &[u32]) -> Vec<(Arc<Feed>, Vec<Bool>)> {
    let known = Known { context: Context { facts, state: None, now: facts.at, held: &[] }, extent };
    let mut planned = Vec::new();
    for feed in set.routes(Subject::Device).feeds(facts.trigger).iter().filter(|feed| used.contains(&feed.key)) {
        let parts: Vec<&Bool> = feed.conditions().collect();
        match known.all(&parts) {
            Truth::Never => {}
            Truth::Always => planned.push((Arc::clone(feed), Vec::new())),
            Truth::If(tests) => planned.push((Arc::clone(feed), tests)),
        }
    }
    // In the order in which a state keeps them, one is found after the other. What is known of values comes first, as ever:
    // the conditions of the others may ask it.
    planned.sort_by_key(|(feed, _)| (feed.spec.aggregate != Aggregate::Known, feed.key));
    planned
}

/// What is known beforehand of every event of this kind.
fn facts_of(class: Option<Class<'_>>, trigger: Trigger) -> Facts<'_> {
    let mut facts = Facts::new(trigger, Timestamp(0), Timestamp(0), DeviceId(0), "");
    facts.device = class.and_then(|class| class.device);
    facts.profile = class.and_then(|class| class.profile);
    facts
}

fn condition(node: &Bool, asked: &[Asked]) -> Condition {
    if let Some((window, op, limit)) = guard::above(node)
        && let Some(number) = asked.iter().find(|it| it.key == window.key).map(|it| usize::from(it.number))
    {
        return Box::new(move |context| {
            let held = context.held.get(number).copied().unwrap_or(f64::NAN);
            (!held.is_nan()).then(|| op.holds(held, limit))
        });
    }
    build::condition(node)
}

#[cfg(test)]
mod tests;

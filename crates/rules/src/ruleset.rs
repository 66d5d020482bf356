//! All rules in force, with the tables that find those that an event concerns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::Timestamp;

use crate::compile::Feed;
use crate::diagnostic::Diagnostic;
use crate::evaluate::{self, Whom};
use crate::expr::reach::carriers;
use crate::expr::read::{Context, Value};
use crate::facts::{Facts, Trigger, Triggers};
use crate::firing::Firing;
use crate::key::Key;
use crate::plan::{Class, Plan, ShapedPlan, Shown};
use crate::rule::{Mode, Rule};
use crate::shared::Shared;
use crate::state::{MOST_REMEMBERED, SubjectState};
use crate::subject::Subject;
use crate::vocabulary::{self, Field};
use crate::window::WindowSpec;

/// What rule files may refer to.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// The configured notification channels. `None`: not known, any name is taken. A `notify` to a channel that is not
    /// configured is an error in an operator's rule and left out of a built-in one.
    pub channels: Option<Vec<String>>,
    /// Channels that are configured, and that the running server has only once it is started again.
    pub after_restart: Vec<String>,
    /// Named lists for `in_list(field, "name")`, beside those that the files define.
    pub lists: BTreeMap<String, Vec<String>>,
    /// Takes every rule as if its file stated this mode: for backtests, which ask what a rule would do.
    pub mode: Option<Mode>,
    /// Rules that are off are made ready like others, for their examples.
    pub even_off: bool,
}

/// The compiled rules.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    /// By [`Subject`]; the last one is for rules about one device that ask the baseline.
    routes: [Routes; ROUTES],
    /// Fields whose last value some rule reads.
    pub(crate) memory: Vec<Field>,
    /// Fields of which rules ask whether a value is new.
    new_to_group: Vec<(Field, u8, Triggers)>,
    /// Events that carry none of these fields that is not in `memory`.
    remembered_news: Triggers,
    /// Some rule asks how many devices of a network are silent.
    outage: bool,
    /// (key, index into `rules`), sorted.
    keys: Vec<(u32, u16)>,
    /// All windows by key, sorted.
    windows: Vec<(u32, WindowSpec)>,
}

/// How many tables there are.
const ROUTES: usize = Subject::COUNT + 1;

/// Who wants to see what.
#[derive(Default)]
pub(crate) struct Routes {
    /// What the second stage must be handed on for these rules.
    interest: Interest,
    rules: [Vec<u16>; Trigger::ALL.len()],
    feeds: [Vec<Arc<Feed>>; Trigger::ALL.len()],
    /// Every window of these rules, each once.
    pub(crate) windows: Vec<Arc<Feed>>,
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl RuleSet {
    /// Reads and compiles rule files, given as (name, text). All mistakes are reported, not just the first.
    pub fn compile(files: &[(&str, &str)], options: &Options) -> Result<Self, Vec<Diagnostic>> {
        let (rules, _) = crate::compile::compile(files, options)?;
        Self::of(rules).that_fits()
    }

    /// The rules that come with Fleetward. A `notify` to a channel that is not configured is left out.
    pub fn builtin(options: &Options) -> Self {
        // Without an operator's files nothing can make them wrong.
        Self::of(crate::builtin::compile(options, &Shared::default()).unwrap_or_default())
    }

    /// The rules that come with Fleetward and the operator's. An operator's rule takes the place of the built-in one of
    /// the same name.
    pub fn with_builtin(files: &[(&str, &str)], options: &Options) -> Result<Self, Vec<Diagnostic>> {
        let (mut rules, shared) = crate::compile::compile(files, options)?;
        let builtin = crate::builtin::compile(options, &shared)?;
        let missing: Vec<_> =
            builtin.into_iter().filter(|rule| rules.iter().all(|own| own.name != rule.name)).collect();
        rules.extend(missing);
        Self::of(rules).that_fits()
    }

    /// The same without the rules of these names.
    #[must_use]
    pub fn without(self, names: &[String]) -> Self {
        let stays = |rule: &Arc<Rule>| names.iter().all(|name| **name != *rule.name);
        Self::of(self.rules.into_iter().filter(stays).collect())
    }

    pub(crate) fn of(mut rules: Vec<Arc<Rule>>) -> Self {
        rules.sort_by(|a, b| a.name.cmp(&b.name));
        let mut set = Self { rules, ..Self::default() };
        for (index, rule) in set.rules.iter().enumerate() {
            set.keys.push((rule.compiled.key, index as u16));
            let routes = &mut set.routes[route_of(rule)];
            routes.interest.add(rule);
            for trigger in Trigger::ALL {
                if rule.compiled.triggers.contains(trigger) {
                    routes.rules[trigger as usize].push(index as u16);
                }
            }
            set.outage |= rule.compiled.outage && rule.mode != Mode::Off;
            for field in &rule.compiled.new_to_group {
                let entry = (*field, field.code().unwrap_or_default(), carriers(*field));
                if !set.new_to_group.contains(&entry) {
                    set.new_to_group.push(entry);
                }
            }
            for feed in &rule.compiled.feeds {
                routes.add(feed);
            }
            for field in &rule.compiled.memory {
                if !set.memory.contains(field) {
                    set.memory.push(*field);
                }
            }
        }
        let forgotten = set.new_to_group.iter().filter(|(field, ..)| !set.memory.contains(field));
        set.remembered_news =
            Triggers::ALL.without(forgotten.fold(Triggers::NONE, |all, (.., carriers)| all.or(*carriers)));
        set.keys.sort_unstable();
        let windows = set.routes.iter().flat_map(|routes| &routes.windows).map(|feed| (feed.key, feed.spec));
        set.windows = windows.collect();
        set.windows.sort_unstable_by_key(|(key, _)| *key);
        set
    }

    /// Refuses rules that ask for the last value of more fields than are remembered of one subject.
    fn that_fits(self) -> Result<Self, Vec<Diagnostic>> {
        let Some(field) = self.memory.get(MOST_REMEMBERED) else { return Ok(self) };
        let asks = |rule: &&Arc<Rule>| rule.compiled.memory.contains(field);
        let (rule, file) = self.rules.iter().find(asks).map_or(("", ""), |rule| (&*rule.name, &*rule.file));
        let message = format!(
            "rule `{rule}`: of a device, the last values of {MOST_REMEMBERED} fields are remembered, and that of `{}` is one too \
             many",
            vocabulary::name_of(*field)
        );
        let hint =
            Some("do without `changed`, `previous` and `first` of some fields, here or in other rules".to_owned());
        Err(vec![Diagnostic { file: file.to_owned(), line: 0, column: 0, message, hint }])
    }

    /// The rules, sorted by name.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The rule of this name.
    pub fn rule(&self, name: &str) -> Option<&Arc<Rule>> {
        self.rules.binary_search_by(|rule| (*rule.name).cmp(name)).ok().map(|at| &self.rules[at])
    }

    /// Whether an event of this kind may matter to a device in `state`; where not, [`Self::observe`] does nothing.
    /// Ticks matter to rules about time (silence, absence) and to open episodes.
    pub fn concerns(&self, trigger: Trigger, state: &SubjectState) -> bool {
        let routes = self.routes(Subject::Device);
        let remembers = trigger != Trigger::Tick && !self.memory.is_empty();
        remembers || !routes.rules(trigger).is_empty() || !routes.feeds(trigger).is_empty() || state.has_episodes()
    }

    /// Judges one event of one device: feeds windows, evaluates the rules that concern it, remembers values, and appends
    /// what is to be told. Events of one device come in journal order; their event times may be out of order.
    pub fn observe(&self, facts: &Facts<'_>, state: &mut SubjectState, out: &mut Vec<Firing>) {
        evaluate::observe(self, self.routes(Subject::Device), Whom::DEVICE, facts, state, out);
    }

    /// Makes the rules ready for devices of one class; `None`: for all of them. It takes about as long as compiling the
    /// rules, so keep it.
    pub fn plan(&self, class: Option<Class<'_>>) -> Plan {
        Plan::of(self, class)
    }

    /// The same as [`Self::observe`], for less. `plan` is [`Self::plan`] of these rules for the class of the device in
    /// `facts`; `shaped` is [`Plan::shaped`] of it for the shape of the record, where it was made,
    /// with what [`Self::shown`] says.
    pub fn observe_planned(
        &self,
        plan: &Plan,
        shaped: Option<(&ShapedPlan, Shown)>,
        facts: &Facts<'_>,
        state: &mut SubjectState,
        out: &mut Vec<Firing>,
    ) {
        evaluate::observe_planned(self, plan, shaped, facts, state, out);
    }

    /// What an event shows in the fields that rules remember in `state`.
    pub fn shown(&self, facts: &Facts<'_>, state: &SubjectState) -> Shown {
        Shown::of(self, facts, state)
    }

    /// Whether some rule asks how many devices of a network are silent ([`crate::Around::outage_share`]).
    pub fn asks_outage(&self) -> bool {
        self.outage
    }

    /// Whether a rule about one device that is judged in the second stage may hold as time passes for it. What only the
    /// second stage knows is left open.
    pub fn may_hold(&self, facts: &Facts<'_>) -> bool {
        let routes = self.second(Subject::Device);
        routes.rules(facts.trigger).iter().any(|index| evaluate::may_hold(self.by_index(*index), facts))
    }

    /// What rules of the second stage about this subject want to see ([`Subject::Device`]: rules about devices that are
    /// judged there).
    pub fn interest(&self, subject: Subject) -> Interest {
        self.second(subject).interest
    }

    /// The fields of which some rule asks whether a value is new to a model (their numbers, for [`Self::value_of`] and
    /// [`crate::Around::is_new`]), and the events that may carry them.
    pub fn new_to_group(&self) -> impl Iterator<Item = (u8, Triggers)> {
        self.new_to_group.iter().map(|(_, code, triggers)| (*code, *triggers))
    }

    /// Whether the event may show a value that is new to a model, of a device whose rules remember `state`. A device that goes
    /// on in a session shows nothing new where it shows what it showed last. `shown`: as far as it is known, as [`Self::shown`]
    /// says, [`Shown::News`] otherwise.
    pub fn may_show_news(&self, facts: &Facts<'_>, state: &SubjectState, shown: Shown) -> bool {
        let goes_on = matches!(facts.trigger, Trigger::SessionInterim | Trigger::SessionStop);
        if goes_on && shown != Shown::News && self.remembered_news.contains(facts.trigger) {
            return false;
        }
        let context = Context { facts, state: None, now: facts.time(), held: &[] };
        self.new_to_group.iter().filter(|(.., triggers)| triggers.contains(facts.trigger)).any(|(field, code, _)| {
            context.stored(*field).is_some_and(|value| !goes_on || !state.last().holds(*code, value))
        })
    }

    /// A number that stands for the value of this field in one event.
    pub fn value_of(&self, field: u8, facts: &Facts<'_>) -> Option<u64> {
        let field = vocabulary::by_code(field)?;
        let context = Context { facts, state: None, now: facts.time(), held: &[] };
        context.stored(field).map(Value::identity)
    }

    /// Whether this event may change anything for a second-stage rule about `subject`. It is decided from the event alone,
    /// so that what nobody asks for need not be handed on: a window that it does not feed, and that nothing else reads,
    /// does not move.
    pub fn matters(&self, subject: Subject, facts: &Facts<'_>) -> bool {
        let routes = self.second(subject);
        let trigger = facts.trigger;
        routes.interest.triggers.contains(trigger)
            && (routes.interest.direct.contains(trigger)
                || routes.feeds(trigger).iter().any(|feed| evaluate::feeds(feed, facts)))
    }

    /// Judges one event in the second stage, for one key ([`Subject::Device`]: the device of the event). Such rules have a
    /// state of their own; nothing that [`Self::observe`] remembers is in it. Findings about keys carry `DeviceId(0)`.
    pub fn observe_key(&self, facts: &Facts<'_>, key: &Key<'_>, state: &mut SubjectState, out: &mut Vec<Firing>) {
        let whom = match key.subject {
            Subject::Device => Whom::LATER,
            _ => Whom { key: Some(key), remembers: false },
        };
        evaluate::observe(self, self.second(key.subject), whom, facts, state, out);
    }

    /// The tick of all for one device in the second stage. It does not say when the device was heard of, nor where: so episodes go on
    /// and end, and what begins does so by the device's own ticks ([`Self::observe_key`]).
    pub fn pass_device(&self, facts: &Facts<'_>, state: &mut SubjectState, out: &mut Vec<Firing>) {
        evaluate::pass(self, Whom::LATER, facts, state, out);
    }

    /// Drops windows that are over at `now`, and what belonged to rules that are no more. For the snapshot or a slow
    /// sweep: an idle subject shrinks to what its rules must remember.
    pub fn expire(&self, state: &mut SubjectState, now: Timestamp) {
        evaluate::expire(self, state, now);
    }

    pub(crate) fn routes(&self, subject: Subject) -> &Routes {
        &self.routes[subject as usize]
    }

    /// Of the second stage.
    pub(crate) fn second(&self, subject: Subject) -> &Routes {
        &self.routes[if subject == Subject::Device { Subject::COUNT } else { subject as usize }]
    }

    pub(crate) fn by_index(&self, index: u16) -> &Arc<Rule> {
        &self.rules[usize::from(index)]
    }

    pub(crate) fn by_key(&self, key: u32) -> Option<&Arc<Rule>> {
        self.index_of(key).map(|index| self.by_index(index))
    }

    /// What the window of this key is.
    pub(crate) fn window(&self, key: u32) -> Option<WindowSpec> {
        let at = self.windows.binary_search_by_key(&key, |(held, _)| *held).ok()?;
        Some(self.windows[at].1)
    }

    pub(crate) fn index_of(&self, key: u32) -> Option<u16> {
        let at = self.keys.binary_search_by_key(&key, |(held, _)| *held).ok()?;
        Some(self.keys[at].1)
    }
}

fn route_of(rule: &Rule) -> usize {
    match rule.subject {
        Subject::Device if rule.compiled.later => Subject::COUNT,
        subject => subject as usize,
    }
}

/// What second-stage rules about one subject want to see.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// Events of these kinds.
    pub triggers: Triggers,
    /// Events that matter by themselves, whatever feeds the windows.
    direct: Triggers,
    /// The whole device, not only its model, groups and state.
    pub device: bool,
    /// A subject that was idle for this long is in no window any more.
    pub idle: Duration,
}

impl Interest {
    fn add(&mut self, rule: &Rule) {
        if rule.mode == Mode::Off {
            return;
        }
        let compiled = &rule.compiled;
        let feeds = compiled.feeds.iter().fold(Triggers::NONE, |all, feed| all.or(feed.triggers));
        // What only the second stage knows cannot be asked before.
        let direct = if compiled.later { compiled.direct.or(feeds) } else { compiled.direct };
        // A device whose silence is in doubt is handed on by its own ticks, and then its next contact is.
        let waits = rule.subject == Subject::Device && compiled.triggers.contains(Trigger::Tick);
        let direct = if waits { direct.without(Triggers::MAY_CONTACT) } else { direct };
        let own = if waits { compiled.triggers.without(Triggers::MAY_CONTACT) } else { compiled.triggers };
        self.triggers = self.triggers.or(own).or(feeds).or(direct);
        self.direct = self.direct.or(direct);
        self.device |= compiled.reads_device;
        // A window holds up to a twelfth more than its length; silence may be asked about for as long as any window.
        let windows = compiled.feeds.iter().map(|feed| feed.spec.over() / 12 * 13).max().unwrap_or_default();
        let asks_time = compiled.triggers.contains(Trigger::Tick);
        let time = if asks_time { crate::window::MAX_OVER } else { Duration::ZERO };
        self.idle = self.idle.max(windows).max(time).max(rule.repeat.every);
    }
}

impl Routes {
    /// Rules that share a window feed it once.
    fn add(&mut self, feed: &Arc<Feed>) {
        if self.windows.iter().any(|held| held.key == feed.key) {
            return;
        }
        self.windows.push(Arc::clone(feed));
        for trigger in Trigger::ALL {
            if feed.triggers.contains(trigger) {
                self.feeds[trigger as usize].push(Arc::clone(feed));
            }
        }
    }

    pub(crate) fn rules(&self, trigger: Trigger) -> &[u16] {
        &self.rules[trigger as usize]
    }

    pub(crate) fn feeds(&self, trigger: Trigger) -> &[Arc<Feed>] {
        &self.feeds[trigger as usize]
    }
}

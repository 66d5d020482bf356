//! Rule documents become rules. Every mistake in every document is reported, not just the first.

mod feed;
mod gather;
mod places;
mod read;
mod respond;
mod tags;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{PlannedKind, parse_duration};
use serde_saphyr::Spanned;

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::document::RuleDocument;
use crate::episode::Times;
use crate::expr::build::{self, Condition};
use crate::expr::reach::{Reads, may_be_true};
use crate::expr::units::did_you_mean_text;
use crate::expr::{Bool, Names, Wrong, check_bool};
use crate::facts::{Trigger, Triggers};
use crate::planned::{self, PlannedKinds};
use crate::rule::{Cost, Mode, Repeat, Rule, Text};
use crate::ruleset::Options;
use crate::shared::Shared;
use crate::source::Source;
use crate::subject::Subject;
use crate::symbol;
use crate::template::Template;
use crate::vocabulary::{self, Field};
use crate::window::{Aggregate, Span};

use feed::describe_watch;
pub(crate) use feed::{Feed, FeedValue, known_key};

/// Most rules in all.
const MAX_RULES: usize = 2000;

/// The machinery of one rule.
pub(crate) struct Compiled {
    pub(crate) key: u32,
    pub(crate) scope: Option<Condition>,
    /// What `scope` and `when` were made from, for [`crate::plan`].
    pub(crate) scope_node: Option<Bool>,
    pub(crate) when: Condition,
    pub(crate) when_node: Bool,
    pub(crate) unless: Vec<Condition>,
    pub(crate) clear: Option<Condition>,
    /// One for each response: it is left out where this holds.
    pub(crate) responds_unless: Vec<Option<Condition>>,
    pub(crate) times: Times,
    pub(crate) value: Option<Field>,
    pub(crate) memory: Vec<Field>,
    pub(crate) feeds: Vec<Arc<Feed>>,
    pub(crate) title: Template,
    pub(crate) expected: Template,
    pub(crate) observed: Template,
    pub(crate) advice: Template,
    pub(crate) confidence: Template,
    /// Events that may make it fire.
    pub(crate) triggers: Triggers,
    /// Events that matter while an episode is under way.
    pub(crate) open_triggers: Triggers,
    pub(crate) cost: Cost,
    /// It asks what only the second stage knows.
    pub(crate) later: bool,
    pub(crate) new_to_group: Vec<Field>,
    /// It asks how many devices of a network are silent.
    pub(crate) outage: bool,
    /// Events that matter by themselves, even where they feed no window: what the second stage must be handed on.
    pub(crate) direct: Triggers,
    /// It reads more of the device than its kind.
    pub(crate) reads_device: bool,
}

/// A compiled rule with its document, for the tests in it.
pub(crate) struct WithTests<'a> {
    pub(crate) rule: Arc<Rule>,
    pub(crate) document: RuleDocument,
    pub(crate) source: Source<'a>,
}

/// Rules with their examples, and what they share.
pub(crate) struct Documents<'a> {
    pub(crate) rules: Vec<WithTests<'a>>,
    pub(crate) shared: Shared,
}

/// Compiles files into rules. An exception may be to a rule that is built in.
pub(crate) fn compile(files: &[(&str, &str)], options: &Options) -> Result<(Vec<Arc<Rule>>, Shared), Vec<Diagnostic>> {
    let compiled = compile_documents(files, options, &Shared::default(), false)?;
    Ok((compiled.rules.into_iter().map(|with_tests| with_tests.rule).collect(), compiled.shared))
}

/// Compiles files, keeping the documents. `outer`: what an operator's files share, where these are the built-in ones, of
/// which responses through channels that are not configured are left out.
pub(crate) fn compile_documents<'a>(
    files: &[(&'a str, &'a str)],
    options: &Options,
    outer: &Shared,
    builtin: bool,
) -> Result<Documents<'a>, Vec<Diagnostic>> {
    let mut wrong = Vec::new();
    let read = read::read(files, &mut wrong);
    let mut under = Shared::default();
    for (name, values) in &options.lists {
        under.lists.insert(name.clone(), values.as_slice().into());
    }
    let shared = Arc::new(gather::gather(&read, under, outer, &mut wrong));
    let mut rules: Vec<WithTests<'a>> = Vec::new();
    let mut names: BTreeMap<u32, String> = BTreeMap::new();
    for (source, document) in read.rules {
        if names.len() == MAX_RULES {
            wrong.push(source.diagnostic(1, 1, format!("more than {MAX_RULES} rules"), None));
            break;
        }
        let known = Names { shared: Arc::clone(&shared), ..Names::default() };
        let mut compiler = Compiler {
            source: &source,
            options,
            builtin,
            names: known,
            wrong: &mut wrong,
            feed_memory: Vec::new(),
            feed_known: Vec::new(),
            reads_device: false,
        };
        let rule = compiler.rule(&document);
        if let Some(other) = names.insert(symbol::key(&document.rule.value), document.rule.value.clone()) {
            let message = format!("the name `{}` is taken by `{other}`", document.rule.value);
            wrong.push(source.about(&document.rule, message, Some("rules need different names".into())));
        }
        rules.extend(rule.map(|rule| WithTests { rule: Arc::new(rule), document, source }));
    }
    if !builtin && !shared.exceptions.is_empty() {
        let known: Vec<String> = names.into_values().chain(crate::builtin::names().map(str::to_owned)).collect();
        gather::homeless(&shared, &known, &mut wrong);
    }
    let shared = Arc::unwrap_or_clone(shared);
    if wrong.is_empty() { Ok(Documents { rules, shared }) } else { Err(wrong) }
}

struct Compiler<'a, 'b> {
    source: &'a Source<'b>,
    options: &'a Options,
    builtin: bool,
    names: Names,
    wrong: &'a mut Vec<Diagnostic>,
    /// What the windows of the rule under way compare with the device's last value.
    feed_memory: Vec<Field>,
    /// Fields of which they ask whether a value is new to the device.
    feed_known: Vec<Field>,
    /// Something in the rule reads more of the device than its kind.
    reads_device: bool,
}

impl Compiler<'_, '_> {
    fn rule(&mut self, document: &RuleDocument) -> Option<Rule> {
        let before = self.wrong.len();
        self.check_name(document);
        let scope = document.scope.as_ref().and_then(|text| self.condition(text));
        let subject = self.subject(document);
        self.feed_memory.clear();
        self.feed_known.clear();
        let feeds = self.watch(document, subject, scope.as_ref());
        let (when_text, hold) = self.held(&document.when);
        let when = self.condition(&when_text);
        let unless = self.excuses(document);
        self.tags(document);
        let clear_text = document.clear.as_ref().map(|text| self.held(text));
        let clear = clear_text.as_ref().and_then(|(text, _)| self.condition(text));
        let reads = when.as_ref().map(Reads::of).unwrap_or_default();
        let (repeat, value) = self.repeat(document, subject, &reads);
        let responds = self.responds(document, subject != Subject::Device);
        let windows = document.watch.keys().map(String::as_str).collect::<Vec<_>>();
        let mut memory = Vec::new();
        let title = self.template(Some(&document.title), "", &mut memory);
        let expected =
            self.template(document.expected.as_ref(), &format!("not: {}", braces(&when_text.value)), &mut memory);
        let observed =
            self.template(document.observed.as_ref(), &default_observed(&when_text.value, &windows), &mut memory);
        let advice = self.template(document.advice.as_ref(), "", &mut memory);
        let confidence = self.template(document.confidence.as_ref(), "", &mut memory);
        let planned = self.planned(document);
        let when_node = when?;
        let others: Vec<Reads> = unless.iter().chain(&scope).chain(&clear).map(Reads::of).collect();
        memory.extend(others.iter().chain([&reads]).flat_map(|reads| reads.memory.iter().copied()));
        memory.append(&mut self.feed_memory);
        let later = reads.later || others.iter().any(|reads| reads.later);
        let feeds = self.with_known(document, subject, feeds, others.iter().chain([&reads]));
        let outage = others.iter().chain([&reads]).any(|reads| reads.outage);
        let new_to_group = others.iter().chain([&reads]).flat_map(|reads| reads.new_to_group.clone()).collect();
        self.check_stage(document, subject, later, &memory, &feeds);
        let triggers = self.triggers(document, subject, &when_node, scope.as_ref(), &reads, &feeds);
        if self.wrong.len() > before {
            return None;
        }
        let clear_at = clear.as_ref().map_or(Triggers::NONE, may_be_true);
        let times = Times {
            hold,
            clear_hold: clear_text.as_ref().map_or(Duration::ZERO, |(_, hold)| *hold),
            every: repeat.every,
            per_value: repeat.per_value,
            has_clear: clear.is_some(),
        };
        let clear_direct = clear.as_ref().map_or(Triggers::NONE, |clear| direct(&Reads::of(clear), clear_at));
        let direct = direct(&reads, triggers).or(clear_direct);
        let mode = self.options.mode.unwrap_or(document.mode);
        let off = mode == Mode::Off && !self.options.even_off;
        let cost = cost(&reads, scope.as_ref(), &unless, &feeds);
        Some(Rule {
            name: document.rule.value.as_str().into(),
            version: document.version,
            title: document.title.value.as_str().into(),
            file: self.source.file.into(),
            subject,
            severity: document.severity,
            mode,
            budget: document.budget,
            repeat,
            responds: responds.asked,
            tags: document.tags.iter().map(|tag| tag.value.as_str().into()).collect(),
            why: document.why.as_deref().map(plain).unwrap_or_default().into(),
            false_alarms: document.false_alarms.as_deref().map(plain).unwrap_or_default().into(),
            references: document.references.clone(),
            tests: document.tests.len(),
            planned,
            text: text_of(document, &self.names.shared, responds.unless_text),
            compiled: Compiled {
                key: symbol::key(&document.rule.value),
                scope: scope.as_ref().map(build::condition),
                scope_node: scope,
                when: build::condition(&when_node),
                when_node,
                unless: unless.iter().map(build::condition).collect(),
                clear: clear.as_ref().map(build::condition),
                responds_unless: responds.unless,
                times,
                value,
                memory,
                feeds: if off { Vec::new() } else { feeds },
                title,
                expected,
                observed,
                advice,
                confidence,
                triggers: if off { Triggers::NONE } else { triggers },
                open_triggers: triggers.or(Triggers::TICK).or(clear_at),
                cost,
                later,
                new_to_group,
                outage,
                direct,
                reads_device: self.reads_device,
            },
        })
    }

    /// The windows that know which values are new to a device come first: the others may ask them.
    fn with_known<'r>(
        &mut self,
        document: &RuleDocument,
        subject: Subject,
        feeds: Vec<Arc<Feed>>,
        reads: impl Iterator<Item = &'r Reads>,
    ) -> Vec<Arc<Feed>> {
        let mut fields = std::mem::take(&mut self.feed_known);
        fields.extend(reads.flat_map(|reads| reads.new_to_device.iter().copied()));
        if subject != Subject::Device && !fields.is_empty() {
            let hint = Some("`new_to_group` is about a model or the fleet".to_owned());
            self.wrong.push(self.source.about(&document.when, "`new_to_device` is about one device", hint));
        }
        let mut known: Vec<Arc<Feed>> = Vec::new();
        for field in fields {
            if known.iter().all(|feed| feed.key != known_key(field)) {
                known.push(Arc::new(feed::known(field)));
            }
        }
        known.extend(feeds);
        known
    }

    /// The second stage knows no last values, and of single devices only what the baseline says.
    fn check_stage(
        &mut self,
        document: &RuleDocument,
        subject: Subject,
        later: bool,
        memory: &[Field],
        feeds: &[Arc<Feed>],
    ) {
        if subject != Subject::Device && !memory.is_empty() {
            let message = "`changed`, `previous` and `first` are about one device, not a group";
            self.wrong.push(self.source.about(&document.when, message, None));
        }
        if subject != Subject::Device || !later {
            return;
        }
        if !memory.is_empty() {
            let hint = "`unusual.identity_changed`, `unusual.place_changed` and `unusual.new_destination` tell of the last day";
            let message = "a rule that asks the baseline or other devices cannot compare a device's last values";
            self.wrong.push(self.source.about(&document.when, message, Some(hint.to_owned())));
        }
        if !feeds.is_empty() {
            let hint = "write a second rule for the window, or count over the fleet with `per:`".to_owned();
            let message = "a rule about one device that asks the baseline or other devices has no windows";
            self.wrong.push(self.source.about(&document.when, message, Some(hint)));
        }
    }

    fn check_name(&mut self, document: &RuleDocument) {
        let name = &document.rule.value;
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
            let hint = Some("small letters, digits and `-`, at most 64".to_owned());
            self.wrong.push(self.source.about(&document.rule, format!("`{name}` is no name for a rule"), hint));
        }
    }

    fn planned(&mut self, document: &RuleDocument) -> PlannedKinds {
        planned::kinds_of(document).unwrap_or_else(|name| {
            let kinds = PlannedKind::ALL.map(PlannedKind::name);
            let hint = did_you_mean(&name, kinds).map(did_you_mean_text);
            let hint = hint.unwrap_or_else(|| format!("one of {}", kinds.join(", ")));
            let message = format!("`{name}` is no kind of planned change");
            let place = document.planned.as_ref().map_or(0, |stated| stated.referenced.line() as usize);
            self.wrong.push(self.source.diagnostic(place, 1, message, Some(hint)));
            PlannedKinds::default()
        })
    }

    /// Everything that excuses it: `unless`, `except`, and what operators excepted.
    fn excuses(&mut self, document: &RuleDocument) -> Vec<Bool> {
        let own = document.unless.iter().chain(&document.except);
        let mut excuses: Vec<Bool> = own.filter_map(|text| self.condition(text)).collect();
        excuses.extend(self.exceptions(document));
        excuses
    }

    /// What operators excepted, each until its end.
    fn exceptions(&mut self, document: &RuleDocument) -> Vec<Bool> {
        let shared = Arc::clone(&self.names.shared);
        let mut excepted = Vec::new();
        for exception in shared.exceptions.iter().filter(|exception| exception.rule.value == document.rule.value) {
            match check_bool(&exception.when.value, &self.names) {
                Ok(when) => {
                    excepted.push(Bool::And(Box::new(Bool::Before(exception.until)), Box::new(when)));
                }
                Err(errors) => {
                    let source = exception.source();
                    let told = errors.into_iter().map(|it| source.inside(&exception.when, it.at, it.message, it.hint));
                    self.wrong.extend(told);
                }
            }
        }
        excepted
    }

    fn tags(&mut self, document: &RuleDocument) {
        for tag in &document.tags {
            if let Some((message, hint)) = tags::mistake(&tag.value) {
                self.wrong.push(self.source.about(tag, message, hint));
            }
        }
    }

    fn note(&mut self, text: &Spanned<String>, wrong: Vec<Wrong>) {
        for error in wrong {
            self.wrong.push(self.source.inside(text, error.at, error.message, error.hint));
        }
    }

    fn condition(&mut self, text: &Spanned<String>) -> Option<Bool> {
        let node = check_bool(&text.value, &self.names).map_err(|wrong| self.note(text, wrong)).ok()?;
        self.reads_device |= Reads::of(&node).whole_device;
        Some(node)
    }

    /// Splits `<expr> for 30m`. What remains keeps its length, so columns stay true.
    fn held(&mut self, text: &Spanned<String>) -> (Spanned<String>, Duration) {
        let mut condition = text.clone();
        let Some(at) = text.value.rfind(" for ") else { return (condition, Duration::ZERO) };
        let Some(length) = parse_duration(&text.value[at + 5..]) else { return (condition, Duration::ZERO) };
        if length > crate::window::MAX_OVER {
            let chars = text.value[..at].chars().count() + 5;
            self.wrong.push(self.source.inside(text, chars, "longer than 31 days", None));
        }
        condition.value.truncate(at);
        (condition, length)
    }

    fn subject(&mut self, document: &RuleDocument) -> Subject {
        let mut subject = document.per.as_ref().map(|text| self.subject_of(text));
        match &document.level {
            Some(level) if level.value == "fleet" => subject = subject.or(Some(Subject::Fleet)),
            Some(level) if level.value == "device" => {}
            Some(level) => {
                let hint = Some("fleet or device; `per:` says what is counted together".to_owned());
                self.wrong.push(self.source.about(level, format!("unknown level `{}`", level.value), hint));
            }
            None => {}
        }
        for watch in document.watch.values() {
            let Some(text) = &watch.value.per else { continue };
            let own = self.subject_of(text);
            if *subject.get_or_insert(own) != own {
                let hint = Some("write two rules".to_owned());
                self.wrong.push(self.source.about(watch, "the windows of a rule are all about the same", hint));
            }
        }
        subject.unwrap_or_default()
    }

    fn subject_of(&mut self, text: &Spanned<String>) -> Subject {
        Subject::parse(&text.value).unwrap_or_else(|| {
            let known = Subject::ALL.map(Subject::name);
            let hint =
                did_you_mean(&text.value, known).map_or(format!("one of {}", known.join(", ")), did_you_mean_text);
            self.wrong.push(self.source.about(text, format!("unknown subject `{}`", text.value), Some(hint)));
            Subject::default()
        })
    }

    /// `once per 24h`, `once per new value`, `once per new imei`, `once per new imei per 7d`; `once per destination per 24h`
    /// is short for `once per new flow.destination per 24h`, and the rule's own key need not be named.
    fn repeat(&mut self, document: &RuleDocument, subject: Subject, reads: &Reads) -> (Repeat, Option<Field>) {
        let Some(text) = &document.repeat else { return (Repeat::default(), None) };
        let rest = text.value.trim().strip_prefix("once per ").map(str::trim);
        let every = |text: &str| parse_duration(text).filter(|every| (60..=31 * 86_400).contains(&every.as_secs()));
        let parsed = rest.and_then(|rest| {
            if let Some(every) = every(rest) {
                return Some((Repeat { every, per_value: false }, None));
            }
            let (name, length) = rest.split_once(" per ").unwrap_or((rest, "24h"));
            let name = name.trim();
            let every = every(length)?;
            if Subject::parse(name) == Some(subject) {
                return Some((Repeat { every, per_value: false }, None));
            }
            let field = match name.strip_prefix("new ").unwrap_or(name).trim() {
                "value" => reads.first_memory,
                "destination" => vocabulary::find("flow.destination").map(|entry| entry.field),
                name => vocabulary::find(name).map(|entry| entry.field).filter(|field| field.code().is_some()),
            };
            Some((Repeat { every, per_value: true }, Some(field?)))
        });
        parsed.unwrap_or_else(|| {
            let hint =
                "`once per 24h` (1 min to 31 d), `once per new imei`, or `once per new value` of what `changed` names";
            let message = format!("`{}` is not understood", text.value);
            self.wrong.push(self.source.about(text, message, Some(hint.to_owned())));
            (Repeat::default(), None)
        })
    }

    fn template(&mut self, text: Option<&Spanned<String>>, default: &str, memory: &mut Vec<Field>) -> Template {
        let compiled = Template::compile(text.map_or(default, |text| &text.value), &self.names);
        match (compiled, text) {
            (Ok((template, typed)), _) => {
                let mut reads = Reads::default();
                for typed in &typed {
                    reads.typed(typed);
                }
                self.reads_device |= reads.whole_device;
                memory.extend(reads.memory);
                template
            }
            (Err(wrong), Some(text)) => {
                self.note(text, wrong);
                Template::default()
            }
            (Err(_), None) => Template::default(),
        }
    }

    /// Which events may make the rule fire: where `when` and `scope` may hold, and something that `when` reads may have
    /// changed.
    fn triggers(
        &mut self,
        document: &RuleDocument,
        subject: Subject,
        when: &Bool,
        scope: Option<&Bool>,
        reads: &Reads,
        feeds: &[Arc<Feed>],
    ) -> Triggers {
        let mut changed = reads.carriers;
        for feed in feeds.iter().filter(|feed| reads.windows.iter().any(|window| window.key == feed.key)) {
            changed = changed.or(feed.triggers);
        }
        if reads.kind {
            changed = Triggers::ALL;
        }
        if reads.time {
            changed = changed.or(Triggers::TICK);
        }
        if changed.is_empty() {
            changed = Triggers::CONTACT.or(Triggers::of(Trigger::DeviceChange));
        }
        let possible = may_be_true(when).and(scope.map_or(Triggers::ALL, may_be_true));
        let all = changed.and(possible);
        // A source is no device: what happens to it is told in the second stage, by its own key.
        let source = if subject == Subject::Device { Triggers::of(Trigger::SourceState) } else { Triggers::NONE };
        let triggers = all.without(source);
        if triggers.is_empty() {
            let (message, hint) = if all.is_empty() {
                ("this can never be true", "no kind of event carries everything that it reads")
            } else {
                ("this is about a source, not about a device", "add `per: source`")
            };
            self.wrong.push(self.source.about(&document.when, message, Some(hint.to_owned())));
        }
        triggers
    }
}

/// The events of `at` that matter to a condition by themselves. A condition on nothing but windows moves only when one of
/// them is fed; silence ends with any contact.
fn direct(reads: &Reads, at: Triggers) -> Triggers {
    let contact = if reads.time { Triggers::MAY_CONTACT.or(Triggers::TICK) } else { Triggers::NONE };
    let only_windows = reads.carriers.is_empty() && !reads.kind && !reads.device && !reads.windows.is_empty();
    if only_windows { contact } else { contact.or(at) }
}

fn default_observed(when: &str, windows: &[&str]) -> String {
    if windows.is_empty() {
        return braces(when);
    }
    windows.iter().map(|name| format!("{name}: {{{name}}}")).collect::<Vec<_>>().join(", ")
}

/// As it stands in a template.
fn braces(text: &str) -> String {
    plain(text).replace('{', "{{").replace('}', "}}")
}

/// With white space as in a sentence.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text_of(document: &RuleDocument, shared: &Shared, responds_unless: Vec<Option<String>>) -> Text {
    let excepted = shared.exceptions.iter().filter(|exception| exception.rule.value == document.rule.value);
    let excepted = excepted.map(|it| format!("`{}` until {} ({})", plain(&it.when.value), it.until, it.reason));
    let watch = document.watch.iter().map(|(name, watch)| (name.clone(), describe_watch(&watch.value)));
    let some = |text: &Option<Spanned<String>>| text.as_ref().map(|text| plain(&text.value));
    let excuses = document.unless.iter().chain(&document.except);
    Text {
        scope: some(&document.scope),
        watch: watch.collect(),
        when: plain(&document.when.value),
        excuses: excuses.map(|text| plain(&text.value)).collect(),
        exceptions: excepted.collect(),
        clear: some(&document.clear),
        repeat: some(&document.repeat),
        responds_unless,
        expected: some(&document.expected),
        observed: some(&document.observed),
        advice: some(&document.advice),
        confidence: some(&document.confidence),
    }
}

/// Measured on the bench: about 2 ns a term, 12 ns to feed a window.
fn cost(reads: &Reads, scope: Option<&Bool>, unless: &[Bool], feeds: &[Arc<Feed>]) -> Cost {
    let terms = reads.nodes + scope.iter().copied().chain(unless).map(|node| Reads::of(node).nodes).sum::<usize>();
    let keys: BTreeSet<u32> = feeds.iter().map(|feed| feed.key).collect();
    let bytes = feeds.iter().map(|feed| match feed.spec.aggregate {
        Aggregate::Absent | Aggregate::Last => 24,
        Aggregate::Distinct | Aggregate::Known => 24 + 24 + 16 * crate::window::DISTINCT_LIMIT,
        _ if feed.spec.span() != Span::Sliding => 24,
        Aggregate::Sum | Aggregate::Count | Aggregate::Max | Aggregate::Min => 24 + 112,
    });
    #[expect(clippy::cast_precision_loss, reason = "a few hundred terms")]
    let nanos = 3.0 + 2.0 * terms as f64 + 12.0 * keys.len() as f64;
    Cost { nanos, windows: keys.len(), bytes: bytes.sum() }
}

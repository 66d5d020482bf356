//! Rule documents become rules. Every mistake in every document is reported, not just the first.

mod cost;
mod excuses;
mod feed;
mod gather;
mod places;
mod read;
mod respond;
mod stage;
mod subject;
mod tags;
mod times;
mod triggers;
mod words;

pub use gather::MAX_LIST_FILE;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::Spanned;

use crate::called::{Call, calls};
use crate::diagnostic::Diagnostic;
use crate::document::RuleDocument;
use crate::episode::Times;
use crate::expr::build::{self, Condition};
use crate::expr::ir::WindowRef;
use crate::expr::reach::{Reads, may_be_true};
use crate::expr::{Bool, Names, Wrong, check_bool};
use crate::facts::Triggers;
use crate::rule::{Cost, Mode, Rule};
use crate::ruleset::Options;
use crate::shared::Shared;
use crate::source::Source;
use crate::subject::Subject;
use crate::symbol;
use crate::template::Template;
use crate::vocabulary::Field;

use cost::cost;
use triggers::direct;
use words::{braces, default_observed, plain, text_of};

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
    let mut names: BTreeMap<u32, (String, String)> = BTreeMap::new();
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
            windows_read: Vec::new(),
            doubts: Vec::new(),
            calls: Vec::new(),
        };
        let rule = compiler.rule(&document);
        let name = &document.rule;
        let place = source.at_line(name.defined.line() as usize);
        if let Some((other, place)) = names.insert(symbol::key(&name.value), (name.value.clone(), place)) {
            let message = format!("the name `{}` is taken by `{other}` of {place}", name.value);
            wrong.push(source.about(name, message, Some("rules need different names".into())));
        }
        rules.extend(rule.map(|rule| WithTests { rule: Arc::new(rule), document, source }));
    }
    if !builtin && !shared.exceptions.is_empty() {
        let known: Vec<String> =
            names.into_values().map(|(name, _)| name).chain(crate::builtin::names().map(str::to_owned)).collect();
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
    /// Windows that an expression or a sentence of the rule reads.
    windows_read: Vec<WindowRef>,
    /// What its author may not have meant.
    doubts: Vec<Diagnostic>,
    /// Models and groups that its conditions call by name.
    calls: Vec<Call>,
}

impl Compiler<'_, '_> {
    fn rule(&mut self, document: &RuleDocument) -> Option<Rule> {
        let before = self.wrong.len();
        self.check_name(document);
        let scope = document.scope.as_ref().and_then(|text| self.condition(text));
        let subject = self.subject(document);
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
        let cost = cost(&reads, scope.as_ref(), &unless, &feeds);
        self.check_cost(document, subject, cost);
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
            text: text_of(document, &self.names, responds.unless_text),
            warnings: self.unread(document, &others).into_iter().chain(std::mem::take(&mut self.doubts)).collect(),
            calls: std::mem::take(&mut self.calls),
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

    fn check_name(&mut self, document: &RuleDocument) {
        let name = &document.rule.value;
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
            let hint = Some("small letters, digits and `-`, at most 64".to_owned());
            self.wrong.push(self.source.about(&document.rule, format!("`{name}` is no name for a rule"), hint));
        }
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
        self.doubt(text);
        let reads = Reads::of(&node);
        self.reads_device |= reads.whole_device;
        self.windows_read.extend(reads.windows);
        self.calls.extend(calls(&node, &text.value, |at| self.source.inside(text, at, "", None)));
        Some(node)
    }

    /// What the expression that was checked last leaves in doubt.
    fn doubt(&mut self, text: &Spanned<String>) {
        let doubts = self.names.doubts.take().into_iter();
        self.doubts.extend(doubts.map(|it| self.source.inside(text, it.at, it.message, it.hint)));
    }
}

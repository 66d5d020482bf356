//! The windows of a rule: what feeds each, and what it measures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::Spanned;

use super::times::length;
use super::{Compiler, plain};
use crate::diagnostic::Diagnostic;
use crate::document::{RuleDocument, WatchDocument};
use crate::expr::build::{self, Amount, Condition};
use crate::expr::ir::{Num, WindowRef};
use crate::expr::reach::{Reads, carriers, may_be_true};
use crate::expr::{Bool, Sym, Text as TextNode, Typed, check_any};
use crate::facts::{Trigger, Triggers};
use crate::subject::Subject;
use crate::symbol;
use crate::vocabulary::{self, Dimension, Field};
use crate::window::{Aggregate, Span, WindowSpec};

/// Most windows of one rule.
const MAX_WINDOWS: usize = 8;

/// What feeds one window.
pub(crate) struct Feed {
    pub(crate) key: u32,
    pub(crate) spec: WindowSpec,
    pub(crate) triggers: Triggers,
    pub(crate) scope: Option<Condition>,
    pub(crate) filter: Option<Condition>,
    /// What `scope`, `filter` and the condition of an event were made from, for [`crate::plan`].
    pub(crate) scope_node: Option<Bool>,
    pub(crate) filter_node: Option<Bool>,
    pub(crate) event_node: Option<Bool>,
    /// A condition or value of it compares with the value before.
    pub(crate) compares: bool,
    /// It asks whether a value is new to the device, which the past does not tell.
    pub(crate) asks_known: bool,
    pub(crate) value: FeedValue,
}

pub(crate) enum FeedValue {
    /// Count and absent: the event itself, where this holds.
    Event(Condition),
    Amount(Num, Amount),
    Symbol(Sym),
    Text(TextNode),
    /// What stands for the value of a field.
    Identity(Field),
}

/// `24h`, `lifetime`, `cycle` (from the first of a month) or `cycle from 15`.
fn spec_of(aggregate: Aggregate, over: &str) -> Option<WindowSpec> {
    let over = over.trim();
    if over == "lifetime" {
        return WindowSpec::life(aggregate);
    }
    match over.strip_prefix("cycle") {
        Some("") => WindowSpec::cycle(aggregate, 1),
        Some(from) => WindowSpec::cycle(aggregate, from.trim().strip_prefix("from ")?.trim().parse().ok()?),
        None => WindowSpec::new(aggregate, length(over)?),
    }
}

/// The key of the window that knows all values of a field that a device has shown; all rules share it.
pub(crate) fn known_key(field: Field) -> u32 {
    symbol::key(&format!("known {}", field.code().unwrap_or_default()))
}

/// It.
pub(super) fn known(field: Field) -> Feed {
    Feed {
        key: known_key(field),
        spec: WindowSpec::life(Aggregate::Known).expect("what is known has no end"),
        triggers: carriers(field).without(Triggers::TICK).without(Triggers::of(Trigger::DeviceChange)),
        scope: None,
        filter: None,
        scope_node: None,
        filter_node: None,
        event_node: None,
        compares: false,
        asks_known: false,
        value: FeedValue::Identity(field),
    }
}

impl Compiler<'_, '_> {
    /// The windows that know which values are new to a device come first: the others may ask them.
    pub(super) fn with_known<'r>(
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
                known.push(Arc::new(self::known(field)));
            }
        }
        known.extend(feeds);
        known
    }

    pub(super) fn watch(&mut self, document: &RuleDocument, subject: Subject, scope: Option<&Bool>) -> Vec<Arc<Feed>> {
        if document.watch.len() > MAX_WINDOWS {
            let message = format!("more than {MAX_WINDOWS} windows");
            self.wrong.push(self.source.about(&document.rule, message, Some("split the rule".into())));
            return Vec::new();
        }
        let mut feeds = Vec::new();
        let mut windows = BTreeMap::new();
        for (name, watch) in &document.watch {
            if vocabulary::find(name).is_some() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                let hint = Some("letters, digits and `_`; not the name of a field".to_owned());
                self.wrong.push(self.source.about(watch, format!("`{name}` is no name for a window"), hint));
            }
            let scope_text = document.scope.as_ref().map_or("", |scope| scope.value.as_str());
            if let Some((feed, dimension)) = self.feed(watch, subject, scope, scope_text) {
                windows.insert(name.clone(), (WindowRef { key: feed.key, spec: feed.spec }, dimension));
                feeds.push(Arc::new(feed));
            } else {
                // A stand-in, so that `when` is checked for its own mistakes only.
                let spec = WindowSpec::new(Aggregate::Count, Duration::from_hours(1)).expect("an hour is a window");
                windows.insert(name.clone(), (WindowRef { key: 0, spec }, Dimension::Plain));
            }
        }
        self.names.windows = windows;
        feeds
    }

    /// Windows that cost memory for nothing; `others`: what operators' exceptions read, too.
    pub(super) fn unread(&self, document: &RuleDocument, others: &[Reads]) -> Vec<Diagnostic> {
        let read = || others.iter().flat_map(|reads| &reads.windows).chain(&self.windows_read);
        let is_unread = |name: &str| {
            let window = self.names.windows.get(name);
            window.is_some_and(|(window, _)| !read().any(|read| read == window))
        };
        let told = document.watch.iter().filter(|(name, _)| is_unread(name)).map(|(name, watch)| {
            let message = format!("nothing in {} reads the window `{name}`", document.rule.value);
            self.source.about(watch, message, Some("read it in `when`, or remove it".to_owned()))
        });
        told.collect()
    }

    fn feed(
        &mut self,
        watch: &Spanned<WatchDocument>,
        subject: Subject,
        scope: Option<&Bool>,
        scope_text: &str,
    ) -> Option<(Feed, Dimension)> {
        let document = &watch.value;
        let kinds = [
            (&document.sum, Aggregate::Sum),
            (&document.count, Aggregate::Count),
            (&document.distinct, Aggregate::Distinct),
            (&document.max, Aggregate::Max),
            (&document.min, Aggregate::Min),
            (&document.last, Aggregate::Last),
            (&document.absent, Aggregate::Absent),
        ];
        let mut stated = kinds.iter().filter_map(|(text, aggregate)| Some((text.as_ref()?, *aggregate)));
        let (Some((text, aggregate)), None) = (stated.next(), stated.next()) else {
            let message = "a window states one of `sum`, `count`, `distinct`, `max`, `min`, `last`, `absent`";
            self.wrong.push(self.source.about(watch, message, None));
            return None;
        };
        let Some(spec) = spec_of(aggregate, &document.over.value) else {
            let message = format!("`{}` is no length of this window", document.over.value);
            let hint = "1 min to 31 d, for example `over: 24h`; `lifetime`, or `cycle from 15` (a day up to 28)";
            self.wrong.push(self.source.about(&document.over, message, Some(hint.to_owned())));
            return None;
        };
        let filter = document.filter.as_ref().map(|filter| self.condition(filter));
        let (value, known, dimension) = self.feed_value(text, aggregate)?;
        let filter = match filter {
            Some(None) => return None,
            Some(Some(filter)) => Some(filter),
            None => None,
        };
        let mut triggers = may_be_true(&known).without(Triggers::TICK).without(Triggers::of(Trigger::DeviceChange));
        triggers = filter.as_ref().map_or(triggers, |filter| triggers.and(may_be_true(filter)));
        triggers = scope.map_or(triggers, |scope| triggers.and(may_be_true(scope)));
        let reads: Vec<Reads> = filter.iter().chain([&known]).chain(scope).map(Reads::of).collect();
        self.reads_device |= reads.iter().any(|reads| reads.whole_device);
        let known_fields: Vec<Field> = reads.iter().flat_map(|reads| reads.new_to_device.iter().copied()).collect();
        let asks_known = !known_fields.is_empty();
        self.feed_known.extend(known_fields);
        let memory: Vec<_> = reads.into_iter().flat_map(|reads| reads.memory).collect();
        let compares = !memory.is_empty();
        self.feed_memory.extend(memory);
        let filter_text = document.filter.as_ref().map_or("", |filter| filter.value.as_str());
        let over = match spec.span() {
            Span::Sliding => spec.over().as_millis().to_string(),
            other => format!("{other:?}"),
        };
        let name = format!(
            "{subject:?} {aggregate:?} {over} {} | {} | {}",
            plain(&text.value),
            plain(filter_text),
            plain(scope_text)
        );
        let feed = Feed {
            key: symbol::key(&name),
            spec,
            triggers,
            scope: scope.map(build::condition),
            filter: filter.as_ref().map(build::condition),
            scope_node: scope.cloned(),
            filter_node: filter,
            event_node: matches!(value, FeedValue::Event(_)).then_some(known),
            compares,
            asks_known,
            value,
        };
        Some((feed, dimension))
    }

    /// What is aggregated, the condition under which there is something to aggregate, and what the window measures.
    fn feed_value(&mut self, text: &Spanned<String>, aggregate: Aggregate) -> Option<(FeedValue, Bool, Dimension)> {
        let typed = match check_any(&text.value, &self.names) {
            Ok(typed) => typed,
            Err(wrong) => {
                self.note(text, wrong);
                return None;
            }
        };
        self.doubt(text);
        let known = Bool::Has(Box::new(typed.clone()));
        Some(match (aggregate, typed) {
            (Aggregate::Count | Aggregate::Absent, Typed::Bool(node)) => {
                (FeedValue::Event(build::condition(&node)), node, Dimension::Plain)
            }
            (Aggregate::Sum | Aggregate::Max | Aggregate::Min | Aggregate::Last, Typed::Number(node, dimension)) => {
                (FeedValue::Amount(node.clone(), build::amount(&node)), known, dimension)
            }
            (Aggregate::Distinct, Typed::Symbol(node, _)) => (FeedValue::Symbol(node), known, Dimension::Plain),
            (Aggregate::Distinct, Typed::Text(node)) => (FeedValue::Text(node), known, Dimension::Plain),
            (Aggregate::Distinct, Typed::Number(Num::Field(number), dimension)) => {
                (FeedValue::Identity(Field::Number(number, dimension)), known, Dimension::Plain)
            }
            (aggregate, typed) => {
                let wants = match aggregate {
                    Aggregate::Count | Aggregate::Absent => "a condition, for example `session_start`",
                    Aggregate::Sum | Aggregate::Max | Aggregate::Min | Aggregate::Last => {
                        "an amount, for example `bytes`"
                    }
                    Aggregate::Distinct | Aggregate::Known => {
                        "the value of a field, for example `country` or `flow.port`"
                    }
                };
                let message = format!("this is {}", typed.describe());
                self.wrong.push(self.source.about(text, message, Some(format!("this kind of window wants {wants}"))));
                return None;
            }
        })
    }
}

/// In words, for `explain`.
pub(super) fn describe_watch(watch: &WatchDocument) -> String {
    let what = [
        ("the sum of", &watch.sum),
        ("the number of", &watch.count),
        ("the number of different", &watch.distinct),
        ("the largest", &watch.max),
        ("the smallest", &watch.min),
        ("the last", &watch.last),
        ("no", &watch.absent),
    ];
    let stated = what.iter().find_map(|(words, text)| Some(format!("{words} {}", plain(&text.as_ref()?.value))));
    let filter = watch.filter.as_ref().map_or(String::new(), |filter| format!(" where {}", plain(&filter.value)));
    format!("{}{filter} over {}", stated.unwrap_or_default(), watch.over.value)
}

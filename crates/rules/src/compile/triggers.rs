//! Which events concern a rule.

use std::sync::Arc;

use super::{Compiler, Feed};
use crate::document::RuleDocument;
use crate::expr::Bool;
use crate::expr::reach::{Reads, may_be_true};
use crate::facts::{Trigger, Triggers};
use crate::subject::Subject;

impl Compiler<'_, '_> {
    /// Which events may make the rule fire: where `when` and `scope` may hold, and something that `when` reads may have
    /// changed.
    pub(super) fn triggers(
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
pub(super) fn direct(reads: &Reads, at: Triggers) -> Triggers {
    let contact = if reads.time { Triggers::MAY_CONTACT.or(Triggers::TICK) } else { Triggers::NONE };
    let only_windows = reads.carriers.is_empty() && !reads.kind && !reads.device && !reads.windows.is_empty();
    if only_windows { contact } else { contact.or(at) }
}

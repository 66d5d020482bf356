//! What a rule costs, estimated; and what is too much.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Compiler, Feed};
use crate::document::RuleDocument;
use crate::expr::Bool;
use crate::expr::reach::Reads;
use crate::rule::Cost;
use crate::subject::Subject;
use crate::window::{Aggregate, BUCKETS, DISTINCT_LIMIT, Sketch, Span};

/// Nanoseconds of every rule, of every term, what a text and a last value take beside it, and of feeding and reading a window:
/// set so that every shape of the bench `cost` took between half and twice as long.
const RULE: f64 = 1.0;
const TERM: f64 = 1.2;
const TEXT: f64 = 3.0;
const RECALL: f64 = 3.0;
const WINDOW: f64 = 28.0;
/// ... and an episode that is under way.
const EPISODE: f64 = 160.0;
/// A rule must not take longer for one record: a thousand such rules would let a core judge a thousand records a second.
const MOST_NANOS: f64 = 1000.0;
/// Nor more memory for one device: a million of them would fill 8 GB with one rule.
const MOST_BYTES: usize = 8 << 10;

/// Octets of a window beside what it holds: key, place, form, newest bucket and which hold something.
const ENTRY: usize = 14;

/// What it costs, its windows taken as full as they can be.
pub(super) fn cost(reads: &Reads, scope: Option<&Bool>, unless: &[Bool], feeds: &[Arc<Feed>]) -> Cost {
    let asked: Vec<Reads> = scope.iter().copied().chain(unless).map(Reads::of).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few hundred terms")]
    let of_terms =
        |reads: &Reads| TERM * reads.nodes as f64 + TEXT * reads.texts as f64 + RECALL * reads.recalls as f64;
    let terms: f64 = of_terms(reads) + asked.iter().map(of_terms).sum::<f64>();
    let windows: BTreeMap<u32, usize> = feeds.iter().map(|feed| (feed.key, bytes(feed))).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few windows")]
    let nanos = RULE + terms + WINDOW * windows.len() as f64;
    Cost { nanos, nanos_under_way: nanos + EPISODE, windows: windows.len(), bytes: windows.values().sum() }
}

fn bytes(feed: &Feed) -> usize {
    let held = match feed.spec.aggregate {
        Aggregate::Absent | Aggregate::Last => 12,
        Aggregate::Distinct => Sketch::BYTES,
        Aggregate::Known => 16 * DISTINCT_LIMIT,
        Aggregate::Sum | Aggregate::Count | Aggregate::Max | Aggregate::Min => match feed.spec.span() {
            Span::Sliding => 4 * BUCKETS,
            Span::Life | Span::Cycle(_) => 8,
        },
    };
    ENTRY + held
}

impl Compiler<'_, '_> {
    /// Refuses what costs too much. What is kept of keys is bounded elsewhere: there are never more of them than fit.
    pub(super) fn check_cost(&mut self, document: &RuleDocument, subject: Subject, cost: Cost) {
        let Cost { nanos, windows, bytes, .. } = cost;
        if subject == Subject::Device && bytes > MOST_BYTES {
            #[expect(clippy::cast_precision_loss, reason = "some kilobytes")]
            let kilobytes = bytes as f64 / 1000.0;
            let message = format!(
                "its {windows} windows may take {kilobytes:.1} kB of memory for each device, {kilobytes:.1} GB for a million; \
                 at most {} kB are allowed",
                MOST_BYTES / 1000
            );
            let hint = "a `distinct` window takes 3.4 kB once it has seen more than 64 values; split the rule, or count per key \
                        with `per:`";
            self.wrong.push(self.source.about(&document.rule, message, Some(hint.to_owned())));
        }
        if nanos > MOST_NANOS {
            let message = format!("it takes about {nanos:.0} ns for a record; at most {MOST_NANOS:.0} ns are allowed");
            let hint = "a named list (`in_list`) costs one term however long it is; or split the rule".to_owned();
            self.wrong.push(self.source.about(&document.rule, message, Some(hint)));
        }
    }
}

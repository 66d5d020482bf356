//! What a rule costs, estimated.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Feed;
use crate::expr::Bool;
use crate::expr::reach::Reads;
use crate::rule::Cost;
use crate::window::{Aggregate, Span};

/// Measured on the bench: about 2 ns a term, 12 ns to feed a window.
pub(super) fn cost(reads: &Reads, scope: Option<&Bool>, unless: &[Bool], feeds: &[Arc<Feed>]) -> Cost {
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

//! The second thread: hands stored records over, then answers, in offset order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crossbeam_channel::Receiver;

use crate::Committed;
use crate::batch::{Group, Waiting};
use crate::shared::Shared;

/// Runs until the writer is gone and everything is answered.
///
/// A panic in `on_commit` ends the journal's life in this process: what is stored is answered as stored, since it is,
/// but nothing more is accepted, because nobody judges it any more.
pub(crate) fn run<T>(groups: &Receiver<Group<T>>, shared: &Arc<Shared>, mut on_commit: impl FnMut(Vec<Committed<T>>)) {
    for group in groups {
        if !group.committed.is_empty() && !shared.orphaned.load(Relaxed) {
            let handed_over = catch_unwind(AssertUnwindSafe(|| on_commit(group.committed)));
            if handed_over.is_err() {
                tracing::error!("a consumer of the journal panicked; no more records are accepted until a restart");
                shared.orphaned.store(true, Relaxed);
                shared.set_trouble(Some("a consumer of the journal failed; restart the server".to_owned()));
            }
        }
        for Waiting { answer, done, ticket } in group.waiting {
            if catch_unwind(AssertUnwindSafe(|| done.tell(answer))).is_err() {
                tracing::error!("a caller's answer callback panicked");
            }
            drop(ticket);
        }
    }
}

//! What the threads and the handles share: where the journal stands, how it is, what it counted.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use fleetward_fleet::Offset;
use fleetward_fleet::metric::Sample;
use parking_lot::Mutex;

use crate::{Health, Refused};

/// Shared by writer, completer and handles.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    next: AtomicU64,
    oldest: AtomicU64,
    /// Records from here on are kept whatever the retention says; `u64::MAX`: none.
    pub(crate) keep_from: AtomicU64,
    pub(crate) closed: AtomicBool,
    /// `on_commit` panicked: what it should know, it no longer learns.
    pub(crate) orphaned: AtomicBool,
    trouble: Mutex<Option<String>>,
    records: AtomicUsize,
    bytes: AtomicUsize,
    pub(crate) counted: Counted,
}

#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) appended: AtomicU64,
    pub(crate) appended_bytes: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) sync_nanos: AtomicU64,
    pub(crate) kept_bytes: AtomicU64,
    pub(crate) segments: AtomicU64,
    pub(crate) keys: AtomicU64,
    refused: [AtomicU64; REASONS.len()],
}

/// Every reason with its label.
const REASONS: [(Refused, &str); 5] = [
    (Refused::Busy, "busy"),
    (Refused::Full, "full"),
    (Refused::TooLarge, "too_large"),
    (Refused::Closed, "closed"),
    (Refused::Broken, "broken"),
];

impl Shared {
    pub(crate) fn next_offset(&self) -> Offset {
        // Acquire: who sees the offset also sees the counters before it. The bytes are in the file by then anyway.
        Offset(self.next.load(std::sync::atomic::Ordering::Acquire))
    }

    pub(crate) fn set_next(&self, next: Offset) {
        self.next.store(next.0, std::sync::atomic::Ordering::Release);
    }

    pub(crate) fn oldest_offset(&self) -> Offset {
        Offset(self.oldest.load(Relaxed))
    }

    pub(crate) fn set_oldest(&self, oldest: Offset) {
        self.oldest.store(oldest.0, Relaxed);
    }

    pub(crate) fn health(&self) -> Health {
        let reason = self.trouble.lock().clone();
        Health { ok: reason.is_none(), reason: reason.unwrap_or_default() }
    }

    pub(crate) fn set_trouble(&self, reason: Option<String>) {
        *self.trouble.lock() = reason;
    }

    pub(crate) fn count_refused(&self, why: Refused, records: usize) {
        if let Some(at) = REASONS.iter().position(|(reason, _)| *reason == why) {
            self.counted.refused[at].fetch_add(records as u64, Relaxed);
        }
    }

    /// Takes room in the queue; `None` where there is too little.
    pub(crate) fn enter(
        self: &std::sync::Arc<Self>,
        (records, bytes): (usize, usize),
        limit: (usize, usize),
    ) -> Option<Ticket> {
        let ticket = Ticket { shared: self.clone(), records, bytes };
        let records = self.records.fetch_add(records, Relaxed) + records;
        let bytes = self.bytes.fetch_add(bytes, Relaxed) + bytes;
        (records <= limit.0 && bytes <= limit.1).then_some(ticket)
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
    pub(crate) fn metrics(&self) -> Vec<Sample> {
        let it = &self.counted;
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        let gauge = |name, help, value: u64| Sample::gauge(name, help, value as f64);
        let sync_secs = Duration::from_nanos(read(&it.sync_nanos)).as_secs_f64();
        let mut samples = vec![
            Sample::counter("fleetward_journal_records_total", "Records stored.", read(&it.appended)),
            Sample::counter(
                "fleetward_journal_record_bytes_total",
                "Bytes stored, with headers.",
                read(&it.appended_bytes),
            ),
            Sample::counter(
                "fleetward_journal_duplicates_total",
                "Records that were stored already.",
                read(&it.duplicates),
            ),
            Sample::counter(
                "fleetward_journal_groups_total",
                "Groups of records written and synced together.",
                read(&it.groups),
            ),
            Sample {
                value: sync_secs,
                ..Sample::counter("fleetward_journal_sync_seconds_total", "Time spent waiting for the disk to sync.", 0)
            },
            gauge("fleetward_journal_bytes", "Bytes of all segment files.", read(&it.kept_bytes)),
            gauge("fleetward_journal_segments", "Segment files.", read(&it.segments)),
            gauge("fleetward_journal_dedup_keys", "Keys in the duplicate filter.", read(&it.keys)),
            gauge("fleetward_journal_oldest_offset", "The oldest record that is kept.", self.oldest_offset().0),
            gauge("fleetward_journal_next_offset", "The offset that the next record gets.", self.next_offset().0),
            gauge("fleetward_journal_queued_records", "Records not answered yet.", self.records.load(Relaxed) as u64),
            gauge("fleetward_journal_healthy", "1 if records are accepted, else 0.", u64::from(self.health().ok)),
        ];
        samples.extend(REASONS.iter().zip(&it.refused).map(|((_, label), counter)| {
            let help = "Records refused; nothing of them is stored.";
            Sample::counter("fleetward_journal_refused_total", help, read(counter)).with("reason", *label)
        }));
        samples
    }
}

/// Room in the queue, given back when dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    shared: std::sync::Arc<Shared>,
    records: usize,
    bytes: usize,
}

impl Ticket {
    pub(crate) fn records(&self) -> usize {
        self.records
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.records.fetch_sub(self.records, Relaxed);
        self.shared.bytes.fetch_sub(self.bytes, Relaxed);
    }
}

//! What a source counts of itself.

use std::sync::atomic::{AtomicU64, Ordering};

use fleetward_fleet::metric::Sample;
use parking_lot::Mutex;

/// Written by the source's thread, read by `/metrics` and `/health`.
pub(super) struct Gauges {
    name: String,
    pub(super) packets: AtomicU64,
    pub(super) bytes: AtomicU64,
    /// What the kernel had no room for, or the maker of a file says it lost.
    pub(super) drops: AtomicU64,
    pub(super) flows: AtomicU64,
    pub(super) evicted: AtomicU64,
    pub(super) unreadable: AtomicU64,
    /// Flows in progress.
    pub(super) live: AtomicU64,
    pub(super) memory: AtomicU64,
    pub(super) sums: AtomicU64,
    pub(super) signs: AtomicU64,
    /// Observations that the journal did not take.
    pub(super) lost: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl Gauges {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            packets: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            drops: AtomicU64::new(0),
            flows: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
            live: AtomicU64::new(0),
            memory: AtomicU64::new(0),
            sums: AtomicU64::new(0),
            signs: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            trouble: Mutex::new(None),
        }
    }

    /// Something is in the way, or no longer.
    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock() = trouble;
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().as_ref().map(|trouble| format!("{}: {trouble}", self.name))
    }

    pub(super) fn samples(&self) -> Vec<Sample> {
        let counters = [
            ("fleetward_capture_packets_total", "Packets that were read.", &self.packets),
            ("fleetward_capture_bytes_total", "Octets of these packets on the wire.", &self.bytes),
            ("fleetward_capture_drops_total", "Packets that passed and were not read, for lack of room.", &self.drops),
            (
                "fleetward_capture_unreadable_total",
                "Packets whose headers are cut or contradict themselves.",
                &self.unreadable,
            ),
            ("fleetward_capture_flows_total", "Conversations that began.", &self.flows),
            ("fleetward_capture_evicted_total", "Conversations that gave way for lack of room.", &self.evicted),
            ("fleetward_capture_sums_total", "Sums of flows written to the journal.", &self.sums),
            ("fleetward_capture_signs_total", "Signs of what does not fit written to the journal.", &self.signs),
            ("fleetward_capture_lost_total", "Observations that the journal did not take.", &self.lost),
        ];
        let counters = counters.map(|(name, help, value)| Sample::counter(name, help, value.load(Ordering::Relaxed)));
        let gauge = |name, help, value: u64| {
            #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
            Sample::gauge(name, help, value as f64)
        };
        let gauges = [
            gauge("fleetward_capture_flows", "Conversations in progress.", self.live.load(Ordering::Relaxed)),
            gauge("fleetward_capture_table_bytes", "Memory of their table.", self.memory.load(Ordering::Relaxed)),
            gauge("fleetward_capture_up", "The source can be read.", u64::from(self.trouble.lock().is_none())),
        ];
        counters.into_iter().chain(gauges).map(|sample| sample.with("source", self.name.clone())).collect()
    }
}

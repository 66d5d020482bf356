//! CPU time, memory, and feeding an engine.

use std::sync::Arc;

use fleetward_detect::Engine;
use fleetward_fleet::{Observation, Offset};

/// Records a message to the workers.
pub(crate) const BATCH: usize = 512;
/// Records that are made before any of them is judged.
pub(crate) const CHUNK: u64 = 512 * 64;

/// Feeds records `from..to`; returns the CPU-seconds of judging them, the making of the records taken out.
pub(crate) fn feed(engine: &Engine, count: u64, next: &mut u64, make: impl Fn(u64) -> Arc<Observation>) -> f64 {
    let mut judging = 0.0;
    for first in (0..count).step_by(CHUNK as usize) {
        let records: Vec<_> = (first..count.min(first + CHUNK)).map(&make).collect();
        let from = cpu_seconds();
        for batch in records.chunks(BATCH) {
            engine
                .submit(batch.iter().map(|record| {
                    *next += 1;
                    (Offset(*next - 1), record.clone())
                }))
                .expect("workers live");
        }
        engine.drain().expect("workers live");
        judging += cpu_seconds() - from;
    }
    judging
}

/// Bytes of memory in use by this process.
pub(crate) fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// CPU time of the process. Of the thread that asks up to now, of others up to when they last gave up the processor: ask when they
/// wait. (What `/proc` says of a thread that runs is up to four milliseconds old: a chunk of records is judged in twenty.)
#[expect(clippy::cast_precision_loss, reason = "both are far below 2^52")]
pub(crate) fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[expect(clippy::print_stdout, reason = "a benchmark says its figures")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

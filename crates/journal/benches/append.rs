//! How many records of 300 bytes are stored (synced) a second, and what CPU time one costs, by batch size.
//!
//! `cargo bench -p fleetward-journal`. The directory is on the disk of the temporary directory (`TMPDIR`).

use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use fleetward_fleet::Timestamp;
use fleetward_journal::{Config, Entry, Journal};

fn main() {
    divan::main();
}

/// Records of one sample.
const RECORDS: u64 = 16_384;

#[divan::bench(args = [1, 64, 1024], sample_count = 5, sample_size = 1, max_time = Duration::from_secs(20))]
fn append(bencher: Bencher, batch: u64) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (journal, _) = open(dir.path());
    // One at a time is bound by the disk's sync: fewer will do.
    let records = if batch == 1 { RECORDS / 16 } else { RECORDS };
    let mut key = 0_u128;
    let (mut cpu, mut stored) = (Duration::ZERO, 0);
    bencher.counter(ItemsCount::new(records)).bench_local(|| {
        let before = cpu_time();
        for _ in 0..records / batch {
            let entries = (0..batch).map(|_| entry(&mut key)).collect();
            journal.append_wait(entries).expect("room");
        }
        cpu += cpu_time().saturating_sub(before);
        stored += records;
    });
    report("one caller that waits", batch, cpu, stored);
}

/// As the server does it: many small batches under way at once, so that they share a sync.
#[divan::bench(args = [1, 16, 64], sample_count = 5, sample_size = 1, max_time = Duration::from_secs(20))]
fn pipelined(bencher: Bencher, batch: u64) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (journal, _) = open(dir.path());
    let mut key = 0_u128;
    let (mut cpu, mut stored) = (Duration::ZERO, 0);
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        let before = cpu_time();
        // A window of 1,024 records, as a socket's buffer would give.
        let window = (1024 / batch) as usize;
        let (tell, told) = crossbeam_channel::bounded(window);
        for at in 0..(RECORDS / batch) as usize {
            if at >= window {
                told.recv().expect("an answer");
            }
            let tell = tell.clone();
            journal.append((0..batch).map(|_| entry(&mut key)).collect(), move |answer| {
                tell.send(answer.is_ok()).ok();
            });
        }
        drop(tell);
        while told.recv().is_ok() {}
        cpu += cpu_time().saturating_sub(before);
        stored += RECORDS;
    });
    report("window of 1024 records", batch, cpu, stored);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn replay(bencher: Bencher) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (journal, _) = open(dir.path());
    let mut key = 0;
    for _ in 0..200 {
        journal.append_wait((0..1024).map(|_| entry(&mut key)).collect()).expect("room");
    }
    bencher.counter(ItemsCount::new(200 * 1024_usize)).bench_local(|| {
        let mut reader = journal.reader(journal.oldest_offset()).expect("readable");
        let mut count = 0;
        while let Some(record) = reader.next_ref().expect("readable") {
            count += record.bytes.len();
        }
        count
    });
}

fn open(dir: &std::path::Path) -> (Journal<()>, fleetward_journal::Recovery) {
    Journal::open(Config::new(dir), Arc::new(|| Timestamp(0)), drop).expect("a journal")
}

fn entry(key: &mut u128) -> Entry<()> {
    // Spread like the hashes that keys are.
    *key = (*key + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) | 1;
    Entry { key: *key, event_time: Timestamp(0), observed_at: Timestamp(0), bytes: vec![7; 300], item: () }
}

/// User and system time of the whole process.
fn cpu_time() -> Duration {
    let mut total = 0;
    for thread in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let stat = std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        total += stat.split(' ').next().and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    }
    Duration::from_nanos(total)
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn report(how: &str, batch: u64, cpu: Duration, records: u64) {
    let micros = cpu.as_secs_f64() * 1e6 / records.max(1) as f64;
    eprintln!("  cpu per record, {how}, batches of {batch}: {micros:.2} µs");
}

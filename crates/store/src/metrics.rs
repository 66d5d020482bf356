//! What the store measures of itself.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use fleetward_fleet::metric::Sample;

use crate::{Result, Store};

impl Store {
    /// Sizes, counts and the work of the writer. Counts rows, so ask as often as Prometheus does, not more.
    pub fn metrics(&self) -> Result<Vec<Sample>> {
        let counters = self.counters();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
        let seconds = read(&counters.write_micros) as f64 / 1e6;
        let mut busy = Sample::gauge(
            "fleetward_store_write_seconds_total",
            "Time spent in write transactions, waiting for the writer included.",
            seconds,
        );
        busy.kind = fleetward_fleet::metric::Kind::Counter;
        // SQLite names the log by appending, not by replacing an extension.
        let mut wal = self.path().as_os_str().to_owned();
        wal.push("-wal");
        let mut samples = vec![
            Sample::counter(
                "fleetward_store_transactions_total",
                "Write transactions that were committed.",
                read(&counters.transactions),
            ),
            Sample::counter(
                "fleetward_store_failures_total",
                "Write transactions that were undone.",
                read(&counters.failures),
            ),
            Sample::counter(
                "fleetward_store_rows_written_total",
                "Rows inserted, changed or deleted.",
                read(&counters.rows_written),
            ),
            busy,
            file_size("database", self.path()),
            file_size("wal", Path::new(&wal)),
        ];
        samples.extend(self.row_counts()?);
        Ok(samples)
    }

    fn row_counts(&self) -> Result<Vec<Sample>> {
        const HELP: &str = "Rows stored, by kind.";
        self.read(|tx| {
            let mut samples = Vec::new();
            for table in ["device", "finding", "response", "audit", "suppression", "user", "token"] {
                let count: i64 =
                    tx.prepare(&format!("SELECT count(*) FROM {table}"))?.query_row([], |row| row.get(0))?;
                #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
                samples.push(Sample::gauge("fleetward_store_rows", HELP, count as f64).with("kind", table));
            }
            Ok(samples)
        })
    }
}

fn file_size(file: &'static str, path: &Path) -> Sample {
    let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
    Sample::gauge("fleetward_store_bytes", "Size of the database and its write-ahead log.", bytes as f64)
        .with("file", file)
}

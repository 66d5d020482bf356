//! The events of the reference query: two hours of traffic of a million devices, heavy-tailed, seeded.

use std::io::{BufWriter, Write};
use std::path::Path;

/// Of the events.
const SECONDS: u64 = 2 * 3600;
/// Devices that events are drawn from; of five million draws some are never drawn.
const DEVICES: u64 = 990_000;

/// Writes `second,device,bytes` lines in order of time.
pub(crate) fn write(file: &Path, count: u64) {
    let mut out = BufWriter::new(std::fs::File::create(file).expect("the file can be written"));
    for event in all(count) {
        writeln!(out, "{},{},{}", event.second, event.device, event.bytes).expect("the disk takes it");
    }
    out.flush().expect("the disk takes it");
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) second: u64,
    pub(crate) device: u64,
    pub(crate) bytes: u64,
}

fn all(count: u64) -> impl Iterator<Item = Event> {
    let mut random = SplitMix(0x5EED_0003);
    (0..count).map(move |n| Event {
        second: n * SECONDS / count,
        device: random.below(DEVICES),
        bytes: random.heavy_tailed(),
    })
}

/// Reads them back.
pub(crate) fn read(file: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(file).expect("the events were written before");
    let event = |line: &str| {
        let mut numbers = line.split(',').map(|number| number.parse::<u64>().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        Event { second: next(), device: next(), bytes: next() }
    };
    text.lines().map(event).collect()
}

/// Small, seeded, the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// Pareto with exponent 1.05 from 1000 bytes up, at most 200 MB: one in some 80,000 events is above 50 MB.
    #[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "a random amount")]
    fn heavy_tailed(&mut self) -> u64 {
        let uniform = ((self.next() >> 11) as f64 + 1.0) / 9_007_199_254_740_993.0;
        (1000.0 * uniform.powf(-1.0 / 1.05)).min(2e8) as u64
    }
}

//! What judging costs, measured alone: processor time a record and memory a device.

use std::sync::Arc;

use fleetward_detect::engine::{Config, Outputs};
use fleetward_detect::{Compiled, Engine};
use fleetward_fleet::{Observation, Offset};
use fleetward_simulate::World;
use serde::Serialize;

use crate::trial::EvaluateError;

/// What judging costs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Processor nanoseconds a record (ticks counted in), user and system, all threads of detection.
    pub nanos_per_record: f64,
    /// Records that were judged for this.
    pub records: u64,
}

/// Judges a world's records, made beforehand hour by hour; only the judging is on the clock. Nothing else may run in this
/// process meanwhile.
pub fn cost(world: World, compiled: &Arc<Compiled>) -> Result<Cost, EvaluateError> {
    let config = Config { workers: 1, queue: 16, ..Config::default() };
    let sink = Arc::new(|_: Outputs| ());
    let (engine, _) = Engine::start(config, compiled.clone(), sink).map_err(EvaluateError::Engine)?;
    let (mut world, mut nanos, mut records) = (world, 0, 0_u64);
    loop {
        let made: Vec<Arc<Observation>> = world.by_ref().take(65_536).map(Arc::new).collect();
        if made.is_empty() {
            break;
        }
        let from = processor();
        for batch in made.chunks(512) {
            let first = records;
            records += batch.len() as u64;
            engine.submit((first..).map(Offset).zip(batch.iter().cloned()))?;
        }
        engine.drain()?;
        nanos += processor() - from;
    }
    Ok(Cost { nanos_per_record: nanos as f64 / records.max(1) as f64, records })
}

/// Processor time of this process, nanoseconds.
fn processor() -> i64 {
    let clock = nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID;
    clock.now().map_or(0, |time| time.tv_sec() * 1_000_000_000 + time.tv_nsec())
}

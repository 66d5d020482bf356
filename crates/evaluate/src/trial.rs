//! Which worlds are run, and what comes of them together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use fleetward_detect::engine::Stopped;
use fleetward_detect::snapshot::SnapshotError;
use fleetward_fleet::{Observation, Timestamp};
use fleetward_simulate::{Config, OverlayError, World};
use parking_lot::Mutex;

use crate::outcome::Outcome;
use crate::run::{Judges, run};
use crate::score::score;
use crate::truth::{Case, Census, Truth};

/// Worlds to run.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What each world is; its seed is that of the first.
    pub world: Config,
    /// How many worlds, with seeds that follow one another.
    pub worlds: u32,
    /// How many at a time.
    pub threads: usize,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// An overlay asks for what the worlds do not have.
    #[error("the misuse cannot be played")]
    Overlay(#[source] OverlayError),
    /// Detection did not start.
    #[error("detection did not start")]
    Engine(#[source] SnapshotError),
    /// Detection stopped on the way.
    #[error("detection stopped on the way")]
    Stopped(#[from] Stopped),
}

impl Trial {
    /// Runs all worlds.
    pub fn run(&self, judges: &Judges) -> Result<Outcome, EvaluateError> {
        let next = AtomicUsize::new(0);
        let all = Mutex::new(BTreeMap::new());
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.worlds as usize {
                    return Ok(());
                }
                let outcome = self.one(number as u64, judges)?;
                all.lock().insert(number, outcome);
            }
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads.max(1)).map(|_| scope.spawn(work)).collect();
            let ends = threads.into_iter().map(|thread| thread.join().unwrap_or(Err(EvaluateError::Stopped(Stopped))));
            ends.collect::<Result<Vec<()>, _>>()
        })?;
        // In the order of their seeds: sums of fractions do not depend on which world was ready first.
        let mut together = Outcome::new(judges.names());
        all.into_inner().into_values().for_each(|outcome| together.add(outcome));
        Ok(together)
    }

    fn one(&self, number: u64, judges: &Judges) -> Result<Outcome, EvaluateError> {
        let config = Config { seed: self.world.seed + number, ..self.world.clone() };
        let mut world = World::new(config).map_err(EvaluateError::Overlay)?;
        let test_begins = world.test_begins();
        let said = run(world.by_ref(), test_begins, judges)?;
        Ok(score(&Truth::of(&world), &said, judges.names()))
    }
}

/// Judges a recorded stream of which the truth is known: `cases`, and alarms from `test_begins` on.
pub fn labelled(
    stream: impl Iterator<Item = Observation>,
    cases: Vec<Case>,
    test_begins: Timestamp,
    judges: &Judges,
) -> Result<Outcome, EvaluateError> {
    let mut census = Census::default();
    let said = run(stream.inspect(|observation| census.observe(observation)), test_begins, judges)?;
    Ok(score(&census.truth(cases, test_begins), &said, judges.names()))
}

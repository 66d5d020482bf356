//! The engine for everybody: connects, with a bounded number of sockets.

use std::io;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Progress;
use super::sweep::{Probe, Step, Sweep};
use crate::door::Door;
use crate::fact::{Outcome, PortState};
use crate::scope::Target;

/// Runs the sweep to its end.
pub(super) async fn run(door: &Door, sweep: &mut Sweep, target: Target, progress: &dyn Progress) -> Outcome {
    let began = Instant::now();
    let mut knocks: JoinSet<(Probe, Option<PortState>)> = JoinSet::new();
    loop {
        while let Some(done) = knocks.try_join_next() {
            tell(sweep, done.ok(), began.elapsed());
        }
        match sweep.step(began.elapsed()) {
            Step::Ask(probe) => {
                let door = door.clone();
                knocks.spawn(async move { (probe, knock(&door, target, probe).await) });
                if knocks.len().is_multiple_of(32) {
                    tokio::task::yield_now().await;
                }
            }
            Step::Wait(until) => {
                tokio::select! {
                    Some(done) = knocks.join_next() => tell(sweep, done.ok(), began.elapsed()),
                    () = sleep_until(began + until) => {}
                }
                progress.stage(target, super::Stage::Ports, sweep.resolved, sweep.total);
            }
            Step::End(outcome) => return outcome,
        }
        if progress.is_cancelled() {
            return Outcome::Cut;
        }
    }
}

fn tell(sweep: &mut Sweep, done: Option<(Probe, Option<PortState>)>, now: Duration) {
    if let Some((probe, Some(state))) = done {
        sweep.answered(probe.port, probe.number, state, now);
    }
}

async fn knock(door: &Door, target: Target, probe: Probe) -> Option<PortState> {
    match door.knock(target, probe.port, probe.wait).await {
        Ok(()) => Some(PortState::Open),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Some(PortState::Closed),
        // Reset after the handshake: somebody was there.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Some(PortState::Open),
        Err(_) => None,
    }
}

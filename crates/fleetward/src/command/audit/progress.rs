//! How far an audit is, on standard error where that is a terminal, and whether it should end.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fleetward_audit::ports::Progress;
use fleetward_audit::scope::Target;

/// Between two lines.
const EVERY: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub(super) struct Shown {
    is_cancelled: AtomicBool,
    is_terminal: bool,
    hosts: usize,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    working: HashMap<Target, (usize, usize)>,
    done: usize,
    shown: Instant,
}

impl Shown {
    pub(super) fn new(hosts: usize) -> Self {
        let now = Instant::now();
        let state = Mutex::new(State { working: HashMap::new(), done: 0, shown: now });
        Self { is_cancelled: AtomicBool::new(false), is_terminal: io::stderr().is_terminal(), hosts, began: now, state }
    }

    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Clears the line.
    pub(super) fn end(&self) {
        if self.is_terminal {
            write!(io::stderr(), "\r\x1b[K").ok();
        }
    }

    fn show(&self, state: &mut State) {
        state.shown = Instant::now();
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let share = |(settled, of): &(usize, usize)| *settled as f64 / (*of).max(1) as f64;
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        let (done, all) = (state.done as f64 + state.working.values().map(share).sum::<f64>(), self.hosts as f64);
        let left = left(self.began.elapsed(), done / all);
        let line = format!("\r\x1b[K{} of {} hosts, {:.0} %{left}", state.done, self.hosts, 100.0 * done / all);
        io::stderr().write_all(line.as_bytes()).ok();
    }
}

/// The time left in words; nothing while too little is done to tell.
fn left(passed: Duration, share: f64) -> String {
    if share < 0.01 {
        return String::new();
    }
    let seconds = (passed.as_secs_f64() * (1.0 - share).max(0.0) / share).round();
    if seconds < 90.0 { format!(", about {seconds} s left") } else { format!(", about {:.0} min left", seconds / 60.0) }
}

impl Progress for Shown {
    fn ports(&self, target: Target, settled: usize, of: usize) {
        if !self.is_terminal {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.working.insert(target, (settled, of));
        if state.shown.elapsed() > EVERY {
            self.show(&mut state);
        }
    }

    fn host(&self, target: Target) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.working.remove(&target);
        state.done += 1;
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_in_words() {
        assert_eq!(left(Duration::from_secs(10), 0.5), ", about 10 s left");
        assert_eq!(left(Duration::from_mins(10), 0.5), ", about 10 min left");
        assert_eq!(left(Duration::from_secs(10), 0.001), "");
    }
}

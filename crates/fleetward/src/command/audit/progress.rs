//! How far an audit is, on standard error where that is a terminal, and whether it should end.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fleetward_audit::ports::{Progress, Stage};
use fleetward_audit::scope::Target;

use crate::audit::Far;

/// Between two lines.
const EVERY: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub(super) struct Shown {
    is_cancelled: AtomicBool,
    is_terminal: bool,
    far: Far,
    began: Instant,
    /// When the line was drawn last.
    line: Mutex<Instant>,
}

impl Shown {
    pub(super) fn new(hosts: usize) -> Self {
        let now = Instant::now();
        Self {
            is_cancelled: AtomicBool::new(false),
            is_terminal: io::stderr().is_terminal(),
            far: Far::of(hosts),
            began: now,
            line: Mutex::new(now),
        }
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

    fn show(&self) {
        let ((hosts, done), share) = (self.far.hosts(), self.far.share());
        let (left, stages) = (left(self.began.elapsed(), share), self.far.stages());
        let line = format!("\r\x1b[K{done} of {hosts} hosts, {:.0} %{left}{stages}", 100.0 * share);
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
    fn stage(&self, target: Target, stage: Stage, settled: usize, of: usize) {
        if !self.is_terminal {
            return;
        }
        self.far.stage(target, stage, settled, of);
        let mut drawn = self.line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if drawn.elapsed() > EVERY {
            *drawn = Instant::now();
            self.show();
        }
    }

    fn host(&self, target: Target) {
        self.far.host(target);
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

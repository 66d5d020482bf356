//! How far an audit is, on standard error where that is a terminal, and whether it should end.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fleetward_audit::ports::{Progress, Stage};
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
    working: HashMap<Target, (Stage, usize, usize)>,
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
        let (done, all) = (state.done as f64 + state.working.values().map(share).sum::<f64>(), self.hosts as f64);
        let left = left(self.began.elapsed(), done / all);
        let stages = stages(&state.working);
        let line = format!("\r\x1b[K{} of {} hosts, {:.0} %{left}{stages}", state.done, self.hosts, 100.0 * done / all);
        io::stderr().write_all(line.as_bytes()).ok();
    }
}

/// How much of a host's work is behind it: looking for ports is most of it.
#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn share((stage, settled, of): &(Stage, usize, usize)) -> f64 {
    let (before, part) = match stage {
        Stage::Ports => (0.0, 0.7),
        Stage::Services => (0.7, 0.2),
        Stage::Passwords => (0.9, 0.1),
    };
    before + part * *settled as f64 / (*of).max(1) as f64
}

/// How many hosts are at each stage, in words.
fn stages(working: &HashMap<Target, (Stage, usize, usize)>) -> String {
    let words = [(Stage::Ports, "ports"), (Stage::Services, "services"), (Stage::Passwords, "passwords")];
    let at = |wanted| working.values().filter(|(stage, ..)| *stage == wanted).count();
    let told = words.into_iter().filter(|(stage, _)| at(*stage) > 0);
    told.fold(String::new(), |text, (stage, word)| text + &format!("; {word}: {}", at(stage)))
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
        let mut all = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.working.insert(target, (stage, settled, of));
        if all.shown.elapsed() > EVERY {
            self.show(&mut all);
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
    fn stages_follow_each_other() {
        let all = [(Stage::Ports, 0, 9), (Stage::Ports, 9, 9), (Stage::Services, 1, 2), (Stage::Passwords, 3, 3)];
        assert!(all.windows(2).all(|pair| share(&pair[0]) < share(&pair[1])));
        assert!((share(&all[3]) - 1.0).abs() < 1e-9);
        assert_eq!(stages(&HashMap::new()), "");
    }

    #[test]
    fn time_left_in_words() {
        assert_eq!(left(Duration::from_secs(10), 0.5), ", about 10 s left");
        assert_eq!(left(Duration::from_mins(10), 0.5), ", about 10 min left");
        assert_eq!(left(Duration::from_secs(10), 0.001), "");
    }
}

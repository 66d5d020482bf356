//! How far an audit is.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fleetward_audit::ports::Stage;
use fleetward_audit::scope::Target;

/// Hosts that are worked on, and those that are done.
#[derive(Debug)]
pub(crate) struct Far {
    hosts: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    working: HashMap<Target, (Stage, usize, usize)>,
    done: usize,
}

impl Far {
    /// Of so many hosts.
    pub(crate) fn of(hosts: usize) -> Self {
        Self { hosts, state: Mutex::default() }
    }

    /// So many of the host's ports are through this stage.
    pub(crate) fn stage(&self, target: Target, stage: Stage, settled: usize, of: usize) {
        self.state().working.insert(target, (stage, settled, of));
    }

    /// The host is done.
    pub(crate) fn host(&self, target: Target) {
        let mut state = self.state();
        state.working.remove(&target);
        state.done += 1;
    }

    /// How many there are, and how many are done.
    pub(crate) fn hosts(&self) -> (usize, usize) {
        (self.hosts, self.state().done)
    }

    /// How much of the work is behind it.
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub(crate) fn share(&self) -> f64 {
        let state = self.state();
        (state.done as f64 + state.working.values().map(share).sum::<f64>()) / self.hosts.max(1) as f64
    }

    /// How many hosts are at each stage, in words.
    pub(crate) fn stages(&self) -> String {
        let state = self.state();
        let words = [(Stage::Ports, "ports"), (Stage::Services, "services"), (Stage::Passwords, "passwords")];
        let at = |wanted| state.working.values().filter(|(stage, ..)| *stage == wanted).count();
        let told = words.into_iter().filter(|(stage, _)| at(*stage) > 0);
        told.fold(String::new(), |text, (stage, word)| text + &format!("; {word}: {}", at(stage)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use fleetward_audit::scope::Scope;

    use super::*;

    #[test]
    fn stages_follow_each_other() {
        let all = [(Stage::Ports, 0, 9), (Stage::Ports, 9, 9), (Stage::Services, 1, 2), (Stage::Passwords, 3, 3)];
        assert!(all.windows(2).all(|pair| share(&pair[0]) < share(&pair[1])));
        assert!((share(&all[3]) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_host_that_is_done_counts_whole() {
        let scope = Scope::new(vec!["192.0.2.0/24".parse().unwrap()], false);
        let [first, second] = ["192.0.2.1", "192.0.2.2"].map(|it| scope.admit(it.parse().unwrap()).unwrap());
        let far = Far::of(4);
        assert_eq!((far.stages(), far.hosts()), (String::new(), (4, 0)));
        far.stage(first, Stage::Passwords, 1, 1);
        far.stage(second, Stage::Ports, 0, 1);
        assert_eq!(far.stages(), "; ports: 1; passwords: 1");
        far.host(first);
        assert!((far.share() - 0.25).abs() < 1e-9);
        assert_eq!((far.stages(), far.hosts()), ("; ports: 1".to_owned(), (4, 1)));
    }
}

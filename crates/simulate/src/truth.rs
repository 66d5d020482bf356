//! What really happened: who was misused, when, and how many octets it cost by then.

use fleetward_fleet::{DeviceId, Timestamp};

use crate::calendar::HOUR;

/// One device that was misused.
#[derive(Debug, Clone, PartialEq)]
pub struct Misuse {
    /// Which.
    pub device: DeviceId,
    /// Index into the world's members.
    pub unit: u32,
    /// Index into [`crate::CLASSES`].
    pub class: usize,
    /// Index into the world's scenarios.
    pub scenario: usize,
    /// When it began.
    pub from: Timestamp,
    /// When it ended, or the simulation did.
    pub until: Timestamp,
    /// Octets of misuse by the end of each hour, the first the hour in which it began.
    spent: Vec<u64>,
}

impl Misuse {
    pub(crate) fn new(device: DeviceId, class: usize, cast: &crate::misuse::Cast) -> Self {
        Self {
            device,
            unit: cast.unit,
            class,
            scenario: cast.scenario,
            from: Timestamp::from_secs(cast.drawn.from),
            until: Timestamp::from_secs(cast.drawn.until),
            spent: Vec::new(),
        }
    }

    fn first_hour(&self) -> i64 {
        self.from.secs().div_euclid(HOUR)
    }

    pub(crate) fn spend(&mut self, hour: i64, octets: f64) {
        let behind = hour.div_euclid(HOUR) - self.first_hour();
        if behind < 0 || hour > self.until.secs() {
            return;
        }
        let before = self.spent.last().copied().unwrap_or(0);
        self.spent.push(before + octets as u64);
    }

    /// Octets of misuse until then.
    pub fn octets_until(&self, at: Timestamp) -> u64 {
        let hours = at.secs().div_euclid(HOUR) - self.first_hour();
        let last = self.spent.len().saturating_sub(1);
        match usize::try_from(hours) {
            Ok(hour) => self.spent.get(hour.min(last)).copied().unwrap_or(0),
            Err(_) => 0,
        }
    }

    /// Octets of misuse in all so far.
    pub fn octets(&self) -> u64 {
        self.spent.last().copied().unwrap_or(0)
    }
}

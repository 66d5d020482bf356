//! How much a rule, and all rules together, may do in an hour (promise 4: one bad rule cannot switch off a fleet).
//!
//! The unit is the *device*: a second action on a device that was touched within the hour costs nothing more.
//! The hour slides. What a person asked for or approved is not counted.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use fleetward_fleet::{DeviceId, Timestamp};

/// Which bound was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The rule's own, this many devices.
    Rule(u32),
    /// The whole fleet's.
    Fleet(u32),
}

/// Who was touched when, per rule and altogether.
#[derive(Debug)]
pub(super) struct Budget {
    fleet_per_hour: u32,
    fleet: Window,
    rules: HashMap<Box<str>, Window>,
}

impl Budget {
    pub(super) fn new(fleet_per_hour: u32) -> Self {
        Self { fleet_per_hour, fleet: Window::default(), rules: HashMap::new() }
    }

    /// Takes one action on `device` out of the budget of `rule`, or says which bound forbids it.
    pub(super) fn take(&mut self, rule: &str, per_hour: u32, device: DeviceId, now: Timestamp) -> Result<(), Over> {
        let window = self.rules.entry(rule.into()).or_default();
        window.forget_before(now);
        self.fleet.forget_before(now);
        if !window.has_room(device, per_hour) {
            return Err(Over::Rule(per_hour));
        }
        if !self.fleet.has_room(device, self.fleet_per_hour) {
            return Err(Over::Fleet(self.fleet_per_hour));
        }
        window.add(device, now);
        self.fleet.add(device, now);
        Ok(())
    }

    /// Counts an action of before a restart.
    pub(super) fn remember(&mut self, rule: &str, device: DeviceId, at: Timestamp) {
        self.rules.entry(rule.into()).or_default().add(device, at);
        self.fleet.add(device, at);
    }
}

#[derive(Debug, Default)]
struct Window {
    taken: VecDeque<(Timestamp, DeviceId)>,
    devices: HashMap<DeviceId, u32>,
}

impl Window {
    fn has_room(&self, device: DeviceId, limit: u32) -> bool {
        self.devices.contains_key(&device) || self.devices.len() < limit as usize
    }

    fn add(&mut self, device: DeviceId, at: Timestamp) {
        self.taken.push_back((at, device));
        *self.devices.entry(device).or_default() += 1;
    }

    fn forget_before(&mut self, now: Timestamp) {
        while self.taken.front().is_some_and(|(at, _)| *at + HOUR <= now) {
            let Some((_, device)) = self.taken.pop_front() else { break };
            if let Some(count) = self.devices.get_mut(&device) {
                *count -= 1;
                if *count == 0 {
                    self.devices.remove(&device);
                }
            }
        }
    }
}

const HOUR: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_devices_in_a_sliding_hour() {
        let mut budget = Budget::new(100);
        let at = |minutes: i64| Timestamp(minutes * 60_000);
        assert_eq!(budget.take("r", 2, DeviceId(1), at(0)), Ok(()));
        assert_eq!(budget.take("r", 2, DeviceId(1), at(30)), Ok(()));
        assert_eq!(budget.take("r", 2, DeviceId(2), at(31)), Ok(()));
        assert_eq!(budget.take("r", 2, DeviceId(3), at(59)), Err(Over::Rule(2)));
        assert_eq!(budget.take("r", 2, DeviceId(3), at(61)), Err(Over::Rule(2)), "device 1 was touched at 30 again");
        assert_eq!(budget.take("r", 2, DeviceId(3), at(90)), Ok(()));
    }

    #[test]
    fn the_fleet_has_a_bound_of_its_own() {
        let mut budget = Budget::new(2);
        for device in 1..=2 {
            assert_eq!(budget.take(&format!("r{device}"), 20, DeviceId(device), Timestamp(0)), Ok(()));
        }
        assert_eq!(budget.take("r3", 20, DeviceId(3), Timestamp(0)), Err(Over::Fleet(2)));
        assert_eq!(budget.take("r3", 20, DeviceId(1), Timestamp(0)), Ok(()));
    }
}

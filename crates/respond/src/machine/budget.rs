//! How much a rule, and all rules together, may do in an hour (promise 4: one bad rule cannot switch off a fleet).
//!
//! Three bounds hold at once: the rule's own, that of all rules together, and a share of each group of the device, so that
//! a rule about one customer's devices cannot take all of them.
//!
//! The unit is the *device*: a second action on a device that was touched within the hour costs nothing more.
//! The hour slides. What a person asked for or approved is not counted.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use fleetward_fleet::{DeviceId, Timestamp};

/// Which bound was hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Over {
    /// The rule's own, this many devices.
    Rule(u32),
    /// The whole fleet's.
    Fleet(u32),
    /// This many devices of a group of this size.
    Group {
        /// Its name.
        name: Box<str>,
        /// How many may be touched.
        most: u32,
        /// How many there are.
        size: u32,
    },
}

/// How much of a group may be touched in an hour: this share in percent, and always so many devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) percent: u32,
    pub(super) at_least: u32,
}

impl Share {
    fn of(self, size: u32) -> u32 {
        let share = u64::from(size) * u64::from(self.percent) / 100;
        u32::try_from(share).unwrap_or(u32::MAX).max(self.at_least)
    }
}

/// Who was touched when, per rule and altogether.
#[derive(Debug)]
pub(super) struct Budget {
    fleet_per_hour: u32,
    share: Share,
    fleet: Window,
    rules: HashMap<Box<str>, Window>,
    groups: HashMap<Box<str>, Window>,
}

impl Budget {
    pub(super) fn new(fleet_per_hour: u32, share: Share) -> Self {
        Self { fleet_per_hour, share, fleet: Window::default(), rules: HashMap::new(), groups: HashMap::new() }
    }

    /// Takes one action on `device` out of the budget of `rule`, or says which bound forbids it. `kin`: the device's groups
    /// with how many devices each has.
    pub(super) fn take(
        &mut self,
        rule: &str,
        per_hour: u32,
        device: DeviceId,
        kin: &[(Box<str>, u32)],
        now: Timestamp,
    ) -> Result<(), Over> {
        for (name, size) in kin {
            let Some(window) = self.groups.get_mut(name) else { continue };
            window.forget_before(now);
            let most = self.share.of(*size);
            if !window.has_room(device, most) {
                return Err(Over::Group { name: name.clone(), most, size: *size });
            }
        }
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
        for (name, _) in kin {
            self.groups.entry(name.clone()).or_default().add(device, now);
        }
        Ok(())
    }

    /// Counts an action of before a restart. `groups`: those of the device.
    pub(super) fn remember(&mut self, rule: &str, device: DeviceId, groups: &[Box<str>], at: Timestamp) {
        self.rules.entry(rule.into()).or_default().add(device, at);
        self.fleet.add(device, at);
        for name in groups {
            self.groups.entry(name.clone()).or_default().add(device, at);
        }
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

    const SHARE: Share = Share { percent: 20, at_least: 2 };

    #[test]
    fn counts_devices_in_a_sliding_hour() {
        let mut budget = Budget::new(100, SHARE);
        let at = |minutes: i64| Timestamp(minutes * 60_000);
        assert_eq!(budget.take("r", 2, DeviceId(1), &[], at(0)), Ok(()));
        assert_eq!(budget.take("r", 2, DeviceId(1), &[], at(30)), Ok(()));
        assert_eq!(budget.take("r", 2, DeviceId(2), &[], at(31)), Ok(()));
        assert_eq!(budget.take("r", 2, DeviceId(3), &[], at(59)), Err(Over::Rule(2)));
        assert_eq!(
            budget.take("r", 2, DeviceId(3), &[], at(61)),
            Err(Over::Rule(2)),
            "device 1 was touched at 30 again"
        );
        assert_eq!(budget.take("r", 2, DeviceId(3), &[], at(90)), Ok(()));
    }

    #[test]
    fn a_group_is_never_touched_as_a_whole() {
        let mut budget = Budget::new(1000, SHARE);
        let north = |size| [("north".into(), size)];
        let over = |most, size| Err(Over::Group { name: "north".into(), most, size });
        budget.remember("r", DeviceId(1), &["north".into()], Timestamp(0));
        assert_eq!(budget.take("r", 1000, DeviceId(2), &north(8), Timestamp(1)), Ok(()));
        assert_eq!(
            budget.take("s", 1000, DeviceId(3), &north(8), Timestamp(2)),
            over(2, 8),
            "20 % of 8 is less than 2"
        );
        assert_eq!(budget.take("s", 1000, DeviceId(3), &[("south".into(), 8)], Timestamp(3)), Ok(()));
        assert_eq!(budget.take("r", 1000, DeviceId(2), &north(8), Timestamp(4)), Ok(()), "touched already");
        assert_eq!(budget.take("s", 1000, DeviceId(4), &north(15), Timestamp(5)), Ok(()), "20 % of 15 is 3");
        let later = Timestamp(3_600_004);
        assert_eq!(budget.take("s", 1000, DeviceId(5), &north(8), later), Ok(()), "devices 1 and 2 are an hour ago");
    }

    #[test]
    fn the_fleet_has_a_bound_of_its_own() {
        let mut budget = Budget::new(2, SHARE);
        for device in 1..=2 {
            assert_eq!(budget.take(&format!("r{device}"), 20, DeviceId(device), &[], Timestamp(0)), Ok(()));
        }
        assert_eq!(budget.take("r3", 20, DeviceId(3), &[], Timestamp(0)), Err(Over::Fleet(2)));
        assert_eq!(budget.take("r3", 20, DeviceId(1), &[], Timestamp(0)), Ok(()));
    }
}

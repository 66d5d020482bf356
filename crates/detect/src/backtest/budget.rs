//! How many devices may be touched in a sliding hour, as the responder keeps it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use fleetward_fleet::{DeviceId, Timestamp};

const HOUR: Duration = Duration::from_hours(1);

/// Who was touched within the hour. A device that was touched already costs nothing more.
#[derive(Debug, Default)]
pub(super) struct Hour {
    taken: VecDeque<(Timestamp, DeviceId)>,
    devices: HashMap<DeviceId, u32>,
}

impl Hour {
    /// Whether one more action on `device` stays within `limit` devices.
    pub(super) fn has_room(&mut self, device: DeviceId, limit: u32, now: Timestamp) -> bool {
        while self.taken.front().is_some_and(|(at, _)| *at + HOUR <= now) {
            let Some((_, device)) = self.taken.pop_front() else { break };
            if let Some(count) = self.devices.get_mut(&device) {
                *count -= 1;
                if *count == 0 {
                    self.devices.remove(&device);
                }
            }
        }
        self.devices.contains_key(&device) || self.devices.len() < limit as usize
    }

    pub(super) fn take(&mut self, device: DeviceId, now: Timestamp) {
        self.taken.push_back((now, device));
        *self.devices.entry(device).or_default() += 1;
    }
}

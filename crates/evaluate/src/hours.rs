//! Device-hours from records, as an analyst without our session counting would sum them up for the textbook's detectors.

use std::hash::{Hash, Hasher};

use fleetward_baseline::ModelKey;
use fleetward_baseline::textbook::DeviceHour;
use fleetward_fleet::{Body, DeviceId, Observation};
use hashbrown::HashMap;

/// Hours of all devices, closed one after the other. Late octets count in the hour in which they arrive.
#[derive(Debug, Default)]
pub(crate) struct Hours {
    devices: Vec<(DeviceId, ModelKey, u64)>,
    places: HashMap<DeviceId, usize>,
    /// Last counters of each session.
    sessions: HashMap<u64, u64>,
    hour: Option<u32>,
}

impl Hours {
    /// Takes a record. Hours that are over are handed to `closed`, every device of them, also those without traffic.
    pub(crate) fn observe(&mut self, observation: &Observation, closed: &mut impl FnMut(&DeviceHour)) {
        let hour = u32::try_from(observation.observed_at.secs() / 3600).unwrap_or(0);
        let open = *self.hour.get_or_insert(hour);
        for over in open..hour {
            for (device, model, bytes) in &mut self.devices {
                closed(&DeviceHour { device: *device, model: *model, hour: over, bytes: std::mem::take(bytes) });
            }
        }
        self.hour = Some(open.max(hour));
        match &observation.body {
            Body::DeviceChange(change) if !self.places.contains_key(&observation.device) => {
                self.places.insert(observation.device, self.devices.len());
                let model = change.device.model.as_deref().map_or(ModelKey::NONE, |name| ModelKey(hash(&name)));
                self.devices.push((observation.device, model, 0));
            }
            Body::Session(session) => {
                let total = session.bytes_up + session.bytes_down;
                let last = self.sessions.entry(hash(&(&session.key.nas, &session.key.id))).or_default();
                let more = total.saturating_sub(*last);
                *last = total.max(*last);
                if let Some(place) = self.places.get(&observation.device) {
                    self.devices[*place].2 += more;
                }
            }
            _ => {}
        }
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish() | 1 // 0 is `ModelKey::NONE`
}

//! How much of an allowed thing a device does, hour by hour.

use fleetward_fleet::Rate;
use fleetward_packet::Time;

const HOUR: i64 = 3_600_000_000_000;
/// More than the most that was learnt, so many times, is unusual: the learnt most is that of some days only.
const FACTOR: u64 = 4;
/// Below these, nothing is worth a word.
const FLOOR_BYTES: u64 = 4 << 20;
const FLOOR_FLOWS: u64 = 120;
const MAX_RULES: usize = 1024;

#[derive(Debug, Default, Clone, Copy)]
struct Use {
    hour: i64,
    up: u64,
    down: u64,
    flows: u64,
}

/// By the place of the rule in its profile.
#[derive(Debug, Default)]
pub(super) struct Uses(Vec<Use>);

impl Uses {
    /// Adds to a rule; what exceeds its usual rate: how much, of what, and the usual.
    pub(super) fn add(
        &mut self,
        rule: usize,
        rate: &Rate,
        time: Time,
        bytes: (u64, u64),
        flows: u64,
    ) -> Option<(u64, &'static str, u64)> {
        if rule >= MAX_RULES {
            return None;
        }
        if self.0.len() <= rule {
            self.0.resize(rule + 1, Use::default());
        }
        let (it, hour) = (&mut self.0[rule], time.0.div_euclid(HOUR));
        if it.hour != hour {
            *it = Use { hour, ..Use::default() };
        }
        it.up += bytes.0;
        it.down += bytes.1;
        it.flows += flows;
        let over = |is: u64, usual: Option<u64>, floor: u64| {
            usual.filter(|usual| is > floor.max(usual.saturating_mul(FACTOR)))
        };
        if let Some(usual) = over(it.up, rate.bytes_up_per_hour, FLOOR_BYTES) {
            return Some((it.up, "octets from the device", usual));
        }
        if let Some(usual) = over(it.down, rate.bytes_down_per_hour, 16 * FLOOR_BYTES) {
            return Some((it.down, "octets to the device", usual));
        }
        let usual = over(it.flows, rate.flows_per_hour.map(u64::from), FLOOR_FLOWS)?;
        Some((it.flows, "conversations", usual))
    }
}

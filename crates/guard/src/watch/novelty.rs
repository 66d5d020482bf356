//! Many devices of a model begin the same new thing at once: an update, or an incident. It is told once.

use fleetward_fleet::SignKind;
use fleetward_packet::Time;
use hashbrown::HashMap;

/// So many devices are told of one by one; the next makes it a matter of the model.
const ALONE: u64 = 3;
/// A day, in nanoseconds.
const WINDOW: i64 = 86_400_000_000_000;
/// Things that are remembered; when there are more, the old ones are forgotten, and what is left is told one by one.
const MAX_THINGS: usize = 4096;

type Thing = (usize, SignKind, u64);

#[derive(Debug)]
struct Novelty {
    since: Time,
    /// All devices; beyond some thousand, those that are remembered are enough.
    devices: Vec<u64>,
    /// Told together, at so many.
    told: u64,
}

#[derive(Debug, Default)]
pub(super) struct Novelties(HashMap<Thing, Novelty>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Alone,
    /// So many devices.
    Together(u64),
    Held,
}

impl Novelties {
    pub(super) fn does(&mut self, thing: Thing, device: u64, time: Time) -> Turn {
        if self.0.len() >= MAX_THINGS && !self.0.contains_key(&thing) {
            self.0.retain(|_, it| time.0.saturating_sub(it.since.0) <= WINDOW);
            if self.0.len() >= MAX_THINGS {
                return Turn::Alone;
            }
        }
        let novelty = self.0.entry(thing).or_insert(Novelty { since: time, devices: Vec::new(), told: 0 });
        if time.0.saturating_sub(novelty.since.0) > WINDOW {
            *novelty = Novelty { since: time, devices: Vec::new(), told: 0 };
        }
        match novelty.devices.iter().position(|it| *it == device) {
            Some(at) if (at as u64) < ALONE => return Turn::Alone,
            None if novelty.devices.len() < 16_384 => novelty.devices.push(device),
            Some(_) | None => return Turn::Held,
        }
        let count = novelty.devices.len() as u64;
        if count <= ALONE {
            return Turn::Alone;
        }
        // Told when it is a matter of the model, and again at each tenfold.
        if novelty.told == 0 || count >= novelty.told.saturating_mul(10) {
            novelty.told = count;
            return Turn::Together(count);
        }
        Turn::Held
    }
}

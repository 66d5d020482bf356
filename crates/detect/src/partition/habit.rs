//! What a device is used to: the device half of its baseline, and what else about it changed in the last day.

use fleetward_baseline::{DeviceBaseline, Evidence, Measure, Traffic};
use fleetward_fleet::{Attach, CellId, Plmn, Timestamp};
use serde::{Deserialize, Serialize};

use crate::group::{OFTEN, Seen};
use crate::pack::PackedPlmn;

/// Kept for devices of the inventory once they have talked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Habit {
    baseline: DeviceBaseline,
    /// A hash of the module, 0 where none was told yet.
    module: u32,
    /// The network that it was last heard of in, when, and how long it usually rests in between (both in seconds).
    network: PackedPlmn,
    heard: u32,
    pause: u32,
    /// The area of the network, 0 where none was told.
    area: u16,
    /// Most devices have none.
    changes: Option<Box<Changes>>,
}

/// When something became another one (hours, 0 for never), and what makes others recognised.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Changes {
    module: u32,
    country: u32,
    /// Destinations ever contacted, as a Bloom filter with two bits each; the hour of the last new one.
    destinations: [u64; 4],
    destination: u32,
}

/// How long a change is evidence for what else is unusual.
const DAY: u32 = 24;
/// A device that is younger than this many days contacts everything for the first time.
const SETTLED: u32 = 7;
/// Less than half an hour is no silence.
const SHORTEST: u32 = 1800;
/// Seconds in which a pause fades.
const WEEK: u64 = 7 * 86_400;

/// That of a device that was never heard of.
impl Default for Habit {
    fn default() -> Self {
        Self::new(Timestamp(0))
    }
}

impl Habit {
    pub(crate) fn new(at: Timestamp) -> Self {
        Self {
            baseline: DeviceBaseline::new(at),
            module: 0,
            network: PackedPlmn::default(),
            heard: 0,
            pause: 0,
            area: 0,
            changes: None,
        }
    }

    /// One record's traffic.
    pub(crate) fn add(&mut self, at: Timestamp, traffic: &Traffic, out: &mut Vec<Measure>) {
        self.baseline.add(at, traffic, out);
    }

    /// Time passed.
    pub(crate) fn pass(&mut self, now: Timestamp, out: &mut Vec<Measure>) {
        self.baseline.pass(now, out);
    }

    /// Module and place, where a record tells them. Networks are not compared: a roaming SIM uses several of a country.
    pub(crate) fn attached(&mut self, at: Timestamp, attach: &Attach) {
        if let Some(imei) = attach.imei() {
            let module = (imei.number().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32 | 1;
            if self.module != 0 && self.module != module {
                self.changes().module = hour(at);
            }
            self.module = module;
        }
        let network = PackedPlmn::of(attach.network);
        if !network.is_none() && network != self.network {
            let before = self.network.value().and_then(Plmn::country);
            if before.is_some_and(|before| attach.country().is_some_and(|now| now != before)) {
                self.changes().country = hour(at);
            }
            self.network = network;
        }
        if let Some(location) = &attach.location {
            self.area = CellId::from_octets(location).and_then(CellId::short_area).unwrap_or(0);
        }
    }

    /// A destination, by the hash of its name or address.
    pub(crate) fn contacted(&mut self, at: Timestamp, destination: u64) {
        let bits = [destination & 0xFF, (destination >> 8) & 0xFF].map(|bit| bit as usize);
        let is_settled = self.days(at) >= SETTLED;
        let changes = self.changes();
        let is_known = bits.iter().all(|bit| changes.destinations[bit / 64] & (1 << (bit % 64)) != 0);
        if is_known {
            return;
        }
        for bit in bits {
            changes.destinations[bit / 64] |= 1 << (bit % 64);
        }
        if is_settled {
            changes.destination = hour(at);
        }
    }

    fn changes(&mut self) -> &mut Changes {
        self.changes.get_or_insert_default()
    }

    /// It was heard of: how long it rests fades over a week, so that the longest usual pause counts, also that of a night. One
    /// long pause is no habit: once the device is settled, it counts for twice the usual one at most.
    pub(crate) fn heard(&mut self, at: Timestamp) {
        let now = u32::try_from(at.secs()).unwrap_or(0);
        if self.heard != 0 && now > self.heard {
            let rested = now - self.heard;
            let usual = if self.days(at) < SETTLED { rested } else { self.pause.max(SHORTEST).saturating_mul(2) };
            let faded = u64::from(self.pause) * u64::from(rested) / WEEK;
            self.pause = rested.min(usual).max(self.pause.saturating_sub(u32::try_from(faded).unwrap_or(u32::MAX)));
        }
        self.heard = self.heard.max(now);
    }

    /// The network that it was last heard of in.
    pub(crate) fn network(&self) -> Option<Plmn> {
        self.network.value()
    }

    /// The area of the network that it was last heard of in.
    pub(crate) fn area(&self) -> Option<u16> {
        Some(self.area).filter(|area| *area != 0)
    }

    /// How it counts for its network and area; `None`: it never told one, or was heard of once.
    pub(crate) fn seen(&self, now: Timestamp) -> Option<Seen> {
        let network = self.network().filter(|_| self.pause > 0)?;
        Some(Seen { network, area: self.area, often: self.pause <= OFTEN, silent: self.is_silent(now) })
    }

    /// It rests much longer than it does.
    fn is_silent(&self, now: Timestamp) -> bool {
        let rests = u32::try_from(now.secs()).unwrap_or(0).saturating_sub(self.heard);
        self.pause > 0 && rests > self.pause.saturating_mul(2).max(SHORTEST)
    }

    /// What changed in the day before `at`.
    pub(crate) fn evidence(&self, at: Timestamp) -> Evidence {
        let now = hour(at);
        let recent = |changed: u32| changed != 0 && now.saturating_sub(changed) < DAY;
        let Some(changes) = &self.changes else { return Evidence::default() };
        Evidence {
            identity_changed: recent(changes.module),
            place_changed: recent(changes.country),
            new_destination: recent(changes.destination),
            ..Evidence::default()
        }
    }

    /// Whole days of learning.
    pub(crate) fn days(&self, now: Timestamp) -> u32 {
        self.baseline.days(now)
    }
}

fn hour(at: Timestamp) -> u32 {
    u32::try_from(at.secs().div_euclid(3600)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_secs(1_795_000_000 + hours * 3600)
    }

    #[test]
    fn what_is_learnt_of_a_device_stays_small() {
        assert!(size_of::<Habit>() <= 288, "{}", size_of::<Habit>());
    }

    #[test]
    fn a_change_is_evidence_for_a_day() {
        let mut habit = Habit::new(at(0));
        let attach = |network: &str, imei: &str| Attach {
            network: network.parse().ok(),
            imeisv: imei.parse().ok(),
            ..Attach::default()
        };
        habit.attached(at(1), &attach("26201", "3569380356438090"));
        assert_eq!(habit.evidence(at(2)), Evidence::default(), "the first is no change");
        habit.attached(at(3), &attach("26202", "3569380356438090"));
        assert_eq!(habit.evidence(at(4)), Evidence::default(), "another network of the same country");
        habit.attached(at(30), &attach("23415", "4901542032375182"));
        let evidence = habit.evidence(at(40));
        assert!(evidence.identity_changed && evidence.place_changed && !evidence.new_destination);
        assert_eq!(habit.evidence(at(60)), Evidence::default());
    }

    #[test]
    fn a_new_destination_counts_once_the_device_is_settled() {
        let mut habit = Habit::new(at(0));
        habit.contacted(at(1), 0x1234);
        assert!(!habit.evidence(at(2)).new_destination, "a young device contacts everything for the first time");
        habit.contacted(at(200), 0x1234);
        assert!(!habit.evidence(at(201)).new_destination);
        habit.contacted(at(202), 0xAB78);
        assert!(habit.evidence(at(203)).new_destination);
    }

    #[test]
    fn silence_is_twice_the_usual_rest() {
        let mut habit = Habit::new(at(0));
        (0..30).for_each(|day| habit.heard(at(day * 24)));
        assert!(!habit.is_silent(at(29 * 24 + 40)));
        assert!(habit.is_silent(at(29 * 24 + 60)));
    }
}

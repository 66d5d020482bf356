//! What a device half tells a model half about one hour or one day.

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Settings;
use crate::evidence::Evidence;
use crate::lane::Known;
use crate::octaves;
use crate::week::Usual;

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Metric {
    /// Bytes of one hour or one day, both directions: `unusual(bytes)`.
    Bytes,
    /// Evidence over days that the daily volume has moved up: `drift(bytes)`.
    Drift,
}

/// Which span a measure is about, and whether that span is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// An hour to which nothing can be added any more.
    Closed,
    /// An hour that still grows; its volume is a lower bound.
    Open,
    /// A day that is over.
    Day,
}

/// What one direction of a device's traffic is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// By the device.
    Sent,
    /// To the device.
    Received,
}

/// One hour or day of one device, with what the device itself knows about such hours or days before it learns from this
/// one. `Copy`, about a hundred bytes. Volumes marked *octaves* are log2(bytes + 256) in 1/256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Bytes sent by the device.
    pub sent: u64,
    /// Bytes sent to the device.
    pub received: u64,
    /// Hours since 1970-01-01T00:00Z; for a day, its first hour.
    pub hour: u32,
    /// Device-hours that this measure stands for: uninteresting hours are not told one by one.
    pub hours: u16,
    /// Whole days since the device's first record.
    pub days: u16,
    /// What it is about.
    pub kind: Kind,
    /// Centre and weight of the hour before, this hour and the hour after. *octaves*
    pub(crate) usual: [Usual; 3],
    /// Standard deviation around the centre. *octaves*
    pub(crate) spread: u16,
    /// The device's level over all active hours. *octaves*
    pub(crate) level: u16,
    /// Days with traffic that busiest hours and usual days rest on.
    pub(crate) busy_days: u8,
    /// Active hours that the level rests on.
    pub(crate) active: u16,
    /// What is known about the busiest hours (for a day, about days), sent and received.
    pub(crate) lanes: [Known; 2],
    /// Evidence over days that more is sent or received, after this one. Days only, like what follows.
    pub(crate) drifts: [Evidence; 2],
    /// Bytes of a day of late, on the mean.
    pub(crate) means: [u64; 2],
    /// Evidence over days that hours are higher than usual for their time of the week.
    pub(crate) pattern: Evidence,
}

impl Measure {
    /// Nothing measured.
    pub(crate) const EMPTY: Self = Self {
        sent: 0,
        received: 0,
        hour: 0,
        hours: 0,
        days: 0,
        kind: Kind::Closed,
        usual: [Usual { centre: 0, weight: 0 }; 3],
        spread: 0,
        level: 0,
        busy_days: 0,
        active: 0,
        lanes: [Known { centre: 0, spread: 0, record: 0 }; 2],
        drifts: [Evidence::NONE; 2],
        means: [0; 2],
        pattern: Evidence::NONE,
    };

    /// Bytes in both directions.
    pub fn bytes(&self) -> u64 {
        self.sent.saturating_add(self.received)
    }

    /// Bytes in one.
    pub fn lane(&self, direction: Direction) -> u64 {
        match direction {
            Direction::Sent => self.sent,
            Direction::Received => self.received,
        }
    }

    /// When the hour or day began.
    pub fn start(&self) -> Timestamp {
        Timestamp::from_secs(i64::from(self.hour) * 3600)
    }

    /// Whether this measure could lead to an alarm at all: cheap, and never false where [`crate::FleetBaseline::judge`]
    /// names the device because of this measure. True for few measures (about one device-day in ten).
    pub fn may_alarm(&self, settings: &Settings) -> bool {
        if self.kind != Kind::Day {
            return self.bytes() >= settings.floor && self.is_near_record(0);
        }
        let least = octaves::from_bytes(settings.floor / crate::score::WEEK);
        let rises = |evidence: &Evidence| evidence.rises() && evidence.weight >= least;
        self.bytes() >= settings.floor && self.is_near_record(0) || self.drifts.iter().chain([&self.pattern]).any(rises)
    }

    /// Whether more was sent or received than ever, or nearly, by so many octaves in 1/256.
    pub(crate) fn is_near_record(&self, within: i32) -> bool {
        let lanes = [self.sent, self.received].into_iter().zip(&self.lanes);
        let mut near =
            lanes.map(|(bytes, known)| i32::from(octaves::from_bytes(bytes)) > i32::from(known.record) - within);
        near.any(|near| near)
    }

    /// The volume. *octaves*
    pub(crate) fn octaves(&self) -> i32 {
        i32::from(octaves::from_bytes(self.bytes()))
    }

    /// The highest centre among this hour and its neighbours (jitter and daylight saving move a schedule by one), each
    /// pulled towards the device's level as long as it rests on little. *octaves*
    pub(crate) fn centre(&self) -> i32 {
        let level = i32::from(self.level);
        let pulled = |usual: &Usual| match i32::from(usual.weight) {
            0 => level,
            weight => (i32::from(usual.centre) * weight + level) / (weight + 1),
        };
        self.usual.iter().map(pulled).max().unwrap_or(level)
    }

    /// How many deviations above the centre.
    #[cfg(test)]
    pub(crate) fn deviations(&self) -> f64 {
        f64::from(self.octaves() - self.centre()) / f64::from(self.spread.max(1))
    }
}

//! What a device half tells a model half about one hour or one day.

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Settings;
use crate::days::Evidence as DayEvidence;
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

/// One hour or day of one device, with what the device itself knows about such hours or days before it learns from this
/// one. `Copy`, at most 64 bytes. Volumes marked *octaves* are log2(bytes + 256) in 1/256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Bytes, both directions.
    pub bytes: u64,
    /// Hours since 1970-01-01T00:00Z; for a day, its first hour.
    pub hour: u32,
    /// Device-hours that this measure stands for: uninteresting hours are not told one by one.
    pub hours: u16,
    /// Whole days since the device's first record.
    pub days: u16,
    /// What it is about.
    pub kind: Kind,
    /// Centre and weight of the hour before, this hour and the hour after; a day has only the middle one. *octaves*
    pub(crate) usual: [Usual; 3],
    /// Standard deviation around the centre. *octaves*
    pub(crate) spread: u16,
    /// The device's level over all active hours. *octaves*
    pub(crate) level: u16,
    /// Where the busiest hour of a day usually lies. *octaves*
    pub(crate) busiest: u16,
    /// The usual distance from there. *octaves*
    pub(crate) variety: u16,
    /// Days that both rest on.
    pub(crate) busy_days: u8,
    /// Active hours that the level rests on.
    pub(crate) active: u16,
    /// The highest hour (or day) before this one, fading. *octaves*
    pub(crate) record: u16,
    /// Evidence over days that days have more bytes, after this one.
    pub(crate) volume: DayEvidence,
    /// Evidence over days that hours are higher than usual for their time of the week.
    pub(crate) pattern: DayEvidence,
}

impl Measure {
    /// When the hour or day began.
    pub fn start(&self) -> Timestamp {
        Timestamp::from_secs(i64::from(self.hour) * 3600)
    }

    /// Whether this measure could lead to an alarm at all: cheap, and never false where [`crate::FleetBaseline::judge`]
    /// names the device because of this measure. True for few measures (about one device-day in ten).
    pub fn may_alarm(&self, settings: &Settings) -> bool {
        let is_higher = self.octaves() > i32::from(self.record) || self.volume.rises() || self.pattern.rises();
        let floor = if self.kind == Kind::Day { settings.floor / crate::score::WEEK } else { settings.floor };
        is_higher && self.bytes >= floor
    }

    /// The volume. *octaves*
    pub(crate) fn octaves(&self) -> i32 {
        i32::from(octaves::from_bytes(self.bytes))
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
    pub(crate) fn deviations(&self) -> f64 {
        f64::from(self.octaves() - self.centre()) / f64::from(self.spread.max(1))
    }
}

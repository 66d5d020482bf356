//! The beginning of one alarm, and whether another has the same cause.

use fleetward_fleet::DeviceId;
use serde::{Deserialize, Serialize};

use crate::{Direction, Unusual};

/// Alarms start together if their hours lie within this many of each other.
pub(super) const TOGETHER: u32 = 2;
/// Alarms with about the same excess are one event even when they begin over a day: a campaign of updates.
pub(super) const CAMPAIGN: u32 = 24;
/// The same excess: within this many octaves.
const ALIKE: f64 = 0.75;
/// Heights within an event are counted by quarters of an octave.
pub(super) const QUARTERS: f32 = 4.0;

/// An alarm began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) hour: u32,
    pub(super) device: DeviceId,
    /// log2 of the bytes above the usual.
    excess: f32,
    pub(super) direction: Option<Direction>,
    /// Its mean of some days has risen, which is another height than that of an hour or a day.
    is_slow: bool,
}

impl Start {
    pub(super) fn of(hour: u32, unusual: &Unusual, carried: u64) -> Self {
        let excess = unusual.now.max(carried).saturating_sub(unusual.usual_high).max(1);
        let direction = unusual.basis.direction();
        let is_slow = unusual.basis.is_slow();
        Self { hour, device: unusual.device, excess: libm::log2(excess as f64) as f32, direction, is_slow }
    }

    /// The excess in quarters of an octave, of at most 64; 0 where it is not that of an hour or a day.
    pub(super) fn height(&self) -> u8 {
        if self.is_slow { 0 } else { (self.excess * QUARTERS).max(1.0) as u8 }
    }

    /// Whether both are likely to have the same cause.
    pub(super) fn belongs_with(&self, other: &Self) -> bool {
        // An update is received, a flood is sent: one does not hide the other.
        if self.direction != other.direction {
            return false;
        }
        let apart = self.hour.abs_diff(other.hour);
        apart <= TOGETHER || apart <= CAMPAIGN && f64::from((self.excess - other.excess).abs()) <= ALIKE
    }

    /// Whether it has more than so many octaves above its usual.
    pub(super) fn is_above(&self, octaves: f64) -> bool {
        f64::from(self.excess) > octaves
    }
}

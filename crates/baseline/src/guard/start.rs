//! The beginning of one alarm, or of what is nearly one, and whether another has the same cause.

use fleetward_fleet::DeviceId;
use serde::{Deserialize, Serialize};

use crate::{Direction, Unusual};

/// Alarms start together if their hours lie within this many of each other.
pub(super) const TOGETHER: u32 = 2;
/// Alarms with about the same excess are one event even when they begin over a day: a campaign of updates.
pub(super) const CAMPAIGN: u32 = 24;
/// The same excess: within this many octaves.
const ALIKE: f64 = 0.75;
/// The same for what is no alarm: an update is as large for one as for another, and somebody's films are not.
const SAME: f64 = 0.25;
/// Heights within an event are counted by quarters of an octave.
pub(super) const QUARTERS: f32 = 4.0;

/// An alarm began, or nearly one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) hour: u32,
    pub(super) device: DeviceId,
    /// log2 of the bytes above the usual.
    excess: f32,
    pub(super) direction: Option<Direction>,
    /// Its mean of some days has risen, which is another height than that of an hour or a day.
    pub(super) is_slow: bool,
    /// It is no alarm, but nearly one.
    pub(super) is_faint: bool,
}

impl Start {
    pub(super) fn of(hour: u32, unusual: &Unusual, carried: u64) -> Self {
        let excess = unusual.now.max(carried).saturating_sub(unusual.usual_high).max(1);
        let direction = unusual.basis.direction();
        let is_slow = unusual.basis.is_slow();
        let excess = libm::log2(excess as f64) as f32;
        Self { hour, device: unusual.device, excess, direction, is_slow, is_faint: false }
    }

    /// Of an hour with so many bytes above the usual, which is no alarm.
    pub(super) fn faint(hour: u32, device: DeviceId, direction: Direction, above: u64) -> Self {
        let excess = libm::log2(above.max(1) as f64) as f32;
        Self { hour, device, excess, direction: Some(direction), is_slow: false, is_faint: true }
    }

    /// The same device did the same in the same hour; the most of it counts.
    pub(super) fn go_on(&mut self, other: &Self) {
        if self.is_faint && self.hour == other.hour {
            self.excess = self.excess.max(other.excess);
        }
    }

    /// Whether both are about the same direction of one device.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.device == other.device && self.direction == other.direction
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
        // Of what is no alarm nothing is known but how much it is.
        let is_faint = self.is_faint || other.is_faint;
        let alike = if is_faint { SAME } else { ALIKE };
        apart <= TOGETHER && !is_faint || apart <= CAMPAIGN && f64::from((self.excess - other.excess).abs()) <= alike
    }

    /// Whether it has at most half as much above its usual as a member of this height.
    pub(super) fn is_beside(&self, height: u8) -> bool {
        self.excess + 1.0 <= f32::from(height) / QUARTERS
    }

    /// Whether its device did the other in the same hours, and at most half as much.
    pub(super) fn has_beside(&self, other: &Self) -> bool {
        self.hour.abs_diff(other.hour) <= TOGETHER && other.excess + 1.0 <= self.excess
    }

    /// Whether it has more than so many octaves above its usual.
    pub(super) fn is_above(&self, octaves: f64) -> bool {
        f64::from(self.excess) > octaves
    }
}

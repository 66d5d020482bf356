//! An event of a model: who takes part, how much they have above their usual, and so what it explains.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetward_fleet::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};

use super::start::{CAMPAIGN, QUARTERS, Start, TOGETHER};
use super::{FEWEST, MOST};
use crate::{Direction, ModelWide, Phase};

/// An event is over when nobody joined for this long: a day is judged after its end, and belongs to the event that was in it.
const QUIET: Duration = Duration::from_hours(30);
/// What a device has above its usual is not explained by an event whose members mostly have so many octaves less, or so many
/// times as much less as the lower of them lie apart: somebody's films are no part of a wave of updates.
const BEYOND: f64 = 1.5;
const APART: f64 = 3.0;
/// Half an octave, in heights.
const HALF: u8 = 2;

/// An event that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) since: u32,
    until: u32,
    pub(super) direction: Option<Direction>,
    /// It began while another of its direction went on that does not explain it.
    pub(super) is_beyond: bool,
    members: BTreeMap<DeviceId, Member>,
    /// How many members there are of each height; at 0 those of whom it is not known.
    heights: Vec<u32>,
    joined: Vec<DeviceId>,
    pub(super) affected: u32,
    told: u32,
    told_at: u32,
    /// When it last grew, by the clock and not by the hours that it is about: some records come late.
    pub(super) joined_at: Timestamp,
}

/// A device that takes part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Member {
    /// The most that it had above its usual: [`Start::height`].
    height: u8,
    /// When its part in it began.
    hour: u32,
    /// It is one only because of what is nearly an alarm: the height at which it began.
    nearly: Option<u8>,
}

impl Event {
    pub(super) fn new(first: &Start, now: Timestamp, is_beyond: bool) -> Self {
        Self {
            since: first.hour,
            until: first.hour,
            direction: first.direction,
            is_beyond,
            members: BTreeMap::new(),
            heights: Vec::new(),
            joined: Vec::new(),
            affected: 0,
            told: 0,
            told_at: 0,
            joined_at: now,
        }
    }

    /// What is to be told of it now; when it is over, it has been told for the last time.
    pub(super) fn tell(&mut self, now: Timestamp, devices: u32) -> Option<ModelWide> {
        let hour = u32::try_from(now.secs() / 3600).unwrap_or(0);
        let phase = if self.told == 0 {
            Phase::Began
        } else if self.affected > self.told && hour > self.told_at {
            Phase::Grew
        } else if now.since(self.joined_at) > QUIET {
            Phase::Over
        } else {
            return None;
        };
        (self.told, self.told_at) = (self.affected, hour);
        Some(ModelWide {
            model: crate::ModelKey::NONE,
            metric: crate::Metric::Bytes,
            phase,
            direction: self.direction,
            is_beyond: self.is_beyond,
            since: Timestamp::from_secs(i64::from(self.since) * 3600),
            until: Timestamp::from_secs(i64::from(self.until) * 3600),
            joined: std::mem::take(&mut self.joined),
            affected: self.affected,
            devices,
        })
    }

    /// Takes a device in, or learns that it has more above its usual than before.
    pub(super) fn join(&mut self, start: &Start) {
        self.take(start, None);
    }

    /// The same, where the others are mostly no alarms.
    pub(super) fn nearly_join(&mut self, start: &Start) {
        self.take(start, Some(start.height()));
    }

    fn take(&mut self, start: &Start, nearly: Option<u8>) {
        self.since = self.since.min(start.hour);
        self.until = self.until.max(start.hour);
        let this = Member { height: start.height(), hour: start.hour, nearly };
        if let Some(before) = self.members.get(&start.device).copied() {
            let part = if before.goes_on_with(start) { before } else { this };
            self.measure(start.device, Member { height: this.height.max(before.height), ..part });
        } else if self.members.len() < MOST {
            self.measure(start.device, this);
            self.affected += 1;
            if self.joined.len() < ModelWide::LISTED {
                self.joined.push(start.device);
            }
        }
    }

    fn measure(&mut self, device: DeviceId, member: Member) {
        self.heights.resize(usize::from(u8::MAX) + 1, 0);
        if let Some(before) = self.members.insert(device, member) {
            self.heights[usize::from(before.height)] -= 1;
        }
        self.heights[usize::from(member.height)] += 1;
    }

    /// Whether the device is a member, also if that was days ago.
    pub(super) fn has(&self, device: DeviceId) -> bool {
        self.members.contains_key(&device)
    }

    /// Whether this goes on with the part that its device takes in the event.
    pub(super) fn goes_on_with(&self, start: &Start) -> bool {
        self.members.get(&start.device).is_some_and(|member| member.goes_on_with(start))
    }

    /// It is no part of it, as is seen before anybody was told of it.
    pub(super) fn leave(&mut self, device: DeviceId) {
        if let Some(member) = self.members.remove(&device) {
            self.heights[usize::from(member.height)] -= 1;
            self.affected -= 1;
            self.joined.retain(|joined| *joined != device);
        }
    }

    /// Whether the device is a member that does this, in another direction, beside its part in the event: an update is confirmed
    /// while it is received, and a flood is none of that.
    pub(super) fn has_beside(&self, start: &Start) -> bool {
        let is_beside = |member: &Member| member.height == 0 || start.is_beside(member.height);
        self.members.get(&start.device).is_some_and(|member| member.goes_on_with(start) && is_beside(member))
    }

    /// Whether most of these are members already, so that it is the event itself that grows: its hours are told while they are
    /// open.
    pub(super) fn grows(&self, kin: &[Start]) -> bool {
        kin.iter().filter(|start| self.has(start.device)).count() * 2 >= kin.len()
    }

    /// How much above the usual it explains, in octaves. By the median of its members and what lies below it, because those
    /// that have more for a reason of their own must not vouch for each other.
    pub(super) fn limit(&self) -> f64 {
        let (Some(low), Some(median)) = (self.height(0.2), self.height(0.5)) else { return f64::INFINITY };
        median + BEYOND.max(APART * (median - low))
    }

    /// What this part of the members does not have above the usual, in octaves, of those of whom an hour or a day is known;
    /// `None` where these are few.
    fn height(&self, part: f64) -> Option<f64> {
        let known = self.heights.get(1..)?;
        let count: u32 = known.iter().sum();
        let wanted = ((part * f64::from(count)) as u32).max(1);
        let mut passed = 0;
        let reaches = |count: &u32| {
            passed += count;
            passed >= wanted
        };
        let at = known.iter().position(reaches).filter(|_| count as usize >= FEWEST)?;
        Some((at + 1) as f64 / f64::from(QUARTERS))
    }
}

impl Member {
    /// An update or an outage is over within a day, but the mean of some days has risen for longer. What its device does later is
    /// another thing; and so is what it does after some hours that is more than an update, where little says that it is one.
    fn goes_on_with(self, start: &Start) -> bool {
        let is_more = |began: u8| start.hour > self.hour + TOGETHER && start.height() > began + HALF;
        start.is_slow || start.hour <= self.hour + CAMPAIGN && !self.nearly.is_some_and(is_more)
    }
}

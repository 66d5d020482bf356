//! What the model half decided, with the numbers that explain it.

use std::fmt::Write as _;

use fleetward_fleet::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Basis, Metric, ModelKey};

/// What else happened to the device in the last day that makes unusual traffic more believable as trouble.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
pub struct Evidence {
    /// Another IMEI, IMSI or ICCID.
    pub identity_changed: bool,
    /// Another country or network.
    pub place_changed: bool,
    /// A destination that it never contacted before.
    pub new_destination: bool,
    /// A planned change or maintenance covers the device: learn nothing, alarm for nothing.
    pub expected: bool,
}

impl Evidence {
    /// Whether anything supports an alarm.
    pub fn supports(self) -> bool {
        self.identity_changed || self.place_changed || self.new_destination
    }
}

/// A decision of the model half.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// A device is outside what it, its model and chance explain. Repeats for every unusual hour or day; `first` marks the
    /// beginning of an episode.
    Unusual(Unusual),
    /// A device that was unusual has been usual for a day.
    Over {
        /// Which device.
        device: DeviceId,
        /// In what.
        metric: Metric,
        /// Since when it is over.
        at: Timestamp,
    },
    /// So many devices of a model are unusual at once that it is one event, not many.
    ModelWide(ModelWide),
}

/// Why a device is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
pub struct Unusual {
    /// Which device.
    pub device: DeviceId,
    /// In what.
    pub metric: Metric,
    /// What about it is unusual.
    pub basis: Basis,
    /// The hour (or for a day or more the day) that is unusual.
    pub at: Timestamp,
    /// 1 for an hour, 24 for a day.
    pub span_hours: u8,
    /// Whether that hour still grows, so that `now` is a lower bound.
    pub is_open: bool,
    /// Whether this begins an episode.
    pub first: bool,
    /// Bytes at the lower end of what is usual at this time of the week.
    pub usual_low: u64,
    /// Bytes at the upper end.
    pub usual_high: u64,
    /// Bytes now.
    pub now: u64,
    /// Days that the device itself has taught.
    pub days: u16,
    /// Whether it is the highest that the device is remembered to have reached (old records fade over months).
    pub is_record: bool,
    /// By chance about once in this many device-hours of this model.
    pub once_in_hours: u64,
    /// Other devices of the model that were also far above their usual within two hours.
    pub others_high: u32,
    /// Devices of the model.
    pub devices: u32,
    /// Whether other evidence (identity, place, destination) supported the decision.
    pub is_supported: bool,
}

impl Unusual {
    /// The explanation, without the name of the model:
    /// `Usual 0.2-1.4 MB on a Tuesday at 14:00 (8 weeks); now 38 MB. Highest ever ...`.
    pub fn sentence(&self, model: Option<&str>) -> String {
        let mut text = String::new();
        let _ = write!(text, "Usual {}-{} bytes ({} days", self.usual_low, self.usual_high, self.days);
        if let Some(model) = model {
            let _ = write!(text, ", model {model}");
        }
        let _ = write!(text, "); now {} bytes.", self.now);
        text
    }
}

/// Where a model-wide event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It begins: one finding about the model. Alarms of single devices that wait are folded into it.
    Began,
    /// More devices than when it was last told; at most once an hour.
    Grew,
    /// No new device for some hours.
    Over,
}

/// A change of a whole model: firmware, outage or attack?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelWide {
    /// Which model.
    pub model: ModelKey,
    /// In what.
    pub metric: Metric,
    /// Where the event stands.
    pub phase: Phase,
    /// The first unusual hour.
    pub since: Timestamp,
    /// The last unusual hour so far.
    pub until: Timestamp,
    /// Devices that joined since the event was last told, at most [`ModelWide::LISTED`].
    pub joined: Vec<DeviceId>,
    /// All affected devices so far.
    pub affected: u32,
    /// Devices of the model.
    pub devices: u32,
}

impl ModelWide {
    /// How many devices are listed at most.
    pub const LISTED: usize = 1000;
}

//! What the model half decided, with the numbers that explain it.

use std::fmt::Write as _;

use fleetward_fleet::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Basis, Direction, Metric, ModelKey};

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
    /// Whether that hour still grows, so that `now` is a lower bound.
    pub is_open: bool,
    /// Whether this begins an episode.
    pub first: bool,
    /// Bytes at the lower end of what is usual: of the busiest hours, of days, or (for a pattern) at this time of the week.
    pub usual_low: u64,
    /// Bytes at the upper end.
    pub usual_high: u64,
    /// Bytes now, in the direction of the basis; for a drift, of a day on the mean of a week.
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
    /// The explanation in one line: `Usually sends 212 kB to 1.4 MB in its busiest hours (8 weeks, model X); now 38 MB on a
    /// Tuesday at 14:00. Most ever for this SIM. By chance about once in 250,000 SIM-hours.` Times are UTC; `model` is the
    /// model's name.
    pub fn sentence(&self, model: Option<&str>) -> String {
        let usual = range(self.usual_low, self.usual_high);
        let model = model.map(|model| format!(", model {model}")).unwrap_or_default();
        let known = format!("({}{model})", learnt(self.days));
        let does = match self.basis.direction() {
            Some(Direction::Sent) => "sends",
            Some(Direction::Received) => "receives",
            None => "transfers",
        };
        let (now, day) = (bytes(self.now), self.day());
        let already = if self.is_open { "already " } else { "" };
        let mut text = match self.basis {
            Basis::SentHour | Basis::ReceivedHour => {
                let hour = self.at.secs().div_euclid(3600).rem_euclid(24);
                format!(
                    "Usually {does} {usual} in its busiest hours {known}; now {already}{now} on a {day} at {hour:02}:00."
                )
            }
            Basis::SentDay | Basis::ReceivedDay => {
                format!("Usually {does} {usual} a day {known}; {now} on this {day}.")
            }
            Basis::SentDrift | Basis::ReceivedDrift => {
                format!("Usually {does} {usual} a day on the mean {known}; {now} a day of late.")
            }
            Basis::Pattern => format!(
                "Usual {usual} an hour on a {day} {known}; its hours have been higher than usual for their time of day, for some \
                 days."
            ),
        };
        if self.is_record {
            text.push_str(" Most ever for this SIM.");
        }
        let _ = write!(text, " By chance about once in {} SIM-hours.", thousands(self.once_in_hours));
        if self.others_high > 0 {
            let _ =
                write!(text, " {} of {} others were unusual too.", self.others_high, thousands(self.devices.into()));
        }
        text
    }

    /// 1 January 1970 was a Thursday.
    fn day(&self) -> &'static str {
        DAYS[(self.at.secs().div_euclid(86_400) + 3).rem_euclid(7) as usize]
    }
}

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

fn learnt(days: u16) -> String {
    match days {
        0 => "first day".to_owned(),
        1 => "1 day".to_owned(),
        2..14 => format!("{days} days"),
        _ => format!("{} weeks", days / 7),
    }
}

/// Bytes with two digits that matter.
fn bytes(bytes: u64) -> String {
    let (value, unit) = scaled(bytes);
    format!("{} {unit}", digits(value))
}

fn range(low: u64, high: u64) -> String {
    if low == high {
        return bytes(high);
    }
    let ((low, low_unit), (high, high_unit)) = (scaled(low), scaled(high));
    if low_unit == high_unit {
        return format!("{}-{} {high_unit}", digits(low), digits(high));
    }
    format!("{} {low_unit} to {} {high_unit}", digits(low), digits(high))
}

fn scaled(bytes: u64) -> (f64, &'static str) {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let value = bytes as f64;
    units.into_iter().find(|(size, _)| value >= *size).map_or((value, "B"), |(size, unit)| (value / size, unit))
}

fn digits(value: f64) -> String {
    if value < 9.95 && value.fract() > 0.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn thousands(number: u64) -> String {
    // Two digits are known of an estimate; more would pretend.
    let step = 10_u64.pow(number.max(1).ilog10().saturating_sub(1));
    let rounded = if number < 10_000 { number } else { number / step * step };
    let digits = rounded.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
    /// Whether they sent or received more: an update is received, a flood is sent. `None`: both, hours that moved.
    pub direction: Option<Direction>,
    /// It began while another event of its direction went on, and is far larger than that one: a flood while what an outage
    /// held back is sent.
    pub is_beyond: bool,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn unusual() -> Unusual {
        Unusual {
            device: DeviceId(1),
            metric: Metric::Bytes,
            basis: Basis::SentHour,
            // Tuesday 27 January 2026, 14:00 UTC.
            at: Timestamp::from_secs(1_769_522_400),
            is_open: false,
            first: true,
            usual_low: 212_000,
            usual_high: 1_430_000,
            now: 38_000_000,
            days: 58,
            is_record: true,
            once_in_hours: 253_211,
            others_high: 0,
            devices: 4_812,
            is_supported: false,
        }
    }

    #[test]
    fn an_alarm_explains_itself() {
        assert_eq!(
            unusual().sentence(Some("meter")),
            "Usually sends 212 kB to 1.4 MB in its busiest hours (8 weeks, model meter); now 38 MB on a Tuesday at 14:00. Most \
             ever for this SIM. By chance about once in 250,000 SIM-hours."
        );
        let open = Unusual { is_open: true, days: 3, is_record: false, others_high: 3, ..unusual() };
        assert_eq!(
            open.sentence(None),
            "Usually sends 212 kB to 1.4 MB in its busiest hours (3 days); now already 38 MB on a Tuesday at 14:00. By chance \
             about once in 250,000 SIM-hours. 3 of 4,812 others were unusual too."
        );
        let mean =
            Unusual { usual_low: 1_200_000, usual_high: 1_200_000, now: 3_600_000, is_record: false, ..unusual() };
        let drift = Unusual { basis: Basis::ReceivedDrift, ..mean };
        assert!(
            drift
                .sentence(None)
                .starts_with("Usually receives 1.2 MB a day on the mean (8 weeks); 3.6 MB a day of late.")
        );
        let day = Unusual { basis: Basis::SentDay, ..unusual() };
        assert!(
            day.sentence(None).starts_with("Usually sends 212 kB to 1.4 MB a day (8 weeks); 38 MB on this Tuesday.")
        );
    }
}

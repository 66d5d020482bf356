//! Local time: what the clock on the wall says where a device works.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A time zone by its IANA name (`Europe/Berlin`), from the table that the program carries: the same on every machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// Hour and day of the week at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// 0 to 23.
    pub hour: u8,
    /// Minutes since midnight, 0 to 1439.
    pub minute_of_day: u16,
    /// 1 (Monday) to 7 (Sunday).
    pub weekday: u8,
}

/// The text is no name of a time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time zone; write its IANA name, for example `Europe/Berlin`")]
pub struct InvalidZone(String);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The clock there at this moment.
    pub fn local(&self, at: Timestamp) -> LocalTime {
        // What is outside the years that the library knows is taken as the beginning.
        let moment = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let local = self.0.to_datetime(moment);
        let hour = local.hour().unsigned_abs();
        LocalTime {
            hour,
            minute_of_day: u16::from(hour) * 60 + u16::from(local.minute().unsigned_abs()),
            weekday: local.date().weekday().to_monday_one_offset().unsigned_abs(),
        }
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;
    fn from_str(text: &str) -> Result<Self, InvalidZone> {
        TimeZone::get(text).map(Self).map_err(|_| InvalidZone(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({self})")
    }
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Hours of a day, local time: `06:00-22:00`, or over midnight `22-6`. The end is not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    to: u16,
}

/// The text names no hours of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected hours of a day, for example `06:00-22:00`")]
pub struct InvalidHours;

impl Hours {
    /// Whether this time of the day lies in them.
    pub fn contains(self, time: LocalTime) -> bool {
        let now = time.minute_of_day;
        if self.from <= self.to { (self.from..self.to).contains(&now) } else { now >= self.from || now < self.to }
    }
}

impl FromStr for Hours {
    type Err = InvalidHours;
    fn from_str(text: &str) -> Result<Self, InvalidHours> {
        let (from, to) = text.split_once('-').ok_or(InvalidHours)?;
        let hours = Self { from: minutes(from)?, to: minutes(to)? };
        if hours.from == hours.to { Err(InvalidHours) } else { Ok(hours) }
    }
}

fn minutes(text: &str) -> Result<u16, InvalidHours> {
    let (hour, minute) = text.trim().split_once(':').unwrap_or((text.trim(), "0"));
    let hour: u16 = hour.parse().map_err(|_| InvalidHours)?;
    let minute: u16 = minute.parse().map_err(|_| InvalidHours)?;
    let all = hour * 60 + minute;
    if hour > 24 || minute > 59 || all > 1440 { Err(InvalidHours) } else { Ok(all) }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, self.to / 60, self.to % 60)
    }
}

impl Serialize for Hours {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_time_is_known() {
        let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
        let at = |text: &str| berlin.local(text.parse().expect("a time"));
        assert_eq!(at("2026-01-05T23:30:00Z"), LocalTime { hour: 0, minute_of_day: 30, weekday: 2 });
        assert_eq!(at("2026-07-05T21:59:00Z"), LocalTime { hour: 23, minute_of_day: 1439, weekday: 7 });
        assert_eq!(Zone::UTC.local(Timestamp(0)), LocalTime { hour: 0, minute_of_day: 0, weekday: 4 });
        assert!("Berlin".parse::<Zone>().is_err());
        assert_eq!(berlin.to_string(), "Europe/Berlin");
    }

    #[test]
    fn hours_may_go_over_midnight() {
        let time = |hour: u8| LocalTime { hour, minute_of_day: u16::from(hour) * 60, weekday: 1 };
        let day: Hours = "06:30-22".parse().expect("hours");
        assert!(day.contains(time(7)) && !day.contains(time(6)) && !day.contains(time(22)));
        let night: Hours = "22-6".parse().expect("hours");
        assert!(night.contains(time(23)) && night.contains(time(5)) && !night.contains(time(6)));
        assert_eq!(night.to_string(), "22:00-06:00");
        for wrong in ["6", "25-26", "9-9", "a-b", "12:70-13"] {
            assert!(wrong.parse::<Hours>().is_err(), "{wrong}");
        }
    }
}

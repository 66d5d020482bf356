//! The time of day where the devices are: Central Europe, with its changes between winter and summer time.

use fleetward_fleet::Timestamp;

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;
/// Seconds of an hour.
pub(crate) const HOUR: i64 = 3_600;
/// The step in which devices transfer, seconds.
pub(crate) const SLOT: i64 = 900;

/// Local time by the rule of the European Union: summer time from the last Sunday of March to that of October, 01:00 UTC.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    /// Seconds since 1970 at which the offset changes, and the offset from then on.
    changes: Vec<(i64, i64)>,
}

/// A moment as a clock on the wall shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Local {
    /// 0 to 23.
    pub(crate) hour: usize,
    /// 0 is a weekday, 1 Saturday, 2 Sunday.
    pub(crate) day_type: usize,
    /// Days since 1970 by the local clock.
    pub(crate) day: i64,
    /// Seconds since local midnight.
    pub(crate) second: i64,
}

impl Calendar {
    /// With daylight saving, or always at UTC+1.
    pub(crate) fn new(start: Timestamp, days: u32, daylight_saving: bool) -> Self {
        let winter = (i64::MIN, HOUR);
        if !daylight_saving {
            return Self { changes: vec![winter] };
        }
        let (from, to) = (start.secs() - 400 * DAY, start.secs() + i64::from(days + 1) * DAY);
        let mut changes = vec![winter];
        for day in from.div_euclid(DAY)..=to.div_euclid(DAY) {
            let (_, month, of_month) = date(day);
            if is_sunday(day) && of_month >= 25 && (month == 3 || month == 10) {
                changes.push((day * DAY + HOUR, if month == 3 { 2 * HOUR } else { HOUR }));
            }
        }
        Self { changes }
    }

    /// Seconds that local clocks are ahead of UTC.
    pub(crate) fn offset(&self, secs: i64) -> i64 {
        let past = self.changes.iter().rev().find(|(from, _)| *from <= secs);
        past.map_or(HOUR, |(_, offset)| *offset)
    }
}

/// What a clock shows that is `offset` seconds ahead of UTC.
pub(crate) fn local(secs: i64, offset: i64) -> Local {
    let shown = secs + offset;
    let day = shown.div_euclid(DAY);
    let second = shown.rem_euclid(DAY);
    // 1970-01-01 was a Thursday.
    let day_type = match (day + 3).rem_euclid(7) {
        5 => 1,
        6 => 2,
        _ => 0,
    };
    Local { hour: (second / HOUR) as usize, day_type, day, second }
}

/// Whether a local day is the first of a month.
pub(crate) fn is_first_of_month(day: i64) -> bool {
    date(day).2 == 1
}

fn is_sunday(day: i64) -> bool {
    (day + 3).rem_euclid(7) == 6
}

/// Year, month and day of month of a day since 1970 (Hinnant's `civil_from_days`).
fn date(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_time_begins_on_the_last_sunday_of_march() {
        let start: Timestamp = "2026-01-19T00:00:00Z".parse().unwrap_or_else(|e| panic!("{e}"));
        let calendar = Calendar::new(start, 120, true);
        let at = |text: &str| text.parse::<Timestamp>().map_or(0, Timestamp::secs);
        assert_eq!(calendar.offset(at("2026-03-29T00:59:59Z")), HOUR);
        assert_eq!(calendar.offset(at("2026-03-29T01:00:00Z")), 2 * HOUR);
        let shown = local(at("2026-03-29T12:00:00Z"), 2 * HOUR);
        assert_eq!((shown.hour, shown.day_type), (14, 2));
        assert!(is_first_of_month(at("2026-04-01T00:00:00Z") / DAY));
    }
}

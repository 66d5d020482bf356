//! Months, for billing cycles: which cycle a moment belongs to, by the civil calendar in UTC.

use fleetward_fleet::Timestamp;

/// The number of the billing cycle that `at` lies in, where cycles begin on `day` (1 to 28) of every month; it grows by
/// one from cycle to cycle, and is never negative.
pub(crate) fn cycle(at: Timestamp, day: u8) -> u32 {
    let (year, month, date) = civil(at.0.div_euclid(86_400_000));
    let months = (year - 1970) * 12 + i64::from(month) - 1;
    let begun = months - i64::from(date < u32::from(day));
    u32::try_from(begun.max(0)).unwrap_or(u32::MAX)
}

/// Year, month and day of a day since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // Both lie between 1 and 31.
    (year, month.unsigned_abs() as u32, day.unsigned_abs() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_begin_on_their_day() {
        let of = |text: &str, day| cycle(text.parse().expect("a time"), day);
        assert_eq!(of("1970-01-01T00:00:00Z", 1), 0);
        assert_eq!(of("1970-02-01T00:00:00Z", 1), 1);
        assert_eq!(of("2026-01-31T23:59:59Z", 1) + 1, of("2026-02-01T00:00:00Z", 1));
        assert_eq!(of("2026-03-14T23:59:59Z", 15) + 1, of("2026-03-15T00:00:00Z", 15));
        assert_eq!(of("2024-02-29T12:00:00Z", 1), of("2024-02-01T00:00:00Z", 1));
        assert_eq!(of("2025-12-20T00:00:00Z", 15), of("2026-01-14T23:00:00Z", 15));
    }
}

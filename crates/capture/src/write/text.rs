//! Numbers, times and addresses as text, without a formatter between: there are millions of them.

use std::io::Write as _;
use std::net::IpAddr;

use fleetward_fleet::Mac;
use fleetward_packet::Time;

/// Decimal.
#[inline]
pub(super) fn number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// So many digits, with zeros before.
fn padded(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// RFC 3339 in UTC, to the microsecond.
pub(super) fn time(out: &mut Vec<u8>, time: Time) {
    let (seconds, nanoseconds) = (time.0.div_euclid(1_000_000_000), time.0.rem_euclid(1_000_000_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400).unsigned_abs());
    let (year, month, day) = date(days);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    padded(&mut text[..4], year);
    padded(&mut text[5..7], month);
    padded(&mut text[8..10], day);
    padded(&mut text[11..13], second / 3600);
    padded(&mut text[14..16], second / 60 % 60);
    padded(&mut text[17..19], second % 60);
    padded(&mut text[20..26], nanoseconds.unsigned_abs() / 1000);
    out.extend_from_slice(&text);
}

/// Year, month and day of a day since 1970-01-01, by the arithmetic of eras of 400 years that begin in March. An [`i64`] of
/// nanoseconds ends in 2262 and begins in 1677.
fn date(days: i64) -> (u64, u64, u64) {
    let days = (days + 719_468).unsigned_abs();
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// As RFC 5952 and everybody write it.
#[inline]
pub(super) fn address(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            for (at, octet) in ip.octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                number(out, octet.into());
            }
        }
        IpAddr::V6(ip) => {
            // Writing into a vector cannot fail.
            let _written = write!(out, "{ip}");
        }
    }
}

/// `1c:5f:2b:aa:fd:4e`
pub(super) fn mac(out: &mut Vec<u8>, mac: Mac) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (at, octet) in mac.0.into_iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        out.extend_from_slice(&[HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]]);
    }
}

/// Flags of TCP that were seen, by their letters.
pub(super) fn flags(out: &mut Vec<u8>, flags: u8) {
    for (bit, letter) in b"FSRPAUEC".iter().enumerate() {
        if flags & (1 << bit) != 0 {
            out.push(*letter);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("text")
    }

    proptest! {
        #[test]
        fn agrees_with_the_formatters(value in any::<u64>(), at in 0..i64::MAX, four in any::<u32>(), six in any::<u128>(), octets in any::<[u8; 6]>()) {
            prop_assert_eq!(text(|out| number(out, value)), value.to_string());
            for ip in [IpAddr::V4(four.into()), IpAddr::V6(six.into())] {
                prop_assert_eq!(text(|out| address(out, ip)), ip.to_string());
            }
            prop_assert_eq!(text(|out| mac(out, Mac(octets))), Mac(octets).to_string());
            let written: fleetward_fleet::Timestamp = text(|out| time(out, Time(at))).parse().expect("a time");
            prop_assert_eq!(written, Time(at).timestamp());
        }
    }

    #[test]
    fn dates_are_of_the_calendar() {
        for (at, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_123_456_789, "2000-02-29T00:00:00.123456Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (4_102_444_799_000_000_000, "2099-12-31T23:59:59.000000Z"),
        ] {
            assert_eq!(text(|out| time(out, Time(at))), expected);
        }
        assert_eq!(text(|out| flags(out, 0x1b)), "FSPA");
    }
}

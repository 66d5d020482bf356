//! Numbers, times and addresses as text, without a formatter between: there are millions of them.

use std::io::Write as _;
use std::net::IpAddr;

use fleetward_fleet::Mac;
use fleetward_packet::Time;

/// `00` to `99`.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut at = 0;
    while at < 100 {
        pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
        at += 1;
    }
    pairs
};

/// Octets in decimal, and how many digits each has.
const OCTETS: [([u8; 3], u8); 256] = {
    let mut octets = [([b'0'; 3], 1); 256];
    let mut at = 0;
    while at < 256 {
        let digits = [b'0' + (at / 100) as u8, b'0' + (at / 10 % 10) as u8, b'0' + (at % 10) as u8];
        octets[at] = match at {
            0..10 => ([digits[2], b'0', b'0'], 1),
            10..100 => ([digits[1], digits[2], b'0'], 2),
            _ => (digits, 3),
        };
        at += 1;
    }
    octets
};

/// The first octets of an array, copied as one piece of a size that the compiler knows.
#[inline]
fn first<const N: usize>(out: &mut Vec<u8>, octets: [u8; N], length: usize) {
    let end = out.len() + length;
    out.extend_from_slice(&octets);
    out.truncate(end);
}

/// Decimal.
#[inline]
pub(super) fn number(out: &mut Vec<u8>, mut number: u64) {
    if let Some((digits, length)) = OCTETS.get(number as usize).filter(|_| number < 256) {
        return first(out, *digits, usize::from(*length));
    }
    let mut digits = [0; 20];
    let mut at = digits.len();
    while number >= 10 {
        at -= 2;
        [digits[at], digits[at + 1]] = PAIRS[(number % 100) as usize];
        number /= 100;
    }
    if number > 0 {
        at -= 1;
        digits[at] = b'0' + number as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

const NANOSECONDS: i64 = 1_000_000_000;

/// RFC 3339 in UTC, to the microsecond.
pub(super) fn time(out: &mut Vec<u8>, time: Time) {
    let seconds = time.0.div_euclid(NANOSECONDS);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400).unsigned_abs());
    let (year, month, day) = date(days);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let fields = [(0, year / 100), (2, year % 100), (5, month), (8, day)];
    for (at, value) in fields {
        [text[at], text[at + 1]] = PAIRS[value as usize % 100];
    }
    for (at, value) in [(11, second / 3600), (14, second / 60 % 60), (17, second % 60)] {
        [text[at], text[at + 1]] = PAIRS[value as usize % 100];
    }
    fraction(&mut text, time);
    out.extend_from_slice(&text);
}

/// The same, where `before` is what was written last, one octet ago: within one second only the fraction differs.
pub(super) fn time_after(out: &mut Vec<u8>, at: Time, before: Time) {
    let written = out.len().checked_sub(TIME + 1).and_then(|from| out[from..].first_chunk::<TIME>()).copied();
    match written.filter(|_| at.0.div_euclid(NANOSECONDS) == before.0.div_euclid(NANOSECONDS)) {
        Some(mut text) => {
            fraction(&mut text, at);
            out.extend_from_slice(&text);
        }
        None => time(out, at),
    }
}

/// Octets of a time.
const TIME: usize = 27;

#[inline]
fn fraction(text: &mut [u8; TIME], time: Time) {
    let microseconds = time.0.rem_euclid(NANOSECONDS).unsigned_abs() as usize / 1000;
    for (at, value) in [(20, microseconds / 10_000), (22, microseconds / 100 % 100), (24, microseconds % 100)] {
        [text[at], text[at + 1]] = PAIRS[value % 100];
    }
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
            let mut text = [0; 16];
            let mut at = 0;
            for octet in ip.octets() {
                let ([a, b, c], length) = OCTETS[usize::from(octet)];
                text[at..at + 3].copy_from_slice(&[a, b, c]);
                at += usize::from(length);
                text[at] = b'.';
                at += 1;
            }
            first(out, text, at - 1);
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
    let mut text = *b"00:00:00:00:00:00";
    for (octet, digits) in mac.0.into_iter().zip(text.chunks_mut(3)) {
        digits[0] = HEX[usize::from(octet >> 4)];
        digits[1] = HEX[usize::from(octet & 15)];
    }
    out.extend_from_slice(&text);
}

/// Flags of TCP that were seen, by their letters.
pub(super) fn flags(out: &mut Vec<u8>, flags: u8) {
    let mut text = [0; 8];
    let mut length = 0;
    for (bit, letter) in b"FSRPAUEC".iter().enumerate() {
        text[length % 8] = *letter;
        length += usize::from(flags >> bit & 1);
    }
    first(out, text, length);
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

//! Lengths of time and volumes as a person writes them: with their unit, because `50` could be meant as seconds or as minutes.
//! Only of `0` it does not matter.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Reads `26 h`, `90 min`, `30 s`, `7 d` or `0`; `None` where it is not a length of time.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let secs = match unit {
        "" if number == 0 => 1,
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    number.checked_mul(secs).map(Duration::from_secs)
}

/// Reads `50 MB`, `2 GB`, `10 kB`, `512 B`, `1 MiB` or `0`; `None` where it is not a volume.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "" if number == 0 => 1,
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// [`parse_duration`], or what is wrong and what would be right, for example `26 h`.
pub fn read_duration(text: &str, example: &str) -> Result<Duration, String> {
    let wrong = || {
        lacks_unit(text, ["s", "min", "h"])
            .unwrap_or_else(|| format!("{text:?} is no length of time; write for example `{example}`"))
    };
    parse_duration(text).ok_or_else(wrong)
}

/// [`parse_bytes`], or what is wrong and what would be right, for example `50 MB`.
pub fn read_bytes(text: &str, example: &str) -> Result<u64, String> {
    let wrong = || {
        lacks_unit(text, ["B", "kB", "MB"])
            .unwrap_or_else(|| format!("{text:?} is no volume; write for example `{example}`"))
    };
    parse_bytes(text).ok_or_else(wrong)
}

/// What to say of a number that stands alone.
fn lacks_unit(text: &str, units: [&str; 3]) -> Option<String> {
    let number: f64 = text.trim().parse().ok()?;
    let [a, b, c] = units;
    number.is_finite().then(|| format!("{number} of what? write `{number} {a}`, `{number} {b}` or `{number} {c}`"))
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..digits].parse().ok()?, text[digits..].trim()))
}

/// A text, or a number that YAML took for one, as text.
pub(crate) struct Written(pub(crate) String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WrittenVisitor;
        impl Visitor<'_> for WrittenVisitor {
            type Value = Written;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number with its unit")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Written, E> {
                Ok(Written(value.to_owned()))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Written, E> {
                Ok(Written(value.to_string()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Written, E> {
                Ok(Written(value.to_string()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Written, E> {
                Ok(Written(value.to_string()))
            }
        }
        deserializer.deserialize_any(WrittenVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units() {
        assert_eq!(parse_bytes("50 MB"), Some(50_000_000));
        assert_eq!(parse_bytes("1MiB"), Some(1 << 20));
        assert_eq!(parse_bytes("lots"), None);
        assert_eq!(parse_duration("26 h"), Some(Duration::from_hours(26)));
    }

    #[test]
    fn a_number_without_a_unit_is_asked_about() {
        assert_eq!((parse_duration("50"), parse_bytes("50")), (None, None));
        assert_eq!((parse_duration("0"), parse_bytes("0")), (Some(Duration::ZERO), Some(0)));
        assert_eq!(read_duration("50", "26 h"), Err("50 of what? write `50 s`, `50 min` or `50 h`".to_owned()));
        assert_eq!(read_bytes("50", "2 MB"), Err("50 of what? write `50 B`, `50 kB` or `50 MB`".to_owned()));
        assert_eq!(read_bytes("much", "2 MB"), Err("\"much\" is no volume; write for example `2 MB`".to_owned()));
    }
}

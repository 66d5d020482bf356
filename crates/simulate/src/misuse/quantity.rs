//! Quantities of an overlay: one value, or a range from which each device draws its own.

use std::fmt;

use fleetward_fleet::{read_bytes, read_duration};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use crate::random::Random;

/// One value or `[least, most]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice<T> {
    /// The least.
    pub least: T,
    /// The most; equal to the least where one value was written.
    pub most: T,
}

/// A volume: `20 MB`, `30 kB`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Bytes(pub f64);

/// A length of time: `90 min`, `5 d`; kept in seconds.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Span(pub f64);

/// A part of a whole: `2 %` or `0.02`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(pub f64);

/// An hour of the local day, 0 to 24, as a number.
pub type Hours = f64;

impl Choice<Bytes> {
    /// A device's own value, every octave as likely as the next.
    pub fn draw(self, random: &mut Random) -> f64 {
        random.octave(self.least.0, self.most.0)
    }
}

impl Choice<Span> {
    /// A device's own value, seconds.
    pub fn draw(self, random: &mut Random) -> f64 {
        random.between(self.least.0, self.most.0)
    }
}

impl Choice<Share> {
    /// A device's own value.
    pub fn draw(self, random: &mut Random) -> f64 {
        random.between(self.least.0, self.most.0)
    }
}

impl Choice<f64> {
    /// A device's own value.
    pub fn draw(self, random: &mut Random) -> f64 {
        random.between(self.least, self.most)
    }
}

impl<'de, T: Deserialize<'de> + Copy + PartialOrd> Deserialize<'de> for Choice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor(std::marker::PhantomData))
    }
}

struct ChoiceVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de> + Copy + PartialOrd> Visitor<'de> for ChoiceVisitor<T> {
    type Value = Choice<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value, or [least, most]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Choice<T>, A::Error> {
        let wrong = || de::Error::custom("a range has two values: [least, most]");
        let least = seq.next_element()?.ok_or_else(wrong)?;
        let most = seq.next_element()?.ok_or_else(wrong)?;
        if seq.next_element::<T>()?.is_some() {
            return Err(wrong());
        }
        if most < least {
            return Err(de::Error::custom("the range is upside down: write [least, most]"));
        }
        Ok(Choice { least, most })
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Choice<T>, E> {
        one(de::value::U64Deserializer::new(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Choice<T>, E> {
        one(de::value::I64Deserializer::new(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Choice<T>, E> {
        one(de::value::F64Deserializer::new(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Choice<T>, E> {
        one(de::value::StrDeserializer::new(value))
    }
}

fn one<'de, T: Deserialize<'de> + Copy, D: Deserializer<'de>>(deserializer: D) -> Result<Choice<T>, D::Error> {
    let value = T::deserialize(deserializer)?;
    Ok(Choice { least: value, most: value })
}

/// A number or a text, read by a function.
macro_rules! written {
    ($name:ident, $expecting:literal, $read:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct WrittenVisitor;
                impl WrittenVisitor {
                    fn read<E: de::Error>(text: &str) -> Result<$name, E> {
                        let read: fn(&str) -> Result<f64, String> = $read;
                        read(text).map($name).map_err(E::custom)
                    }
                }
                impl Visitor<'_> for WrittenVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_u64<E: de::Error>(self, value: u64) -> Result<$name, E> {
                        Self::read(&value.to_string())
                    }
                    fn visit_i64<E: de::Error>(self, value: i64) -> Result<$name, E> {
                        Self::read(&value.to_string())
                    }
                    fn visit_f64<E: de::Error>(self, value: f64) -> Result<$name, E> {
                        Self::read(&value.to_string())
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        Self::read(text)
                    }
                }
                deserializer.deserialize_any(WrittenVisitor)
            }
        }
    };
}

#[expect(clippy::cast_precision_loss, reason = "quantities of an overlay are far below 2^52")]
fn volume(text: &str) -> Result<f64, String> {
    read_bytes(text, "20 MB").map(|bytes| bytes as f64)
}

/// A number without `%` is a part of 1; `40` would leave open which of both was meant.
fn share(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let percent = text.strip_suffix('%').map(str::trim);
    let number: f64 = percent
        .unwrap_or(text)
        .parse()
        .map_err(|_| format!("{text:?} is no share; write for example `2 %` or `0.02`"))?;
    let share = if percent.is_some() { number / 100.0 } else { number };
    match (0.0..=1.0).contains(&share) {
        true => Ok(share),
        false if percent.is_none() && (1.0..=100.0).contains(&number) => {
            Err(format!("{number} of what? a share is at most 1: write `{number} %` or `{}`", number / 100.0))
        }
        false => Err(format!("{text}: a share lies between `0 %` and `100 %`")),
    }
}

written!(Bytes, "a volume, for example `20 MB`", volume);
written!(Span, "a length of time, for example `90 min`", |text| {
    read_duration(text, "90 min").map(|span| span.as_secs_f64())
});
written!(Share, "a share, for example `2 %` or 0.02", share);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_part_of_one() {
        assert_eq!((share("40 %"), share("0.4"), share("1"), share("0")), (Ok(0.4), Ok(0.4), Ok(1.0), Ok(0.0)));
        assert_eq!(share("40"), Err("40 of what? a share is at most 1: write `40 %` or `0.4`".to_owned()));
        assert_eq!(share("2"), Err("2 of what? a share is at most 1: write `2 %` or `0.02`".to_owned()));
        assert!(share("140 %").is_err() && share("-0.1").is_err() && share("some").is_err());
    }
}

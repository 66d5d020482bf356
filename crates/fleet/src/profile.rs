//! The intent for a model: what its devices are meant to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::yaml::from_yaml;
use crate::{Country, Hours, NetworkProfile, Plmn, Tac, Zone};

/// A profile: one file under `models/`. An empty list means "not stated", never "nothing allowed".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The model's name, as devices refer to it.
    pub model: Box<str>,
    /// What it is, for people.
    #[serde(default)]
    pub title: String,
    /// Types of module that the model uses.
    #[serde(default)]
    pub tacs: Vec<Tac>,
    /// Countries where it is meant to be (ISO 3166-1 alpha-2).
    #[serde(default)]
    pub countries: Vec<Country>,
    /// Networks that it may use, as MCC and MNC digits.
    #[serde(default)]
    pub networks: Vec<Plmn>,
    /// Access point names, lower case, without `.mncNNN.mccNNN.gprs`.
    #[serde(default)]
    pub apns: Vec<Box<str>>,
    /// Radio technologies by [`crate::Rat::name`].
    #[serde(default)]
    pub rats: Vec<Box<str>>,
    /// Whom it may talk to: names, `*.` and a name for all below it, addresses and networks.
    #[serde(default)]
    pub destinations: Vec<Box<str>>,
    /// What it needs of the network, thing by thing, where packets are seen. Without one, packets are not held against the model.
    #[serde(default)]
    pub network: Option<NetworkProfile>,
    /// Where its clock is: the zone of local times in rules; without one they are UTC.
    #[serde(default)]
    pub time_zone: Option<Zone>,
    /// The hours of a day, local time, in which it works.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// Volumes that are plenty for it.
    #[serde(default)]
    pub volume: Volume,
    /// Sessions a day that are plenty for it.
    #[serde(default)]
    pub sessions_per_day: Option<u32>,
    /// Short messages that it may send in a day; 0: none.
    #[serde(default)]
    pub messages_per_day: Option<u32>,
    /// Calls that it may make in a day; 0: none.
    #[serde(default)]
    pub calls_per_day: Option<u32>,
    /// Its devices stay where they were installed.
    #[serde(default)]
    pub fixed: bool,
    /// It should be heard of at least this often, in seconds (a file may say `26 h`).
    #[serde(default, with = "duration")]
    pub contact_every: Option<Duration>,
    /// What to do when the network does not say which module it is.
    #[serde(default)]
    pub missing_imeisv: MissingImeisv,
    /// What to do with a second session while one is open.
    #[serde(default)]
    pub simultaneous: Simultaneous,
    /// Interim interval to ask for, seconds (at least 60; RFC 2869 §5.16).
    #[serde(default)]
    pub interim_secs: Option<u32>,
    /// Session-Timeout to hand out, seconds.
    #[serde(default)]
    pub session_timeout_secs: Option<u32>,
    /// Devices of this model are safety-critical: automation waits for a person.
    #[serde(default)]
    pub critical: bool,
}

/// Volumes in bytes, both directions together. Files may write `2 MB`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// In any hour.
    #[serde(default, with = "bytes")]
    pub per_hour: Option<u64>,
    /// In any day.
    #[serde(default, with = "bytes")]
    pub per_day: Option<u64>,
    /// In a billing cycle.
    #[serde(default, with = "bytes")]
    pub per_cycle: Option<u64>,
    /// In all its life.
    #[serde(default, with = "bytes")]
    pub per_life: Option<u64>,
}

/// Policy for a request without IMEISV.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingImeisv {
    /// Not admitted.
    #[default]
    Reject,
    /// Admitted; the observation shows that the module is unknown.
    Allow,
}

/// Policy for a second session of one SIM.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Simultaneous {
    /// Not admitted while the first is alive (a session that missed three interims is not).
    #[default]
    Reject,
    /// Admitted; rules may still judge it.
    Allow,
}

/// Why a profile file was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ProfileError {
    /// 1-based; 0 where the place is unknown.
    pub line: u64,
    /// 1-based; 0 where the place is unknown.
    pub column: u64,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Profile {
    /// A profile that states nothing.
    pub fn named(model: impl Into<Box<str>>) -> Self {
        Self {
            model: model.into(),
            title: String::new(),
            tacs: Vec::new(),
            countries: Vec::new(),
            networks: Vec::new(),
            apns: Vec::new(),
            rats: Vec::new(),
            destinations: Vec::new(),
            network: None,
            time_zone: None,
            hours: None,
            volume: Volume::default(),
            sessions_per_day: None,
            messages_per_day: None,
            calls_per_day: None,
            fixed: false,
            contact_every: None,
            missing_imeisv: MissingImeisv::default(),
            simultaneous: Simultaneous::default(),
            interim_secs: None,
            session_timeout_secs: None,
            critical: false,
        }
    }

    /// Reads one YAML document.
    pub fn from_yaml(text: &str) -> Result<Self, ProfileError> {
        from_yaml(text).map_err(|error| ProfileError {
            line: error.line,
            column: error.column,
            message: error.to_string(),
        })
    }
}

/// Reads `26 h`, `90 min`, `30 s`, `7 d` (or a plain number of seconds) as a duration; `None` where it is not one.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let secs = match unit {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    number.checked_mul(secs).map(Duration::from_secs)
}

/// Reads `50 MB`, `2 GB`, `10 kB`, `512 B`, `1 MiB` (or a plain number of bytes); `None` where it is not one.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "" | "B" => 1,
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

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..digits].parse().ok()?, text[digits..].trim()))
}

/// A number or a text with a unit.
#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

mod bytes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::{NumberOrText, parse_bytes};

    #[expect(clippy::ref_option, reason = "the signature that serde's `with` wants")]
    pub(super) fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        match Option::<NumberOrText>::deserialize(deserializer)? {
            None => Ok(None),
            Some(NumberOrText::Number(number)) => Ok(Some(number)),
            Some(NumberOrText::Text(text)) => parse_bytes(&text)
                .map(Some)
                .ok_or_else(|| D::Error::custom(format!("{text:?} is no volume; write for example `50 MB`"))),
        }
    }
}

mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::{NumberOrText, parse_duration};

    #[expect(clippy::ref_option, reason = "the signature that serde's `with` wants")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(|d| d.as_secs()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        match Option::<NumberOrText>::deserialize(deserializer)? {
            None => Ok(None),
            Some(NumberOrText::Number(secs)) => Ok(Some(Duration::from_secs(secs))),
            Some(NumberOrText::Text(text)) => parse_duration(&text)
                .map(Some)
                .ok_or_else(|| D::Error::custom(format!("{text:?} is no duration; write for example `26 h`"))),
        }
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
    fn reads_a_profile_and_names_the_place_of_a_mistake() {
        let yaml = "model: meter\ntacs: ['35693803']\ncountries: [DE]\nnetworks: ['26201']\nvolume: { per_hour: 2 MB }\ncontact_every: 26 h\n";
        let profile = Profile::from_yaml(yaml).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(profile.volume.per_hour, Some(2_000_000));
        let error = Profile::from_yaml("model: meter\ncontries: [DE]\n").err().unwrap_or_else(|| panic!("accepted"));
        assert_eq!(error.line, 2);
        assert!(error.message.contains("contries"), "{error}");
    }
}

//! The intent for a model: what its devices are meant to do.

mod known;

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
    #[serde(default, deserialize_with = "known::countries")]
    pub countries: Vec<Country>,
    /// Networks that it may use, as MCC and MNC digits.
    #[serde(default)]
    pub networks: Vec<Plmn>,
    /// Access point names, lower case, without `.mncNNN.mccNNN.gprs`.
    #[serde(default)]
    pub apns: Vec<Box<str>>,
    /// Radio technologies by [`crate::Rat::name`].
    #[serde(default, deserialize_with = "known::rats")]
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
    /// It should be heard of at least this often, a length with its unit: `26 h`.
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

/// Volumes in bytes, both directions together. Files write them with their unit: `2 MB`.
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

mod bytes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::unit::{Written, read_bytes};

    #[expect(clippy::ref_option, reason = "the signature that serde's `with` wants")]
    pub(super) fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(|bytes| format!("{bytes} B")).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        let written = Option::<Written>::deserialize(deserializer)?;
        written.map(|it| read_bytes(&it.0, "50 MB").map_err(D::Error::custom)).transpose()
    }
}

mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::unit::{Written, read_duration};

    #[expect(clippy::ref_option, reason = "the signature that serde's `with` wants")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(|length| format!("{} s", length.as_secs())).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let written = Option::<Written>::deserialize(deserializer)?;
        written.map(|it| read_duration(&it.0, "26 h").map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_profile_and_names_the_place_of_a_mistake() {
        let yaml = "model: meter\ntacs: ['35693803']\ncountries: [DE]\nnetworks: ['26201']\nvolume: { per_hour: 2 MB }\ncontact_every: 26 h\n";
        let profile = Profile::from_yaml(yaml).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(profile.volume.per_hour, Some(2_000_000));
        let error = Profile::from_yaml("model: meter\ncontries: [DE]\n").err().unwrap_or_else(|| panic!("accepted"));
        assert_eq!(error.line, 2);
        assert!(error.message.contains("contries"), "{error}");
    }

    #[test]
    fn a_length_and_a_volume_have_their_units() {
        for (text, line, column, unit) in
            [("contact_every: 50", 2, 16, "50 min"), ("volume: { per_hour: 50 }", 2, 21, "50 MB")]
        {
            let error = Profile::from_yaml(&format!("model: meter\n{text}\n")).expect_err(text);
            assert_eq!((error.line, error.column), (line, column), "{error}");
            assert!(error.message.contains("50 of what?") && error.message.contains(unit), "{error}");
        }
        assert!(Profile::from_yaml("model: meter\nvolume: { per_hour: 0 }\n").is_ok());
    }
}

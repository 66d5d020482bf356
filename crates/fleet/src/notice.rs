//! What a platform or we ourselves report about a SIM or a source, rather than about traffic.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What of a SIM, its eSIM or its plan can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimPart {
    /// The subscription's identity.
    Imsi,
    /// The card.
    Iccid,
    /// The profile that an eUICC has enabled.
    EsimProfile,
    /// The tariff or service profile.
    Plan,
    /// Where the SIM is in its life, in the platform's words.
    State,
    /// The lock to a module.
    ImeiLock,
}

impl SimPart {
    /// All, in the order of their numbers on disk (which never change).
    pub const ALL: [Self; 6] = [Self::Imsi, Self::Iccid, Self::EsimProfile, Self::Plan, Self::State, Self::ImeiLock];

    /// The name in rules, files and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imsi => "imsi",
            Self::Iccid => "iccid",
            Self::EsimProfile => "esim_profile",
            Self::Plan => "plan",
            Self::State => "state",
            Self::ImeiLock => "imei_lock",
        }
    }

    /// Its values are identities of a subscriber and print masked.
    pub fn is_identity(self) -> bool {
        matches!(self, Self::Imsi | Self::Iccid)
    }
}

/// A part of a SIM changed at its platform. `Debug` masks identities; [`Self::shown`] does for people.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimChange {
    /// Which part.
    pub what: SimPart,
    /// What it was, where the platform says.
    #[serde(default)]
    pub from: Option<Box<str>>,
    /// What it is now, where the platform says.
    #[serde(default)]
    pub to: Option<Box<str>>,
}

impl SimChange {
    /// A value of this change for people: identities masked.
    pub fn shown(&self, value: &str) -> String {
        if self.what.is_identity() { masked(value) } else { value.to_owned() }
    }
}

impl fmt::Debug for SimChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Box<str>>| value.as_deref().map(|value| self.shown(value));
        let (from, to) = (shown(&self.from), shown(&self.to));
        f.debug_struct("SimChange").field("what", &self.what).field("from", &from).field("to", &to).finish()
    }
}

/// A number of five digits and more, with its middle hidden: enough to recognise, too little to use. Shorter texts (short
/// codes, sender names) stay as they are.
pub fn masked(value: &str) -> String {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let len = value.chars().count();
    if digits < 7 || digits + 2 < len {
        return value.to_owned();
    }
    let hidden = |at: usize| (5..len.saturating_sub(2)).contains(&at);
    value.chars().enumerate().map(|(at, c)| if hidden(at) { '•' } else { c }).collect()
}

/// A source fell silent or came back: written by the server, so that a replay knows what was not seen. It concerns all devices
/// that the source tells of and goes to every partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceState {
    /// The configured name of the source.
    pub name: Box<str>,
    /// Since when nothing has come from it; `None`: it speaks again.
    #[serde(default)]
    pub silent_since: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_masked_and_plans_are_not() {
        let change = SimChange { what: SimPart::Imsi, from: None, to: Some("262011234567890".into()) };
        assert_eq!(change.shown("262011234567890"), "26201••••••••90");
        assert!(!format!("{change:?}").contains("1234567"));
        let plan = SimChange { what: SimPart::Plan, ..change };
        assert_eq!(plan.shown("IoT 10 MB 2026"), "IoT 10 MB 2026");
    }

    #[test]
    fn short_codes_stay_readable() {
        assert_eq!(masked("81234"), "81234");
        assert_eq!(masked("+491701234567"), "+4917••••••67");
        assert_eq!(masked("VendorInfo"), "VendorInfo");
    }
}

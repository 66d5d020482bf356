//! About whom a rule is: each device for itself, or everything that shares a key.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::facts::Facts;

/// About whom a rule's windows and findings are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Each device for itself.
    #[default]
    Device,
    /// All devices of a group together; a device in several groups counts in each.
    Group,
    /// All devices of a model together.
    Model,
    /// All that talks to one destination ([`fleetward_fleet::Flow::destination`]).
    Destination,
    /// All devices in one serving network.
    Network,
    /// All devices in one country.
    Country,
    /// All devices in one cell.
    Cell,
    /// All devices on one access point name.
    Apn,
    /// All SIMs in one module.
    Imei,
    /// All devices that were given one address.
    Ip,
    /// All that one sensor tells of.
    Source,
    /// All devices.
    Fleet,
}

impl Subject {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// All, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Device,
        Self::Group,
        Self::Model,
        Self::Destination,
        Self::Network,
        Self::Country,
        Self::Cell,
        Self::Apn,
        Self::Imei,
        Self::Ip,
        Self::Source,
        Self::Fleet,
    ];

    /// The name in rules, after `per:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Group => "group",
            Self::Model => "model",
            Self::Destination => "flow.destination",
            Self::Network => "network",
            Self::Country => "country",
            Self::Cell => "cell",
            Self::Apn => "apn",
            Self::Imei => "imei",
            Self::Ip => "ip",
            Self::Source => "source",
            Self::Fleet => "fleet",
        }
    }

    /// Its names come from packets, so there can be any number of them; those of groups, models and sources come from the
    /// operator.
    pub fn is_open_ended(self) -> bool {
        !matches!(self, Self::Device | Self::Group | Self::Model | Self::Source | Self::Fleet)
    }

    /// The subject of this name; `destination` is short for `flow.destination`.
    pub fn parse(name: &str) -> Option<Self> {
        let name = if name == "destination" { "flow.destination" } else { name };
        Self::ALL.into_iter().find(|subject| subject.name() == name)
    }

    /// The key of one event, where one event has one: neither a device nor its groups. Of a module it is `imei:` and the
    /// digits, which findings mask. `None`: the event does not carry it.
    pub fn key_of<'a>(self, facts: &Facts<'a>) -> Option<Cow<'a, str>> {
        Some(match self {
            Self::Device | Self::Group => return None,
            Self::Model => Cow::Borrowed(facts.device?.model.as_deref()?),
            Self::Destination => Cow::Borrowed(facts.destination()?),
            Self::Network => Cow::Owned(facts.network?.to_string()),
            Self::Country => Cow::Owned(facts.country?.to_string()),
            Self::Cell => Cow::Owned(cell_name(facts.cell?)),
            Self::Apn => Cow::Borrowed(facts.apn?),
            Self::Imei => Cow::Owned(format!("imei:{}", facts.imei?.reveal())),
            Self::Ip => Cow::Owned(facts.ip?.to_string()),
            Self::Source => Cow::Borrowed(facts.about_source()?),
            Self::Fleet => Cow::Borrowed("fleet"),
        })
    }
}

/// `cell:` and the octets as sent, in hexadecimal digits.
fn cell_name(octets: &[u8]) -> String {
    octets.iter().fold("cell:".to_owned(), |mut text, octet| {
        for nibble in [octet >> 4, octet & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for (number, subject) in Subject::ALL.into_iter().enumerate() {
            assert_eq!(subject as usize, number);
            assert_eq!(Subject::parse(subject.name()), Some(subject));
        }
        assert_eq!(Subject::parse("destination"), Some(Subject::Destination));
    }
}

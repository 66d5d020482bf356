//! Values with units and addresses, as a person writes them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fleetward_audit::ports::PortSet;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error};

/// `16 MiB`, `50 GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

/// `30 s`, `26 h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

/// Address and port to listen on or to send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Socket(pub(crate) SocketAddr);

/// An address or a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) IpNet);

/// A minute of the day, `02:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Minute(pub(crate) u16);

/// Ports to ask: `all`, `usual`, `22,80,udp:161`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Ports(pub(crate) PortSet);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        fleetward_fleet::read_bytes(&text, "16 MiB").map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        fleetward_fleet::read_duration(&text, "30 s").map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Socket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| {
            D::Error::custom(format!(
                "{text:?} is no address with a port; write `192.0.2.1:1812` or `[2001:db8::1]:1812`"
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(|net| Self(net.trunc())).map_err(|_| {
            D::Error::custom(format!("{text:?} is no address; write `192.0.2.10`, `192.0.2.0/28` or `2001:db8::/64`"))
        })
    }
}

impl<'de> Deserialize<'de> for Minute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = |text: &str, below: u16| {
            let is_written = text.len() == 2 && text.bytes().all(|it| it.is_ascii_digit());
            text.parse::<u16>().ok().filter(|it| is_written && *it < below)
        };
        let minute = text.split_once(':').and_then(|(hour, minute)| Some(number(hour, 24)? * 60 + number(minute, 60)?));
        let wrong = || D::Error::custom(format!("{text:?} is no time of day; write it in UTC: \"02:30\""));
        minute.map(Self).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

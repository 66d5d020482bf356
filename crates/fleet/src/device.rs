//! One physical thing with identities on several layers.

use std::net::Ipv4Addr;

use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};

use crate::{DeviceId, Iccid, Identity, Imei, Imsi, Mac, Msisdn};

/// A device as the inventory knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Unique name that people use: a serial number, an asset tag. Without one, [`Identity::default_name`].
    pub name: Box<str>,
    /// The SIM.
    pub imsi: Option<Imsi>,
    /// VPN login (`User-Name`), for devices behind gateways without SIMs.
    pub login: Option<Box<str>>,
    /// The card.
    pub iccid: Option<Iccid>,
    /// The number.
    pub msisdn: Option<Msisdn>,
    /// The module that belongs to it, if known.
    pub imei: Option<Imei>,
    /// Whether another module may use the SIM.
    pub imei_lock: ImeiLock,
    /// The kind of device: the name of a profile.
    pub model: Option<Box<str>>,
    /// Free groups that rules may select.
    pub groups: Vec<Box<str>>,
    /// Where it is in its life.
    pub state: DeviceState,
    /// Fixed IPv4 address (Framed-IP-Address).
    pub ip: Option<Ipv4Addr>,
    /// Fixed IPv6 prefix (Framed-IPv6-Prefix).
    pub ipv6: Option<Ipv6Net>,
    /// Its hardware address, where packets are seen on its own link.
    #[serde(default)]
    pub mac: Option<Mac>,
    /// Somebody is in danger when it falls silent: automation waits for a person (promise 4).
    pub critical: bool,
}

impl Device {
    /// A device with this name and nothing else known.
    pub fn named(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            imsi: None,
            login: None,
            iccid: None,
            msisdn: None,
            imei: None,
            imei_lock: ImeiLock::default(),
            model: None,
            groups: Vec::new(),
            state: DeviceState::default(),
            ip: None,
            ipv6: None,
            mac: None,
            critical: false,
        }
    }

    /// Its id, which follows from its name.
    pub fn id(&self) -> DeviceId {
        DeviceId::of(&self.name)
    }

    /// The identities by which a sensor may know it.
    pub fn identities(&self) -> impl Iterator<Item = Identity> + '_ {
        let imsi = self.imsi.map(Identity::Imsi);
        let login = self.login.clone().map(Identity::Login);
        imsi.into_iter().chain(login).chain(self.mac.map(Identity::Mac))
    }
}

/// Where a device is in its life.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// On a shelf: its SIM must not talk.
    Stock,
    /// In use.
    #[default]
    Active,
    /// Stopped by a person or a response: not admitted.
    Suspended,
    /// Out of use for good: its SIM must not talk.
    Retired,
}

impl DeviceState {
    /// The name in rules, files and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Retired => "retired",
        }
    }
}

/// Whether another module may use the SIM.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImeiLock {
    /// Only the stated `imei`; before one is stated, any module of the model's TACs.
    #[default]
    On,
    /// Any module of the model's TACs (or any at all where the profile lists none).
    Off,
}

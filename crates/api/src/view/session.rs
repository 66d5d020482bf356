//! Sessions.

use fleetward_fleet::Imeisv;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{SessionChange, SessionInfo, mask};

/// One data connection of a SIM.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionView {
    /// The configured name of the RADIUS client.
    pub nas: String,
    /// Acct-Session-Id.
    pub id: String,
    /// The device's id.
    pub device: String,
    /// The device's name.
    pub device_name: String,
    /// When it began.
    pub opened_at: String,
    /// When it was last heard of.
    pub last_seen: String,
    /// When it ended; `null` while it is open.
    pub ended_at: Option<String>,
    /// How it ended; `null` while it is open.
    pub ended: Option<&'static str>,
    /// Octets from the device.
    pub bytes_up: u64,
    /// Octets to the device.
    pub bytes_down: u64,
    /// A counter wrapped without saying so: the octets are a lower bound.
    pub wrapped: bool,
    /// Framed-IP-Address.
    pub ip: Option<String>,
    /// Framed-IPv6-Prefix.
    pub ipv6: Option<String>,
    /// The module, masked.
    pub imeisv: Option<String>,
    /// Serving network: MCC and MNC.
    pub network: Option<String>,
    /// Its country, ISO 3166-1.
    pub country: Option<String>,
    /// Access point name.
    pub apn: Option<String>,
    /// Radio technology.
    pub rat: Option<&'static str>,
}

impl SessionView {
    pub(crate) fn of(session: &SessionInfo, reveal: bool) -> Self {
        Self {
            nas: session.key.nas.to_string(),
            id: session.key.id.to_string(),
            device: session.device.to_string(),
            device_name: mask::name_or_whole(&session.device_name, reveal),
            opened_at: session.opened_at.to_string(),
            last_seen: session.last_seen.to_string(),
            ended_at: session.ended_at.map(|at| at.to_string()),
            ended: session.ended,
            bytes_up: session.bytes_up,
            bytes_down: session.bytes_down,
            wrapped: session.wrapped,
            ip: session.ip.map(|ip| ip.to_string()),
            ipv6: session.ipv6.as_deref().map(str::to_owned),
            imeisv: mask::shown(session.imeisv, Imeisv::reveal, reveal),
            network: session.network.map(|network| network.to_string()),
            country: session.country.map(|country| country.to_string()),
            apn: session.apn.as_deref().map(str::to_owned),
            rat: session.rat.map(fleetward_fleet::Rat::name),
        }
    }
}

/// A session began or ended (an event).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionChangeView {
    /// The configured name of the RADIUS client.
    pub nas: String,
    /// Acct-Session-Id.
    pub id: String,
    /// The device's id.
    pub device: String,
    /// The device's name, where known.
    pub device_name: Option<String>,
    /// When.
    pub at: String,
    /// How it ended; `null`: it began.
    pub ended: Option<&'static str>,
}

impl SessionChangeView {
    pub(crate) fn of(change: &SessionChange) -> Self {
        Self {
            nas: change.key.nas.to_string(),
            id: change.key.id.to_string(),
            device: change.device.to_string(),
            device_name: change.device_name.as_deref().map(mask::name),
            at: change.at.to_string(),
            ended: change.ended,
        }
    }
}

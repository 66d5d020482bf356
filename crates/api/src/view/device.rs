//! Devices.

use fleetward_fleet::{Device, Iccid, Imei, ImeiLock, Imsi, Msisdn};
use serde::Serialize;
use utoipa::ToSchema;

use super::DeviceStateName;
use crate::inventory::LineError;
use crate::mask;

/// A device of the inventory.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeviceView {
    /// Follows from its name; 16 hexadecimal digits.
    pub id: String,
    /// Unique name.
    pub name: String,
    /// The SIM, masked.
    pub imsi: Option<String>,
    /// VPN login.
    pub login: Option<String>,
    /// The card, masked.
    pub iccid: Option<String>,
    /// The number, masked.
    pub msisdn: Option<String>,
    /// The module, masked.
    pub imei: Option<String>,
    /// `on`: no other module may use the SIM.
    pub imei_lock: &'static str,
    /// The kind of device: the name of a profile.
    pub model: Option<String>,
    /// Its groups.
    pub groups: Vec<String>,
    /// Where it is in its life.
    pub state: DeviceStateName,
    /// Fixed IPv4 address.
    pub ip: Option<String>,
    /// Fixed IPv6 prefix.
    pub ipv6: Option<String>,
    /// Hardware address.
    pub mac: Option<String>,
    /// Automation waits for a person.
    pub critical: bool,
}

impl DeviceView {
    pub(crate) fn of(device: &Device, reveal: bool) -> Self {
        Self {
            id: device.id().to_string(),
            name: mask::name_or_whole(&device.name, reveal),
            imsi: mask::shown(device.imsi, Imsi::reveal, reveal),
            login: device.login.as_deref().map(str::to_owned),
            iccid: mask::shown(device.iccid, Iccid::reveal, reveal),
            msisdn: mask::shown(device.msisdn, Msisdn::reveal, reveal),
            imei: mask::shown(device.imei, Imei::reveal, reveal),
            imei_lock: if device.imei_lock == ImeiLock::On { "on" } else { "off" },
            model: device.model.as_deref().map(str::to_owned),
            groups: device.groups.iter().map(ToString::to_string).collect(),
            state: device.state.into(),
            ip: device.ip.map(|ip| ip.to_string()),
            ipv6: device.ipv6.map(|net| net.to_string()),
            mac: device.mac.map(|mac| mac.to_string()),
            critical: device.critical,
        }
    }
}

/// What an import changed, or would change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportReport {
    /// Nothing was changed: this is what would have been.
    pub dry_run: bool,
    /// Devices in the import.
    pub devices: usize,
    /// Devices that were not known.
    pub added: usize,
    /// Devices that were known and are different now.
    pub changed: usize,
    /// Devices that were known and are the same.
    pub unchanged: usize,
    /// Mistakes; with any, nothing is imported (and without `dry_run` the answer is a problem document).
    pub errors: Vec<LineError>,
}

//! Devices.

use fleetward_fleet::{Device, Iccid, Imei, ImeiLock, Imsi, Msisdn};
use serde::Serialize;
use utoipa::ToSchema;

use super::DeviceStateName;
use crate::inventory::LineError;
use crate::{Baseline, mask};

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
    /// How far its baseline has come; in the answer to a question about this one device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineView>,
}

/// How far the learning of a device's baseline has come.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BaselineView {
    /// `off`, `not_measured` (nothing was heard of it), `learning` or `learnt`.
    pub state: &'static str,
    /// The same in words: `learning, day 9 of 28`.
    pub text: String,
    /// Whole days that it has taught; `null`: none is learnt.
    pub days: Option<u32>,
    /// Device-hours that its model has taught; `null`: none is learnt.
    pub model_hours: Option<u64>,
    /// Whether its model has taught enough to say that something is unusual.
    pub model_is_ready: bool,
}

impl BaselineView {
    pub(crate) fn of(baseline: Baseline) -> Self {
        let nothing = |state, text: &str| Self {
            state,
            text: text.to_owned(),
            days: None,
            model_hours: None,
            model_is_ready: false,
        };
        let (days, of, hours, model_is_ready) = match baseline {
            Baseline::Off => return nothing("off", "off: nothing is learnt of this device"),
            Baseline::Unheard => return nothing("not_measured", "not measured: nothing was heard of it yet"),
            Baseline::Days { days, of, model_hours, model_is_ready } => (days, of, model_hours, model_is_ready),
        };
        let (state, progress) = match days {
            days if days < of => ("learning", format!("learning, day {} of {of}", days + 1)),
            days if model_is_ready => ("learnt", format!("learnt in {days} days")),
            days => ("learning", format!("learning, {days} days")),
        };
        let text = if model_is_ready {
            progress
        } else {
            format!("{progress}; its model has taught {hours} device-hours, too few to call anything unusual")
        };
        Self { state, text, days: Some(days), model_hours: Some(hours), model_is_ready }
    }
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
            baseline: None,
        }
    }

    pub(crate) fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = Some(BaselineView::of(baseline));
        self
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
    /// What is right and perhaps not meant: models that no profile describes.
    pub warnings: Vec<String>,
    /// Mistakes; with any, nothing is imported (and without `dry_run` the answer is a problem document).
    pub errors: Vec<LineError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_is_a_word() {
        let days = |days, model_is_ready| {
            let view = BaselineView::of(Baseline::Days { days, of: 28, model_hours: 4_200, model_is_ready });
            (view.state, view.text)
        };
        assert_eq!(days(8, true), ("learning", "learning, day 9 of 28".to_owned()));
        assert_eq!(days(28, true), ("learnt", "learnt in 28 days".to_owned()));
        let few = "; its model has taught 4200 device-hours, too few to call anything unusual";
        assert_eq!(days(0, false), ("learning", format!("learning, day 1 of 28{few}")));
        assert_eq!(days(30, false), ("learning", format!("learning, 30 days{few}")));
        let unheard = BaselineView::of(Baseline::Unheard);
        assert_eq!((unheard.state, unheard.days), ("not_measured", None));
    }
}

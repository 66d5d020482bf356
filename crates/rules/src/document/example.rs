//! The examples in a rule file: on which device what happens, and what the rule must say.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::scalar::Scalar;

/// One example: these events, on such a device, and what the rule must say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestDocument {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) device: DeviceDocument,
    #[serde(default)]
    pub(crate) profile: Option<ProfileDocument>,
    /// A planned change that covers the device of the example.
    #[serde(default)]
    pub(crate) planned: Option<PlannedDocument>,
    pub(crate) given: Vec<Spanned<EventDocument>>,
    pub(crate) expect: Expect,
    #[serde(default)]
    pub(crate) count: Option<usize>,
    /// The names of the responses of the first finding.
    #[serde(default)]
    pub(crate) respond: Option<Vec<String>>,
}

/// A planned change in an example: `{ excuses: [move], from: 10m, until: 2h }`; without times, for all of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PlannedDocument {
    pub(crate) excuses: Vec<String>,
    pub(crate) rules: Vec<Box<str>>,
    pub(crate) from: Option<Scalar>,
    pub(crate) until: Option<Scalar>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expect {
    Alarm,
    None,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeviceDocument {
    pub(crate) known: Option<bool>,
    pub(crate) state: Option<Scalar>,
    pub(crate) model: Option<Scalar>,
    pub(crate) groups: Vec<Box<str>>,
    pub(crate) critical: bool,
    pub(crate) imei: Option<Scalar>,
    pub(crate) imei_lock: Option<Scalar>,
    pub(crate) ip: Option<Scalar>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProfileDocument {
    pub(crate) tacs: Vec<Scalar>,
    pub(crate) countries: Vec<Scalar>,
    pub(crate) networks: Vec<Scalar>,
    pub(crate) apns: Vec<Box<str>>,
    pub(crate) rats: Vec<Box<str>>,
    pub(crate) destinations: Vec<Box<str>>,
    pub(crate) time_zone: Option<Scalar>,
    pub(crate) hours: Option<Scalar>,
    pub(crate) volume: VolumeDocument,
    pub(crate) sessions_per_day: Option<u32>,
    pub(crate) messages_per_day: Option<u32>,
    pub(crate) calls_per_day: Option<u32>,
    pub(crate) fixed: bool,
    pub(crate) contact_every: Option<Scalar>,
    pub(crate) critical: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the keys of a file")]
pub(crate) struct VolumeDocument {
    pub(crate) per_hour: Option<Scalar>,
    pub(crate) per_day: Option<Scalar>,
    pub(crate) per_cycle: Option<Scalar>,
    pub(crate) per_life: Option<Scalar>,
}

/// One event of an example. Without `kind` it is a session record: an interim, or what `status` says.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "what a file may state, each with a name")]
pub(crate) struct EventDocument {
    pub(crate) at: Option<Scalar>,
    pub(crate) kind: Option<Scalar>,
    pub(crate) status: Option<Scalar>,
    pub(crate) rejected: Option<Scalar>,
    pub(crate) admitted: Option<bool>,
    pub(crate) session: Option<Scalar>,
    pub(crate) bytes: Option<Scalar>,
    pub(crate) bytes_up: Option<Scalar>,
    pub(crate) bytes_down: Option<Scalar>,
    pub(crate) packets_up: Option<u32>,
    pub(crate) packets_down: Option<u32>,
    pub(crate) over_secs: Option<Scalar>,
    pub(crate) total_bytes: Option<Scalar>,
    pub(crate) session_secs: Option<Scalar>,
    pub(crate) terminate_cause: Option<u32>,
    pub(crate) open_sessions: Option<u32>,
    pub(crate) is_new: Option<bool>,
    pub(crate) overlaps: Option<bool>,
    pub(crate) country: Option<Scalar>,
    pub(crate) network: Option<Scalar>,
    pub(crate) imei: Option<Scalar>,
    pub(crate) apn: Option<Scalar>,
    pub(crate) rat: Option<u8>,
    pub(crate) cell: Option<Scalar>,
    pub(crate) msisdn: Option<Scalar>,
    pub(crate) ip: Option<Scalar>,
    pub(crate) age: Option<Scalar>,
    pub(crate) source: Option<Scalar>,
    /// From this event on the device is in this state.
    pub(crate) device_state: Option<Scalar>,
    /// The device of this event, where a rule is about a group.
    pub(crate) device: Option<Scalar>,
    /// Of a sign in the network traffic: its kind.
    pub(crate) sign: Option<Scalar>,
    /// Of a flow: its name, or its address.
    pub(crate) destination: Option<Scalar>,
    pub(crate) address: Option<Scalar>,
    pub(crate) port: Option<u16>,
    pub(crate) protocol: Option<u8>,
    /// `out` or `in`, of a flow, message or call.
    pub(crate) direction: Option<Scalar>,
    pub(crate) count: Option<u32>,
    pub(crate) peer: Option<Scalar>,
    /// Of a call.
    pub(crate) duration: Option<Scalar>,
    pub(crate) service: Option<Scalar>,
    pub(crate) account: Option<Scalar>,
    /// Of a login.
    pub(crate) ok: Option<bool>,
    /// Of a login the address, of a SIM change the old value.
    pub(crate) from: Option<Scalar>,
    pub(crate) to: Option<Scalar>,
    /// Which part of the SIM changed.
    pub(crate) part: Option<Scalar>,
    /// Of a source state: since when it is silent; without it the source is back.
    pub(crate) silent_for: Option<Scalar>,
    /// A verdict of the baseline: the metric.
    pub(crate) unusual: Option<Scalar>,
    pub(crate) drift: Option<Scalar>,
    pub(crate) model_wide: Option<Scalar>,
    /// A verdict that says it is over.
    pub(crate) over: bool,
    pub(crate) now: Option<Scalar>,
    pub(crate) usual: Option<Scalar>,
    pub(crate) devices: Option<u32>,
    pub(crate) identity_changed: bool,
    pub(crate) place_changed: bool,
    pub(crate) new_destination: bool,
    /// What the second stage knows: every value of this event is new to its model.
    pub(crate) new: Option<bool>,
    /// The share of the devices of its network that is silent.
    pub(crate) outage: Option<f64>,
}

//! The shape of `fleetward.yaml`; its larger parts in files of their own.

mod api;
mod audit;
mod capture;
mod radius;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use fleetward_detect::{AlarmBudget, BaselineSettings};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::place::{Bytes, Span};
use super::secret::SecretRef;

pub(crate) use api::{Api, Tls};
pub(crate) use audit::{Audit, Passwords, Scheduled};
pub(crate) use capture::{Capture, CaptureSource};
pub(crate) use radius::{Certificate, Client, Disconnect, DisconnectKey, IdentityKind, PasswordKind, Radius};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default = "default_data")]
    pub(crate) data: PathBuf,
    #[serde(default)]
    pub(crate) radius: Radius,
    #[serde(default)]
    pub(crate) journal: Journal,
    #[serde(default = "default_snapshot")]
    pub(crate) snapshot_every: Span,
    #[serde(default)]
    pub(crate) api: Api,
    #[serde(default = "default_models")]
    pub(crate) models: PathBuf,
    #[serde(default = "default_rules")]
    pub(crate) rules: PathBuf,
    #[serde(default = "yes")]
    pub(crate) builtin_rules: bool,
    #[serde(default)]
    pub(crate) disable_rules: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) channels: BTreeMap<String, Spanned<Channel>>,
    #[serde(default)]
    pub(crate) automation: Automation,
    #[serde(default)]
    pub(crate) baseline: Baseline,
    #[serde(default)]
    pub(crate) sources: Vec<Source>,
    #[serde(default)]
    pub(crate) capture: Capture,
    #[serde(default)]
    pub(crate) enforce: Option<super::Enforce>,
    #[serde(default)]
    pub(crate) audit: Audit,
    #[serde(default)]
    pub(crate) log: Log,
}

/// `baseline:`: how many alarms the baselines may raise, and where they are off.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Baseline {
    pub(crate) learn: bool,
    /// Over the whole fleet.
    pub(crate) alarms_per_day: Option<Spanned<f64>>,
    /// For each device, in a month of 730 hours.
    pub(crate) false_alarms_per_device_month: Option<Spanned<f64>>,
    pub(crate) floor: Bytes,
    /// Models whose baseline is not learnt.
    pub(crate) off_for: Vec<Spanned<String>>,
}

impl Default for Baseline {
    fn default() -> Self {
        let floor = Bytes(BaselineSettings::default().floor);
        Self { learn: true, alarms_per_day: None, false_alarms_per_device_month: None, floor, off_for: Vec::new() }
    }
}

impl Baseline {
    /// As detection takes it; `None`: nothing is learnt.
    pub(crate) fn settings(&self) -> Option<BaselineSettings> {
        let default = BaselineSettings::default();
        let budget = match (&self.alarms_per_day, &self.false_alarms_per_device_month) {
            (Some(alarms), _) => AlarmBudget::AlarmsPerDay(alarms.value),
            (None, Some(rate)) => AlarmBudget::PerDeviceMonth(rate.value),
            (None, None) => default.budget,
        };
        self.learn.then_some(BaselineSettings { budget, floor: self.floor.0 })
    }
}

/// A source that is expected to speak: a gateway, or a token that tells observations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) name: Spanned<String>,
    pub(crate) silent_after: Span,
}

/// `journal:`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Journal {
    pub(crate) segment: Bytes,
    pub(crate) keep_days: u32,
    pub(crate) keep_bytes: Bytes,
}

impl Default for Journal {
    fn default() -> Self {
        Self { segment: Bytes(64 << 20), keep_days: 400, keep_bytes: Bytes(50_000_000_000) }
    }
}

/// Somebody to tell.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Channel {
    /// Standard Webhooks.
    Webhook { url: String, secret: Spanned<SecretRef> },
    /// SMTP.
    Mail {
        server: String,
        from: String,
        to: Vec<String>,
        #[serde(default)]
        user: Option<String>,
        #[serde(default)]
        password: Option<Spanned<SecretRef>>,
    },
    /// RFC 5424 over TLS (RFC 5425); plain TCP to loopback only.
    Syslog {
        to: String,
        #[serde(default)]
        ca: Option<PathBuf>,
        #[serde(default = "yes")]
        tls: bool,
    },
}

/// `automation:`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Automation {
    pub(crate) devices_per_hour: u32,
    pub(crate) percent_of_group: u32,
}

impl Default for Automation {
    fn default() -> Self {
        Self { devices_per_hour: 50, percent_of_group: 20 }
    }
}

/// `log:`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: LogLevel,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogLevel::Info }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Which log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

fn default_data() -> PathBuf {
    "data".into()
}

fn default_models() -> PathBuf {
    "models".into()
}

fn default_rules() -> PathBuf {
    "rules".into()
}

fn default_snapshot() -> Span {
    Span(Duration::from_mins(1))
}

fn yes() -> bool {
    true
}

//! Ways to tell people: webhook, mail, syslog.
//!
//! A message explains itself (promise 5) and carries no subscriber identity in clear: it says what the finding says, whose
//! texts are masked by whoever wrote them, and the device's id.
//!
//! Every channel refuses to send unencrypted to anything but loopback, and does so when it is made, not when it is used.

mod mail;
mod notification;
mod syslog;
mod tls;
mod webhook;

use fleetward_fleet::Timestamp;

pub use mail::{Mail, MailConfig, MailSecurity};
pub use notification::Notification;
pub use syslog::{Syslog, SyslogConfig, SyslogTransport};
pub use tls::Roots;
pub use webhook::{SIGNATURE_TOLERANCE_SECS, Webhook, WebhookConfig, signature};

/// What a channel is made of, as it stands in the configuration.
#[derive(Debug, Clone)]
pub enum ChannelConfig {
    /// HTTP POST, signed.
    Webhook(WebhookConfig),
    /// SMTP.
    Mail(MailConfig),
    /// RFC 5424.
    Syslog(SyslogConfig),
}

/// A channel is not usable as configured.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Secrets and findings would travel in clear.
    #[error("{0} is not encrypted; only loopback may be spoken to in clear")]
    Unencrypted(String),
    /// A value cannot be used.
    #[error("{what}: {why}")]
    Invalid {
        /// Which setting.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// TLS could not be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// A message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Trying again may help: no connection, an overloaded server.
    #[error("{0}")]
    Later(String),
    /// Trying again is pointless: refused for what it is.
    #[error("{0}")]
    Never(String),
}

/// A channel, ready to use. Delivering blocks for at most [`TIMEOUT`] (mail: a few times that, one per SMTP command).
#[derive(Debug)]
pub enum Channel {
    /// HTTP POST, signed.
    Webhook(Box<Webhook>),
    /// SMTP.
    Mail(Box<Mail>),
    /// RFC 5424.
    Syslog(Box<Syslog>),
}

impl Channel {
    /// Checks the configuration and makes the channel. Connects to nothing.
    pub fn new(config: ChannelConfig) -> Result<Self, ChannelError> {
        Ok(match config {
            ChannelConfig::Webhook(config) => Self::Webhook(Box::new(Webhook::new(&config)?)),
            ChannelConfig::Mail(config) => Self::Mail(Box::new(Mail::new(&config)?)),
            ChannelConfig::Syslog(config) => Self::Syslog(Box::new(Syslog::new(config)?)),
        })
    }

    /// Tells it, and returns who took the message over, in words.
    pub fn deliver(&self, notification: &Notification, now: Timestamp) -> Result<String, Undelivered> {
        match self {
            Self::Webhook(webhook) => webhook.deliver(notification, now),
            Self::Mail(mail) => mail.deliver(notification, now),
            Self::Syslog(syslog) => syslog.deliver(notification, now),
        }
    }

    /// Tells it that this is a test: what a test button does.
    pub fn test(&self, now: Timestamp) -> Result<String, Undelivered> {
        self.deliver(&Notification::test(now), now)
    }
}

/// How long a connection, and then an answer, may take.
pub const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Only what stays on this machine may be in clear.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

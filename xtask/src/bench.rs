//! `cargo xtask bench`: ours and every peer that is installed, on the same load, in turn, in one run.

mod audit;
mod capture;
mod detect;
mod enforce;
mod radius;

use std::process::ExitCode;

use clap::Subcommand;

/// Measure, beside every peer that is installed.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Durable accounting and admission, beside FreeRADIUS without and with a sync per record.
    Radius(radius::Radius),
    /// A fleet under many rules, and one query beside other engines: speed, memory, the same alarms.
    Detect(detect::Detect),
    /// The firewall: seconds to load, nanoseconds a packet, at 10 and 10,000 devices.
    Enforce(enforce::Enforce),
    /// Open ports and what speaks there, beside nmap, masscan and `RustScan`.
    Audit(audit::Audit),
    /// A large capture to flows with names and verdicts, beside softflowd, nfpcapd, argus, nDPI and Suricata.
    Capture(capture::Capture),
}

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Radius(radius) => radius.run(),
            Self::Detect(detect) => detect.run(),
            Self::Enforce(enforce) => enforce.run(),
            Self::Audit(audit) => audit.run(),
            Self::Capture(capture) => capture.run(),
        }
    }
}

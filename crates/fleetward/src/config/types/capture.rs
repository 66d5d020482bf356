//! `capture:`: where packets are seen.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use fleetward_fleet::Mac;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::super::place::{Address, Bytes, Socket, Span};
use super::yes;

/// `capture:`: where packets are seen, and what the network there is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Capture {
    /// Networks in which devices live.
    pub(crate) local: Vec<Address>,
    /// Hardware addresses of their routers.
    pub(crate) routers: Vec<Mac>,
    /// Resolvers that they were given; without any, the routers.
    pub(crate) resolvers: Vec<IpAddr>,
    /// Time servers that they were given.
    pub(crate) clocks: Vec<IpAddr>,
    /// Lists of names that devices should not call: one a line, or a hosts file.
    pub(crate) trackers: Vec<Spanned<PathBuf>>,
    /// Lists of names of resolvers over HTTPS.
    pub(crate) doh: Vec<Spanned<PathBuf>>,
    /// How often what a device did is summed up for the journal.
    pub(crate) flush_every: Span,
    pub(crate) sources: Vec<CaptureSource>,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            local: Vec::new(),
            routers: Vec::new(),
            resolvers: Vec::new(),
            clocks: Vec::new(),
            trackers: Vec::new(),
            doh: Vec::new(),
            flush_every: Span(Duration::from_mins(1)),
            sources: Vec::new(),
        }
    }
}

/// One place where packets (or flows) are seen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaptureSource {
    pub(crate) name: Spanned<String>,
    /// An interface that is listened to.
    #[serde(default)]
    pub(crate) interface: Option<String>,
    /// A capture that is read once, or a named pipe that is read as it comes.
    #[serde(default)]
    pub(crate) file: Option<Spanned<PathBuf>>,
    /// Where a gateway sends IPFIX or NetFlow v9 to.
    #[serde(default)]
    pub(crate) ipfix: Option<Socket>,
    /// The gateways that may; their datagrams carry no proof of who sent them.
    #[serde(default)]
    pub(crate) from: Vec<Address>,
    /// Also frames that are for others.
    #[serde(default = "yes")]
    pub(crate) promiscuous: bool,
    /// Room for frames that wait.
    #[serde(default = "default_ring")]
    pub(crate) ring: Bytes,
    /// As in `sources:`.
    #[serde(default)]
    pub(crate) silent_after: Option<Span>,
}

fn default_ring() -> Bytes {
    Bytes(32 << 20)
}

//! The real binary against real peers, each in a network namespace of its own: FreeRADIUS's radclient, strongSwan,
//! hostapd with wpa_supplicant, radsecproxy. What is asserted is what an operator sees: the peers' own behaviour, and
//! what `fleetward … --format json` says.
//!
//! Needs root and the daemons; says aloud what is missing, or fails with `FLEETWARD_REQUIRE_DAEMONS=1`.

#![expect(
    clippy::unwrap_used,
    clippy::doc_markdown,
    reason = "a test that cannot go on should stop; names are not code"
)]

#[path = "peers/hostapd.rs"]
mod hostapd;
#[path = "peers/radclient.rs"]
mod radclient;
#[path = "peers/radsecproxy.rs"]
mod radsecproxy;
#[path = "peers/server.rs"]
mod server;
#[path = "peers/strongswan.rs"]
mod strongswan;

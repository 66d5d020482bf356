//! The RADIUS server: admits, records and ends SIM sessions.
//!
//! Requests come by UDP or `RadSec`; [`Server`] believes those of configured [`Client`]s, decides admissions from the
//! [`Directory`] ([`admission`]), turns every decision and every accounting record into an observation, and gives it to
//! a [`Recorder`], which is the journal.
//!
//! # Invariants
//!
//! * **Answered means recorded** (RFC 2866 §2): an answer leaves only after the journal's word, and none leaves when it
//!   refuses. Admissions are no exception.
//! * **Nothing from an unbelieved packet has an effect** beyond a counter and a rate-limited line: not on the duplicate
//!   cache, not on the directory, not on memory.
//! * **Once**: a retransmission, on the wire or in content, makes one record and as many answers as it was asked for.
//! * **The peer learns no reasons.** A reject holds Message-Authenticator and Proxy-State.
//! * **Bounded**: duplicate caches, anchors, connections, requests under way, log lines. Nothing grows with senders.
//!
//! ```no_run
//! use std::sync::Arc;
//! use fleetward_aaa::{Client, Config, Directory, IdentityFrom, PasswordPolicy, Peer, Recorder, Server};
//! use fleetward_fleet::{Device, Secret, Timestamp};
//!
//! fn serve(journal: impl Recorder, clock: fn() -> Timestamp) -> Result<Server, fleetward_aaa::StartError> {
//!     let directory = Arc::new(Directory::new());
//!     let mut meter = Device::named("meter-17");
//!     meter.imsi = "262011234567890".parse().ok();
//!     directory.upsert(&meter);
//!     let gateway = Client {
//!         name: "pgw-1".into(),
//!         peer: Peer::Net("192.0.2.0/28".parse().expect("a network")),
//!         secret: Secret::new("a secret of sixteen"),
//!         identity: IdentityFrom::Imsi,
//!         password: PasswordPolicy::NetworkAuthenticated,
//!         legacy_pap_without_ma: false,
//!     };
//!     let config = Config {
//!         auth: vec![([192, 0, 2, 100], 1812).into()],
//!         acct: vec![([192, 0, 2, 100], 1813).into()],
//!         clients: vec![gateway],
//!         ..Config::default()
//!     };
//!     Server::start(config, directory, journal, Arc::new(clock))
//! }
//! ```

pub mod admission;
mod attributes;
#[doc(hidden)]
pub mod bench;
mod clients;
mod config;
mod directory;
mod duplicates;
pub mod metrics;
mod observe;
mod radsec;
mod recorder;
mod reply;
mod server;
mod service;
mod text;
mod throttle;
mod udp;

pub use clients::{Client, ClientError, ClientTable, IdentityFrom, PasswordPolicy, Peer};
pub use config::{Config, Logins, RadSecConfig};
pub use directory::{DEFAULT_INTERIM_SECS, Directory, Open, Sim, session_hash};
pub use radsec::TlsError;
pub use recorder::{Done, Keyed, Recorder};
pub use reply::{class, read_class};
pub use server::{LocalAddrs, Server, StartError};
pub use service::Clock;

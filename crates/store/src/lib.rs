//! What is known now: devices, findings, responses, suppressions, the audit log, users and tokens, in one `SQLite` file.
//!
//! The journal is the truth about devices; this is its projection, and the home of everything that a person edits.
//! [`Store`] is a cheap, thread-safe handle; every method blocks for the length of one small query or transaction.
//!
//! # Invariants
//!
//! * **One transaction a promise**: a method that returns `Ok` has committed, with `synchronous=FULL`.
//! * **Nothing twice** (promise 2): findings and responses are written under ids that follow from their cause; a replay
//!   changes nothing. A device projection and its journal offset move together.
//! * **No clock**: time is a parameter, so a test or a replay decides what "now" is.
//! * **The audit log only grows**: triggers refuse changes, and a hash chain shows those made around them.
//! * **No secret in clear**: passwords are Argon2id hashes, tokens are SHA-256 digests of 256 random bits.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! use fleetward_fleet::{Device, DeviceChange, Offset};
//! use fleetward_store::{Lookup, Store};
//!
//! let store = Store::open(&folder.path().join("fleetward.db"))?;
//! let mut meter = Device::named("meter-17");
//! meter.imsi = Some("262011234567890".parse()?);
//! let change = DeviceChange { device: meter, removed: false, by: "cli".into() };
//! store.project_devices(&[(Offset(0), change)])?;
//! assert!(store.device(&Lookup::Imsi("262011234567890".parse()?))?.is_some());
//! # Ok(())
//! # }
//! ```

mod audit;
mod connection;
mod device;
mod device_list;
mod error;
mod finding;
mod finding_state;
mod meta;
mod metrics;
mod names;
mod open;
mod page;
mod planned;
mod query;
mod response;
mod schema;
mod suppression;
mod token;
mod user;

pub use audit::{AuditEntry, AuditFilter, AuditReport, NewAudit};
pub use connection::Store;
pub use device::{Conflict, Lookup, Projected};
pub use device_list::DeviceFilter;
pub use error::StoreError;
pub use finding::{FindingCounts, FindingDetail, FindingFilter, Outcome, Recorded};
pub use finding_state::FindingStep;
pub use names::{Names, names};
pub use page::{Listing, MAX_PAGE, Page};
pub use planned::ExcusedDeviation;
pub use response::{Inserted, ResponseFilter};
pub use suppression::StoredSuppression;
pub use token::{NewToken, Token, TokenKind};
pub use user::{MIN_PASSWORD, Role, User};

/// What the methods of this crate return.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

//! Profiles become a firewall: nftables text for the structure, elements for everything that changes.
//!
//! ```text
//!   Site + profiles --compile--> Compiled { elements, names } --text--> one transaction for `nft -f -`
//!   DNS answers that devices received --Feeder--> changes of elements --netlink--> the kernel
//! ```
//!
//! # Invariants
//!
//! * **Rules are static.** A fleet of ten and of ten thousand has the same rules; sets and maps differ in their elements.
//! * **Own tables only**: `inet fleetward`, `bridge fleetward` and `inet fleetward_server`. Nothing of others is read or changed.
//! * **Old or new, never none.** A reload deletes and makes the tables in one transaction.
//! * **Nobody is everybody.** A name becomes the addresses that a given resolver named for it, for their lifetime; a role becomes the
//!   addresses that play it; no element stands for the whole Internet, except time servers where none is given (at a clock's rate).
//! * **Compiling is pure.** What touches the kernel is in [`kernel`], [`netlink`] and [`log`].

mod compile;
mod element;
mod feed;
pub mod firewall;
pub mod kernel;
pub mod layers;
pub mod log;
mod mark;
pub mod netlink;
pub mod overhear;
mod probe;
pub mod quarantine;
pub mod server;
mod site;
mod spans;
mod text;

pub use compile::{Compiled, NameRule, compile};
pub use element::{Change, Element, Elements, Set, Table, Verdict, sets};
pub use feed::{Answer, Feeder, Ignored, Kept};
pub use mark::{Mark, marks};
pub use probe::{Features, Probe};
pub use site::{Controller, Member, OnBreach, Site, Unknown};
pub use text::{digest_of, ruleset};

/// The table of routed traffic and of what goes to the gateway itself.
pub const TABLE: &str = "fleetward";
/// The first NFLOG group; see [`log::Why`] for the others.
pub const LOG_GROUP: u16 = 100;

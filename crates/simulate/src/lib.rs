//! A fleet's sessions from layered, sourced models, so that detection can be judged without anybody's private records.
//!
//! [`World`] is an iterator of observations in the order in which they arrive: the inventory, accounting records, refused
//! attempts, ticks. Beside it stands the truth: who was misused, when, and what it cost by then.
//!
//! | layer | module | what it decides |
//! | --- | --- | --- |
//! | device | `class`, `traffic` | what a kind of device transfers, by whose clock |
//! | session | `link` | starts, interims, stops; lost, late and doubled records; 32-bit counters |
//! | network | `network`, `unit` | cells, borders, tours abroad, outages |
//! | fleet events | `life` | firmware waves, growth, steps, service, joining and leaving |
//! | misuse | [`misuse`] | overlays, written by others, in bytes, hours, TACs and places |
//!
//! # Invariants
//!
//! * **The seed decides**: equal configurations give equal observations. No clock, no I/O.
//! * **Layers have streams of chance of their own**: switching one off leaves the draws of the others alone, and a device
//!   that is not misused does exactly the same with an overlay and without.
//! * **Misuse is physical.** Nothing here knows how a detector computes.
//!
//! ```
//! use fleetward_simulate::{Class, Config, World};
//! let (meter, _) = Class::find("meter").unwrap();
//! let world = World::new(Config { classes: vec![(meter, 3)], days: 2, training_days: 1, ..Config::default() })?;
//! let again = World::new(world.config().clone())?;
//! assert!(world.eq(again));
//! # Ok::<(), fleetward_simulate::OverlayError>(())
//! ```

#![expect(clippy::cast_precision_loss, reason = "octets and seconds of a simulation are far below 2^52")]
#![expect(clippy::cast_sign_loss, reason = "volumes and counts are never negative where they are cast")]

mod calendar;
mod class;
mod event;
mod life;
mod link;
mod load;
pub mod misuse;
mod network;
mod nuisance;
mod random;
mod size;
mod traffic;
mod truth;
mod unit;
mod world;

pub use class::{CLASSES, Class, Connection, Moves, Shape, Source};
pub use misuse::{Effect, Overlay, OverlayError, Scenario};
pub use nuisance::{NUISANCES, Nuisances};
pub use random::{Layer, Random};
pub use size::Size;
pub use truth::Misuse;
pub use unit::Member;
pub use world::{Config, World};

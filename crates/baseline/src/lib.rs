//! What is normal for one device, learnt without configuration, and how unusual the present is.
//!
//! Two halves. [`DeviceBaseline`] belongs to one device: small, flat, integer arithmetic only. It turns traffic into
//! [`Measure`]s, one per closed device-hour and device-day (and early for an open hour that is already far above what the
//! device itself knows). [`FleetBaseline`] holds a [`ModelBaseline`] for every model: it knows how the tail of all devices of
//! a model looks, so it can say how often a measure happens by chance, and turns measures into [`Verdict`]s within the
//! operator's alarm [`Budget`].
//!
//! Nothing flows back from the second half into the first, so devices can be judged in partitions and models afterwards.
//!
//! # Invariants
//!
//! * **No clock, no randomness, no I/O.** Time is passed in; rounding is stochastic by a hash of state and hour.
//! * **One burst cannot teach.** Learning is winsorised and pauses while the device's own evidence says "far outside".
//! * **Bounded.** A device half has a fixed size; a model half has fixed histograms and capped lists.

#![expect(
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "fixed-point arithmetic; each value is clamped to its range where it is made"
)]

mod busiest;
mod calibration;
mod device;
mod dice;
mod evidence;
mod fleet;
mod guard;
mod lane;
mod lessons;
mod measure;
mod model;
mod norm;
mod octaves;
mod open;
mod pace;
mod pattern;
mod score;
mod settings;
mod tail;
pub mod textbook;
mod verdict;
mod week;

pub use device::{DeviceBaseline, Traffic};
pub use fleet::{FleetBaseline, ModelKey};
pub use measure::{Direction, Kind, Measure, Metric};
pub use model::{Learning, ModelBaseline};
pub use pace::Pace;
pub use score::Basis;
pub use settings::{Budget, Settings};
pub use tail::Tail;
pub use verdict::{Evidence, ModelWide, Phase, Unusual, Verdict};

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

mod device;
mod fleet;
mod measure;
mod model;
mod settings;
pub mod textbook;
mod verdict;

pub use device::{DeviceBaseline, Traffic};
pub use fleet::{FleetBaseline, ModelKey};
pub use measure::{Kind, Measure, Metric};
pub use model::{Learning, ModelBaseline};
pub use settings::{Budget, Settings};
pub use verdict::{Evidence, ModelWide, Phase, Unusual, Verdict};

//! Misuse overlays: what is done to which devices, when. Written by others than the detector's author, as YAML files.
//!
//! Everything is physical: bytes an hour, hours, TACs, networks, places. Nothing can be said in units of a detector.
//! The format is taught in `docs/simulate.md`; a mistake is named with line and column.

mod check;
mod document;
mod doing;
mod draw;
mod quantity;
mod select;

pub use document::{Effect, Overlay, OverlayError, Scenario};
pub use quantity::{Bytes, Choice, Hours, Share, Span};

pub(crate) use draw::{Drawn, Storm};
pub(crate) use select::{Cast, Stage, cast};

/// The overlays that are public: (name, YAML).
pub const PUBLIC: &[(&str, &str)] = &[
    ("stolen-sim", include_str!("../overlays/stolen-sim.yaml")),
    ("botnet", include_str!("../overlays/botnet.yaml")),
    ("slow-leak", include_str!("../overlays/slow-leak.yaml")),
    ("identity", include_str!("../overlays/identity.yaml")),
    ("activity", include_str!("../overlays/activity.yaml")),
    ("failure", include_str!("../overlays/failure.yaml")),
];

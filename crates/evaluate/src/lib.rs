//! How good detection is, on fleets whose truth is known: what is found and how fast, what is said in error, what it costs.
//!
//! A [`Trial`] runs worlds of [`fleetward_simulate`] through the real detection ([`fleetward_detect::Engine`], the rules and
//! baselines that a server would use, no short cut) and, in the same run and on the same records, through the detectors of
//! the textbook. Its [`Outcome`] counts; a [`Report`] turns counts into rates with their intervals.
//!
//! # Invariants
//!
//! * **Nothing is tuned here.** Detectors see records only; the truth is looked at after the last of them.
//! * **Training and test are apart.** Alarms before the test begins are not counted, neither as found nor as false.
//! * **Seeds are stated.** The public seeds lie below [`HELD_OUT`]; what is tuned is tuned on them.
//!
//! # Deliberately absent
//!
//! A single score. One number would hide that a rate of detection means nothing without its false alarms.

#![expect(clippy::format_push_string, reason = "texts for people are short: what reads well wins")]
#![expect(clippy::cast_precision_loss, reason = "counts of a report are far below 2^52")]

mod cost;
mod hours;
mod interval;
mod outcome;
mod report;
mod run;
mod score;
pub mod study;
mod svg;
mod trial;
mod truth;

pub use fleetward_baseline::textbook::all as textbook;

pub use cost::{Cost, cost};
pub use interval::{Interval, poisson, wilson};
pub use outcome::{Cell, Outcome, Quiet};
pub use report::{Figures, Report, Side};
pub use run::{Alarm, By, Judges};
pub use svg::{Line, curve};
pub use trial::{EvaluateError, Trial, labelled};
pub use truth::{Case, Census, LabelError, Truth, Watched, labels};

/// Seeds from here on are for the final figures: nothing may be tuned on them.
pub const HELD_OUT: u64 = 1_000;

#[cfg(test)]
mod tests;

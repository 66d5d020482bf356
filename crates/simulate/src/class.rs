//! Kinds of device: what they transfer and when, how they keep their sessions, and the profile their owner would write.
//!
//! Where the figures come from is written in `docs/simulate.md`, class by class.

mod table;

use fleetward_fleet::Profile;

use crate::size::Size;

pub use table::CLASSES;

/// One kind of device.
#[derive(Debug)]
pub struct Class {
    /// The model's name, as in its profile.
    pub name: &'static str,
    /// Names of its devices begin with it.
    pub prefix: &'static str,
    /// The profile.
    pub profile: &'static str,
    /// Types of module in use (test range, TS 23.003 §6).
    pub tacs: &'static [&'static str],
    /// Radio, as 3GPP-RAT-Type.
    pub rat: u8,
    /// What it transfers; at most five causes.
    pub sources: &'static [Source],
    /// How it keeps its data connection.
    pub connection: Connection,
    /// How it moves.
    pub moves: Moves,
    /// Spread of the level between devices, natural units: the median device has 1.
    pub level_spread: f64,
    /// Spread of one device's days.
    pub day_spread: f64,
    /// What an update downloads, octets.
    pub firmware: f64,
    /// What it could not send during an outage is sent afterwards.
    pub catches_up: bool,
    /// Somebody is in danger when it falls silent.
    pub critical: bool,
}

/// No class has more sources.
pub(crate) const MOST_SOURCES: usize = 5;

/// A cause of traffic.
#[derive(Debug)]
pub enum Source {
    /// Every so many seconds, from a phase of its own: keep-alives, summed up.
    Beat {
        /// The period.
        every: f64,
        /// Octets up each time.
        up: Size,
        /// Octets down each time.
        down: Size,
    },
    /// A report by the device's own clock: period drawn from the choices (seconds, share of devices), first at a phase of
    /// its own, each time off by a few seconds (quasi-periodic: Ruiz-Guirola et al.).
    Report {
        /// Periods and the share of devices that have them.
        every: &'static [(f64, f64)],
        /// Off by this much, seconds (normal).
        jitter: f64,
        /// Octets up.
        up: Size,
        /// Octets down.
        down: Size,
    },
    /// Once a day at a local hour, within so many minutes of it; each device has its own minute.
    Daily {
        /// The hour.
        hour: f64,
        /// Devices are spread over this many minutes.
        within: f64,
        /// Octets up.
        up: Size,
        /// Octets down.
        down: Size,
        /// On the first of the month this many times as much (billing).
        on_the_first: f64,
    },
    /// Things that happen (Poisson), by the hour of the day.
    Events {
        /// How many an hour when the shape says 1.
        per_hour: f64,
        /// When.
        shape: &'static Shape,
        /// Octets up each.
        up: Size,
        /// Octets down each.
        down: Size,
    },
    /// Things that last: a drive, a charge, somebody who watches.
    Activity {
        /// How many begin an hour when the shape says 1.
        per_hour: f64,
        /// When.
        shape: &'static Shape,
        /// Minutes: median and spread.
        minutes: (f64, f64),
        /// Octets up a minute.
        up: Size,
        /// Octets down a minute.
        down: Size,
        /// The device is on the road meanwhile.
        moving: bool,
    },
}

/// How busy each hour of a weekday, a Saturday and a Sunday is.
#[derive(Debug)]
pub struct Shape(pub [[f32; 24]; 3]);

/// How a device keeps its data connection.
#[derive(Debug, Clone, Copy)]
pub enum Connection {
    /// Always; cut and begun again after about so many hours. Interims every so many seconds.
    Always {
        /// Hours until it begins anew.
        hours: f64,
        /// Seconds between interims.
        interim: i64,
    },
    /// While it has something to say, and so many seconds longer.
    WhenNeeded {
        /// Idle seconds after which it ends.
        idle: i64,
        /// Seconds between interims.
        interim: i64,
    },
}

/// How a device moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Moves {
    /// Bolted to a wall: one cell, now and then a neighbour.
    Never,
    /// Drives through its region.
    Region,
    /// Drives; this share of devices also abroad.
    Abroad(f64),
}

impl Class {
    /// What its owner wrote down about it.
    pub fn profile(&self) -> Profile {
        match Profile::from_yaml(self.profile) {
            Ok(profile) => profile,
            Err(error) => unreachable!("the profile of {}: {error}", self.name),
        }
    }

    /// The class with this name, and its place.
    pub fn find(name: &str) -> Option<(usize, &'static Self)> {
        CLASSES.iter().enumerate().find(|(_, class)| class.name == name || class.prefix == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_consistent() {
        for class in &CLASSES {
            let profile = class.profile();
            assert_eq!(*profile.model, *class.name);
            assert_eq!(profile.critical, class.critical);
            assert!(class.sources.len() <= MOST_SOURCES);
            assert!(class.tacs.iter().all(|tac| profile.tacs.iter().any(|known| known.to_string() == *tac)));
            assert_eq!(Class::find(class.prefix).map(|(_, found)| found.name), Some(class.name));
            for source in class.sources {
                if let Source::Report { every, .. } = source {
                    let shares: f64 = every.iter().map(|(_, share)| share).sum();
                    assert!((shares - 1.0).abs() < 1e-9);
                }
            }
        }
    }
}

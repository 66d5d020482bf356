//! The five kinds of device: what each is meant to do (the profile) and how much it does on a usual day.

use fleetward_fleet::Rat;

/// A module that belongs to no model: where a stolen SIM ends up.
pub const ROUTER_TAC: &str = "00440901";

/// One kind of device.
#[derive(Debug)]
pub struct Model {
    /// As in the profile.
    pub name: &'static str,
    /// Names of its devices begin with it.
    pub prefix: &'static str,
    /// The profile's file name.
    pub file: &'static str,
    /// The profile.
    pub profile: &'static str,
    /// Types of module that are in use.
    pub tacs: &'static [&'static str],
    /// Networks that are in use, the home network first; all are in the profile.
    pub networks: &'static [&'static str],
    /// Its radio.
    pub rat: Rat,
    /// How many of a hundred devices are of this kind.
    pub share: usize,
    /// Octets in a usual hour, both directions; the profile allows at least four times as many.
    pub per_hour: u64,
    /// The profile's `volume.per_hour`, octets.
    pub per_hour_limit: u64,
    /// Of a hundred octets, how many the device sends.
    pub uplink: u64,
    /// Sessions that it may open in a day of the simulation; below the profile's `sessions_per_day`.
    pub sessions: u32,
    /// Somebody is in danger when it falls silent.
    pub critical: bool,
}

/// All kinds.
pub const MODELS: [Model; 5] = [
    Model {
        name: "water-meter",
        prefix: "meter",
        file: "water-meter.yaml",
        profile: "\
model: water-meter
title: Water meter, reports its reading once a day
tacs: ['00110101', '00110102']
countries: [DE]
networks: ['26299', '26298']
apns: [fleet.example]
rats: [nb-iot]
volume: { per_hour: 1 MB, per_day: 4 MB }
sessions_per_day: 24
contact_every: 26 h
interim_secs: 60
",
        tacs: &["00110101", "00110102"],
        networks: &["26299", "26298"],
        rat: Rat(8),
        share: 45,
        per_hour: 20_000,
        per_hour_limit: 1_000_000,
        uplink: 80,
        sessions: 12,
        critical: false,
    },
    Model {
        name: "vehicle-tracker",
        prefix: "tracker",
        file: "vehicle-tracker.yaml",
        profile: "\
model: vehicle-tracker
title: Vehicle tracker, drives in five countries
tacs: ['00110201', '00110202']
countries: [DE, AT, FR, NL, PL]
networks: ['26299', '23299', '20899', '20499', '26099']
apns: [fleet.example]
rats: [lte-m, eutran]
volume: { per_hour: 20 MB, per_day: 200 MB }
sessions_per_day: 96
contact_every: 26 h
interim_secs: 60
",
        tacs: &["00110201", "00110202"],
        networks: &["26299", "23299", "20899", "20499", "26099"],
        rat: Rat(9),
        share: 25,
        per_hour: 2_000_000,
        per_hour_limit: 20_000_000,
        uplink: 75,
        sessions: 40,
        critical: false,
    },
    Model {
        name: "pos-terminal",
        prefix: "pos",
        file: "pos-terminal.yaml",
        profile: "\
model: pos-terminal
title: Payment terminal
tacs: ['00110301']
countries: [DE]
networks: ['26299', '26298']
apns: [fleet.example]
rats: [eutran]
volume: { per_hour: 20 MB, per_day: 100 MB }
sessions_per_day: 96
contact_every: 72 h
interim_secs: 60
",
        tacs: &["00110301"],
        networks: &["26299", "26298"],
        rat: Rat(6),
        share: 15,
        per_hour: 1_500_000,
        per_hour_limit: 20_000_000,
        uplink: 50,
        sessions: 40,
        critical: false,
    },
    Model {
        name: "alarm-camera",
        prefix: "camera",
        file: "alarm-camera.yaml",
        profile: "\
model: alarm-camera
title: Camera of an alarm panel, sends pictures
tacs: ['00110401', '00110402']
countries: [DE]
networks: ['26299', '26298']
apns: [fleet.example]
rats: [eutran, nr]
volume: { per_hour: 2 GB, per_day: 20 GB }
sessions_per_day: 48
contact_every: 26 h
interim_secs: 60
",
        tacs: &["00110401", "00110402"],
        networks: &["26299", "26298"],
        rat: Rat(6),
        share: 10,
        per_hour: 300_000_000,
        per_hour_limit: 2_000_000_000,
        uplink: 95,
        sessions: 20,
        critical: false,
    },
    Model {
        name: "lift-phone",
        prefix: "lift",
        file: "lift-phone.yaml",
        profile: "\
model: lift-phone
title: Emergency telephone of a lift
tacs: ['00110501']
countries: [DE]
networks: ['26299', '26298']
apns: [fleet.example]
rats: [eutran]
volume: { per_hour: 5 MB, per_day: 20 MB }
sessions_per_day: 24
contact_every: 26 h
interim_secs: 60
critical: true
",
        tacs: &["00110501"],
        networks: &["26299", "26298"],
        rat: Rat(6),
        share: 5,
        per_hour: 100_000,
        per_hour_limit: 5_000_000,
        uplink: 50,
        sessions: 10,
        critical: true,
    },
];

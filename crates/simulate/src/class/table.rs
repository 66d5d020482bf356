//! The eight classes. Sources of the figures: `docs/simulate.md`.

use super::{Class, Connection, Moves, Shape, Source};
use crate::size::Size;

/// Shops: from eight to eight, Saturday until six, few on Sunday.
const SHOP: Shape = Shape([
    [
        0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.1, 0.3, 0.6, 0.8, 1.0, 1.2, 1.4, 1.1, 0.9, 0.9, 1.1, 1.4, 1.3, 0.8, 0.3, 0.1,
        0.03, 0.0,
    ],
    [
        0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.1, 0.3, 0.7, 1.1, 1.5, 1.7, 1.6, 1.4, 1.2, 1.0, 0.8, 0.6, 0.3, 0.1, 0.05,
        0.03, 0.02, 0.0,
    ],
    [
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.2, 0.2, 0.15, 0.15, 0.15, 0.1, 0.1, 0.05, 0.03,
        0.02, 0.0, 0.0, 0.0,
    ],
]);

/// Commercial vehicles: from six to six on weekdays.
const WORK: Shape = Shape([
    [
        0.02, 0.02, 0.02, 0.03, 0.1, 0.4, 1.0, 1.4, 1.3, 1.1, 1.0, 0.9, 0.7, 0.9, 1.0, 1.1, 1.0, 0.7, 0.4, 0.2, 0.1,
        0.06, 0.04, 0.03,
    ],
    [
        0.02, 0.02, 0.01, 0.01, 0.03, 0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3, 0.2, 0.2, 0.2, 0.15, 0.1, 0.1, 0.08, 0.05,
        0.04, 0.03, 0.02, 0.02,
    ],
    [
        0.01, 0.01, 0.01, 0.01, 0.01, 0.02, 0.04, 0.05, 0.06, 0.06, 0.06, 0.06, 0.06, 0.06, 0.06, 0.06, 0.06, 0.06,
        0.06, 0.05, 0.05, 0.04, 0.03, 0.02,
    ],
]);

/// People who drive to work and back.
const COMMUTE: Shape = Shape([
    [
        0.02, 0.01, 0.01, 0.01, 0.03, 0.2, 0.8, 1.6, 1.0, 0.4, 0.3, 0.4, 0.5, 0.4, 0.5, 0.8, 1.4, 1.5, 1.0, 0.6, 0.4,
        0.3, 0.2, 0.08,
    ],
    [
        0.06, 0.03, 0.02, 0.01, 0.01, 0.03, 0.1, 0.2, 0.5, 0.8, 1.0, 1.0, 0.9, 0.8, 0.8, 0.8, 0.8, 0.7, 0.6, 0.5, 0.4,
        0.3, 0.3, 0.2,
    ],
    [
        0.1, 0.05, 0.03, 0.01, 0.01, 0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 0.7, 0.6, 0.7, 0.8, 0.8, 0.8, 0.7, 0.6, 0.4, 0.3,
        0.2, 0.1, 0.05,
    ],
]);

/// People at home and on the street: what a camera sees, who charges a car.
const HOME: Shape = Shape([
    [
        0.15, 0.1, 0.08, 0.06, 0.08, 0.2, 0.6, 1.0, 0.9, 0.7, 0.7, 0.7, 0.8, 0.7, 0.8, 0.9, 1.2, 1.5, 1.6, 1.3, 1.0,
        0.7, 0.4, 0.25,
    ],
    [
        0.3, 0.2, 0.1, 0.06, 0.05, 0.08, 0.2, 0.4, 0.8, 1.1, 1.2, 1.2, 1.2, 1.1, 1.1, 1.1, 1.1, 1.2, 1.2, 1.1, 0.9,
        0.7, 0.5, 0.4,
    ],
    [
        0.35, 0.25, 0.12, 0.06, 0.05, 0.06, 0.15, 0.3, 0.6, 0.9, 1.0, 1.1, 1.1, 1.0, 1.1, 1.1, 1.1, 1.1, 1.1, 1.0, 0.8,
        0.5, 0.3, 0.2,
    ],
]);

/// All classes. A device's class never changes; the order is part of the seed.
pub static CLASSES: [Class; 8] = [
    Class {
        name: "meter",
        prefix: "meter",
        profile: "\
model: meter
title: Electricity meter, reports by itself
tacs: ['00110101', '00110102']
countries: [DE]
networks: ['26299', '26298']
apns: [fleet.example]
rats: [nb-iot]
volume: { per_hour: 2 MB, per_day: 5 MB }
sessions_per_day: 80
contact_every: 50 h
interim_secs: 3600
simultaneous: allow
",
        tacs: &["00110101", "00110102"],
        rat: 8,
        sources: &[
            Source::Report {
                every: &[(86_400.0, 0.40), (7_200.0, 0.40), (3_600.0, 0.15), (1_800.0, 0.05)],
                jitter: 20.0,
                up: Size::Pareto(120.0, 2.5, 300.0),
                down: Size::Log(90.0, 0.2, 400.0),
            },
            Source::Daily {
                hour: 0.25,
                within: 150.0,
                up: Size::Log(3_500.0, 0.15, 20_000.0),
                down: Size::Log(700.0, 0.2, 5_000.0),
                on_the_first: 6.0,
            },
        ],
        connection: Connection::WhenNeeded { idle: 300, interim: 3600 },
        moves: Moves::Never,
        level_spread: 0.25,
        day_spread: 0.05,
        firmware: 350_000.0,
        catches_up: true,
        critical: false,
    },
    Class {
        name: "tracker",
        prefix: "tracker",
        profile: "\
model: tracker
title: Tracker of commercial vehicles, five countries
tacs: ['00110201', '00110202']
countries: [DE, AT, FR, NL, PL]
networks: ['26299', '26298', '23299', '20899', '20499', '26099']
apns: [fleet.example]
rats: [lte-m, eutran]
volume: { per_hour: 10 MB, per_day: 50 MB }
sessions_per_day: 96
contact_every: 26 h
interim_secs: 3600
simultaneous: allow
",
        tacs: &["00110201", "00110202"],
        rat: 9,
        sources: &[
            Source::Activity {
                per_hour: 0.55,
                shape: &WORK,
                minutes: (40.0, 0.7),
                up: Size::Log(450.0, 0.25, 5_000.0),
                down: Size::Log(140.0, 0.25, 2_000.0),
                moving: true,
            },
            Source::Report {
                every: &[(3_600.0, 0.7), (21_600.0, 0.3)],
                jitter: 15.0,
                up: Size::Log(350.0, 0.2, 2_000.0),
                down: Size::Log(120.0, 0.2, 1_000.0),
            },
            Source::Events {
                per_hour: 0.04,
                shape: &WORK,
                up: Size::Log(9_000.0, 0.8, 200_000.0),
                down: Size::Log(1_500.0, 0.5, 20_000.0),
            },
        ],
        connection: Connection::Always { hours: 24.0, interim: 3600 },
        moves: Moves::Abroad(0.12),
        level_spread: 0.4,
        day_spread: 0.25,
        firmware: 900_000.0,
        catches_up: true,
        critical: false,
    },
    Class {
        name: "pos",
        prefix: "pos",
        profile: "\
model: pos
title: Payment terminal
tacs: ['00110301', '00110302']
countries: [DE]
networks: ['26299', '26298']
apns: [fleet.example]
rats: [eutran]
volume: { per_hour: 20 MB, per_day: 100 MB }
sessions_per_day: 96
contact_every: 72 h
interim_secs: 3600
simultaneous: allow
",
        tacs: &["00110301", "00110302"],
        rat: 6,
        sources: &[
            Source::Events {
                per_hour: 14.0,
                shape: &SHOP,
                up: Size::Log(2_600.0, 0.25, 20_000.0),
                down: Size::Log(2_100.0, 0.25, 20_000.0),
            },
            Source::Beat { every: 300.0, up: Size::Log(160.0, 0.1, 400.0), down: Size::Log(120.0, 0.1, 400.0) },
            Source::Daily {
                hour: 2.0,
                within: 120.0,
                up: Size::Log(40_000.0, 0.4, 600_000.0),
                down: Size::Log(60_000.0, 0.5, 900_000.0),
                on_the_first: 4.0,
            },
        ],
        connection: Connection::Always { hours: 24.0, interim: 3600 },
        moves: Moves::Never,
        level_spread: 0.6,
        day_spread: 0.25,
        firmware: 12_000_000.0,
        catches_up: false,
        critical: false,
    },
    Class {
        name: "alarm",
        prefix: "alarm",
        profile: "\
model: alarm
title: Alarm panel
tacs: ['00110401']
countries: [DE]
networks: ['26299', '26298']
apns: [fleet.example]
rats: [lte-m, eutran]
volume: { per_hour: 10 MB, per_day: 40 MB }
sessions_per_day: 48
contact_every: 4 h
interim_secs: 3600
simultaneous: allow
critical: true
",
        tacs: &["00110401"],
        rat: 6,
        sources: &[
            Source::Beat { every: 180.0, up: Size::Log(180.0, 0.1, 400.0), down: Size::Log(100.0, 0.1, 400.0) },
            Source::Events {
                per_hour: 0.25,
                shape: &SHOP,
                up: Size::Log(1_200.0, 0.3, 10_000.0),
                down: Size::Log(700.0, 0.3, 5_000.0),
            },
            Source::Events {
                per_hour: 0.004,
                shape: &HOME,
                up: Size::Log(160_000.0, 0.9, 4_000_000.0),
                down: Size::Log(6_000.0, 0.4, 50_000.0),
            },
        ],
        connection: Connection::Always { hours: 48.0, interim: 3600 },
        moves: Moves::Never,
        level_spread: 0.15,
        day_spread: 0.1,
        firmware: 4_000_000.0,
        catches_up: false,
        critical: true,
    },
    Class {
        name: "camera",
        prefix: "camera",
        profile: "\
model: camera
title: Camera that sends clips of what moves
tacs: ['00110501', '00110502']
countries: [DE]
networks: ['26299', '26298']
apns: [fleet.example]
rats: [eutran, nr]
volume: { per_hour: 3 GB, per_day: 10 GB }
sessions_per_day: 48
contact_every: 26 h
interim_secs: 1800
simultaneous: allow
",
        tacs: &["00110501", "00110502"],
        rat: 6,
        sources: &[
            Source::Events {
                per_hour: 5.0,
                shape: &HOME,
                up: Size::Log(1_400_000.0, 0.9, 60_000_000.0),
                down: Size::Log(25_000.0, 0.6, 500_000.0),
            },
            Source::Activity {
                per_hour: 0.03,
                shape: &HOME,
                minutes: (4.0, 0.8),
                up: Size::Log(9_000_000.0, 0.4, 30_000_000.0),
                down: Size::Log(150_000.0, 0.4, 1_000_000.0),
                moving: false,
            },
            Source::Beat { every: 60.0, up: Size::Log(220.0, 0.1, 600.0), down: Size::Log(180.0, 0.1, 600.0) },
        ],
        connection: Connection::Always { hours: 24.0, interim: 1800 },
        moves: Moves::Never,
        level_spread: 0.8,
        day_spread: 0.3,
        firmware: 45_000_000.0,
        catches_up: true,
        critical: false,
    },
    Class {
        name: "vehicle",
        prefix: "vehicle",
        profile: "\
model: vehicle
title: Connected car
tacs: ['00110601', '00110602']
countries: [DE, AT, FR, NL, PL]
networks: ['26299', '26298', '23299', '20899', '20499', '26099']
apns: [fleet.example]
rats: [eutran, nr]
volume: { per_hour: 2 GB, per_day: 5 GB }
sessions_per_day: 96
contact_every: 30 d
interim_secs: 3600
simultaneous: allow
",
        tacs: &["00110601", "00110602"],
        rat: 6,
        sources: &[
            Source::Activity {
                per_hour: 0.22,
                shape: &COMMUTE,
                minutes: (32.0, 0.6),
                up: Size::Log(28_000.0, 0.5, 500_000.0),
                down: Size::Log(60_000.0, 0.9, 3_000_000.0),
                moving: true,
            },
            Source::Report {
                every: &[(21_600.0, 1.0)],
                jitter: 60.0,
                up: Size::Log(2_500.0, 0.3, 20_000.0),
                down: Size::Log(1_200.0, 0.3, 20_000.0),
            },
            Source::Events {
                per_hour: 0.02,
                shape: &COMMUTE,
                up: Size::Log(60_000.0, 0.5, 1_000_000.0),
                down: Size::Log(8_000_000.0, 1.0, 150_000_000.0),
            },
        ],
        connection: Connection::WhenNeeded { idle: 900, interim: 3600 },
        moves: Moves::Abroad(0.05),
        level_spread: 0.6,
        day_spread: 0.3,
        firmware: 60_000_000.0,
        catches_up: true,
        critical: false,
    },
    Class {
        name: "lift",
        prefix: "lift",
        profile: "\
model: lift
title: Emergency telephone of a lift
tacs: ['00110701']
countries: [DE]
networks: ['26299', '26298']
apns: [fleet.example]
rats: [eutran]
volume: { per_hour: 5 MB, per_day: 20 MB }
sessions_per_day: 24
contact_every: 26 h
interim_secs: 3600
simultaneous: allow
critical: true
",
        tacs: &["00110701"],
        rat: 6,
        sources: &[
            Source::Beat { every: 900.0, up: Size::Log(200.0, 0.1, 400.0), down: Size::Log(150.0, 0.1, 400.0) },
            Source::Report {
                every: &[(259_200.0, 1.0)],
                jitter: 600.0,
                up: Size::Log(250_000.0, 0.2, 900_000.0),
                down: Size::Log(250_000.0, 0.2, 900_000.0),
            },
            Source::Events {
                per_hour: 0.004,
                shape: &HOME,
                up: Size::Log(400_000.0, 0.6, 4_000_000.0),
                down: Size::Log(400_000.0, 0.6, 4_000_000.0),
            },
        ],
        connection: Connection::Always { hours: 72.0, interim: 3600 },
        moves: Moves::Never,
        level_spread: 0.15,
        day_spread: 0.05,
        firmware: 6_000_000.0,
        catches_up: false,
        critical: true,
    },
    Class {
        name: "charger",
        prefix: "charger",
        profile: "\
model: charger
title: Charging point for cars
tacs: ['00110801']
countries: [DE]
networks: ['26299', '26298']
apns: [fleet.example]
rats: [eutran]
volume: { per_hour: 20 MB, per_day: 100 MB }
sessions_per_day: 48
contact_every: 4 h
interim_secs: 3600
simultaneous: allow
",
        tacs: &["00110801"],
        rat: 6,
        sources: &[
            Source::Activity {
                per_hour: 0.12,
                shape: &HOME,
                minutes: (150.0, 0.7),
                up: Size::Log(1_100.0, 0.2, 8_000.0),
                down: Size::Log(260.0, 0.2, 4_000.0),
                moving: false,
            },
            Source::Beat { every: 60.0, up: Size::Log(110.0, 0.1, 300.0), down: Size::Log(90.0, 0.1, 300.0) },
            Source::Daily {
                hour: 3.0,
                within: 60.0,
                up: Size::Log(90_000.0, 0.4, 900_000.0),
                down: Size::Log(12_000.0, 0.4, 200_000.0),
                on_the_first: 2.0,
            },
        ],
        connection: Connection::Always { hours: 24.0, interim: 3600 },
        moves: Moves::Never,
        level_spread: 0.4,
        day_spread: 0.25,
        firmware: 18_000_000.0,
        catches_up: true,
        critical: false,
    },
];

//! The overlay file as it is written.

use std::net::IpAddr;

use fleetward_fleet::{Direction, Plmn, RejectReason, SimPart, Tac};
use serde::Deserialize;

use super::{Bytes, Choice, Hours, Share, Span};

/// One overlay file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// Its name.
    pub overlay: Box<str>,
    /// What it is about, for people.
    #[serde(default)]
    pub title: String,
    /// What is done.
    pub scenarios: Vec<Scenario>,
}

/// Something that is done to some devices.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name: a row of the evaluation.
    pub scenario: Box<str>,
    /// What happens, for people.
    #[serde(default)]
    pub title: String,
    /// To which devices.
    #[serde(default)]
    pub select: Select,
    /// When it begins, counted from the first day of the test.
    #[serde(default)]
    pub start: Start,
    /// For how long; without it, until the simulation ends.
    #[serde(default)]
    pub lasts: Option<Choice<Span>>,
    /// What happens to each.
    pub effects: Vec<Effect>,
}

/// Which devices.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Select {
    /// Of these classes; empty: of all.
    pub classes: Vec<Box<str>>,
    /// So many of each class ...
    pub count: Option<u32>,
    /// ... or this share of each class. Without either, what the run says (`--misused`).
    pub share: Option<Share>,
}

/// When it begins.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Start {
    /// Days after the test begins; each device draws its own within the range. Without it, any day of the test but the
    /// last four.
    pub day: Option<Choice<f64>>,
    /// Local hours of the day.
    pub hour: Choice<Hours>,
    /// All devices begin at one moment, spread over this time.
    pub together: Option<Span>,
}

/// One thing that happens to a device. Every quantity may be a range, from which each device draws once.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Octets on top of what the device does itself.
    Traffic {
        /// Octets from the device in an hour that is fully active.
        #[serde(default = "nothing")]
        up: Choice<Bytes>,
        /// Octets to the device.
        #[serde(default = "nothing")]
        down: Choice<Bytes>,
        /// Over the day.
        #[serde(default)]
        shape: ShapeName,
        /// Share of the quarters of an hour in which anything flows (the shape thins it further).
        #[serde(default = "always")]
        active: Choice<Share>,
        /// How much quarters of an hour differ: sigma of a log-normal.
        #[serde(default = "varied")]
        spread: Choice<f64>,
        /// Only within these local hours, e.g. `[1, 4]`; the second may be smaller: over midnight.
        #[serde(default)]
        hours: Option<[Hours; 2]>,
        /// Octets of a packet from the device, header included; without it, streams with full segments.
        #[serde(default)]
        packet_up: Option<Choice<Bytes>>,
        /// Octets of a packet to the device; without it, streams with full segments.
        #[serde(default)]
        packet_down: Option<Choice<Bytes>>,
    },
    /// So many octets once, evenly over a time that begins with the misuse.
    Transfer {
        /// Octets from the device.
        #[serde(default = "nothing")]
        up: Choice<Bytes>,
        /// Octets to the device.
        #[serde(default = "nothing")]
        down: Choice<Bytes>,
        /// Over this time.
        over: Choice<Span>,
    },
    /// The device's own traffic times a factor.
    Multiply {
        /// From the device.
        #[serde(default = "unchanged")]
        up: Choice<f64>,
        /// To the device.
        #[serde(default = "unchanged")]
        down: Choice<f64>,
        /// The factor is reached after this time, growing steadily.
        #[serde(default)]
        ramp: Option<Choice<Span>>,
    },
    /// The device's own traffic ends: its SIM is elsewhere.
    OwnTrafficStops {},
    /// The SIM is in another module. The session ends, and another begins some minutes later.
    Module {
        /// Its type; without it, another of a type that the model uses.
        #[serde(default)]
        tac: Vec<Tac>,
        /// Time between the sessions.
        #[serde(default = "minutes")]
        gap: Choice<Span>,
    },
    /// It is elsewhere: another network and (or) other cells.
    Place {
        /// The network; without it, the same one.
        #[serde(default)]
        network: Option<Plmn>,
        /// It moves on to another cell at each new session and each interim, as somebody who carries it does.
        #[serde(default)]
        roams: bool,
    },
    /// Another access point name.
    Apn {
        /// Its name.
        name: Box<str>,
    },
    /// Another radio.
    Radio {
        /// 3GPP-RAT-Type.
        rat: u8,
    },
    /// Nothing is heard: power off, a thief's metal bag, a broken aerial. Without a Stop.
    Silence {},
    /// It connects again and again.
    Sessions {
        /// Sessions begun an hour.
        per_hour: Choice<f64>,
        /// Each lasts so long.
        #[serde(default = "seconds")]
        lasts: Choice<Span>,
        /// Octets of each, up and down together.
        #[serde(default = "nothing")]
        bytes: Choice<Bytes>,
    },
    /// A second body with the same identity: its sessions overlap the device's own.
    Clone {
        /// The network where the copy is; without it, the device's own.
        #[serde(default)]
        network: Option<Plmn>,
        /// Type of its module; without it, the same module.
        #[serde(default)]
        tac: Option<Tac>,
        /// Octets up in an active hour.
        #[serde(default = "nothing")]
        up: Choice<Bytes>,
        /// Octets down in an active hour.
        #[serde(default = "nothing")]
        down: Choice<Bytes>,
        /// Over the day.
        #[serde(default)]
        shape: ShapeName,
    },
    /// Conversations that it begins, as a sensor of flows reports them: one record stands for one destination.
    Flows {
        /// Names of the destinations; one of them each time.
        #[serde(default)]
        names: Vec<Box<str>>,
        /// So many other addresses, drawn at random from all of IPv4 for this device; one of them each time.
        #[serde(default)]
        addresses: u32,
        /// The port that is called.
        #[serde(default)]
        port: Option<u16>,
        /// IANA protocol number.
        #[serde(default = "tcp")]
        protocol: u8,
        /// Records an hour.
        per_hour: Choice<f64>,
        /// Conversations that a record sums up.
        #[serde(default = "single")]
        count: Choice<f64>,
        /// Octets from the device, a record.
        #[serde(default = "nothing")]
        up: Choice<Bytes>,
        /// Octets to the device, a record.
        #[serde(default = "nothing")]
        down: Choice<Bytes>,
    },
    /// Short messages, as a platform reports them.
    Messages {
        /// The other numbers; one of them each time.
        #[serde(default)]
        peers: Vec<Box<str>>,
        /// Which way.
        #[serde(default)]
        direction: Direction,
        /// Messages an hour.
        per_hour: Choice<f64>,
    },
    /// Voice calls, as a platform reports them.
    Calls {
        /// The other numbers; one of them each time.
        #[serde(default)]
        peers: Vec<Box<str>>,
        /// Which way.
        #[serde(default)]
        direction: Direction,
        /// Calls an hour.
        per_hour: Choice<f64>,
        /// How long each is answered.
        #[serde(default = "minutes")]
        lasts: Choice<Span>,
    },
    /// Somebody tries to log in to the device.
    Logins {
        /// Which service.
        service: Box<str>,
        /// Accounts; one of them each time.
        #[serde(default)]
        accounts: Vec<Box<str>>,
        /// From where.
        #[serde(default)]
        from: Option<IpAddr>,
        /// Tries an hour.
        per_hour: Choice<f64>,
        /// Share of tries that are let in.
        #[serde(default = "never")]
        ok: Choice<Share>,
    },
    /// A part of the SIM changes at its platform, once, when the misuse begins.
    SimChange {
        /// Which part.
        what: SimPart,
        /// What it was.
        #[serde(default)]
        from: Option<Box<str>>,
        /// What it is.
        #[serde(default)]
        to: Option<Box<str>>,
    },
    /// Attempts to attach that were refused.
    Rejected {
        /// Why.
        reason: RejectReason,
        /// How many an hour.
        per_hour: Choice<f64>,
    },
}

/// How an extra traffic is spread over the day.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum ShapeName {
    /// Not at all: by day and by night.
    #[default]
    Flat,
    /// A known shape: `flat`, `human` (awake from seven to midnight), `night` (midnight to five), `office`.
    Named(Box<str>),
    /// Twenty-four numbers, one an hour; 1 is fully active.
    Hourly(Box<[f64]>),
}

impl Default for Start {
    fn default() -> Self {
        Self { day: None, hour: Choice { least: 0.0, most: 24.0 }, together: None }
    }
}

fn nothing() -> Choice<Bytes> {
    Choice { least: Bytes(0.0), most: Bytes(0.0) }
}

fn tcp() -> u8 {
    6
}

fn single() -> Choice<f64> {
    unchanged()
}

fn never() -> Choice<Share> {
    Choice { least: Share(0.0), most: Share(0.0) }
}

fn always() -> Choice<Share> {
    Choice { least: Share(1.0), most: Share(1.0) }
}

fn varied() -> Choice<f64> {
    Choice { least: 0.5, most: 0.5 }
}

pub(super) fn unchanged() -> Choice<f64> {
    Choice { least: 1.0, most: 1.0 }
}

fn minutes() -> Choice<Span> {
    Choice { least: Span(300.0), most: Span(7200.0) }
}

fn seconds() -> Choice<Span> {
    Choice { least: Span(20.0), most: Span(60.0) }
}

/// Why an overlay was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(*.line, *.column))]
pub struct OverlayError {
    /// 1-based; 0 where the place is unknown.
    pub line: u64,
    /// 1-based; 0 where the place is unknown.
    pub column: u64,
    /// What is wrong and what would be right.
    pub message: String,
}

fn place(line: u64, column: u64) -> String {
    if line == 0 { String::new() } else { format!("line {line}, column {column}: ") }
}

impl Overlay {
    /// Reads one file.
    pub fn from_yaml(text: &str) -> Result<Self, OverlayError> {
        let overlay: Self = fleetward_fleet::from_yaml(text).map_err(|error| OverlayError {
            line: error.line,
            column: error.column,
            message: error.to_string(),
        })?;
        overlay.scenarios.iter().try_for_each(|scenario| scenario.check(text))?;
        Ok(overlay)
    }
}

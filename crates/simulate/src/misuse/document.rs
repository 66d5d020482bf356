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

fn unchanged() -> Choice<f64> {
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

/// More events an hour of one device are no misuse that a quarter of an hour could hold.
const MOST_PER_HOUR: f64 = 3_600.0;

/// More addresses of one device add nothing that a rule could tell apart.
const MOST_ADDRESSES: u32 = 10_000;

impl Effect {
    /// Why it would do nothing at all.
    fn without_effect(&self) -> Option<&'static str> {
        let none = |amount: &Choice<Bytes>| amount.most.0 <= 0.0;
        let same = |factor: &Choice<f64>| *factor == unchanged();
        match self {
            Self::Traffic { up, down, .. } if none(up) && none(down) => {
                Some("`traffic` without `up` and `down` does nothing: write for example `traffic: { up: 2 MB }`")
            }
            Self::Transfer { up, down, .. } if none(up) && none(down) => Some(
                "`transfer` without `up` and `down` does nothing: write for example `transfer: { up: 200 MB, over: 1 h }`",
            ),
            Self::Multiply { up, down, .. } if same(up) && same(down) => Some(
                "`multiply` without `up` and `down` does nothing: write for example `multiply: { up: 3, down: 3 }`",
            ),
            Self::Place { network: None, roams: false } => Some(
                "`place` without `network` and `roams: true` does nothing: write for example `place: { network: '23410' }`",
            ),
            _ => None,
        }
    }

    /// Why it would cost more time or memory than a simulation has.
    fn beyond_bounds(&self) -> Option<String> {
        match self {
            Self::Flows { addresses, .. } if *addresses > MOST_ADDRESSES => {
                Some(format!("{addresses} addresses; at most {MOST_ADDRESSES}"))
            }
            Self::Flows { per_hour, .. }
            | Self::Messages { per_hour, .. }
            | Self::Calls { per_hour, .. }
            | Self::Logins { per_hour, .. }
            | Self::Sessions { per_hour, .. }
            | Self::Rejected { per_hour, .. }
                if !(0.0..=MOST_PER_HOUR).contains(&per_hour.least)
                    || !(0.0..=MOST_PER_HOUR).contains(&per_hour.most) =>
            {
                Some(format!("`per_hour` lies between 0 and {MOST_PER_HOUR}"))
            }
            Self::Traffic { spread, .. }
                if !(0.0..=3.0).contains(&spread.least) || !(0.0..=3.0).contains(&spread.most) =>
            {
                Some("`spread` lies between 0 and 3".into())
            }
            Self::Multiply { up, down, .. }
                if ![up.least, up.most, down.least, down.most].iter().all(|factor| (0.0..=1e6).contains(factor)) =>
            {
                Some("a factor lies between 0 and 1000000".into())
            }
            Self::Traffic { hours: Some(hours), .. } if hours.iter().any(|hour| !(0.0..=24.0).contains(hour)) => {
                Some("`hours` lie between 0 and 24".into())
            }
            _ => None,
        }
    }
}

impl Scenario {
    /// What the types cannot say. The place is that of the scenario's name.
    fn check(&self, text: &str) -> Result<(), OverlayError> {
        let wrong = |message: String| {
            let at = text.lines().position(|line| line.contains("scenario:") && line.contains(&*self.scenario));
            let column = at.and_then(|line| text.lines().nth(line)?.find("scenario:")).map_or(0, |column| column + 1);
            let line = at.map_or(0, |line| line as u64 + 1);
            Err(OverlayError { line, column: column as u64, message: format!("{}: {message}", self.scenario) })
        };
        for class in &self.select.classes {
            if crate::Class::find(class).is_none() {
                let known: Vec<&str> = crate::CLASSES.iter().map(|class| class.name).collect();
                return wrong(format!("there is no class {class:?}; there are {}", known.join(", ")));
            }
        }
        if self.select.count.is_some() && self.select.share.is_some() {
            return wrong("`count` and `share` exclude each other".into());
        }
        let Choice { least, most } = self.start.hour;
        if !(0.0..=24.0).contains(&least) || !(0.0..=24.0).contains(&most) {
            return wrong("the `hour` of its start lies between 0 and 24".into());
        }
        if self.effects.is_empty() {
            return wrong("it has no effects".into());
        }
        for effect in &self.effects {
            if let Some(message) = effect.without_effect() {
                return wrong(message.into());
            }
            if let Some(message) = effect.beyond_bounds() {
                return wrong(message);
            }
            let (Effect::Traffic { shape, .. } | Effect::Clone { shape, .. }) = effect else { continue };
            match shape {
                ShapeName::Named(name) if super::draw::named_shape(name).is_none() => {
                    return wrong(format!("there is no shape {name:?}; there are flat, human, night and office"));
                }
                ShapeName::Hourly(hours) if hours.len() != 24 || hours.iter().any(|h| !(0.0..=10.0).contains(h)) => {
                    return wrong("a shape has 24 numbers between 0 and 10, one an hour".into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(traffic: &str) -> String {
        let text = format!(
            "overlay: o\ntitle: t\nscenarios:\n  - scenario: s\n    title: t\n    effects:\n      - traffic: {traffic}\n"
        );
        Overlay::from_yaml(&text).map_or_else(|error| error.to_string(), |_| "taken".into())
    }

    #[test]
    fn a_mistake_is_told_with_its_place_once() {
        assert_eq!(refused("{ up: 1 MB, hours: [23, 4] }"), "taken");
        assert_eq!(refused("{ up: 1 MB, hours: [23, 25] }"), "line 4, column 5: s: `hours` lie between 0 and 24");
        let told = refused("{ upp: 1 MB }");
        assert_eq!(told, "line 7, column 20: unknown field `upp` (did you mean `up`?)");
        for (traffic, column, question) in [
            ("{ up: 3 }", 24, "3 of what? write `3 B`, `3 kB` or `3 MB`"),
            ("{ up: [1 MB, 2] }", 31, "2 of what? write `2 B`, `2 kB` or `2 MB`"),
            ("{ up: 1 MB, active: 40 }", 38, "40 of what? a share is at most 1: write `40 %` or `0.4`"),
        ] {
            assert_eq!(refused(traffic), format!("line 7, column {column}: {question}"));
        }
        assert!(refused("{}").starts_with("line 4, column 5: s: `traffic` without `up` and `down` does nothing"));
        assert!(refused("{ up: 0, hours: [1, 4] }").contains("does nothing"));
        let nowhere = OverlayError { line: 0, column: 0, message: "too few devices".into() };
        assert_eq!(nowhere.to_string(), "too few devices");
    }
}

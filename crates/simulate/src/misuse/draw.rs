//! A scenario as one device has it: every quantity drawn.

use fleetward_fleet::{Plmn, RejectReason, Tac};

use super::document::{Effect, Scenario, ShapeName};
use super::doing::Doing;
use crate::calendar::{Local, SLOT};
use crate::load::Load;
use crate::random::Random;

/// What one device suffers, from when to when (seconds since 1970).
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) own_stops: bool,
    pub(crate) silence: bool,
    pub(crate) module: Option<NewModule>,
    pub(crate) network: Option<Plmn>,
    pub(crate) roams: bool,
    pub(crate) apn: Option<Box<str>>,
    pub(crate) rat: Option<u8>,
    pub(crate) storm: Option<Storm>,
    pub(crate) copy: Option<Copy>,
    pub(crate) rejected: Vec<(RejectReason, f64)>,
    pub(crate) doings: Vec<Doing>,
    flows: Vec<Flow>,
    transfers: Vec<Transfer>,
    multiply: Option<Multiply>,
}

/// The SIM in another module. `tac`: of this type, else of one of the model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewModule {
    pub(crate) tac: Option<Tac>,
    pub(crate) gap: i64,
}

/// Connecting again and again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storm {
    pub(crate) per_hour: f64,
    pub(crate) lasts: f64,
    pub(crate) bytes: f64,
}

/// A second body with the same identity.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    pub(crate) network: Option<Plmn>,
    pub(crate) tac: Option<Tac>,
    flow: Flow,
}

#[derive(Debug, Clone)]
struct Flow {
    up: f64,
    down: f64,
    shape: [f32; 24],
    active: f64,
    spread: f64,
    hours: Option<[f64; 2]>,
    /// Octets of a packet from and to the device, where they are no streams.
    packet: (Option<f64>, Option<f64>),
}

#[derive(Debug, Clone, Copy)]
struct Transfer {
    up: f64,
    down: f64,
    over: i64,
}

#[derive(Debug, Clone, Copy)]
struct Multiply {
    up: f64,
    down: f64,
    ramp: f64,
}

impl Drawn {
    /// Draws a scenario's quantities for one device. `end`: of the simulation.
    pub(crate) fn of(scenario: &Scenario, from: i64, end: i64, random: &mut Random) -> Self {
        let lasts = scenario.lasts.map(|lasts| lasts.draw(random) as i64);
        let mut drawn = Self {
            from,
            until: lasts.map_or(end, |lasts| (from + lasts.max(SLOT)).min(end)),
            own_stops: false,
            silence: false,
            module: None,
            network: None,
            roams: false,
            apn: None,
            rat: None,
            storm: None,
            copy: None,
            rejected: Vec::new(),
            doings: Vec::new(),
            flows: Vec::new(),
            transfers: Vec::new(),
            multiply: None,
        };
        for effect in &scenario.effects {
            drawn.add(effect, random);
        }
        drawn
    }

    fn add(&mut self, effect: &Effect, random: &mut Random) {
        match effect {
            Effect::Traffic { up, down, shape, active, spread, hours, packet_up, packet_down } => {
                self.flows.push(Flow {
                    up: up.draw(random),
                    down: down.draw(random),
                    shape: hourly(shape),
                    active: active.draw(random),
                    spread: spread.draw(random),
                    hours: *hours,
                    packet: (packet_up.map(|size| size.draw(random)), packet_down.map(|size| size.draw(random))),
                });
            }
            Effect::Transfer { up, down, over } => self.transfers.push(Transfer {
                up: up.draw(random),
                down: down.draw(random),
                over: (over.draw(random) as i64).max(1),
            }),
            Effect::Multiply { up, down, ramp } => {
                // One draw for both directions where both say the same: a leak grows as a whole.
                let (first, second) = if up == down {
                    let factor = up.draw(random);
                    (factor, factor)
                } else {
                    (up.draw(random), down.draw(random))
                };
                let ramp = ramp.map_or(0.0, |ramp| ramp.draw(random));
                self.multiply = Some(Multiply { up: first, down: second, ramp });
            }
            Effect::OwnTrafficStops {} => self.own_stops = true,
            Effect::Module { tac, gap } => {
                let pick = tac.get(random.below(tac.len() as u64) as usize).copied();
                self.module = Some(NewModule { tac: pick, gap: gap.draw(random) as i64 });
            }
            Effect::Place { network, roams } => {
                self.network = *network;
                self.roams = *roams;
            }
            Effect::Apn { name } => self.apn = Some(name.clone()),
            Effect::Radio { rat } => self.rat = Some(*rat),
            Effect::Silence {} => self.silence = true,
            Effect::Sessions { per_hour, lasts, bytes } => {
                let storm =
                    Storm { per_hour: per_hour.draw(random), lasts: lasts.draw(random), bytes: bytes.draw(random) };
                self.storm = Some(storm);
            }
            Effect::Clone { network, tac, up, down, shape } => {
                let flow = Flow {
                    up: up.draw(random),
                    down: down.draw(random),
                    shape: hourly(shape),
                    active: 1.0,
                    spread: 0.5,
                    hours: None,
                    packet: (None, None),
                };
                self.copy = Some(Copy { network: *network, tac: *tac, flow });
            }
            Effect::Flows { .. }
            | Effect::Messages { .. }
            | Effect::Calls { .. }
            | Effect::Logins { .. }
            | Effect::SimChange { .. } => self.doings.extend(Doing::of(effect, random)),
            Effect::Rejected { reason, per_hour } => self.rejected.push((*reason, per_hour.draw(random))),
        }
    }

    /// Whether it is under way at some moment of the slot.
    pub(crate) fn is_on(&self, slot: i64) -> bool {
        self.from < slot + SLOT && slot < self.until
    }

    /// What flows in a slot beside what the device does itself (`own`), which it may multiply.
    pub(crate) fn slot(&self, slot: i64, local: Local, own: Load, random: &mut Random) -> Load {
        let part = self.part(slot);
        let mut extra = Load::default();
        for flow in &self.flows {
            let more = flow.slot(local, random);
            extra += more.part(part);
        }
        for transfer in &self.transfers {
            let (from, until) = (self.from.max(slot), (self.from + transfer.over).min(slot + SLOT));
            #[expect(clippy::cast_precision_loss, reason = "seconds of a simulation are far below 2^52")]
            let share = (until - from).max(0) as f64 / transfer.over as f64;
            extra += Load::stream(transfer.up * share, transfer.down * share);
        }
        if let Some(multiply) = self.multiply {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a simulation are far below 2^52")]
            let grown =
                if multiply.ramp > 0.0 { ((slot - self.from) as f64 / multiply.ramp).clamp(0.0, 1.0) } else { 1.0 };
            let more = |factor: f64| (factor - 1.0) * grown * part;
            extra += Load::stream(own.up * more(multiply.up), own.down * more(multiply.down));
        }
        extra
    }

    /// How much of the slot it covers.
    pub(crate) fn part(&self, slot: i64) -> f64 {
        let covered = (self.until.min(slot + SLOT) - self.from.max(slot)).clamp(0, SLOT);
        covered as f64 / SLOT as f64
    }
}

impl Copy {
    /// What the copy transfers in a slot.
    pub(crate) fn slot(&self, local: Local, random: &mut Random) -> Load {
        self.flow.slot(local, random)
    }
}

impl Flow {
    fn slot(&self, local: Local, random: &mut Random) -> Load {
        if let Some([from, to]) = self.hours {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a day")]
            let hour = local.second as f64 / 3600.0;
            let inside = if from <= to { (from..to).contains(&hour) } else { hour >= from || hour < to };
            if !inside {
                return Load::default();
            }
        }
        let busy = f64::from(self.shape[local.hour.min(23)]);
        if !random.chance(self.active * busy.min(1.0)) {
            return Load::default();
        }
        // The mean stays what was written: a log-normal with mean 1.
        let noise = random.log_normal((-self.spread * self.spread / 2.0).exp(), self.spread);
        // Shape and activity thin the quarters; what flows in a fully active hour is what was written.
        let quarter = noise * busy.max(1.0) / 4.0;
        let mut extra = Load::stream(self.up * quarter, self.down * quarter);
        if let Some(size) = self.packet.0 {
            extra.sent = extra.up / size.max(20.0);
        }
        if let Some(size) = self.packet.1 {
            extra.received = extra.down / size.max(20.0);
        }
        extra
    }
}

fn hourly(shape: &ShapeName) -> [f32; 24] {
    match shape {
        ShapeName::Flat => [1.0; 24],
        ShapeName::Named(name) => named_shape(name).unwrap_or([1.0; 24]),
        ShapeName::Hourly(hours) => std::array::from_fn(|hour| hours.get(hour).map_or(0.0, |h| *h as f32)),
    }
}

/// A known shape.
pub(super) fn named_shape(name: &str) -> Option<[f32; 24]> {
    let between = |from: usize, to: usize, inside: f32, outside: f32| {
        std::array::from_fn(|hour| if (from..to).contains(&hour) { inside } else { outside })
    };
    Some(match name {
        "flat" => [1.0; 24],
        // Smartphone traffic over the day: low from two to six, a plateau, a peak in the evening (Shafiq et al., Fig. 3).
        "human" => [
            0.35, 0.2, 0.1, 0.07, 0.07, 0.1, 0.25, 0.5, 0.6, 0.65, 0.7, 0.75, 0.85, 0.8, 0.75, 0.75, 0.8, 0.85, 0.9,
            0.95, 1.0, 1.0, 0.85, 0.6,
        ],
        "night" => between(0, 5, 1.0, 0.0),
        "office" => between(8, 18, 1.0, 0.05),
        _ => return None,
    })
}

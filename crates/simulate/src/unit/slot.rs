//! A quarter of an hour: what the device transfers, what misuse adds, what the network lets through.

use super::{Member, Shared, Unit, module};
use crate::calendar::{self, HOUR, Local, SLOT};
use crate::class::Connection;
use crate::event::{Attached, Event, What};
use crate::link::{Outlet, Step};
use crate::load::Load;
use crate::misuse::{Drawn, Storm};
use crate::network::{self, REGIONS};
use crate::traffic::Transfers;

/// A copy of a SIM is always connected.
const ALWAYS: Connection = Connection::Always { hours: 12.0, interim: 3600 };

/// What a slot comes to, before the network has its say.
struct Plan<'a> {
    slot: i64,
    local: Local,
    /// Misuse that is under way.
    drawn: Option<&'a Drawn>,
    /// Own and misused traffic together.
    traffic: Load,
    first: i64,
    last: i64,
    at: Attached,
    gap: i64,
    /// Octets that are misuse.
    misused: f64,
}

impl Unit {
    /// One slot. Gives the octets that are misuse.
    pub(super) fn slot(&mut self, slot: i64, member: &Member, shared: &Shared<'_>, events: &mut Vec<Event>) -> f64 {
        self.happenings(slot, member, shared, events);
        let offset = if self.utc_clock { HOUR } else { shared.offset };
        let mut done = self.traffic.slot(self.class, slot, offset, shared.nuisances.billing, &mut self.device);
        let level = self.life.level(slot);
        done.own.up *= level;
        done.own.down *= level;
        self.download(&mut done.own);
        self.walk(slot, done.moving, shared);

        // Taken out, so that the unit can change beside it; what is over is forgotten.
        let drawn = self.drawn.take().filter(|drawn| slot < drawn.until);
        let under_way = drawn.as_deref().filter(|drawn| drawn.is_on(slot));
        let mut plan = self.plan(slot, done, under_way, shared);
        let (mut session, mut number) = (self.session.clone(), self.number);
        let lossy = shared.nuisances.records;
        let mut out = Outlet { unit: self.index, number: &mut number, events, random: &mut session, lossy };
        self.connect(&mut plan, shared, &mut out);
        self.beside(&mut plan, &mut out);
        let misused = plan.misused;
        (self.session, self.number) = (session, number);
        self.drawn = drawn;
        misused
    }

    /// Own traffic and misuse together.
    fn plan<'a>(&mut self, slot: i64, mut done: Transfers, drawn: Option<&'a Drawn>, shared: &Shared<'_>) -> Plan<'a> {
        let local = calendar::local(slot, shared.offset);
        let (mut extra, mut gap, mut at) = (Load::default(), 5, self.attached(shared.networks));
        if let Some(drawn) = drawn {
            extra = drawn.slot(slot, local, done.own, &mut self.misuse);
            if drawn.own_stops {
                done = Transfers { first: SLOT, ..Transfers::default() };
            }
            gap = self.disguise(drawn, &mut at, shared);
        } else if self.foreign.take().is_some() {
            gap = 600; // the SIM is back in its own module
        }
        if extra.up + extra.down > 0.0 {
            let begins = drawn.map_or(0, |drawn| (drawn.from - slot).max(0));
            (done.first, done.last) = (done.first.min(begins), SLOT);
        }
        let mut traffic = Load::of_transfers(done.own, done.count);
        traffic += extra;
        let traffic = traffic.at_least_nothing();
        let misused = extra.up.max(0.0) + extra.down.max(0.0);
        Plan { slot, local, drawn, traffic, first: done.first, last: done.last, at, gap, misused }
    }

    /// The slot's traffic meets the network: an outage, silence, a storm, or a session as usual.
    fn connect(&mut self, plan: &mut Plan<'_>, shared: &Shared<'_>, out: &mut Outlet<'_>) {
        let slot = plan.slot;
        if let Some((from, until)) = network::outage_of(shared.outages, self.region, slot) {
            if self.link.is_open() {
                self.link.cut(from.max(slot), 0.6, out);
            }
            self.link.retry = until + network::comes_back(&mut self.place);
            if self.class.catches_up {
                self.backlog += plan.traffic;
            }
        } else if plan.drawn.is_some_and(|drawn| drawn.silence) {
            if self.link.is_open() {
                self.link.cut(slot, 0.2, out);
            }
        } else if let Some(storm) = plan.drawn.and_then(|drawn| drawn.storm) {
            self.storm(storm, plan, out);
        } else {
            let held = std::mem::take(&mut self.backlog);
            let mut traffic = plan.traffic;
            traffic += held;
            let step = Step {
                slot,
                connection: self.class.connection,
                traffic,
                first: if held.up > 0.0 { 0 } else { plan.first },
                last: plan.last,
                at: plan.at,
                gap: plan.gap,
            };
            self.link.run(&step, out);
        }
    }

    /// Connecting again and again; the slot's traffic is spread over the short sessions.
    fn storm(&mut self, storm: Storm, plan: &mut Plan<'_>, out: &mut Outlet<'_>) {
        let slot = plan.slot;
        if self.link.is_open() {
            self.link.cut(slot, 0.9, out);
        }
        let count = self.misuse.poisson(storm.per_hour * SLOT as f64 / HOUR as f64);
        let share = f64::from(count.max(1));
        for turn in 0..count {
            let from = slot + i64::from(turn) * SLOT / i64::from(count);
            let lasts = storm.lasts.min(SLOT as f64 / share - 1.0).max(1.0) as i64;
            let up = plan.traffic.up / share + storm.bytes * 0.6;
            let down = plan.traffic.down / share + storm.bytes * 0.4;
            self.link.flash(from, lasts, Load::stream(up, down), plan.at, out);
        }
        plan.misused += storm.bytes * f64::from(count);
    }

    /// What misuse does beside the device's own connection.
    fn beside(&mut self, plan: &mut Plan<'_>, out: &mut Outlet<'_>) {
        let Some(drawn) = plan.drawn else {
            if self.copy.is_open() {
                self.copy.cut(plan.slot, 1.0, out);
            }
            return;
        };
        self.refused(drawn, plan, out);
        self.doings(drawn, plan.slot, out);
        if let Some(second) = &drawn.copy {
            let traffic = second.slot(plan.local, &mut self.misuse);
            let mut there = plan.at;
            there.network = second.network.unwrap_or(there.network);
            there.cell = network::cell(REGIONS, self.cell + 7);
            if let Some(tac) = second.tac {
                there.imeisv = module(&tac.to_string(), self.index + 500_000, 3);
            }
            let slot = plan.slot;
            let step = Step { slot, connection: ALWAYS, traffic, first: 0, last: SLOT, at: there, gap: 5 };
            self.copy.run(&step, out);
            plan.misused += traffic.up + traffic.down;
        }
    }

    fn refused(&mut self, drawn: &Drawn, plan: &Plan<'_>, out: &mut Outlet<'_>) {
        for (reason, per_hour) in &drawn.rejected {
            for _ in 0..self.misuse.poisson(per_hour * SLOT as f64 / HOUR as f64) {
                let when = (plan.slot + self.misuse.below(SLOT as u64).cast_signed()) * 1000;
                out.push(when + 40, when, What::Rejected(*reason, plan.at));
            }
        }
    }

    fn doings(&mut self, drawn: &Drawn, slot: i64, out: &mut Outlet<'_>) {
        for doing in &drawn.doings {
            let begins = (slot..slot + SLOT).contains(&drawn.from);
            let count = doing.per_hour.map_or(u32::from(begins), |per_hour| {
                self.misuse.poisson(per_hour * drawn.part(slot) * SLOT as f64 / HOUR as f64)
            });
            for _ in 0..count {
                let when = (slot + self.misuse.below(SLOT as u64).cast_signed()).max(drawn.from) * 1000;
                out.push(when + 300, when, What::Other(doing.once(&mut self.misuse)));
            }
        }
    }
}

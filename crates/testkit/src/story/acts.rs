//! Misuse: how each kind begins, when it first shows, and how it ends.

use std::io;
use std::time::Instant;

use fleetward_fleet::DeviceState;

use super::stage::{Place, Stage};
use super::{Act, Event, Expect, Injection, Misuse};
use crate::fleet::{self, ROUTER_TAC};
use crate::nas::{Entry, Sim, cause};

/// Networks in no profile: Vietnam, Brazil, Indonesia.
const FOREIGN: [&str; 3] = ["45299", "72499", "51099"];

impl Stage {
    /// Lets the next misuse begin, if there is a device for it.
    pub(super) fn misuse(&mut self, now: Instant) -> io::Result<()> {
        let acts = &self.script.acts;
        let act = match acts.get(self.acts_done) {
            Some(act) => Some(*act),
            None => self.random.pick(acts).copied(),
        };
        let Some(act) = act else { return Ok(()) };
        self.acts_done += 1;
        let legacy = self.entries.iter().position(|entry| *entry == Entry::Unasked);
        if act.misuse.needs_legacy() && legacy.is_none() {
            return Ok(());
        }
        let Some(index) = self.victim(act) else { return Ok(()) };
        self.inject(act, index, now);
        match act.misuse {
            Misuse::OtherModule | Misuse::ForeignCountry | Misuse::SwappedModule => {
                self.move_during_session(act, index, now)
            }
            Misuse::Video => {
                self.actors[index].streams = true;
                self.actors[index].interim_at = now;
                Ok(())
            }
            Misuse::StockTalks | Misuse::Clone => self.enter_unasked(act, index, legacy.unwrap_or(0), now),
            Misuse::OtherModuleAttaches | Misuse::ForeignAttaches => {
                self.actors[index].sim = self.misused_sim(act.misuse, index);
                self.begin_again(index, now)
            }
            Misuse::StockAttaches => self.attach(index, now),
            Misuse::CloneAttaches => self.attach_twice(index, now),
        }
    }

    /// A device that was not misused yet, and that is in the right state for it.
    fn victim(&mut self, act: Act) -> Option<usize> {
        let stock = matches!(act.misuse, Misuse::StockTalks | Misuse::StockAttaches);
        let fits = |index: &usize| {
            let actor = &self.actors[*index];
            let model = actor.member.model;
            let steady = actor.is_open && actor.session.is_some_and(|(nas, s)| self.nases[nas].is_open(s));
            let free = actor.injection.is_none() && model.critical == act.critical;
            let quiet = model.per_hour_limit <= 5_000_000 && actor.sim == actor.member.sim;
            let in_state = (actor.member.device.state == DeviceState::Stock) == stock;
            let rebooting = self.rebooting.is_some_and(|(nas, _)| nas == actor.home);
            let announced = self.is_announced(*index);
            free && !announced && in_state && !rebooting && (stock || steady) && (act.misuse != Misuse::Video || quiet)
        };
        let fitting: Vec<usize> = (0..self.actors.len()).filter(fits).collect();
        self.random.favour(fitting.into_iter())
    }

    fn inject(&mut self, act: Act, index: usize, now: Instant) {
        let id = self.truth.injections.len();
        let expects = match act {
            Act { misuse, .. } if misuse.asks() => Expect::Rejection,
            Act { critical: true, .. } => Expect::Approval,
            Act { .. } => Expect::Disconnect,
        };
        let actor = &mut self.actors[index];
        actor.injection = Some(id);
        actor.give_up_at = Some(now + self.script.patience);
        let injection = Injection {
            id: id as u32,
            misuse: act.misuse,
            device: actor.member.device.name.clone(),
            imsi: actor.member.sim.imsi,
            expects,
            at: (self.clock)(),
            shown_at: None,
            to_stop: None,
            disconnected: false,
            rejected: false,
            admitted: false,
            ended_at: None,
        };
        self.truth.injections.push(injection.clone());
        self.tell(Event::Injected(injection));
    }

    fn misused_sim(&mut self, misuse: Misuse, index: usize) -> Sim {
        let serial = 500_000 + index as u32;
        let mut sim = self.actors[index].sim.clone();
        match misuse {
            Misuse::OtherModule | Misuse::OtherModuleAttaches => {
                sim.imeisv = Some(fleet::imeisv(ROUTER_TAC, serial, 7));
            }
            Misuse::SwappedModule => {
                let tac = sim.imeisv.map(|module| module.tac().to_string()).unwrap_or_default();
                sim.imeisv = Some(fleet::imeisv(&tac, serial, 1));
            }
            Misuse::ForeignCountry | Misuse::ForeignAttaches => {
                let network = self.random.pick(&FOREIGN).copied().unwrap_or(FOREIGN[0]);
                sim.network = network.parse().expect("five digits");
            }
            _ => {}
        }
        sim
    }

    fn move_during_session(&mut self, act: Act, index: usize, now: Instant) -> io::Result<()> {
        let sim = self.misused_sim(act.misuse, index);
        self.actors[index].sim = sim.clone();
        if let Some((nas, session)) = self.actors[index].session {
            self.nases[nas].moved(session, sim);
        }
        self.show(index, now);
        self.interim(index, now)
    }

    fn enter_unasked(&mut self, act: Act, index: usize, legacy: usize, now: Instant) -> io::Result<()> {
        let actor = &self.actors[index];
        let (sim, ip) = (actor.sim.clone(), actor.member.device.ip.unwrap_or([10, 0, 0, 1].into()));
        self.show(index, now);
        let place = self.enter(legacy, sim, Entry::Unasked, ip, index)?;
        let actor = &mut self.actors[index];
        if act.misuse == Misuse::Clone {
            actor.second = Some(place);
        } else {
            actor.session = Some(place);
            actor.last_traffic = now;
        }
        self.opened(place);
        Ok(())
    }

    /// Hangs up; [`Stage::closed_misuse`] attaches again, as what it is now.
    fn begin_again(&mut self, index: usize, now: Instant) -> io::Result<()> {
        self.actors[index].is_open = false;
        match self.actors[index].session {
            Some((nas, session)) => self.nases[nas].detach(session, cause::LOST_CARRIER),
            None => self.attach(index, now),
        }
    }

    fn attach_twice(&mut self, index: usize, now: Instant) -> io::Result<()> {
        let actor = &self.actors[index];
        let mut others = (0..self.entries.len()).filter(|nas| self.entries[*nas] == Entry::Asks && *nas != actor.home);
        let (nas, sim, ip) = (others.next_back().unwrap_or(actor.home), actor.sim.clone(), actor.member.device.ip);
        self.show(index, now);
        let place = self.enter(nas, sim, Entry::Asks, ip.unwrap_or([10, 0, 0, 1].into()), index)?;
        self.actors[index].second = Some(place);
        Ok(())
    }

    /// The packet that shows the misuse is about to be sent.
    fn show(&mut self, index: usize, now: Instant) {
        let at = (self.clock)();
        let Some(id) = self.actors[index].injection else { return };
        let injection = &mut self.truth.injections[id];
        if injection.shown_at.is_none() {
            injection.shown_at = Some(at);
            self.shown.insert(id, now);
            self.tell(Event::Shown(self.truth.injections[id].clone()));
        }
    }

    /// An Access-Request of a misused SIM shows what it is.
    pub(super) fn shows_when_asking(&mut self, index: usize, now: Instant) {
        let asks = |id: usize| self.truth.injections[id].misuse.asks();
        if self.actors[index].injection.is_some_and(asks) {
            self.show(index, now);
        }
    }

    /// A stream shows with the record that exceeds what the profile states for an hour.
    pub(super) fn shows_when_streaming(&mut self, index: usize, now: Instant) {
        let actor = &self.actors[index];
        let hour: u64 = actor.hour.iter().map(|(_, octets)| octets).sum();
        if actor.streams && hour > actor.member.model.per_hour_limit {
            self.show(index, now);
        }
    }

    /// A misused SIM was admitted: fine for one that keeps a session, wrong for one that should be turned away.
    pub(super) fn granted(&mut self, index: usize, place: Place) {
        let Some(id) = self.actors[index].injection else { return };
        let injection = &mut self.truth.injections[id];
        if injection.misuse.asks() && self.entries[place.0] == Entry::Asks {
            injection.admitted = true;
        }
    }

    pub(super) fn rejected_misuse(&mut self, index: usize) {
        let Some(id) = self.actors[index].injection else { return };
        let to_stop = self.shown.get(&id).map(Instant::elapsed);
        let injection = &mut self.truth.injections[id];
        injection.rejected = true;
        if injection.misuse.asks() {
            injection.to_stop = injection.to_stop.or(to_stop);
        }
        self.end(index);
    }

    pub(super) fn disconnected_misuse(&mut self, index: usize, at: Instant) {
        let Some(id) = self.actors[index].injection else { return };
        let shown = self.shown.get(&id).map(|shown| at.saturating_duration_since(*shown));
        let injection = &mut self.truth.injections[id];
        injection.disconnected = true;
        injection.to_stop = injection.to_stop.or(shown);
    }

    /// A session of a misused SIM is over: the next step of the thief.
    pub(super) fn closed_misuse(&mut self, index: usize) {
        let Some(id) = self.actors[index].injection else { return };
        let (misuse, disconnected) = (self.truth.injections[id].misuse, self.truth.injections[id].disconnected);
        let moved = matches!(misuse, Misuse::OtherModule | Misuse::ForeignCountry | Misuse::SwappedModule);
        let asks_now = matches!(misuse, Misuse::OtherModuleAttaches | Misuse::ForeignAttaches)
            && self.truth.injections[id].shown_at.is_none();
        if asks_now {
            self.actors[index].attach_at = Some(Instant::now() + self.script.pause / 8);
        } else if moved && disconnected && self.truth.injections[id].ended_at.is_none() {
            // Once more through the front door; the server should know better by now.
            self.end(index);
            self.actors[index].attach_at = Some(Instant::now() + self.script.pause / 2);
            self.actors[index].give_up_at = Some(Instant::now() + self.script.patience);
        } else {
            self.end(index);
        }
    }

    /// Nobody stopped it: the thief loses interest.
    pub(super) fn give_up(&mut self, index: usize) -> io::Result<()> {
        let actor = &mut self.actors[index];
        actor.give_up_at = None;
        actor.attach_at = None;
        actor.is_open = false;
        let places = [actor.session, actor.second];
        for (nas, session) in places.into_iter().flatten() {
            self.nases[nas].detach(session, cause::USER_REQUEST)?;
        }
        self.end(index);
        Ok(())
    }

    fn end(&mut self, index: usize) {
        let at = (self.clock)();
        let Some(id) = self.actors[index].injection else { return };
        if self.truth.injections[id].ended_at.is_none() {
            self.truth.injections[id].ended_at = Some(at);
            self.tell(Event::Ended(self.truth.injections[id].clone()));
        }
    }
}

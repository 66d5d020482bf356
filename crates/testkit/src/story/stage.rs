//! The loop that plays the story: who is attached where, and what comes next for whom.
//!
//! Each device, the misuses and the nuisances have a stream of chance each: how fast the machine is, and so in which order they
//! come to draw, changes nothing of what they draw.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use fleetward_fleet::DeviceState;

use super::{Event, Injection, Scene, Script, Truth};
use crate::Clock;
use crate::fleet::{Fleet, Member};
use crate::nas::{self, Entry, Nas, SessionRef, Sim, cause, turn_all};
use crate::random::Random;

pub(super) type Place = (usize, SessionRef);

/// One device in the story.
#[derive(Debug)]
pub(super) struct Actor {
    pub(super) member: Member,
    /// As the network sees it now.
    pub(super) sim: Sim,
    /// Its gateway.
    pub(super) home: usize,
    pub(super) session: Option<Place>,
    pub(super) is_open: bool,
    /// When it attaches next; never, where `None`.
    pub(super) attach_at: Option<Instant>,
    pub(super) interim_at: Instant,
    pub(super) detach_at: Instant,
    pub(super) sessions_left: u32,
    pub(super) last_traffic: Instant,
    /// Octets of the last hour.
    pub(super) hour: VecDeque<(Instant, u64)>,
    /// Index into the injections.
    pub(super) injection: Option<usize>,
    /// The second session of a clone.
    pub(super) second: Option<Place>,
    /// It streams since its injection.
    pub(super) streams: bool,
    /// The thief gives up then.
    pub(super) give_up_at: Option<Instant>,
    /// What its own day leaves to chance.
    pub(super) random: Random,
}

pub(super) struct Stage {
    pub(super) script: Script,
    pub(super) actors: Vec<Actor>,
    pub(super) nases: Vec<Nas>,
    pub(super) entries: Vec<Entry>,
    pub(super) owners: HashMap<Place, usize>,
    pub(super) names: HashMap<Place, Box<str>>,
    pub(super) truth: Truth,
    pub(super) shown: HashMap<usize, Instant>,
    /// Of the misuse or the nuisance that is being staged.
    pub(super) random: Random,
    misuse_random: Random,
    nuisance_random: Random,
    pub(super) clock: Clock,
    pub(super) rebooting: Option<(usize, Instant)>,
    pub(super) acts_done: usize,
    pub(super) nuisances_done: usize,
    next_misuse: Instant,
    next_nuisance: Instant,
    sender: Sender<Event>,
}

impl Stage {
    pub(super) fn new(
        script: Script,
        fleet: Fleet,
        nases: Vec<Nas>,
        entries: Vec<Entry>,
        clock: Clock,
        sender: Sender<Event>,
    ) -> Self {
        let mut random = Random::new(script.seed ^ 0x0073_746F_7279);
        let (misuse_random, nuisance_random) = (random.split(), random.split());
        let now = Instant::now();
        let asking: Vec<usize> = (0..entries.len()).filter(|index| entries[*index] == Entry::Asks).collect();
        let actors = fleet.members.into_iter().enumerate().map(|(index, member)| {
            let active = member.device.state == DeviceState::Active;
            let mut random = random.split();
            let delay = script.ramp.mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX));
            Actor {
                sim: member.sim.clone(),
                home: asking[index % asking.len()],
                session: None,
                is_open: false,
                attach_at: active.then(|| now + delay),
                interim_at: now,
                detach_at: now,
                sessions_left: member.model.sessions,
                last_traffic: now,
                hour: VecDeque::new(),
                injection: None,
                second: None,
                streams: false,
                give_up_at: None,
                random,
                member,
            }
        });
        Self {
            actors: actors.collect(),
            random: misuse_random.clone(),
            misuse_random,
            nuisance_random,
            nases,
            entries,
            owners: HashMap::new(),
            names: HashMap::new(),
            truth: Truth::default(),
            shown: HashMap::new(),
            clock,
            rebooting: None,
            acts_done: 0,
            nuisances_done: 0,
            next_misuse: now + script.first_misuse,
            next_nuisance: now + script.first_misuse / 2,
            sender,
            script,
        }
    }

    pub(super) fn play(&mut self, stop: &AtomicBool) -> io::Result<Truth> {
        while !stop.load(Ordering::Relaxed) {
            for (nas, event) in turn_all(&mut self.nases, Duration::from_millis(5))? {
                self.heard(nas, event);
            }
            let now = Instant::now();
            for index in 0..self.actors.len() {
                self.step(index, now)?;
            }
            self.finish_reboot(now)?;
            if now >= self.next_misuse {
                self.random = self.misuse_random.split();
                self.next_misuse = now + self.random.around(self.script.misuse_every);
                self.misuse(now)?;
            }
            if now >= self.next_nuisance {
                self.random = self.nuisance_random.split();
                self.next_nuisance = now + self.random.around(self.script.nuisance_every);
                self.disturb(now)?;
            }
        }
        for stats in self.nases.iter().map(Nas::stats) {
            self.truth.retransmits += stats.retransmits;
            self.truth.bad_answers += stats.bad;
        }
        Ok(self.truth.clone())
    }

    pub(super) fn tell(&self, event: Event) {
        // The listener may have gone; the story goes on.
        self.sender.send(event).ok();
    }

    /// What is due for this device.
    fn step(&mut self, index: usize, now: Instant) -> io::Result<()> {
        let actor = &self.actors[index];
        if actor.give_up_at.is_some_and(|at| at <= now) {
            return self.give_up(index);
        }
        if actor.session.is_none() {
            let due =
                actor.attach_at.is_some_and(|at| at <= now) && self.rebooting.is_none_or(|(n, _)| n != actor.home);
            return if due { self.attach(index, now) } else { Ok(()) };
        }
        if !actor.is_open {
            return Ok(());
        }
        if actor.interim_at <= now {
            self.interim(index, now)?;
        }
        let actor = &self.actors[index];
        if actor.detach_at <= now && actor.injection.is_none() && actor.sessions_left > 1 {
            self.actors[index].is_open = false;
            if let Some((nas, session)) = self.actors[index].session {
                self.nases[nas].detach(session, cause::USER_REQUEST)?;
            }
        }
        Ok(())
    }

    pub(super) fn attach(&mut self, index: usize, now: Instant) -> io::Result<()> {
        let actor = &mut self.actors[index];
        actor.attach_at = None;
        actor.sessions_left = actor.sessions_left.saturating_sub(1);
        let (home, sim, ip) = (actor.home, actor.sim.clone(), actor.member.device.ip);
        let place = self.enter(home, sim, Entry::Asks, ip.unwrap_or([10, 0, 0, 1].into()), index)?;
        self.actors[index].session = Some(place);
        self.actors[index].last_traffic = now;
        self.shows_when_asking(index, now);
        Ok(())
    }

    /// Opens a session and remembers whose it is.
    pub(super) fn enter(
        &mut self,
        nas: usize,
        sim: Sim,
        entry: Entry,
        ip: std::net::Ipv4Addr,
        owner: usize,
    ) -> io::Result<Place> {
        let place = (nas, self.nases[nas].attach(sim, entry, ip)?);
        self.owners.insert(place, owner);
        self.names.insert(place, self.nases[nas].session_id(place.1).unwrap_or_default().into());
        Ok(place)
    }

    /// Sends an interim with the traffic since the last one.
    pub(super) fn interim(&mut self, index: usize, now: Instant) -> io::Result<()> {
        let mean = self.script.interim;
        let actor = &mut self.actors[index];
        let secs = now.saturating_duration_since(actor.last_traffic).as_secs_f64();
        let per_second = if actor.streams { VIDEO_PER_SECOND } else { actor.member.model.per_hour as f64 / 3600.0 };
        let chance = 0.5 + f64::from(actor.random.next_u32()) / f64::from(u32::MAX);
        let octets = (per_second * secs * chance) as u64 + 64;
        actor.last_traffic = now;
        actor.interim_at = now + actor.random.around(if actor.streams { mean.min(VIDEO_INTERIM) } else { mean });
        self.spend(index, octets, now);
        let Some((nas, session)) = self.actors[index].session else { return Ok(()) };
        self.nases[nas].interim(session)?;
        self.shows_when_streaming(index, now);
        Ok(())
    }

    /// Books traffic on the device's session.
    pub(super) fn spend(&mut self, index: usize, octets: u64, now: Instant) {
        let actor = &mut self.actors[index];
        actor.hour.push_back((now, octets));
        while actor.hour.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > HOUR) {
            actor.hour.pop_front();
        }
        let uplink = octets * if actor.streams { 5 } else { actor.member.model.uplink } / 100;
        if let Some((nas, session)) = actor.session {
            self.nases[nas].traffic(session, uplink, octets - uplink);
        }
    }

    fn heard(&mut self, nas: usize, event: nas::Event) {
        match event {
            nas::Event::Admitted(admitted) => self.opened((nas, admitted.session)),
            nas::Event::Rejected(session) => self.refused((nas, session)),
            nas::Event::Unanswered(session) => self.not_answered((nas, session)),
            nas::Event::Disconnected(session, at) => self.disconnected((nas, session), at),
            nas::Event::Closed(session, cause) => self.closed((nas, session), cause),
            nas::Event::Acknowledged(..) => self.truth.acknowledged += 1,
            nas::Event::Changed(..) | nas::Event::ResetAcknowledged(_) => {}
        }
    }

    pub(super) fn opened(&mut self, place: Place) {
        let Some(&index) = self.owners.get(&place) else { return };
        self.truth.opened += 1;
        let now = Instant::now();
        let actor = &mut self.actors[index];
        let interim = actor.random.around(self.script.interim);
        let length = actor.random.around(self.script.session);
        if actor.session == Some(place) {
            actor.is_open = true;
            actor.interim_at = now + interim;
            actor.detach_at = now + length;
        }
        self.granted(index, place);
        self.tell(Event::Opened(self.scene(index, place)));
    }

    fn refused(&mut self, place: Place) {
        let Some(index) = self.owners.remove(&place) else { return };
        let scene = self.scene(index, place);
        self.leave(index, place, self.script.pause);
        if self.actors[index].injection.is_some() {
            self.rejected_misuse(index);
        } else {
            self.truth.wrongly_rejected += 1;
        }
        self.tell(Event::Rejected(scene));
        self.names.remove(&place);
    }

    fn not_answered(&mut self, place: Place) {
        let Some(index) = self.owners.remove(&place) else { return };
        self.truth.unanswered += 1;
        let scene = self.scene(index, place);
        self.leave(index, place, self.script.pause);
        self.tell(Event::Unanswered(scene));
        self.names.remove(&place);
    }

    fn closed(&mut self, place: Place, cause: u32) {
        let Some(index) = self.owners.remove(&place) else { return };
        self.truth.closed += 1;
        let scene = self.scene(index, place);
        let pause = self.actors[index].random.around(self.script.pause);
        self.leave(index, place, pause);
        self.closed_misuse(index);
        self.tell(Event::Closed(scene, cause));
        self.names.remove(&place);
    }

    fn disconnected(&mut self, place: Place, at: Instant) {
        let Some(&index) = self.owners.get(&place) else { return };
        if self.actors[index].injection.is_some() {
            self.disconnected_misuse(index, at);
        } else {
            self.truth.wrongly_disconnected += 1;
        }
        if self.actors[index].session == Some(place) {
            self.actors[index].is_open = false;
        }
        self.tell(Event::Disconnected(self.scene(index, place)));
    }

    /// The device is off; a normal one attaches again after the pause.
    pub(super) fn leave(&mut self, index: usize, place: Place, pause: Duration) {
        let actor = &mut self.actors[index];
        if actor.second == Some(place) {
            actor.second = None;
            return;
        }
        if actor.session == Some(place) {
            actor.session = None;
            actor.is_open = false;
            actor.attach_at = actor.injection.is_none().then(|| Instant::now() + pause);
        }
    }

    pub(super) fn scene(&self, index: usize, place: Place) -> Scene {
        let actor = &self.actors[index];
        Scene {
            at: (self.clock)(),
            device: actor.member.device.name.clone(),
            imsi: actor.member.sim.imsi,
            nas: self.nases[place.0].name().into(),
            session_id: self.names.get(&place).cloned().unwrap_or_default(),
            injection: actor
                .injection
                .and_then(|at| self.truth.injections.get(at))
                .map(|injection: &Injection| injection.id),
        }
    }
}

const HOUR: Duration = Duration::from_hours(1);
/// A video of about 5 Mbit/s, in octets a second.
const VIDEO_PER_SECOND: f64 = 600_000.0;
const VIDEO_INTERIM: Duration = Duration::from_secs(1);

//! Unusual, but no misuse: what a detector must not be alarmed by.

use std::io;
use std::time::{Duration, Instant};

use fleetward_fleet::Plmn;

use super::Event;
use super::stage::{Actor, Stage};
use super::truth::Nuisance;
use crate::fleet;
use crate::nas::Entry;

impl Stage {
    /// Lets the next nuisance happen.
    pub(super) fn disturb(&mut self, now: Instant) -> io::Result<()> {
        let nuisances = &self.script.nuisances;
        let next = match nuisances.get(self.nuisances_done) {
            Some(nuisance) => Some(*nuisance),
            None => self.random.pick(nuisances).copied(),
        };
        let Some(nuisance) = next else { return Ok(()) };
        self.nuisances_done += 1;
        if nuisance == Nuisance::Reboot {
            return self.reboot(now);
        }
        let fits = |index: &usize| {
            let actor = &self.actors[*index];
            let roams = nuisance != Nuisance::Roaming || actor.member.model.networks.len() > 2 && is_at_home(actor);
            let moves = nuisance != Nuisance::AnnouncedMove || self.is_announced(*index);
            actor.is_open && actor.injection.is_none() && roams && moves
        };
        let fitting: Vec<usize> = (0..self.actors.len()).filter(fits).collect();
        let Some(index) = self.random.favour(fitting.into_iter()) else { return Ok(()) };
        let Some((nas, session)) = self.actors[index].session else { return Ok(()) };
        match nuisance {
            Nuisance::Retransmit => self.nases[nas].repeat(session)?,
            Nuisance::Reorder => {
                self.nases[nas].reorder(session);
                self.interim(index, now)?;
                self.actors[index].interim_at = now + Duration::from_millis(300);
            }
            Nuisance::Gap => self.actors[index].interim_at = now + self.script.interim * 4,
            Nuisance::Roaming => self.roam(index, now)?,
            Nuisance::Burst => self.burst(index, now)?,
            Nuisance::SoftwareUpdate => self.update(index, now)?,
            Nuisance::AnnouncedMove => self.travel(index, now)?,
            Nuisance::Reboot => {}
        }
        self.note(nuisance, Some(self.actors[index].member.device.name.clone()));
        Ok(())
    }

    fn note(&mut self, nuisance: Nuisance, device: Option<Box<str>>) {
        let at = (self.clock)();
        self.truth.nuisances.push((at, nuisance));
        self.tell(Event::Disturbed(at, nuisance, device));
    }

    fn roam(&mut self, index: usize, now: Instant) -> io::Result<()> {
        let networks = self.actors[index].member.model.networks;
        let network = self.random.pick(networks).copied().unwrap_or(networks[0]);
        self.actors[index].sim.network = network.parse().expect("five digits");
        self.report(index, now)
    }

    /// Whether moves of this device were announced.
    pub(super) fn is_announced(&self, index: usize) -> bool {
        self.script.announced.as_deref() == Some(&*self.actors[index].member.device.name)
    }

    /// One report from abroad; then the device is where it was.
    fn travel(&mut self, index: usize, now: Instant) -> io::Result<()> {
        let home = self.actors[index].sim.network;
        self.actors[index].sim.network = "45299".parse().expect("five digits");
        self.report(index, now)?;
        self.actors[index].sim.network = home;
        if let Some((nas, session)) = self.actors[index].session {
            self.nases[nas].moved(session, self.actors[index].sim.clone());
        }
        Ok(())
    }

    fn update(&mut self, index: usize, now: Instant) -> io::Result<()> {
        let sim = &mut self.actors[index].sim;
        let Some(module) = sim.imeisv else { return Ok(()) };
        let serial = (module.imei().number() % 1_000_000) as u32;
        let version = module.software_version().unwrap_or(0) + 1;
        sim.imeisv = Some(fleet::imeisv(&module.tac().to_string(), serial, version));
        self.report(index, now)
    }

    /// An interim right now, with what the network knows now.
    fn report(&mut self, index: usize, now: Instant) -> io::Result<()> {
        if let Some((nas, session)) = self.actors[index].session {
            self.nases[nas].moved(session, self.actors[index].sim.clone());
        }
        self.interim(index, now)
    }

    /// A fifth of what the profile states for an hour, once an hour and device.
    fn burst(&mut self, index: usize, now: Instant) -> io::Result<()> {
        let actor = &self.actors[index];
        let hour: u64 = actor.hour.iter().map(|(_, octets)| octets).sum();
        let limit = actor.member.model.per_hour_limit;
        if hour < limit / 4 {
            self.spend(index, limit / 5, now);
        }
        self.interim(index, now)
    }

    /// Accounting-Off on a gateway that no misuse goes through; its sessions are gone.
    fn reboot(&mut self, now: Instant) -> io::Result<()> {
        let in_use = |nas: usize| {
            self.actors
                .iter()
                .any(|a| a.injection.is_some() && [a.session, a.second].iter().flatten().any(|p| p.0 == nas))
        };
        let idle = |nas: &usize| self.entries[*nas] == Entry::Asks && !in_use(*nas);
        let candidates: Vec<usize> = (0..self.entries.len()).filter(idle).collect();
        let Some(nas) = self.random.favour(candidates.into_iter()).filter(|_| self.rebooting.is_none()) else {
            return Ok(());
        };
        let away = self.script.pause / 4;
        self.nases[nas].reset(false)?;
        self.rebooting = Some((nas, now + away));
        self.owners.retain(|place, _| place.0 != nas);
        self.names.retain(|place, _| place.0 != nas);
        for index in 0..self.actors.len() {
            let actor = &mut self.actors[index];
            let pause = actor.random.around(away);
            if actor.session.is_some_and(|place| place.0 == nas) {
                actor.session = None;
                actor.is_open = false;
                actor.attach_at = Some(now + away * 2 + pause);
            }
        }
        self.note(Nuisance::Reboot, None);
        Ok(())
    }

    /// Accounting-On, once the gateway has been away long enough.
    pub(super) fn finish_reboot(&mut self, now: Instant) -> io::Result<()> {
        match self.rebooting {
            Some((nas, until)) if until <= now => {
                self.rebooting = None;
                self.nases[nas].reset(true)
            }
            _ => Ok(()),
        }
    }
}

/// Whether it is in the country in which it began. Who is abroad does not go on to a third one: nothing travels like that within
/// a minute.
fn is_at_home(actor: &Actor) -> bool {
    let home: Option<Plmn> = actor.member.model.networks.first().and_then(|network| network.parse().ok());
    home.and_then(Plmn::country) == actor.sim.network.country()
}

//! One run of a scheduled audit, from its time to what the journal records.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;
use fleetward_api as api;
use fleetward_audit::fact::{Host, Outcome};
use fleetward_audit::ports::{Engine, Progress, Stage};
use fleetward_audit::run::{Plan, Report, Subject};
use fleetward_audit::scope::Target;
use fleetward_fleet::{Body, Device, DeviceId, Observation, Timestamp};
use fleetward_store::NewAudit;

use super::memory::{End, Last, Memory};
use super::{Entry, Going, Hands};
use crate::audit::when::Turn;
use crate::audit::{self, Far};
use crate::clock;
use crate::server::{folder, observed};

/// Who it was, in the journal.
const SOURCE: &str = "audit";
/// Who it was, in the log of changes: the server by itself.
const WHO: &str = "fleetward";

/// Told how far it is; says when it has to end.
struct Watched {
    stop: Arc<AtomicBool>,
    until: Option<Timestamp>,
    far: Arc<Far>,
}

impl Progress for Watched {
    fn stage(&self, target: Target, stage: Stage, settled: usize, of: usize) {
        self.far.stage(target, stage, settled, of);
    }

    fn host(&self, target: Target) {
        self.far.host(target);
    }

    fn is_cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.until.is_some_and(|until| clock::now() >= until)
    }
}

impl Hands {
    /// Begins, audits, tells; whatever happens is remembered.
    pub(super) fn run(&self, entry: &Entry, turn: Turn) {
        let name = &entry.schedule.name;
        let before = entry.memory.lock().last.clone();
        let again = before.filter(|last| last.is_gone_on_with(entry.schedule.when, turn));
        let mut last = Last::begun(turn.at, clock::now(), again.as_ref().map_or(0, |last| last.deaths));
        self.remember(entry, |memory| memory.begin(&last));
        if let Err(error) = self.carry_out(entry, turn, again.is_some(), &mut last) {
            last.end = End::Failed;
            last.why = format!("{error:#}");
        }
        last.ended = Some(clock::now());
        last.deaths = 0;
        entry.going.lock().take();
        self.remember(entry, |memory| memory.end(&last));
        let Last { addresses, answered, left, faults, ref why, .. } = last;
        let end = last.end.name();
        self.log_change(
            "audit.end",
            name,
            &format!("{end}: {addresses} addresses, {left} left, {faults} faults {why}"),
        );
        if last.end == End::Whole {
            tracing::info!(audit = %name, addresses, answered, faults, "a scheduled audit is done");
        } else {
            tracing::warn!(audit = %name, end, addresses, answered, left, faults, "a scheduled audit is not whole: {why}");
        }
    }

    fn remember(&self, entry: &Entry, change: impl FnOnce(&mut Memory)) {
        let mut memory = entry.memory.lock();
        change(&mut memory);
        self.write(entry, &memory);
    }

    fn log_change(&self, what: &str, name: &str, detail: &str) {
        let change = NewAudit { at: clock::now(), who: WHO, what, target: name, detail: detail.trim_end() };
        if let Err(error) = self.store.audit(&change) {
            tracing::warn!(%error, what, "it is not in the log of changes");
        }
    }

    fn carry_out(&self, entry: &Entry, turn: Turn, is_again: bool, last: &mut Last) -> anyhow::Result<()> {
        let name = &entry.schedule.name;
        let mut devices = Vec::new();
        self.store.each_device(|device| devices.push(device)).map_err(folder::failure)?;
        let part = self.parts.read(name);
        let plan = self.plan(entry, &devices, is_again, part)?;
        last.addresses = plan.subjects.len();
        let far = Arc::new(Far::of(last.addresses));
        *entry.going.lock() = Some(Going { since: last.began, far: Arc::clone(&far) });
        let how = if plan.resume.is_some() { "goes on" } else { "begins" };
        let told = format!("{} addresses, {:?}, ports {}", last.addresses, plan.temperament, plan.ports);
        self.log_change("audit.begin", name, &told);
        let until = turn.until.map(tracing::field::display);
        tracing::info!(audit = %name, addresses = last.addresses, until, "a scheduled audit {how}");

        let watched = Watched { stop: Arc::clone(&self.stop), until: turn.until, far };
        let report = audit::carry_out(&plan, Arc::new(watched), std::future::ready(()))?;
        let is_cut = |host: &&Host| host.outcome == Outcome::Cut || report.left.contains_key(&host.address);
        last.answered = report.hosts.iter().filter(|host| is_known(host)).count();
        last.left = report.hosts.iter().filter(is_cut).count();
        last.faults = report.found.len();
        self.keep_part(name, &report);
        self.tell(&report, &plan, &devices)?;
        (last.end, last.why) = match (report.is_complete, self.stop.load(Ordering::Relaxed)) {
            (true, _) => (End::Whole, String::new()),
            (false, true) => (End::Stopped, format!("the server stopped; {} addresses are left", last.left)),
            (false, false) => {
                let left = last.left;
                (End::Partial, format!("its window closed; {left} addresses are left, and come first the next time"))
            }
        };
        Ok(())
    }

    /// The plan of the command line, with what is in force now.
    fn plan(&self, entry: &Entry, devices: &[Device], is_again: bool, part: Option<Report>) -> anyhow::Result<Plan> {
        let schedule = &entry.schedule;
        let (mut subjects, is_single) = if schedule.targets.is_empty() {
            (audit::of_devices(&self.scope, devices), false)
        } else {
            audit::subjects(&schedule.targets, &self.scope, devices)?
        };
        if subjects.is_empty() {
            bail!("no device of the inventory has an address in `audit.networks`");
        }
        unreached_first(&mut subjects, part.as_ref());
        let models: HashSet<&str> = subjects.iter().filter_map(|subject| subject.model.as_deref()).collect();
        let profile = |model: &str| Some((model.into(), self.directory.profile(model)?.network.clone()?));
        let profiles = models.into_iter().filter_map(profile).collect();
        let lists = schedule.lists.as_ref().map(|files| audit::known(&self.data, files)).transpose()?;
        Ok(Plan {
            subjects,
            ports: schedule.ports.clone(),
            engine: Engine::Auto,
            temperament: schedule.temperament,
            passwords: lists,
            profiles,
            has_gateway: self.has_gateway,
            even_silent: is_single,
            resume: part.filter(|_| is_again),
            clock: clock::now,
        })
    }

    /// What a run that was cut knew is kept for the next one.
    fn keep_part(&self, name: &str, report: &Report) {
        let kept = if report.is_complete {
            self.parts.remove(name).map_err(Into::into)
        } else {
            self.parts.write(name, report)
        };
        if let Err(error) = kept {
            tracing::warn!(audit = %name, %error, "what the audit knew was not kept; the next one begins anew");
        }
    }

    /// What was found, as observations of its devices; of those that an earlier part has told, nothing again.
    fn tell(&self, report: &Report, plan: &Plan, devices: &[Device]) -> anyhow::Result<()> {
        let ids: HashMap<&str, DeviceId> = devices.iter().map(|device| (&*device.name, device.id())).collect();
        let before = plan.resume.iter().flat_map(|it| &it.hosts);
        let told: HashSet<IpAddr> = before.filter(|host| is_done(host)).map(|host| host.address).collect();
        let fresh = audit::told(report, plan).into_iter().filter(|it| !told.contains(&it.exposure.address));
        let entry = |audit::Told { device, id, at, exposure }: audit::Told| {
            let observation = Observation {
                event_time: at,
                observed_at: clock::now(),
                source: SOURCE.into(),
                device: *ids.get(&*device)?,
                identity: None,
                body: Body::Exposure(Box::new(exposure)),
            };
            Some(api::Told { observation, id: Some(id) })
        };
        observed::record(&self.journal, fresh.filter_map(entry).collect())
            .map_err(|refused| anyhow::anyhow!("what was found could not be recorded: {refused}"))?;
        Ok(())
    }
}

/// Who was not reached the last time comes first: a window that is too short for all is not always spent on the same ones.
fn unreached_first(subjects: &mut [Subject], part: Option<&Report>) {
    let reached: HashSet<IpAddr> =
        part.into_iter().flat_map(|it| &it.hosts).filter(|host| is_done(host)).map(|it| it.address).collect();
    subjects.sort_by_key(|subject| reached.contains(&subject.target.address()));
}

fn is_done(host: &Host) -> bool {
    host.outcome == Outcome::Done
}

/// It answered something.
fn is_known(host: &Host) -> bool {
    host.outcome == Outcome::FellSilent || !host.open.is_empty() || host.closed > 0
}

#[cfg(test)]
mod tests {
    use fleetward_audit::scope::Scope;

    use super::*;

    #[test]
    fn who_was_not_reached_comes_first() {
        let scope = Scope::new(vec!["192.0.2.0/24".parse().unwrap()], false);
        let subject = |host: u8| {
            let target = scope.admit([192, 0, 2, host].into()).unwrap();
            Subject { target, device: None, model: None }
        };
        let host = |host: u8, outcome| Host {
            address: [192, 0, 2, host].into(),
            device: None,
            model: None,
            outcome,
            open: Vec::new(),
            asked: 0,
            closed: 0,
            unknown: 0,
            settled: "".into(),
        };
        let hosts = vec![host(1, Outcome::Done), host(2, Outcome::Cut), host(3, Outcome::Done), host(4, Outcome::Cut)];
        let (found, left) = (Vec::new(), std::collections::BTreeMap::new());
        let part = Report { began: 0, ended: 0, is_complete: false, hosts, found, left };
        let mut subjects: Vec<Subject> = (1..=5).map(subject).collect();
        unreached_first(&mut subjects, Some(&part));
        assert_eq!(subjects, [2, 4, 5, 1, 3].map(subject));
        unreached_first(&mut subjects, None);
        assert_eq!(subjects, [2, 4, 5, 1, 3].map(subject), "nothing is known: as it was");
    }
}

//! A record, its device, profile and session become facts; what the rules say about them becomes outputs.

use fleetward_fleet::{Admission, Session, SessionKey};
use fleetward_rules::{Detail, Facts, Firing, Own, Past, Shown, Subject as Kind, Trigger};

use super::class::Class;
use super::device::Entry;
use super::habit::Habit;
use super::names::Names;
use super::past::DevicePast;
use super::{PartitionState, Record, Told};
use crate::group::GroupFact;
use crate::session::{OpenSession, Step};
use crate::{Excused, Output, Raised, SessionTarget, Subject};

/// What happened to one device, as far as it is not in the record itself.
pub(super) struct Happening<'a> {
    pub(super) trigger: Trigger,
    /// An accounting record and what it changed.
    pub(super) session: Option<(&'a Session, &'a Step)>,
    /// A session that ended without a Stop.
    pub(super) lost: Option<&'a SessionKey>,
    pub(super) admission: Option<&'a Admission>,
    /// What only such an event has.
    pub(super) detail: Detail<'a>,
    pub(super) late: bool,
}

impl Happening<'_> {
    pub(super) fn of(trigger: Trigger) -> Self {
        Self { trigger, session: None, lost: None, admission: None, detail: Detail::None, late: false }
    }
}

/// Open sessions that a finding names at most.
const TARGETS: usize = 16;

impl PartitionState {
    /// Lets the rules see it. Costs next to nothing where none is concerned.
    pub(super) fn judge(&mut self, place: usize, record: &Record<'_>, happening: &Happening<'_>, out: &mut Told<'_>) {
        let Self { devices, names, classes, planned, .. } = self;
        let (entry, habit) = devices.with_habit(place);
        let ready = classes.ready(entry.class, names, record.compiled);
        // A device's own tick says nothing about its groups; they have theirs (see `group`).
        let rules = &record.compiled.rules;
        // ... but a rule about one device may wait there for what only all of them tell.
        let is_tick = happening.trigger == Trigger::Tick;
        let may_doubt = is_tick && record.compiled.groups.interest(Kind::Device).triggers.contains(Trigger::Tick);
        let is_wanted = entry.doubted || record.compiled.groups.triggers().contains(happening.trigger);
        let for_groups = may_doubt || !is_tick && is_wanted;
        if is_tick && !entry.rules.has_episodes() && out.listener.is_none() {
            let now = record.at.min(record.observation.observed_at);
            let silent = entry.last_seen().map(|last| now.since(last));
            if ready.plan.is_idle_at_tick(silent) && !(may_doubt && ready.plan.may_doubt_at_tick(silent)) {
                return;
            }
        }
        let for_itself = ready.plan.concerns(happening.trigger, &entry.rules);
        if !for_itself && !for_groups && out.listener.is_none() {
            return;
        }
        let mut firings = Vec::new();
        let observed_at = record.observation.observed_at;
        let mut facts = Facts::new(happening.trigger, record.at, observed_at, entry.id, &entry.name);
        facts.offset = record.offset;
        facts.source = &record.observation.source;
        facts.device = ready.known.then_some(&*ready.device);
        facts.own = Some(Own { name: &entry.name, imei: entry.imei.imei(), ip: entry.ip });
        facts.profile = ready.profile.as_deref();
        facts.last_contact = entry.last_seen();
        facts.open_sessions = Some(entry.sessions.open.len() as u32);
        facts.late = happening.late;
        let planned = facts.device.filter(|_| !planned.is_empty()).map_or_else(Vec::new, |device| {
            planned.covering(entry.id, &device.groups, device.model.as_deref(), record.at)
        });
        facts.planned = &planned;
        facts.detail = happening.detail;
        if !self.gaps.is_empty() {
            facts.gaps = Some(&self.gaps);
            facts.last_source = last_source(entry, &self.names);
        }
        let past = out.history.map(|history| DevicePast { history, compiled: record.compiled });
        facts.past = past.as_ref().map(|past| past as &dyn Past);
        happening.tell(&mut facts);
        if let Some(listener) = &mut out.listener {
            listener(&facts);
        }
        let shaped = ready.shaped(&facts, record.compiled).map(|shaped| (shaped, rules.shown(&facts, &entry.rules)));
        if for_groups {
            let mut subjects = if is_tick { 0 } else { record.compiled.groups.subjects(rules, &facts) };
            let device = 1 << Kind::Device as u16;
            if may_doubt && rules.may_hold(&facts) {
                (subjects, entry.doubted) = (device, true);
                facts.network = facts.network.or(habit.and_then(Habit::network));
                facts.area = habit.and_then(Habit::area);
            } else if !is_tick && entry.doubted && facts.is_contact() {
                (subjects, entry.doubted) = (subjects | device, false);
            }
            let shown = shaped.map_or(Shown::News, |(_, shown)| shown);
            let is_novel = || record.compiled.groups.is_novel(happening.trigger);
            if subjects != 0 || is_novel() && rules.may_show_news(&facts, &entry.rules, shown) {
                let kind = (!record.compiled.groups.whole_device()).then_some(&ready.device);
                out.facts.events.push(GroupFact::of(&facts, subjects, kind));
            }
        }
        if for_itself {
            rules.observe_planned(&ready.plan, shaped, &facts, &mut entry.rules, &mut firings);
        }
        self.watch(place);
        for firing in firings {
            if let Firing::Excused { rule, change, .. } = &firing {
                let id = self.devices.at(place).id;
                self.tally.excused += 1;
                if !self.planned.is_news(change, id.0, &rule.name) {
                    continue;
                }
            }
            let said = self.said(place, record, firing);
            self.tally.findings += u64::from(matches!(said, Output::Finding(_)));
            out.push(said);
        }
    }

    /// Ticks look at a device for as long as an episode is under way.
    fn watch(&mut self, place: usize) {
        let entry = self.devices.at(place);
        let wanted = entry.rules.has_episodes();
        if wanted == entry.watched {
            return;
        }
        entry.watched = wanted;
        let id = entry.id;
        if wanted {
            self.watched.insert(id);
        } else {
            self.watched.remove(&id);
        }
    }

    fn said(&mut self, place: usize, record: &Record<'_>, firing: Firing) -> Output {
        let entry = self.devices.at(place);
        let raised = |finding, rule, responds| {
            let sessions = targets(entry, &self.names);
            let subject = subject(entry, self.classes.get(entry.class), &self.names, record);
            Box::new(Raised { finding, rule, responds, subject, sessions, devices: Vec::new() })
        };
        match firing {
            Firing::Started { rule, finding, responds } => Output::Finding(raised(*finding, rule, responds)),
            Firing::Again { rule, finding, responds } => Output::FindingUpdated(raised(*finding, rule, responds)),
            Firing::Cleared { id, at, count, .. } => Output::FindingCleared { id, device: entry.id, at, count },
            Firing::Excused { rule, change, at } => Output::Excused(Box::new(Excused {
                change: change.name.clone(),
                rule: rule.name.clone(),
                device: entry.id,
                subject: entry.name.as_str().into(),
                at,
            })),
        }
    }
}

impl<'a> Happening<'a> {
    /// Fills in what only such an event has. In place: facts are half a kilobyte, and there is one for every record.
    fn tell(&self, facts: &mut Facts<'a>) {
        if let Some((session, step)) = self.session {
            facts.attach(&session.attach);
            facts.session = Some(&session.key);
            facts.bytes_up = Some(step.delta.up);
            facts.bytes_down = Some(step.delta.down);
            facts.packets_up = session.packets_up.map(|_| step.delta.packets[0]);
            facts.packets_down = session.packets_down.map(|_| step.delta.packets[1]);
            facts.gathered_since = step.since;
            facts.total_bytes = Some(step.total);
            facts.session_secs = session.session_secs;
            facts.terminate_cause = session.terminate_cause;
            facts.session_is_new = Some(step.is_new);
            facts.session_overlaps = Some(step.overlaps);
            facts.ip = session.ip;
        }
        if let Some(admission) = self.admission {
            facts.attach(&admission.attach);
            facts.reject_reason = admission.rejected;
            facts.expected = &admission.expected;
            facts.observed = &admission.observed;
        }
        if let Some(key) = self.lost {
            facts.session = Some(key);
        }
    }
}

pub(super) fn subject(entry: &Entry, class: &Class, names: &Names, record: &Record<'_>) -> Subject {
    let model = class.model.map(|model| names.models.value(model).clone());
    let profile = model.as_deref().and_then(|model| record.compiled.profile(model));
    Subject {
        known: class.known,
        name: entry.name.as_str().into(),
        groups: names.groups.value(class.groups).clone(),
        critical: class.critical || profile.is_some_and(|profile| profile.critical),
        model,
    }
}

/// The NAS of the newest session: who would tell of the device if it spoke.
fn last_source<'a>(entry: &Entry, names: &'a Names) -> Option<&'a str> {
    let open = entry.sessions.open.last().map(|session| session.nas);
    let nas = open.or_else(|| entry.sessions.closed().last().map(|session| session.nas));
    nas.map(|nas| &**names.nases.value(nas))
}

fn targets(entry: &Entry, names: &Names) -> Vec<SessionTarget> {
    entry.sessions.open.iter().rev().take(TARGETS).map(|session| target(entry, session, names)).collect()
}

/// What a request to the NAS may have to say.
pub(super) fn target(entry: &Entry, session: &OpenSession, names: &Names) -> SessionTarget {
    let texts = &session.texts;
    SessionTarget {
        key: SessionKey { nas: names.nases.value(session.nas).clone(), id: texts.id().into() },
        user_name: texts.user_name().map(Into::into),
        multi_session_id: texts.multi_session_id().map(Into::into),
        ip: session.marks.ip(),
        ipv6: session.counters.ipv6(),
        imsi: entry.imsi.value(),
        msisdn: session.msisdn.value().or(entry.msisdn.value()),
        nsapi: session.marks.nsapi(),
    }
}

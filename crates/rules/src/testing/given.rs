//! An example's device, profile and events, as facts.

use std::str::FromStr;
use std::sync::Arc;

use fleetward_fleet::{
    Device, DeviceId, DeviceState, ImeiLock, Imeisv, Msisdn, Offset, PlannedChange, PlannedKind, PlannedScope, Plmn,
    Profile, Rat, RejectReason, SessionKey, Timestamp, parse_bytes, parse_duration, read_bytes, read_duration,
};

use super::states::States;
use super::{detail, ticks};
use crate::around::{Around, Gaps};
use crate::confirm::Past;
use crate::detail::OwnedDetail;
use crate::document::{DeviceDocument, EventDocument, PlannedDocument, ProfileDocument, Scalar, TestDocument};
use crate::facts::{Facts, Trigger, Triggers};
use crate::firing::Firing;
use crate::rule::Rule;
use crate::ruleset::RuleSet;

/// 2026-01-05, a Monday, 00:00 UTC: where examples begin.
const START: Timestamp = Timestamp(1_767_571_200_000);

pub(super) struct Given {
    device: Device,
    known: bool,
    profile: Option<Profile>,
    states: States,
    last_contact: Option<Timestamp>,
    last_source: String,
    gaps: Gaps,
    sessions: Vec<String>,
    offset: u64,
    planned: Vec<Arc<PlannedChange>>,
    /// When the newest event arrived.
    newest: Option<Timestamp>,
}

impl Given {
    pub(super) fn new(test: &TestDocument) -> Result<Self, String> {
        let profile = test.profile.as_ref().map(profile).transpose()?;
        Ok(Self {
            device: device(&test.device)?,
            known: test.device.known.unwrap_or(true),
            profile,
            states: States::default(),
            last_contact: None,
            last_source: "test".to_owned(),
            gaps: Gaps::default(),
            sessions: Vec::new(),
            offset: 0,
            planned: test.planned.as_ref().map(planned).transpose()?.into_iter().map(Arc::new).collect(),
            newest: None,
        })
    }

    /// The time until an event, in ticks, through the rules.
    pub(super) fn pass_time(
        &mut self,
        set: &RuleSet,
        rule: &Rule,
        until: &EventDocument,
        earlier: &Earlier<'_>,
    ) -> Result<Vec<Firing>, String> {
        let mut out = Vec::new();
        let (at, age) = (duration(until.at.as_ref())?, duration(until.age.as_ref())?);
        let arrives = START + at.unwrap_or_default() + age.unwrap_or_default();
        let since = self.newest.unwrap_or(arrives);
        self.newest = Some(since.max(arrives));
        for secs in ticks::between(since.secs(), arrives.secs(), earlier.test.given.len()) {
            // Without an episode under way, a rule that is not about time begins none by ticks.
            if !self.states.wait(rule) {
                break;
            }
            out.extend(self.observe(set, rule, &tick(secs, until), earlier)?);
        }
        Ok(out)
    }

    /// One event through the rules; `earlier`: those before it, of whatever device.
    pub(super) fn observe(
        &mut self,
        set: &RuleSet,
        rule: &Rule,
        event: &EventDocument,
        earlier: &Earlier<'_>,
    ) -> Result<Vec<Firing>, String> {
        let mut out = Vec::new();
        self.with_facts(event, |states, facts| {
            let facts = Facts { past: Some(earlier), ..facts.clone() };
            states.judge(set, rule, &facts, &mut out);
        })?;
        Ok(out)
    }

    /// One event as facts, for `then`.
    fn with_facts(&mut self, event: &EventDocument, then: impl FnOnce(&mut States, &Facts<'_>)) -> Result<(), String> {
        let trigger = trigger(event)?;
        let at = START + duration(event.at.as_ref())?.unwrap_or_default();
        let age = duration(event.age.as_ref())?.unwrap_or_default();
        if let Some(state) = &event.device_state {
            self.device.state = device_state(state)?;
        }
        let session = event.session.as_ref().map_or("1", |session| &session.0);
        let session_key = SessionKey { nas: "test".into(), id: session.into() };
        let is_session = matches!(trigger, Trigger::SessionStart | Trigger::SessionInterim | Trigger::SessionStop);
        let is_new = event.is_new.unwrap_or(is_session && !self.sessions.iter().any(|known| known == session));
        if is_session && is_new {
            self.sessions.push(session.to_owned());
        }
        if matches!(trigger, Trigger::SessionStop | Trigger::SessionLost) {
            self.sessions.retain(|known| known != session);
        }
        let open = event.open_sessions.unwrap_or(self.sessions.len() as u32);
        let detail = detail::detail(event, trigger, at)?;
        if trigger.is_contact() || detail.lend().is_contact() {
            event.source.as_ref().map_or("test", |source| &source.0).clone_into(&mut self.last_source);
            self.last_contact = Some(at.max(self.last_contact.unwrap_or(at)));
        }
        let device_id = event.device.as_ref().map_or(DeviceId(1), |name| DeviceId::of(&name.0));
        if let OwnedDetail::Source(state) = &detail {
            self.gaps.note(state, at);
        }
        let mut facts = Facts::new(trigger, at, at + age, device_id, "test device");
        facts.offset = Offset(self.offset);
        self.offset += u64::from(trigger != Trigger::Tick);
        facts.device = self.known.then_some(&self.device);
        facts.profile = self.profile.as_ref();
        facts.last_contact = self.last_contact;
        let covering: Vec<_> = self.planned.iter().filter(|change| change.is_in_force(at)).cloned().collect();
        facts.planned = &covering;
        if is_session {
            facts.session = Some(&session_key);
            facts.session_is_new = Some(is_new);
            facts.session_overlaps = Some(event.overlaps.unwrap_or(false));
        }
        // As the server knows it at every event, also as time passes.
        facts.open_sessions = Some(open);
        let cell = event.cell.as_ref().map(|cell| detail::cell(&cell.0));
        fill(&mut facts, event, cell.as_deref())?;
        facts.detail = detail.lend();
        facts.gaps = Some(&self.gaps);
        facts.last_source = Some(&self.last_source);
        let around = Stated { new: event.new, outage: event.outage };
        facts.around = Some(&around);
        then(&mut self.states, &facts);
        Ok(())
    }
}

/// A tick before `event`. Where that is a tick itself, it says how the world is until then, too: an outage, for example.
fn tick(secs: i64, event: &EventDocument) -> EventDocument {
    let is_tick = event.kind.as_ref().is_some_and(|kind| kind.0 == "tick");
    let stated = if is_tick { event.clone() } else { EventDocument::default() };
    EventDocument {
        kind: Some(Scalar("tick".to_owned())),
        at: Some(Scalar((secs - START.secs()).to_string())),
        age: None,
        device: event.device.clone(),
        device_state: None,
        ..stated
    }
}

/// What an example says before an event: its past, as live the journal tells it.
pub(super) struct Earlier<'a> {
    pub(super) test: &'a TestDocument,
    /// So many events of the example.
    pub(super) events: usize,
}

impl std::fmt::Debug for Earlier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Earlier").field("events", &self.events).finish_non_exhaustive()
    }
}

impl Past for Earlier<'_> {
    fn tell(&self, of: &Facts<'_>, _: Timestamp, each: &mut dyn FnMut(&Facts<'_>)) -> bool {
        let Ok(mut given) = Given::new(self.test) else { return false };
        self.test.given.iter().take(self.events).all(|event| {
            let tell = |_: &mut States, facts: &Facts<'_>| {
                if facts.device_id == of.device_id {
                    each(facts);
                }
            };
            given.with_facts(&event.value, tell).is_ok()
        })
    }
}

/// What an example says of the devices around.
#[derive(Debug)]
struct Stated {
    new: Option<bool>,
    outage: Option<f64>,
}

impl Around for Stated {
    fn outage_share(&self, _: Plmn, _: Option<u16>) -> Option<f64> {
        self.outage
    }

    fn is_new(&self, _: u8, _: u64) -> Option<bool> {
        self.new
    }
}

fn fill<'a>(facts: &mut Facts<'a>, event: &'a EventDocument, cell: Option<&'a [u8]>) -> Result<(), String> {
    let is_session = Triggers::SESSION.contains(facts.trigger);
    facts.bytes_up = bytes(event.bytes_up.as_ref())?.filter(|_| is_session);
    facts.bytes_down = bytes(event.bytes.as_ref())?.or(bytes(event.bytes_down.as_ref())?).filter(|_| is_session);
    facts.packets_up = event.packets_up;
    facts.packets_down = event.packets_down;
    facts.gathered_since = duration(event.over_secs.as_ref())?.map(|length| facts.at - length);
    facts.total_bytes = bytes(event.total_bytes.as_ref())?;
    facts.session_secs = duration(event.session_secs.as_ref())?.map(|length| length.as_secs() as u32);
    facts.terminate_cause = event.terminate_cause;
    facts.network = value(event.network.as_ref())?;
    facts.country = value(event.country.as_ref())?.or(facts.network.and_then(fleetward_fleet::Plmn::country));
    facts.imeisv = value::<Imeisv>(event.imei.as_ref())?;
    facts.imei = facts.imeisv.map(Imeisv::imei);
    facts.apn = event.apn.as_ref().map(|apn| apn.0.as_str());
    facts.rat = event.rat.map(Rat);
    facts.cell = cell;
    facts.msisdn = value::<Msisdn>(event.msisdn.as_ref())?;
    facts.ip = value(event.ip.as_ref())?;
    facts.source = event.source.as_ref().map_or("test", |source| &source.0);
    if let Some(reason) = &event.rejected {
        let known = RejectReason::ALL.into_iter().find(|known| known.name() == reason.0);
        facts.reject_reason = Some(known.ok_or_else(|| format!("`{}` is no reject reason", reason.0))?);
        facts.expected = "what the inventory says";
        facts.observed = "something else";
    }
    Ok(())
}

fn trigger(event: &EventDocument) -> Result<Trigger, String> {
    let kind = event.kind.as_ref().map(|kind| kind.0.as_str());
    let status = event.status.as_ref().map(|status| status.0.as_str());
    Ok(match (kind, status) {
        _ if event.rejected.is_some() => Trigger::Rejected,
        _ if event.admitted == Some(true) => Trigger::Admitted,
        (Some(kind), _) if detail::kind(kind).is_some() => detail::kind(kind).unwrap_or(Trigger::Tick),
        (None, None) if detail::implied(event).is_some() => detail::implied(event).unwrap_or(Trigger::Tick),
        (None | Some("session"), Some("start")) => Trigger::SessionStart,
        (None | Some("session"), None | Some("interim")) => Trigger::SessionInterim,
        (None | Some("session"), Some("stop")) => Trigger::SessionStop,
        (kind, status) => {
            let what = kind.filter(|kind| *kind != "session").or(status).unwrap_or_default();
            return Err(format!(
                "`{what}` is no kind of event; session (start, interim, stop), session_lost, device_change, tick, flow, message, call, login, sim_change, source_state or unusual, or `rejected:` or `admitted: true`"
            ));
        }
    })
}

fn device(document: &DeviceDocument) -> Result<Device, String> {
    let mut device = Device::named("test device");
    if let Some(state) = &document.state {
        device.state = device_state(state)?;
    }
    device.model = document.model.as_ref().map(|model| model.0.as_str().into());
    device.groups.clone_from(&document.groups);
    device.critical = document.critical;
    device.imei = value::<Imeisv>(document.imei.as_ref())?.map(Imeisv::imei);
    device.ip = value(document.ip.as_ref())?;
    device.imei_lock = match document.imei_lock.as_ref().map(|lock| lock.0.as_str()) {
        None | Some("on" | "true") => ImeiLock::On,
        Some("off" | "false") => ImeiLock::Off,
        Some(other) => return Err(format!("`{other}` is neither on nor off")),
    };
    Ok(device)
}

fn planned(document: &PlannedDocument) -> Result<PlannedChange, String> {
    let kind = |name: &String| PlannedKind::named(name).ok_or_else(|| format!("`{name}` is no kind of planned change"));
    Ok(PlannedChange {
        name: "example".into(),
        scope: PlannedScope::default(),
        excuses: document.excuses.iter().map(kind).collect::<Result<_, _>>()?,
        rules: document.rules.clone(),
        from: START + duration(document.from.as_ref())?.unwrap_or_default(),
        until: duration(document.until.as_ref())?.map_or(Timestamp(i64::MAX), |length| START + length),
        reason: "example".into(),
        reference: "".into(),
        by: "example".into(),
    })
}

fn device_state(text: &Scalar) -> Result<DeviceState, String> {
    let states = [DeviceState::Stock, DeviceState::Active, DeviceState::Suspended, DeviceState::Retired];
    states.into_iter().find(|state| state.name() == text.0).ok_or_else(|| format!("`{}` is no device state", text.0))
}

fn profile(document: &ProfileDocument) -> Result<Profile, String> {
    let mut profile = Profile::named("test");
    profile.tacs = values(&document.tacs)?;
    profile.countries = values(&document.countries)?;
    profile.networks = values(&document.networks)?;
    profile.apns.clone_from(&document.apns);
    profile.rats.clone_from(&document.rats);
    profile.volume.per_hour = stated_bytes(document.volume.per_hour.as_ref())?;
    profile.volume.per_day = stated_bytes(document.volume.per_day.as_ref())?;
    profile.volume.per_cycle = stated_bytes(document.volume.per_cycle.as_ref())?;
    profile.volume.per_life = stated_bytes(document.volume.per_life.as_ref())?;
    profile.destinations.clone_from(&document.destinations);
    profile.time_zone = value(document.time_zone.as_ref())?;
    profile.hours = value(document.hours.as_ref())?;
    profile.sessions_per_day = document.sessions_per_day;
    profile.messages_per_day = document.messages_per_day;
    profile.calls_per_day = document.calls_per_day;
    profile.fixed = document.fixed;
    profile.contact_every = document.contact_every.as_ref().map(|text| read_duration(&text.0, "26 h")).transpose()?;
    profile.critical = document.critical;
    Ok(profile)
}

pub(super) fn value<T: FromStr<Err: std::fmt::Display>>(text: Option<&Scalar>) -> Result<Option<T>, String> {
    text.map(|text| text.0.parse().map_err(|error| format!("`{}`: {error}", text.0))).transpose()
}

fn values<T: FromStr<Err: std::fmt::Display>>(texts: &[Scalar]) -> Result<Vec<T>, String> {
    texts.iter().map(|text| text.0.parse().map_err(|error| format!("`{}`: {error}", text.0))).collect()
}

/// As a profile states it.
fn stated_bytes(text: Option<&Scalar>) -> Result<Option<u64>, String> {
    text.map(|text| read_bytes(&text.0, "2 MB")).transpose()
}

pub(super) fn bytes(text: Option<&Scalar>) -> Result<Option<u64>, String> {
    // A record's count: a plain number is one of bytes.
    let read = |text: &Scalar| text.0.trim().parse().ok().or_else(|| parse_bytes(&text.0));
    text.map(|text| read(text).ok_or_else(|| format!("`{}` is no volume", text.0))).transpose()
}

pub(super) fn duration(text: Option<&Scalar>) -> Result<Option<std::time::Duration>, String> {
    let seconds = |text: &Scalar| text.0.trim().parse().ok().map(std::time::Duration::from_secs);
    let read = |text: &Scalar| seconds(text).or_else(|| parse_duration(&text.0));
    text.map(|text| read(text).ok_or_else(|| format!("`{}` is no duration", text.0))).transpose()
}

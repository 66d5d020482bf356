//! What the API and the demo may ask of the running server.

use std::sync::Arc;

use fleetward_aaa as aaa;
use fleetward_api::{
    Baseline, Component, Control, ControlError, Event as ApiEvent, Health, Imported, NewRule, OwnRule, Reloaded,
    RuleCheck, RuleInfo, RuleWritten, ScheduledAudit, SessionChange, SessionFilter, SessionInfo, Told,
};
use fleetward_detect::{Engine, Learning, Learnt, SessionFilter as Wanted, SessionView};
use fleetward_fleet::metric::Sample;
use fleetward_fleet::{Action, Device, DeviceChange, DeviceId, PlannedChange, Response, ResponseId, SessionKey};
use fleetward_journal::{Entry, Handle, Outcome};
use fleetward_respond::{ActionRequest, Failed};
use fleetward_store::{Listing, Lookup, Page, Store, StoreError};
use tokio::sync::broadcast;

use super::capture::Watch;
use super::events::{Event, Events};
use super::projector::Projector;
use super::responder::{Late, PROJECTION_PATIENCE};
use super::ruledesk::{self, RuleDesk};
use super::sources::Sources;
use super::{Record, observed, replay, ticks};
use crate::clock;

/// Devices that go into the journal as one batch: all of them or none.
const IMPORT_BATCH: usize = 50_000;
/// Events that a slow watcher may lag behind before it loses some (and is told so).
const WATCH_BACKLOG: usize = 1024;

/// The running server, as the API sees it.
pub(super) struct ServerControl {
    pub(super) store: Store,
    pub(super) engine: Arc<Engine>,
    pub(super) journal: Handle<Record>,
    pub(super) projector: Projector,
    pub(super) responder: Late,
    pub(super) radius: Arc<aaa::Server>,
    pub(super) desk: Arc<RuleDesk>,
    pub(super) sources: Arc<Sources>,
    pub(super) capture: Watch,
    pub(super) audits: super::audits::Watch,
    pub(super) wall: Option<super::enforce::Door>,
    pub(super) watchers: broadcast::Sender<Arc<ApiEvent>>,
}

/// Passes what happens on to the API's watchers.
pub(super) fn broadcast(events: &Events) -> broadcast::Sender<Arc<ApiEvent>> {
    let (sender, _) = broadcast::channel(WATCH_BACKLOG);
    let watchers = sender.clone();
    events.watch(Box::new(move |event| {
        if watchers.receiver_count() > 0 {
            // Nobody listening any more is no error.
            drop(api_event(event).map(|event| watchers.send(Arc::new(event))));
        }
    }));
    sender
}

/// What the API's watchers hear; an excused deviation is in the account of its planned change.
fn api_event(event: &Event) -> Option<ApiEvent> {
    Some(match event {
        Event::Excused(_) => return None,
        Event::Finding(finding) => ApiEvent::Finding(finding.clone()),
        Event::Cleared(id, at) => ApiEvent::Cleared { id: *id, at: *at },
        Event::Response(response) => ApiEvent::Response(response.clone()),
        Event::SessionOpened(opened) => ApiEvent::Session(SessionChange {
            key: opened.key.clone(),
            device: opened.device,
            device_name: None,
            at: opened.event_time,
            ended: None,
        }),
        Event::SessionEnded(ended) => ApiEvent::Session(SessionChange {
            key: ended.key.clone(),
            device: ended.device,
            device_name: None,
            at: ended.event_time,
            ended: Some(ended.cause.name()),
        }),
    })
}

impl ServerControl {
    /// Records inventory changes and waits until they can be read.
    fn record(&self, changes: Vec<DeviceChange>) -> Result<(), ControlError> {
        let now = clock::now();
        let entries = changes.into_iter().map(|change| ticks::entry(0, replay::observation(change, now))).collect();
        self.append(entries, "nothing was changed")
    }

    /// Records and waits until the projection is there to be read.
    fn append(&self, entries: Vec<Entry<Record>>, otherwise: &str) -> Result<(), ControlError> {
        let outcomes = self
            .journal
            .append_wait(entries)
            .map_err(|refused| ControlError::Unavailable(format!("{refused}; {otherwise}")))?;
        let last = outcomes.into_iter().filter_map(|outcome| match outcome {
            Outcome::Appended(offset) => Some(offset),
            Outcome::Duplicate => None,
        });
        match last.max() {
            Some(offset) if !self.projector.wait(offset, PROJECTION_PATIENCE) => Err(ControlError::Unavailable(
                "the change is recorded, but the database lags behind; look again in a moment".into(),
            )),
            _ => Ok(()),
        }
    }

    fn act(&self, device: DeviceId, action: Action, by: &str) -> Result<Response, ControlError> {
        let responder = self.responder.get().ok_or_else(starting)?;
        let request = ActionRequest { device, action, finding: None, by: by.into() };
        let id = responder.request(request).map_err(failed)?;
        self.response(id)
    }

    fn response(&self, id: ResponseId) -> Result<Response, ControlError> {
        let found = self.store.response(id).map_err(stored)?;
        found.ok_or_else(|| ControlError::NotFound { what: "response", key: id.to_string() })
    }

    fn device(&self, id: DeviceId) -> Result<Device, ControlError> {
        let found = self.store.device(&Lookup::Id(id)).map_err(stored)?;
        found.ok_or_else(|| ControlError::NotFound { what: "device", key: id.to_string() })
    }

    fn open_sessions(&self, device: DeviceId) -> Result<Vec<SessionKey>, ControlError> {
        let known = self.engine.device(device).map_err(|_| stopped())?;
        Ok(known.map(|known| known.open.iter().map(SessionView::key).collect()).unwrap_or_default())
    }
}

impl Control for ServerControl {
    fn sessions(&self, filter: &SessionFilter, page: &Page) -> Result<Listing<SessionInfo>, ControlError> {
        let wanted = Wanted {
            device: filter.device,
            nas: filter.nas.as_deref().map(Into::into),
            open: filter.open,
            text: filter.text.as_deref().map(Into::into),
        };
        let cursor = page.cursor.as_deref().map(str::parse).transpose();
        let cursor = cursor.map_err(|_| ControlError::Refused("the cursor is not one of this list".into()))?;
        let found = self.engine.sessions(&wanted, cursor, page.rows()).map_err(|_| stopped())?;
        Ok(Listing {
            items: found.items.into_iter().map(session_info).collect(),
            next: found.next.map(|next| next.to_string()),
        })
    }

    fn session(&self, key: &SessionKey) -> Result<Option<SessionInfo>, ControlError> {
        let found = self.engine.find_session(key).map_err(|_| stopped())?;
        Ok(found.map(session_info))
    }

    fn import(&self, devices: Vec<Device>, actor: &str) -> Result<Imported, ControlError> {
        let mut imported = Imported::default();
        let mut changes = Vec::new();
        for device in devices {
            match self.store.device(&Lookup::Id(device.id())).map_err(stored)? {
                None => imported.added += 1,
                Some(known) if known == device => {
                    imported.unchanged += 1;
                    continue;
                }
                Some(_) => imported.changed += 1,
            }
            changes.push(DeviceChange { device, removed: false, by: actor.into() });
        }
        while !changes.is_empty() {
            let rest = changes.split_off(changes.len().min(IMPORT_BATCH));
            self.record(std::mem::replace(&mut changes, rest))?;
        }
        Ok(imported)
    }

    fn describes(&self, model: &str) -> bool {
        self.desk.directory.profile(model).is_some()
    }

    fn change_device(&self, device: Device, actor: &str) -> Result<(), ControlError> {
        self.record(vec![DeviceChange { device, removed: false, by: actor.into() }])
    }

    fn baseline(&self, device: &Device) -> Result<Baseline, ControlError> {
        let learnt = self.engine.learnt(device.id(), device.model.as_deref()).map_err(|_| stopped())?;
        Ok(match learnt {
            Learnt::Off => Baseline::Off,
            Learnt::Unheard => Baseline::Unheard,
            Learnt::Days { days, model } => Baseline::Days {
                days,
                of: u32::from(Learning::DAYS),
                model_hours: model.map_or(0, |model| model.device_hours),
                model_is_ready: model.is_some_and(|model| model.is_ready),
            },
        })
    }

    fn remove_device(&self, device: DeviceId, actor: &str) -> Result<(), ControlError> {
        let device = self.device(device)?;
        self.record(vec![DeviceChange { device, removed: true, by: actor.into() }])
    }

    fn suspend(&self, device: DeviceId, actor: &str) -> Result<Response, ControlError> {
        self.device(device)?;
        let response = self.act(device, Action::SuspendSim, actor)?;
        // Admission is closed; what is open already goes on until it is cut.
        self.disconnect_device(device, actor)?;
        Ok(response)
    }

    fn resume(&self, device: DeviceId, actor: &str) -> Result<Response, ControlError> {
        self.device(device)?;
        self.act(device, Action::ResumeSim, actor)
    }

    fn isolate(&self, device: DeviceId, cut: bool, actor: &str) -> Result<Response, ControlError> {
        self.device(device)?;
        self.act(device, if cut { Action::Quarantine } else { Action::Release }, actor)
    }

    fn disconnect_device(&self, device: DeviceId, actor: &str) -> Result<Vec<Response>, ControlError> {
        let sessions = self.open_sessions(device)?;
        sessions.into_iter().map(|session| self.act(device, Action::Disconnect { session }, actor)).collect()
    }

    fn disconnect(&self, session: &SessionKey, actor: &str) -> Result<Response, ControlError> {
        let found = self.engine.find_session(session).map_err(|_| stopped())?;
        let found = found.ok_or_else(|| ControlError::NotFound {
            what: "session",
            key: format!("{}/{}", session.nas, session.id),
        })?;
        if found.ended.is_some() {
            return Err(ControlError::Refused("the session is over already".into()));
        }
        self.act(found.device, Action::Disconnect { session: session.clone() }, actor)
    }

    fn approve(&self, response: ResponseId, actor: &str, _note: &str) -> Result<Response, ControlError> {
        self.responder.get().ok_or_else(starting)?.approve(response, actor).map_err(failed)?;
        self.response(response)
    }

    fn reject(&self, response: ResponseId, actor: &str, _note: &str) -> Result<Response, ControlError> {
        self.responder.get().ok_or_else(starting)?.reject(response, actor).map_err(failed)?;
        self.response(response)
    }

    fn revert(&self, response: ResponseId, actor: &str, _note: &str) -> Result<Response, ControlError> {
        let id = self.responder.get().ok_or_else(starting)?.revert(response, actor).map_err(failed)?;
        self.response(id)
    }

    fn health(&self) -> Vec<Component> {
        let component = |name, health, reason: String| Component { name, health, reason };
        let journal = self.journal.health();
        let lag = self.journal.next_offset().0.saturating_sub(self.engine.applied().0);
        let respond = self.responder.get().is_some_and(fleetward_respond::Responder::is_healthy);
        let mut components = vec![
            if journal.ok {
                component("journal", Health::Ok, String::new())
            } else {
                component("journal", Health::Failing, journal.reason)
            },
            match lag {
                0..100_000 => component("detect", Health::Ok, String::new()),
                _ => component("detect", Health::Degraded, format!("{lag} records wait to be judged")),
            },
            if respond {
                component("respond", Health::Ok, String::new())
            } else {
                component("respond", Health::Failing, "responses cannot be written down; see the database".into())
            },
        ];
        components.extend(self.wall.as_ref().map(super::enforce::Door::health));
        components.extend(self.sources.health());
        components.extend(self.capture.health());
        components.extend(self.audits.health());
        components
    }

    fn metrics(&self) -> Vec<Sample> {
        let mut samples = self.radius.metrics();
        samples.extend(self.journal.metrics());
        samples.extend(self.engine.metrics());
        samples.extend(self.wall.iter().flat_map(super::enforce::Door::metrics));
        samples.extend(self.capture.metrics());
        samples.extend(self.audits.metrics());
        samples.extend(self.responder.get().map(fleetward_respond::Responder::metrics).unwrap_or_default());
        samples
    }

    fn rules(&self) -> Vec<RuleInfo> {
        self.desk.rules().rules().iter().map(|rule| ruledesk::info(rule)).collect()
    }

    fn plan(&self, change: PlannedChange) -> Result<(), ControlError> {
        let now = clock::now();
        self.append(vec![ticks::entry(0, replay::planned(change, now))], "nothing was announced")
    }

    fn observe(&self, told: Vec<Told>) -> Result<usize, ControlError> {
        observed::record(&self.journal, told).map_err(|refused| {
            ControlError::Unavailable(format!("{refused}; tell all of it again, what is recorded counts once"))
        })
    }

    fn audits(&self) -> Vec<ScheduledAudit> {
        self.audits.list()
    }

    fn reload(&self) -> Result<Reloaded, ControlError> {
        self.desk.reload()
    }

    fn check_rules(&self, text: &str) -> Result<RuleCheck, ControlError> {
        self.desk.check(text)
    }

    fn backtest_rules(&self, text: &str, days: u32) -> Result<serde_json::Value, ControlError> {
        let mut devices = Vec::new();
        if self.journal.oldest_offset().0 > 0 {
            let internal = |error: fleetward_store::StoreError| ControlError::Internal(error.to_string());
            self.store.each_device(|device| devices.push(device)).map_err(internal)?;
        }
        self.desk.backtest(text, days, devices)
    }

    fn own_rules(&self) -> Result<Vec<OwnRule>, ControlError> {
        self.desk.own()
    }

    fn put_rule(&self, rule: &NewRule<'_>) -> Result<RuleWritten, ControlError> {
        self.desk.put(rule)
    }

    fn remove_rule(&self, name: &str) -> Result<(), ControlError> {
        self.desk.remove(name)
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<ApiEvent>> {
        self.watchers.subscribe()
    }
}

fn session_info(session: SessionView) -> SessionInfo {
    SessionInfo {
        key: session.key(),
        device: session.device,
        device_name: session.device_name,
        opened_at: session.opened_at,
        last_seen: session.last_seen,
        ended_at: session.ended_at,
        ended: session.ended.map(fleetward_detect::EndCause::name),
        bytes_up: session.bytes_up,
        bytes_down: session.bytes_down,
        wrapped: session.wrapped,
        ip: session.ip,
        ipv6: session.ipv6.map(|net| net.to_string().into()),
        imeisv: session.imeisv,
        network: session.network,
        country: session.country,
        apn: session.apn,
        rat: session.rat,
    }
}

fn failed(error: Failed) -> ControlError {
    match error {
        Failed::Refused(refused) => ControlError::Refused(refused.to_string()),
        Failed::Unknown(id) => ControlError::NotFound { what: "response", key: id.to_string() },
        Failed::UnknownChannel(name) => ControlError::NotFound { what: "channel", key: name.into() },
        Failed::Store(error) => stored(error),
        Failed::Stopped => ControlError::Unavailable("the server is stopping".into()),
        other => ControlError::Internal(other.to_string()),
    }
}

fn stored(error: StoreError) -> ControlError {
    match error {
        StoreError::NotFound { what, key } => ControlError::NotFound { what, key },
        StoreError::Locked { .. } | StoreError::Full { .. } => ControlError::Unavailable(error.to_string()),
        other => ControlError::Internal(other.to_string()),
    }
}

fn starting() -> ControlError {
    ControlError::Unavailable("the server is still reading its journal; try again in a moment".into())
}

pub(super) fn stopped() -> ControlError {
    ControlError::Unavailable("detection has stopped; restart the server and see its log".into())
}

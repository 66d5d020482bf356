//! The running server, played: changes go straight into the store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fleetward_api::inventory::LineError;
use fleetward_api::{
    AuditRun, Baseline, Component, Control, ControlError, Event, Health, Imported, NewRule, OwnRule, Reloaded,
    RuleCheck, RuleInfo, RuleWritten, ScheduledAudit, SessionFilter, SessionInfo, Told,
};
use fleetward_fleet::metric::Sample;
use fleetward_fleet::{
    Action, Actor, Device, DeviceChange, DeviceId, DeviceState, FindingId, Offset, PlannedChange, Response, ResponseId,
    ResponseState, SessionKey, Severity, Timestamp,
};
use fleetward_store::{Listing, Lookup, Page, Store};
use tokio::sync::broadcast;

pub(crate) struct Played {
    store: Store,
    pub(crate) health: Mutex<Health>,
    pub(crate) events: broadcast::Sender<Arc<Event>>,
    /// Where the played journal is.
    offset: AtomicU64,
    pub(crate) told: Mutex<Vec<Told>>,
}

impl Played {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            health: Mutex::new(Health::Ok),
            events: broadcast::Sender::new(16),
            offset: AtomicU64::new(1),
            told: Mutex::default(),
        }
    }

    fn project(&self, device: Device, removed: bool, by: &str) -> Result<(), ControlError> {
        let failed = |error: fleetward_store::StoreError| ControlError::Internal(error.to_string());
        let next = self.store.devices_projected().map_err(failed)?.map_or(0, |last| last.0 + 1);
        let change = DeviceChange { device, removed, by: by.into() };
        self.store.project_devices(&[(Offset(next), change)]).map(drop).map_err(failed)
    }

    fn known(&self, id: DeviceId) -> Result<Device, ControlError> {
        let found = self.store.device(&Lookup::Id(id)).ok().flatten();
        found.ok_or_else(|| ControlError::NotFound { what: "device", key: id.to_string() })
    }

    fn set(&self, id: DeviceId, state: DeviceState, action: Action, actor: &str) -> Result<Response, ControlError> {
        let mut device = self.known(id)?;
        device.state = state;
        self.project(device, false, actor)?;
        Ok(response(id, action, actor))
    }
}

pub(crate) fn session() -> SessionInfo {
    SessionInfo {
        key: SessionKey { nas: "pgw-1".into(), id: "a/1 b".into() },
        device: DeviceId::of("meter-1"),
        device_name: "meter-1".into(),
        opened_at: Timestamp(0),
        last_seen: Timestamp(1000),
        ended_at: None,
        ended: None,
        bytes_up: 1,
        bytes_down: 2,
        wrapped: false,
        ip: None,
        ipv6: None,
        imeisv: "3569380356438091".parse().ok(),
        network: "26201".parse().ok(),
        country: None,
        apn: None,
        rat: None,
    }
}

pub(crate) fn response(device: DeviceId, action: Action, actor: &str) -> Response {
    Response {
        id: ResponseId::of(FindingId(1), action.name(), &device.to_string()),
        finding: None,
        device,
        action,
        state: ResponseState::Approved,
        by: Actor::User(actor.into()),
        created_at: Timestamp(0),
        observed_at: Timestamp(0),
        attempts: 0,
        due_at: None,
        undo: String::new(),
        history: vec![],
    }
}

impl Control for Played {
    fn sessions(&self, _: &SessionFilter, _: &Page) -> Result<Listing<SessionInfo>, ControlError> {
        Ok(Listing { items: vec![session()], next: None })
    }
    fn session(&self, key: &SessionKey) -> Result<Option<SessionInfo>, ControlError> {
        Ok(Some(session()).filter(|session| session.key == *key))
    }
    fn import(&self, devices: Vec<Device>, actor: &str) -> Result<Imported, ControlError> {
        let mut done = Imported::default();
        for device in devices {
            match self.known(device.id()) {
                Ok(known) if known == device => done.unchanged += 1,
                Ok(_) => done.changed += 1,
                Err(_) => done.added += 1,
            }
            self.project(device, false, actor)?;
        }
        Ok(done)
    }
    fn describes(&self, model: &str) -> bool {
        model == "meter"
    }
    fn change_device(&self, device: Device, actor: &str) -> Result<(), ControlError> {
        self.project(device, false, actor)
    }
    fn baseline(&self, _: &Device) -> Result<Baseline, ControlError> {
        Ok(Baseline::Days { days: 8, of: 28, model_hours: 90_000, model_is_ready: true })
    }
    fn remove_device(&self, device: DeviceId, actor: &str) -> Result<(), ControlError> {
        self.project(self.known(device)?, true, actor)
    }
    fn suspend(&self, device: DeviceId, actor: &str) -> Result<Response, ControlError> {
        self.set(device, DeviceState::Suspended, Action::SuspendSim, actor)
    }
    fn resume(&self, device: DeviceId, actor: &str) -> Result<Response, ControlError> {
        self.set(device, DeviceState::Active, Action::ResumeSim, actor)
    }
    fn isolate(&self, device: DeviceId, cut: bool, actor: &str) -> Result<Response, ControlError> {
        self.known(device)?;
        Ok(response(device, if cut { Action::Quarantine } else { Action::Release }, actor))
    }
    fn disconnect_device(&self, device: DeviceId, actor: &str) -> Result<Vec<Response>, ControlError> {
        Ok(vec![response(device, Action::Disconnect { session: session().key }, actor)])
    }
    fn disconnect(&self, key: &SessionKey, actor: &str) -> Result<Response, ControlError> {
        let known =
            self.session(key)?.ok_or_else(|| ControlError::NotFound { what: "session", key: key.id.to_string() })?;
        Ok(response(known.device, Action::Disconnect { session: known.key }, actor))
    }
    fn approve(&self, id: ResponseId, _: &str, _: &str) -> Result<Response, ControlError> {
        let found = self.store.response(id).ok().flatten();
        found.ok_or_else(|| ControlError::NotFound { what: "response", key: id.to_string() })
    }
    fn reject(&self, _: ResponseId, _: &str, _: &str) -> Result<Response, ControlError> {
        Err(ControlError::Refused("it is sent already".into()))
    }
    fn revert(&self, _: ResponseId, _: &str, _: &str) -> Result<Response, ControlError> {
        Err(ControlError::Unavailable("the journal is full".into()))
    }
    fn audits(&self) -> Vec<ScheduledAudit> {
        let run = AuditRun {
            began: Timestamp::from_secs(1_795_000_000),
            ended: Some(Timestamp::from_secs(1_795_000_060)),
            end: "partial",
            addresses: 40,
            answered: 30,
            left: 10,
            faults: 3,
            reason: "its window closed".into(),
        };
        vec![ScheduledAudit {
            name: "nightly".into(),
            when: "daily 02:30 to 05:00 UTC".into(),
            targets: vec!["sensors".into()],
            next: Some(Timestamp::from_secs(1_795_080_000)),
            running: None,
            last: Some(run),
            missed: None,
        }]
    }
    fn health(&self) -> Vec<Component> {
        let health = *self.health.lock().unwrap();
        vec![Component { name: "journal", health, reason: format!("{health:?}") }]
    }
    fn metrics(&self) -> Vec<Sample> {
        vec![Sample::counter("fleetward_played_total", "Played.", 1)]
    }
    fn rules(&self) -> Vec<RuleInfo> {
        let (title, explain) = ("Too much".to_owned(), "more than 2 MB an hour".to_owned());
        vec![RuleInfo { name: "volume".into(), version: 1, title, mode: "on", severity: Severity::High, explain }]
    }
    fn plan(&self, change: PlannedChange) -> Result<(), ControlError> {
        let offset = self.offset.fetch_add(1, Ordering::Relaxed);
        self.store
            .project_planned(&[(Offset(offset), change)])
            .map_err(|error| ControlError::Internal(error.to_string()))
    }
    fn observe(&self, told: Vec<Told>) -> Result<usize, ControlError> {
        let mut known = self.told.lock().unwrap();
        let new = told.into_iter().filter(|told| !known.contains(told)).collect::<Vec<_>>();
        let count = new.len();
        known.extend(new);
        Ok(count)
    }
    fn reload(&self) -> Result<Reloaded, ControlError> {
        Ok(Reloaded { rules: 1, ..Reloaded::default() })
    }
    fn check_rules(&self, text: &str) -> Result<RuleCheck, ControlError> {
        let mistake = LineError { line: 3, column: "7".into(), message: text.into(), ..LineError::default() };
        Ok(RuleCheck { mistakes: vec![mistake], ..RuleCheck::default() })
    }
    fn backtest_rules(&self, text: &str, days: u32) -> Result<serde_json::Value, ControlError> {
        Ok(serde_json::json!({ "text": text, "days": days, "complete": true }))
    }
    fn own_rules(&self) -> Result<Vec<OwnRule>, ControlError> {
        let (name, file, text) = ("own".into(), "own.yaml".into(), "rule: own\n".into());
        Ok(vec![OwnRule { name, version: 1, file, shared_file: false, text }])
    }
    fn put_rule(&self, rule: &NewRule<'_>) -> Result<RuleWritten, ControlError> {
        if !rule.as_written {
            return Err(ControlError::Refused("a new rule starts in dry-run".into()));
        }
        Ok(RuleWritten { version: 1, mode: "enforce", explain: rule.text.into(), warnings: vec![] })
    }
    fn remove_rule(&self, name: &str) -> Result<(), ControlError> {
        let missing = ControlError::NotFound { what: "rule of your own", key: name.into() };
        if name == "own" { Ok(()) } else { Err(missing) }
    }
    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }
}

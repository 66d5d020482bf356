//! The whole runtime with a real store, a NAS on UDP and a webhook's receiver.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetward_fleet::{
    Action, Device, DeviceChange, DeviceId, DeviceState, Finding, FindingId, FindingState, Offset, Response,
    ResponseId, ResponseState, Secret, SessionKey, Severity, Timestamp,
};
use fleetward_respond::channel::{ChannelConfig, Roots, WebhookConfig};
use fleetward_respond::dac::{DacConfig, NasProfile, SessionTarget};
use fleetward_respond::machine::{Approval, FindingRaised, Mode, Outcome, RespondSpec, Settings, Wish};
use fleetward_respond::{ActionRequest, Config, Failed, Hooks, Responder, ResponseEvent};
use fleetward_store::{FindingFilter, Page, ResponseFilter, Store};

use crate::peer::{HttpRequest, Nas, Reaction, clock, eventually, server};

/// The rest of the server: which sessions are over, what was asked of the journal, what happened.
#[derive(Default)]
struct Server {
    over: Mutex<HashSet<SessionKey>>,
    vanished: Mutex<Vec<SessionKey>>,
    changes: Mutex<Vec<(DeviceId, DeviceState, String)>>,
    events: Mutex<Vec<ResponseEvent>>,
}

impl Hooks for Server {
    fn change_device(&self, device: DeviceId, state: DeviceState, by: &str) -> Outcome {
        self.changes.lock().unwrap().push((device, state, by.into()));
        Outcome::Done("in the journal".into())
    }

    fn vanish(&self, session: &SessionKey) {
        self.vanished.lock().unwrap().push(session.clone());
    }

    fn target(&self, session: &SessionKey) -> Option<SessionTarget> {
        let open = !self.over.lock().unwrap().contains(session);
        let user_name = Some("meter".into());
        open.then(|| SessionTarget {
            session_id: session.id.clone(),
            user_name,
            same_user_name: 1,
            ..Default::default()
        })
    }

    fn event(&self, event: ResponseEvent) {
        self.events.lock().unwrap().push(event);
    }
}

struct House {
    folder: tempfile::TempDir,
    server: Arc<Server>,
    profile: NasProfile,
    channels: Vec<(Box<str>, ChannelConfig)>,
}

impl House {
    fn new(profile: NasProfile) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, server: Arc::default(), profile, channels: Vec::new() }
    }

    fn store(&self) -> Store {
        Store::open(&self.folder.path().join("fleetward.db")).unwrap()
    }

    fn start(&self) -> Responder {
        let alarm_channels = self.channels.iter().map(|(name, _)| name.clone()).collect();
        let config = Config {
            settings: Settings { alarm_channels, ..Settings::default() },
            nases: vec![self.profile.clone()],
            dac: DacConfig { bind_v4: [127, 0, 0, 1].into(), ..DacConfig::default() },
            channels: self.channels.clone(),
        };
        Responder::start(config, self.store(), Arc::clone(&self.server) as Arc<dyn Hooks>, clock()).unwrap()
    }

    fn responses(&self, action: &str) -> Vec<Response> {
        let filter = ResponseFilter { action: Some(action.into()), ..ResponseFilter::default() };
        self.store().responses(&filter, &fleetward_store::Page::first(1000)).unwrap().items
    }

    fn comes_to(&self, action: &str, state: ResponseState) -> Response {
        let mut found = None;
        eventually(&format!("{action} is {state:?}"), || {
            found = self.responses(action).into_iter().find(|response| response.state == state);
            found.is_some()
        });
        found.unwrap()
    }
}

fn session(id: &str) -> SessionKey {
    SessionKey { nas: "pgw".into(), id: id.into() }
}

fn raised(device: &str, id: &str, wishes: &[Wish]) -> FindingRaised {
    let device = Device::named(device).id();
    let now = clock()();
    let finding = Finding {
        id: FindingId::of("wrong-module", device.0, 0),
        rule: "wrong-module".into(),
        rule_version: 1,
        device,
        subject: "meter-1".into(),
        severity: Severity::High,
        title: "SIM in another module".into(),
        expected: "TAC 35693803".into(),
        observed: "TAC 86012304".into(),
        advice: "Look at the device.".into(),
        tags: Vec::new(),
        first_seen: Timestamp(0),
        last_seen: Timestamp(0),
        observed_at: now,
        count: 1,
        evidence: Vec::new(),
        session: Some(session(id)),
        late: false,
        confidence: String::new(),
        state: FindingState::New,
    };
    FindingRaised {
        finding: Arc::new(finding),
        respond: wishes.iter().map(|wish| RespondSpec { wish: wish.clone(), approval: Approval::Automatic }).collect(),
        mode: Mode::Enforce,
        budget_per_hour: None,
        critical: false,
        groups: vec!["meters".into()],
        kin: Vec::new(),
        sessions: Vec::new(),
    }
}

#[test]
fn a_finding_becomes_a_verified_disconnect() {
    let nas = Nas::start(|_, _| Reaction::Ack);
    let mut profile = nas.profile("pgw");
    profile.deadline = Duration::from_secs(30);
    let house = House::new(profile);
    let responder = house.start();
    let start = Instant::now();
    responder.raise(raised("meter-1", "s1", &[Wish::Disconnect]));
    eventually("the Disconnect is on the wire", || nas.count() == 1);
    eprintln!("first finding to wire: {:?}", start.elapsed());
    house.comes_to("disconnect", ResponseState::Accepted);
    responder.session_ended(session("s1"), "Stop, cause Admin-Reset");
    let done = house.comes_to("disconnect", ResponseState::Verified);
    assert_eq!(done.history.last().map(|step| step.note.as_str()), Some("the session ended: Stop, cause Admin-Reset"));
    let sample = |name| responder.metrics().into_iter().find(|s| s.name == name).map(|s| s.value);
    assert_eq!(sample("fleetward_time_to_stop_seconds_count"), Some(1.0));
    assert_eq!(sample("fleetward_time_to_verify_seconds_count"), Some(1.0));

    drop(responder);
    let responder = house.start();
    responder.raise(raised("meter-1", "s1", &[Wish::Disconnect]));
    responder.raise(raised("meter-2", "s2", &[Wish::Disconnect]));
    eventually("only the new one is sent", || nas.count() == 2);
    assert_eq!(house.responses("disconnect").len(), 2);
}

#[test]
fn a_silent_key_set_is_followed_by_the_next_and_a_vanished_session_is_reconciled() {
    let nas = Nas::start(|_, before| if before < 2 { Reaction::Silence } else { Reaction::Nak(Some(503)) });
    let mut profile = nas.profile("pgw");
    profile.deadline = Duration::from_secs(30);
    let house = House::new(profile);
    let responder = house.start();
    responder.raise(raised("meter-1", "s1", &[Wish::Disconnect]));
    eventually("it is reconciled", || !house.server.vanished.lock().unwrap().is_empty());
    responder.session_ended(session("s1"), "vanished");
    let done = house.comes_to("disconnect", ResponseState::Verified);
    assert_eq!(done.attempts, 2);
    let log = nas.received.lock().unwrap();
    assert!(log[0].has(1) && !log[2].has(1), "the second key set has no User-Name");
}

#[test]
fn an_ack_that_does_nothing_is_a_failure_that_somebody_hears_of() {
    let (tell, told) = std::sync::mpsc::channel();
    let address = server(move |mut stream, number| {
        tell.send(HttpRequest::read(&stream)).unwrap();
        let status = if number == 0 { 503 } else { 200 };
        write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    });
    let nas = Nas::start(|_, _| Reaction::Ack);
    let mut profile = nas.profile("pgw");
    profile.key_sets.truncate(2);
    let mut house = House::new(profile);
    let secret = Secret::new(STANDARD.encode([7; 32]));
    let url = format!("http://{address}/");
    let hook = ChannelConfig::Webhook(WebhookConfig { url, secret, roots: Roots::Native });
    house.channels.push(("ops".into(), hook));
    let responder = house.start();
    responder.raise(raised("meter-1", "s1", &[Wish::Disconnect]));
    house.comes_to("disconnect", ResponseState::Failed);
    assert_eq!(nas.count(), 2, "both key sets were tried");
    let sent = house.comes_to("notify", ResponseState::Verified);
    assert_eq!(sent.attempts, 2, "the first delivery was answered 503");
    let requests: Vec<HttpRequest> = told.try_iter().collect();
    assert!(requests.iter().all(|request| request.header("webhook-id") == sent.id.to_string()));
    let body: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!((&body["rule"], &body["severity"]), (&"fleetward.containment-failed".into(), &"critical".into()));
    assert!(house.store().finding(sent.finding.unwrap()).unwrap().is_some(), "the finding is stored, too");
    assert!(responder.test_channel("ops").is_ok());
    assert!(matches!(responder.test_channel("nobody"), Err(Failed::UnknownChannel(_))));
}

#[test]
fn a_persons_response_that_did_not_work_names_the_device() {
    let nas = Nas::start(|_, _| Reaction::Ack);
    let mut profile = nas.profile("pgw");
    profile.key_sets.truncate(1);
    let house = House::new(profile);
    let device = Device::named("meter-1");
    let id = device.id();
    house.store().project_devices(&[(Offset(0), DeviceChange { device, removed: false, by: "eve".into() })]).unwrap();
    let responder = house.start();
    for (device, session_id) in [(id, "s1"), (Device::named("gone").id(), "s2")] {
        let action = Action::Disconnect { session: session(session_id) };
        responder.request(ActionRequest { device, action, finding: None, by: "eve".into() }).unwrap();
    }
    let subjects = || {
        let findings = house.store().findings(&FindingFilter::default(), &Page::first(10)).unwrap().items;
        findings.into_iter().map(|finding| finding.subject.to_string()).collect::<HashSet<_>>()
    };
    eventually("both are told of", || subjects().len() == 2);
    assert_eq!(subjects(), HashSet::from(["meter-1".to_owned(), Device::named("gone").id().to_string()]));
    let events = house.server.events.lock().unwrap();
    assert!(
        events.iter().any(|event| matches!(event, ResponseEvent::Raised(finding) if &*finding.subject == "meter-1"))
    );
}

#[test]
fn a_restart_in_the_middle_forgets_nothing() {
    let nas = Nas::start(|_, _| Reaction::Silence);
    let mut profile = nas.profile("pgw");
    profile.retransmit.first = Duration::from_secs(5);
    let house = House::new(profile);
    let responder = house.start();
    for meter in 0..3 {
        let id = format!("s{meter}");
        responder.raise(raised(&format!("meter-{meter}"), &id, &[Wish::Disconnect, Wish::SuspendSim]));
    }
    eventually("they are sent", || nas.count() == 3);
    house.comes_to("suspend_sim", ResponseState::Accepted);
    responder.stop();
    assert!(house.responses("disconnect").iter().all(|response| response.state == ResponseState::Sent));

    house.server.over.lock().unwrap().insert(session("s0")); // its Stop came while we were down
    let responder = house.start();
    house.comes_to("disconnect", ResponseState::Verified);
    eventually("the other two are sent again", || nas.count() == 5);
    for meter in 1..3 {
        responder.session_ended(session(&format!("s{meter}")), "Stop");
    }
    for meter in 0..3 {
        responder.device_changed(Device::named(format!("meter-{meter}")).id(), DeviceState::Suspended);
    }
    eventually("all is verified", || house.store().unfinished_responses().unwrap().is_empty());
    assert_eq!(house.responses("disconnect").len() + house.responses("suspend_sim").len(), 6);
    let log = nas.received.lock().unwrap();
    let ids: HashSet<_> = log.iter().map(|r| (r.from, r.bytes[1])).collect();
    assert_eq!(ids.len(), 5, "no identifier is used twice from one port");
}

#[test]
fn people_decide_and_undo() {
    let nas = Nas::start(|_, _| Reaction::Ack);
    let house = House::new(nas.profile("pgw"));
    let responder = house.start();
    responder.raise(FindingRaised { critical: true, ..raised("meter-1", "s1", &[Wish::SuspendSim]) });
    let waiting = house.comes_to("suspend_sim", ResponseState::Proposed);
    responder.approve(waiting.id, "eve").unwrap();
    assert!(matches!(responder.approve(waiting.id, "eve"), Err(Failed::Refused(_))));
    assert!(matches!(responder.approve(ResponseId(1), "eve"), Err(Failed::Unknown(_))));
    assert!(matches!(responder.revert(waiting.id, "eve"), Err(Failed::Refused(_))), "it is under way");
    responder.device_changed(waiting.device, DeviceState::Suspended);
    house.comes_to("suspend_sim", ResponseState::Verified);
    assert!(house.server.changes.lock().unwrap()[0].2.starts_with("response:"));

    let undoing = responder.revert(waiting.id, "eve").unwrap();
    assert_ne!(undoing, waiting.id);
    house.comes_to("resume_sim", ResponseState::Accepted);
    responder.device_changed(waiting.device, DeviceState::Active);
    house.comes_to("suspend_sim", ResponseState::Reverted);
    house.comes_to("resume_sim", ResponseState::Verified);

    let action = Action::Disconnect { session: session("s9") };
    let request = ActionRequest { device: waiting.device, action, finding: None, by: "eve".into() };
    let id = responder.request(request).unwrap();
    eventually("it is sent at once", || nas.count() == 1);
    responder.session_ended(session("s9"), "Stop");
    assert_eq!(house.comes_to("disconnect", ResponseState::Verified).id, id);
}

#[test]
fn a_hundred_findings_at_once_are_on_the_wire_soon() {
    let nas = Nas::start(|_, _| Reaction::Ack);
    let mut profile = nas.profile("pgw");
    profile.deadline = Duration::from_secs(30);
    profile.retransmit.first = Duration::from_secs(5);
    let house = House::new(profile);
    let responder = house.start();
    let start = Instant::now();
    for meter in 0..100 {
        let mut one = raised(&format!("meter-{meter}"), &format!("s{meter}"), &[Wish::Disconnect]);
        one.budget_per_hour = Some(100);
        responder.raise(one);
    }
    eventually("the fleet's budget is used up", || nas.count() == 50);
    let took = start.elapsed();
    eventually("the rest waits", || {
        let states: Vec<_> = house.responses("disconnect").iter().map(|response| response.state).collect();
        states.iter().filter(|state| **state == ResponseState::Proposed).count() == 50
    });
    eprintln!("50 disconnects on the wire after {took:?}");
    for meter in 0..50 {
        responder.session_ended(session(&format!("s{meter}")), "Stop");
    }
    eventually("all that were sent are verified", || {
        let states: Vec<_> = house.responses("disconnect").iter().map(|response| response.state).collect();
        states.iter().filter(|state| **state == ResponseState::Verified).count() == 50
    });
    assert_eq!(nas.count(), 50);
    let raised =
        |event: &ResponseEvent| matches!(event, ResponseEvent::Raised(f) if &*f.rule == "fleetward.over-budget");
    assert_eq!(house.server.events.lock().unwrap().iter().filter(|event| raised(event)).count(), 1, "told once");
}

#[test]
fn one_finding_after_the_other_is_on_the_wire_at_once() {
    let nas = Nas::start(|_, _| Reaction::Ack);
    let mut profile = nas.profile("pgw");
    profile.deadline = Duration::from_secs(30);
    let house = House::new(profile);
    let responder = house.start();
    let mut took = Vec::new();
    for meter in 0..40 {
        let mut one = raised(&format!("meter-{meter}"), &format!("s{meter}"), &[Wish::Disconnect]);
        one.budget_per_hour = Some(100);
        let start = Instant::now();
        responder.raise(one);
        eventually("the Disconnect is on the wire", || nas.count() == meter + 1);
        took.push(start.elapsed());
        responder.session_ended(session(&format!("s{meter}")), "Stop");
    }
    took.sort();
    eprintln!("one at a time, finding to wire: median {:?}, max {:?}", took[20], took[39]);
    assert!(took[20] < Duration::from_millis(250), "the promise, for the responder alone, on a busy machine: {took:?}");
}

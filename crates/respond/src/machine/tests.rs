//! One story a test.

use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{
    Action, DeviceId, DeviceState, Finding, FindingId, FindingState, Response, ResponseId, ResponseState, SessionKey,
    Severity, Timestamp,
};

use super::*;

pub(super) const SECOND: i64 = 1000;

pub(super) fn finding(rule: &str, device: u64, session: Option<&str>) -> Finding {
    Finding {
        id: FindingId::of(rule, device, 0),
        rule: rule.into(),
        rule_version: 1,
        device: DeviceId(device),
        subject: format!("meter-{device}").into(),
        severity: Severity::High,
        title: "SIM in another module".into(),
        expected: "TAC 35693803".into(),
        observed: "TAC 86012304".into(),
        advice: "Look at the device.".into(),
        tags: Vec::new(),
        first_seen: Timestamp(0),
        last_seen: Timestamp(0),
        observed_at: Timestamp(0),
        count: 1,
        evidence: Vec::new(),
        session: session.map(|id| SessionKey { nas: "pgw".into(), id: id.into() }),
        late: false,
        confidence: String::new(),
        state: FindingState::New,
    }
}

pub(super) fn raised(finding: Finding, wishes: &[Wish]) -> FindingRaised {
    FindingRaised {
        finding: Arc::new(finding),
        respond: wishes.iter().map(|wish| RespondSpec { wish: wish.clone(), approval: Approval::Automatic }).collect(),
        mode: Mode::Enforce,
        budget_per_hour: None,
        critical: false,
        groups: Vec::new(),
        kin: Vec::new(),
        sessions: Vec::new(),
    }
}

pub(super) fn settings() -> Settings {
    let plan = NasPlan {
        key_sets: 2,
        answer_within: Duration::from_secs(10),
        verify_within: Duration::from_secs(30),
        not_found_is_gone: true,
    };
    Settings { nases: [("pgw".into(), plan)].into(), alarm_channels: vec!["ops".into()], ..Settings::default() }
}

/// A machine and everything that it ever wanted.
struct Story {
    machine: Machine,
    now: Timestamp,
    effects: Vec<Effect>,
}

impl Story {
    fn new() -> Self {
        Self { machine: Machine::new(settings()), now: Timestamp(0), effects: Vec::new() }
    }

    fn tell(&mut self, input: Input) -> &mut Self {
        self.effects.clear();
        self.machine.step(self.now, input, &mut self.effects).expect("not refused");
        self
    }

    fn raise(&mut self, raised: FindingRaised) -> &mut Self {
        self.tell(Input::Finding(Box::new(raised)))
    }

    fn after(&mut self, secs: i64) -> &mut Self {
        self.now = Timestamp(self.now.0 + secs * SECOND);
        self.tell(Input::Tick)
    }

    fn sends(&self) -> Vec<(ResponseId, usize, u32)> {
        let of = |effect: &Effect| match effect {
            Effect::Send { id, key_set, attempt, .. } => Some((*id, *key_set, *attempt)),
            _ => None,
        };
        self.effects.iter().filter_map(of).collect()
    }

    /// The last persisted form of the first response in this step.
    fn last(&self) -> Response {
        let of = |effect: &Effect| match effect {
            Effect::Persist(response) => Some((**response).clone()),
            _ => None,
        };
        self.effects.iter().filter_map(of).next_back().expect("something was persisted")
    }

    /// Of its last step.
    fn note(&self) -> String {
        self.last().history.last().expect("it has a step").note.clone()
    }

    fn end(&mut self, session: &str) -> &mut Self {
        let session = SessionKey { nas: "pgw".into(), id: session.into() };
        self.tell(Input::SessionEnded { session, cause: "Stop, cause Admin-Reset".into() })
    }

    fn nas(&mut self, id: ResponseId, attempt: u32, answer: NasAnswer) -> &mut Self {
        self.tell(Input::Nas { id, attempt, answer })
    }
}

#[test]
fn ack_and_stop_verify_a_disconnect() {
    use ResponseState::{Accepted, Approved, Sent, Verified};
    let mut story = Story::new();
    story.raise(raised(finding("r", 1, Some("s1")), &[Wish::Disconnect]));
    let [(id, 0, 1)] = story.sends()[..] else { panic!("{:?}", story.effects) };
    assert!(matches!(story.effects[0], Effect::Persist(_)), "persisted before sent");
    story.nas(id, 1, NasAnswer::Ack);
    assert_eq!(story.last().state, ResponseState::Accepted);
    assert_eq!(story.end("s1").last().state, ResponseState::Verified);
    let states: Vec<_> = story.last().history.iter().map(|step| step.state).collect();
    assert_eq!(states, [Approved, Sent, Accepted, Verified]);
    assert_eq!(story.note(), "the session ended: Stop, cause Admin-Reset");
    story.raise(raised(finding("r", 1, Some("s1")), &[Wish::Disconnect]));
    assert!(story.effects.is_empty(), "the same finding never responds twice");
}

#[test]
fn a_stop_before_the_ack_counts() {
    let mut story = Story::new();
    story.raise(raised(finding("r", 1, Some("s1")), &[Wish::Disconnect]));
    story.end("s1");
    assert_eq!(story.last().state, ResponseState::Verified);
    assert_eq!(story.note(), "the session ended before the NAS's answer was seen: Stop, cause Admin-Reset");
    assert!(story.effects.iter().any(|effect| matches!(effect, Effect::Cancel { .. })));
}

#[test]
fn an_ack_without_a_stop_leads_to_the_next_key_set_and_then_to_an_alarm() {
    let mut story = Story::new();
    story.raise(raised(finding("r", 1, Some("s1")), &[Wish::Disconnect]));
    let id = story.sends()[0].0;
    story.nas(id, 1, NasAnswer::Ack).after(30);
    assert_eq!(story.sends(), [(id, 1, 2)]);
    story.nas(id, 1, NasAnswer::Ack); // late, of the first attempt
    assert!(story.effects.is_empty());
    story.nas(id, 2, NasAnswer::Nak { error_cause: Some(404) });
    assert!(matches!(story.effects.last(), Some(Effect::Confirm { .. })));
    story.tell(Input::Standing { id, open: true });
    let failed = story.effects.iter().find_map(|effect| match effect {
        Effect::Persist(response) if response.id == id => Some(response.state),
        _ => None,
    });
    assert_eq!(failed, Some(ResponseState::Failed));
    assert!(story.effects.iter().any(|effect| matches!(effect, Effect::Raise(f) if f.severity == Severity::Critical)));
    assert!(story.effects.iter().any(|effect| matches!(effect, Effect::Notify { channel, .. } if &**channel == "ops")));
}

#[test]
fn no_such_session_is_reconciled_and_verified_by_what_comes_back() {
    let mut story = Story::new();
    story.raise(raised(finding("r", 1, Some("s1")), &[Wish::Disconnect]));
    let id = story.sends()[0].0;
    story.nas(id, 1, NasAnswer::Nak { error_cause: Some(503) });
    assert!(matches!(story.effects.last(), Some(Effect::Reconcile { .. })));
    assert_eq!(story.last().state, ResponseState::Accepted);
    assert_eq!(story.end("s1").last().state, ResponseState::Verified);
}

#[test]
fn a_second_finding_joins() {
    let mut story = Story::new();
    story.raise(raised(finding("r", 1, Some("s1")), &[Wish::Disconnect]));
    story.raise(raised(finding("other", 1, Some("s1")), &[Wish::Disconnect]));
    assert!(story.sends().is_empty());
    assert!(story.last().history.last().is_some_and(|step| step.note.starts_with("joins response ")));
    story.end("s1");
    let verified = story.effects.iter().filter(|effect| match effect {
        Effect::Persist(response) => response.state == ResponseState::Verified,
        _ => false,
    });
    assert_eq!(verified.count(), 2);
    assert_eq!(story.machine.unfinished().count(), 0);
}

#[test]
fn modes_do_what_they_say() {
    let wishes = [Wish::Disconnect, Wish::SuspendSim, Wish::Notify { channel: "ops".into() }];
    let with = |mode| FindingRaised { mode, ..raised(finding("r", 1, Some("s1")), &wishes) };
    let mut story = Story::new();
    assert!(story.raise(with(Mode::Off)).effects.is_empty());
    story.raise(with(Mode::DryRun));
    let [Effect::Note { text, .. }] = &story.effects[..] else { panic!("{:?}", story.effects) };
    assert_eq!(text, "would have: disconnect (pgw/s1), suspend_sim, notify (ops)");
    story.raise(with(Mode::NotifyOnly));
    assert_eq!(story.machine.unfinished().count(), 1);
    let mut suppressed = raised(finding("q", 1, Some("s1")), &wishes);
    Arc::make_mut(&mut suppressed.finding).state = FindingState::Suppressed;
    assert!(story.raise(suppressed).effects.is_empty());
}

#[test]
fn critical_devices_and_human_approval_wait_for_a_person() {
    let mut story = Story::new();
    story.raise(FindingRaised { critical: true, ..raised(finding("r", 1, Some("s1")), &[Wish::Disconnect]) });
    let id = story.last().id;
    assert_eq!((story.last().state, story.sends().len()), (ResponseState::Proposed, 0));
    story.after(3600 * 24);
    assert!(story.effects.is_empty());
    story.tell(Input::Approve { id, by: "eve".into() });
    assert_eq!(story.sends(), [(id, 0, 1)]);
    let again = story.machine.step(story.now, Input::Approve { id, by: "eve".into() }, &mut Vec::new());
    assert_eq!(again, Err(Refused::NotProposed));

    let mut human = raised(finding("r", 2, Some("s2")), &[Wish::Disconnect]);
    human.respond[0].approval = Approval::Human;
    story.raise(human);
    let id = story.last().id;
    story.tell(Input::Reject { id, by: "eve".into() });
    assert_eq!(story.last().state, ResponseState::Failed);
    assert_eq!(story.last().history.last().map(|step| step.note.as_str()), Some("refused by eve; nothing was sent"));
    let undoing = Input::Revert { original: Box::new(story.last().clone()), id: ResponseId(78), by: "eve".into() };
    assert_eq!(story.machine.step(story.now, undoing, &mut Vec::new()), Err(Refused::NothingSent));
}

#[test]
fn what_was_learnt_more_than_a_day_ago_waits_for_a_person_and_is_told() {
    let mut story = Story::new();
    let asks = |device: u64| raised(finding("r", device, Some("s1")), &[Wish::Disconnect]);
    story.after(24 * 3600).raise(asks(1));
    assert_eq!((story.last().state, story.sends().len()), (ResponseState::Sent, 1));
    story.after(1).raise(asks(2));
    assert_eq!((story.last().state, story.sends().len()), (ResponseState::Proposed, 0));
    let note = story.last().history.last().map(|step| step.note.clone()).unwrap_or_default();
    assert!(note.contains("24 hours ago"), "{note}");
}

#[test]
fn beyond_the_budget_a_person_decides() {
    let mut story = Story::new();
    for device in 0..25 {
        let session = format!("s{device}");
        let raised = raised(finding("r", device, Some(&session)), &[Wish::Disconnect]);
        story.raise(FindingRaised { budget_per_hour: (device > 100).then_some(1), ..raised });
        assert_eq!(story.sends().len(), usize::from(device < 20), "device {device}");
    }
    let waiting = story.machine.unfinished().filter(|response| response.state == ResponseState::Proposed).count();
    assert_eq!(waiting, 5);
    story.after(7200);
    let waiting = story.machine.unfinished().filter(|response| response.state == ResponseState::Proposed).count();
    assert_eq!(waiting, 5, "they do not trickle out as the hour passes");
}

#[test]
fn a_rule_that_matches_a_whole_group_stops_at_its_share_and_says_so() {
    let mut story = Story::new();
    let (mut sent, mut told) = (0, Vec::new());
    for device in 0..30 {
        let session = format!("s{device}");
        let raised = raised(finding("everybody", device, Some(&session)), &[Wish::Disconnect]);
        let kin = vec![("north".into(), 30)];
        story.raise(FindingRaised { budget_per_hour: Some(1000), kin, ..raised });
        sent += story.sends().len();
        told.extend(story.effects.iter().filter_map(|effect| match effect {
            Effect::Raise(finding) => Some((finding.subject.to_string(), finding.observed.clone())),
            _ => None,
        }));
    }
    assert_eq!(sent, 6, "20 % of 30");
    let words = "over budget: 6 of the 30 devices of group north were touched within the hour; a person decides on \
                 rule everybody";
    assert_eq!(told, [("everybody".to_owned(), words.to_owned())], "once, however many are held back");
}

#[test]
fn a_suspension_is_verified_by_the_journal_and_reverted_by_a_resumption() {
    let mut story = Story::new();
    story.raise(raised(finding("r", 1, None), &[Wish::SuspendSim]));
    let id = story.last().id;
    let done = || Outcome::Done("committed".into());
    story.tell(Input::DeviceAnswer { id, attempt: 1, outcome: done() });
    story.tell(Input::DeviceChanged { device: DeviceId(1), state: DeviceState::Suspended });
    let original = story.last();
    assert_eq!(original.state, ResponseState::Verified);

    let undoing = ResponseId(77);
    story.tell(Input::Revert { original: Box::new(original.clone()), id: undoing, by: "eve".into() });
    assert_eq!(story.last().action, Action::ResumeSim);
    story.tell(Input::DeviceAnswer { id: undoing, attempt: 1, outcome: done() });
    story.tell(Input::DeviceChanged { device: DeviceId(1), state: DeviceState::Active });
    assert!(story.effects.iter().any(|effect| matches!(effect, Effect::Reverted { original, .. } if *original == id)));

    let disconnect = Response { action: Action::Disconnect { session: key("s") }, ..original };
    let revert = Input::Revert { original: Box::new(disconnect), id: ResponseId(78), by: "eve".into() };
    let refused = story.machine.step(story.now, revert, &mut Vec::new());
    assert_eq!(refused, Err(Refused::NoWayBack("disconnect")));
}

#[test]
fn a_quarantine_is_verified_by_what_the_firewall_shows_and_undone_by_a_release() {
    let mut story = Story::new();
    story.raise(raised(finding("r", 1, None), &[Wish::Quarantine]));
    let id = story.last().id;
    let is_cut = |effect: &Effect| matches!(effect, Effect::Isolate { cut: true, device: DeviceId(1), attempt: 1, .. });
    assert!(story.effects.iter().any(is_cut));
    let shown = |cut| Input::Isolated { device: DeviceId(1), cut, proof: "17 packets of it were dropped".into() };
    story.tell(shown(true));
    assert_eq!(story.machine.get(id).unwrap().state, ResponseState::Sent, "nothing is verified that was not accepted");
    story.tell(Input::DeviceAnswer { id, attempt: 1, outcome: Outcome::Done("in force".into()) });
    story.tell(shown(false));
    assert_eq!(
        story.machine.get(id).unwrap().state,
        ResponseState::Accepted,
        "being let back is no proof of being cut off"
    );
    story.tell(shown(true));
    let original = story.last();
    assert_eq!(original.state, ResponseState::Verified);
    assert_eq!(original.history.last().unwrap().note, "the firewall shows it: 17 packets of it were dropped");

    let undoing = ResponseId(77);
    story.tell(Input::Revert { original: Box::new(original), id: undoing, by: "eve".into() });
    assert_eq!(story.last().action, Action::Release);
    story.tell(Input::DeviceAnswer { id: undoing, attempt: 1, outcome: Outcome::Done("in force".into()) });
    story.tell(shown(false));
    assert!(story.effects.iter().any(|effect| matches!(effect, Effect::Reverted { original, .. } if *original == id)));
}

#[test]
fn a_quarantine_without_effect_is_tried_again_and_then_said_to_have_failed() {
    let mut story = Story::new();
    story.raise(raised(finding("r", 1, None), &[Wish::Quarantine]));
    let id = story.last().id;
    let (mut failed, mut told) = (false, false);
    for _ in 0..30 {
        if let Some(live) = story.machine.get(id) {
            let attempt = live.attempts;
            story.tell(Input::DeviceAnswer { id, attempt, outcome: Outcome::Done("in force".into()) });
        }
        story.after(600);
        failed |= story
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Persist(it) if it.id == id && it.state == ResponseState::Failed));
        told |= story.effects.iter().any(|effect| matches!(effect, Effect::Raise(_)));
    }
    assert!(failed && told, "it is not left half done, and a person is told");
}

#[test]
fn a_channel_is_tried_again_and_then_given_up() {
    let mut story = Story::new();
    story.raise(raised(finding("r", 1, None), &[Wish::Notify { channel: "ops".into() }]));
    let id = story.last().id;
    for attempt in 1..=5 {
        story.tell(Input::Channel { id, attempt, outcome: Outcome::Retry("answered 503".into()) });
        if attempt < 5 {
            story.after(300);
            assert!(matches!(story.effects.last(), Some(Effect::Notify { attempt: next, .. }) if *next == attempt + 1));
        }
    }
    assert_eq!(story.last().state, ResponseState::Failed);
}

#[test]
fn a_restart_takes_up_what_is_under_way() {
    let mut story = Story::new();
    story.raise(raised(finding("r", 1, Some("s1")), &[Wish::Disconnect]));
    let sent = story.last();
    story.raise(raised(finding("r", 2, Some("s2")), &[Wish::Disconnect]));
    let id = story.sends()[0].0;
    let accepted = story.nas(id, 1, NasAnswer::Ack).last();

    let mut after = Story::new();
    after.now = Timestamp(10 * SECOND);
    after.machine.restore(after.now, vec![accepted, sent.clone()], &[], &mut after.effects);
    assert_eq!(after.sends(), [(sent.id, 0, 1)], "the same key set again; the accepted one keeps waiting");
    assert_eq!(after.end("s1").last().state, ResponseState::Verified);
    after.after(20);
    assert_eq!(after.sends(), [(id, 1, 2)], "the deadline was kept");
}

fn key(id: &str) -> SessionKey {
    SessionKey { nas: "pgw".into(), id: id.into() }
}

//! What holds whatever happens, in whatever order: findings, answers (also wrong and late ones), people, time, restarts.

use std::collections::{HashMap, HashSet};

use fleetward_fleet::{
    Action, Actor, DeviceId, DeviceState, Response, ResponseId, ResponseState, SessionKey, Timestamp,
};
use proptest::prelude::*;

use super::tests::{SECOND, finding, raised, settings};
use super::*;

const RULE_LIMIT: u32 = 2;
const FLEET_LIMIT: u32 = 4;

#[derive(Debug, Clone, Copy)]
enum Event {
    Raise { rule: u8, device: u8, session: u8, wish: u8, critical: bool, human: bool },
    Answer { which: usize, answer: u8, stale: bool },
    SessionEnded(u8),
    DeviceChanged { device: u8, suspended: bool },
    Outcome { which: usize, outcome: u8 },
    Standing { which: usize, open: bool },
    Person { which: usize, what: u8 },
    Pass(u16),
    Restart,
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..3_u8, 0..6_u8, 0..4_u8, 0..5_u8, prop::bool::weighted(0.1), prop::bool::weighted(0.1)).prop_map(
            |(rule, device, session, wish, critical, human)| Event::Raise { rule, device, session, wish, critical, human }
        ),
        4 => (0..8_usize, 0..6_u8, prop::bool::weighted(0.2))
            .prop_map(|(which, answer, stale)| Event::Answer { which, answer, stale }),
        1 => (0..4_u8).prop_map(Event::SessionEnded),
        1 => (0..6_u8, any::<bool>()).prop_map(|(device, suspended)| Event::DeviceChanged { device, suspended }),
        2 => (0..8_usize, 0..3_u8).prop_map(|(which, outcome)| Event::Outcome { which, outcome }),
        1 => (0..8_usize, any::<bool>()).prop_map(|(which, open)| Event::Standing { which, open }),
        1 => (0..8_usize, 0..3_u8).prop_map(|(which, what)| Event::Person { which, what }),
        3 => (1..2000_u16).prop_map(Event::Pass),
        1 => Just(Event::Restart),
    ]
}

/// The machine, a store, and what is outstanding in the world.
struct World {
    machine: Machine,
    now: Timestamp,
    store: HashMap<ResponseId, Response>,
    outstanding: HashSet<ResponseId>,
    next_id: u128,
}

impl World {
    fn new() -> Self {
        Self {
            machine: Machine::new(bounds()),
            now: Timestamp(0),
            store: HashMap::new(),
            outstanding: HashSet::new(),
            next_id: 1,
        }
    }

    fn tell(&mut self, input: Input) {
        let mut effects = Vec::new();
        let _refused_is_fine = self.machine.step(self.now, input, &mut effects).is_err();
        self.check(effects);
    }

    fn check(&mut self, effects: Vec<Effect>) {
        let mut persisted = HashSet::new();
        for effect in effects {
            match effect {
                Effect::Persist(response) => {
                    persisted.insert(response.id);
                    if let Some(before) = self.store.get(&response.id) {
                        assert!(!before.state.is_final(), "final states stay final: {before:?} -> {response:?}");
                        assert!(response.history.starts_with(&before.history), "history only grows");
                    }
                    if response.state != ResponseState::Sent {
                        self.outstanding.remove(&response.id);
                    }
                    self.store.insert(response.id, *response);
                }
                Effect::Send { id, attempt, key_set, .. } => {
                    assert!(persisted.contains(&id), "persisted before sent");
                    assert!(self.outstanding.insert(id), "two requests outstanding for {id}");
                    assert_eq!(attempt as usize, key_set + 1);
                    assert!(key_set < 2);
                }
                Effect::Notify { id, .. } | Effect::ChangeDevice { id, .. } | Effect::Isolate { id, .. } => {
                    assert!(persisted.contains(&id), "persisted before done");
                }
                Effect::Cancel { id } => drop(self.outstanding.remove(&id)),
                Effect::Reverted { original, .. } => {
                    let original = self.store.get(&original).map(|r| &r.action);
                    assert!(matches!(original, Some(Action::SuspendSim | Action::Quarantine)));
                }
                Effect::Reconcile { .. } | Effect::Confirm { .. } | Effect::Raise(_) | Effect::Note { .. } => {}
            }
        }
        self.invariants();
    }

    fn invariants(&self) {
        for response in self.machine.unfinished() {
            assert!(!response.state.is_final());
            let waits_for_a_person = response.state == ResponseState::Proposed;
            assert_eq!(response.due_at.is_none(), waits_for_a_person, "half done: {response:?}");
        }
        let waiting = self.machine.unfinished().filter(|r| r.state == ResponseState::Proposed).count();
        assert_eq!(self.machine.proposals, waiting);
        self.budgets();
    }

    /// Counted from what was persisted, not from what the machine thinks.
    fn budgets(&self) {
        let automatic = self.store.values().filter(|r| r.action.is_intervention()).filter_map(|r| {
            let Actor::Rule(rule) = &r.by else { return None };
            let step = r.history.iter().find(|step| step.state == ResponseState::Approved)?;
            let joined = r.history.iter().any(|step| step.note.starts_with("joins"));
            (step.note.starts_with("rule ") && !joined).then_some((rule, r.device, step.at))
        });
        let recent: Vec<_> = automatic.filter(|(.., at)| self.now.0 - at.0 < 3600 * SECOND).collect();
        let devices: HashSet<_> = recent.iter().map(|(_, device, _)| *device).collect();
        assert!(devices.len() <= FLEET_LIMIT as usize, "fleet budget");
        for rule in recent.iter().map(|(rule, ..)| *rule).collect::<HashSet<_>>() {
            let devices: HashSet<_> =
                recent.iter().filter(|(r, ..)| *r == rule).map(|(_, device, _)| *device).collect();
            assert!(devices.len() <= RULE_LIMIT as usize, "budget of {rule}");
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Raise { rule, device, session, wish, critical, human } => {
                let session = format!("s{session}");
                let wish = match wish {
                    0 => Wish::Disconnect,
                    1 => Wish::SuspendSim,
                    2 => Wish::Notify { channel: "ops".into() },
                    3 => Wish::Quarantine,
                    _ => Wish::ChangeOfAuthorization { session_timeout_secs: 60 },
                };
                let mut raised = raised(finding(&format!("r{rule}"), device.into(), Some(&session)), &[wish]);
                raised.critical = critical;
                raised.respond[0].approval = if human { Approval::Human } else { Approval::Automatic };
                for id in Machine::ids_of(&raised) {
                    if self.store.contains_key(&id) {
                        self.machine.remember(id);
                    }
                }
                self.tell(Input::Finding(Box::new(raised)));
            }
            Event::Answer { which, answer, stale } => {
                let Some((id, attempt)) = self.nth(which) else { return };
                let answer = match answer {
                    0 => NasAnswer::Ack,
                    1 => NasAnswer::Nak { error_cause: Some(503) },
                    2 => NasAnswer::Nak { error_cause: None },
                    3 => NasAnswer::Timeout,
                    4 => NasAnswer::Queued,
                    _ => NasAnswer::NotOpen,
                };
                if !stale && answer != NasAnswer::Queued {
                    self.outstanding.remove(&id);
                }
                self.tell(Input::Nas { id, attempt: attempt - u32::from(stale), answer });
            }
            Event::SessionEnded(session) => {
                let session = SessionKey { nas: "pgw".into(), id: format!("s{session}").into() };
                self.tell(Input::SessionEnded { session, cause: "Stop".into() });
            }
            Event::DeviceChanged { device, suspended } => {
                let state = if suspended { DeviceState::Suspended } else { DeviceState::Active };
                self.tell(Input::DeviceChanged { device: DeviceId(device.into()), state });
                let proof = "packets were dropped".into();
                self.tell(Input::Isolated { device: DeviceId(device.into()), cut: suspended, proof });
            }
            Event::Outcome { which, outcome } => {
                let Some((id, attempt)) = self.nth(which) else { return };
                let outcome = match outcome {
                    0 => Outcome::Done("ok".into()),
                    1 => Outcome::Retry("later".into()),
                    _ => Outcome::Refused("never".into()),
                };
                let notifies = matches!(self.store.get(&id).map(|r| &r.action), Some(Action::Notify { .. }));
                let suspends = matches!(
                    self.store.get(&id).map(|r| &r.action),
                    Some(Action::SuspendSim | Action::ResumeSim | Action::Quarantine | Action::Release)
                );
                if notifies {
                    self.tell(Input::Channel { id, attempt, outcome });
                } else if suspends {
                    self.tell(Input::DeviceAnswer { id, attempt, outcome });
                }
            }
            Event::Standing { which, open } => {
                let Some((id, _)) = self.nth(which) else { return };
                self.tell(Input::Standing { id, open });
            }
            Event::Person { which, what } => self.person(which, what),
            Event::Pass(secs) => self.pass(i64::from(secs) * SECOND),
            Event::Restart => self.restart(),
        }
    }

    fn person(&mut self, which: usize, what: u8) {
        let mut ids: Vec<_> = self.store.keys().copied().collect();
        ids.sort();
        let Some(id) = ids.get(which % ids.len().max(1)).copied() else { return };
        let by = "eve".into();
        match what {
            0 => self.tell(Input::Approve { id, by }),
            1 => self.tell(Input::Reject { id, by }),
            _ => {
                self.next_id += 1;
                let original = Box::new(self.store[&id].clone());
                self.tell(Input::Revert { original, id: ResponseId(self.next_id), by });
            }
        }
    }

    fn pass(&mut self, ms: i64) {
        self.now = Timestamp(self.now.0 + ms);
        // What is due now counts as unanswered: the machine stopped waiting, and the client supersedes.
        let due: Vec<_> =
            self.machine.unfinished().filter(|r| r.due_at.is_some_and(|at| at <= self.now)).map(|r| r.id).collect();
        for id in due {
            self.outstanding.remove(&id);
        }
        self.tell(Input::Tick);
        assert!(self.machine.next_due().is_none_or(|due| due > self.now), "a tick does all that is due");
    }

    fn restart(&mut self) {
        let unfinished: Vec<_> = self.store.values().filter(|r| !r.state.is_final()).cloned().collect();
        let mut recent: Vec<_> =
            self.store.values().filter(|r| self.now.0 - r.created_at.0 < 3600 * SECOND).cloned().collect();
        recent.sort_by_key(|r| r.created_at);
        self.outstanding.clear();
        self.machine = Machine::new(bounds());
        let mut effects = Vec::new();
        let count = unfinished.len();
        self.machine.restore(self.now, unfinished, &recent, &mut effects);
        assert!(self.machine.unfinished().count() <= count + effects.len());
        self.check(effects);
    }

    fn nth(&self, which: usize) -> Option<(ResponseId, u32)> {
        let mut live: Vec<_> =
            self.machine.unfinished().filter(|r| r.attempts > 0).map(|r| (r.id, r.attempts)).collect();
        live.sort();
        live.get(which % live.len().max(1)).copied()
    }
}

fn bounds() -> Settings {
    Settings { rule_per_hour: RULE_LIMIT, fleet_per_hour: FLEET_LIMIT, open_proposals: 5, ..settings() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(story in prop::collection::vec(events(), 1..80)) {
        let mut world = World::new();
        for event in story {
            world.happens(event);
        }
        // The world falls silent: everything comes to an end by itself, except what waits for a person.
        for _ in 0..300 {
            match world.machine.next_due() {
                Some(due) => world.pass(due.0 - world.now.0),
                None => break,
            }
        }
        prop_assert!(world.machine.unfinished().all(|r| r.state == ResponseState::Proposed));
        prop_assert!(world.machine.leaders.is_empty(), "nobody leads who is gone");
        prop_assert!(world.machine.timers.is_empty());
    }
}

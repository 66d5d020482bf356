use fleetward_fleet::{
    Action, Actor, DeviceId, FindingId, Response, ResponseId, ResponseState, SessionKey, Timestamp, Transition,
};
use fleetward_store::{Inserted, Page, ResponseFilter, StoreError};

use crate::{Fixture, at, finding};

fn response(rule: &str, device: &str, created: i64) -> Response {
    let finding = FindingId::of(rule, DeviceId::of(device).0, created);
    let action = Action::Disconnect { session: SessionKey { nas: "pgw-1".into(), id: device.into() } };
    Response {
        id: ResponseId::of(finding, action.name(), device),
        finding: Some(finding),
        device: DeviceId::of(device),
        action,
        state: ResponseState::Proposed,
        by: Actor::Rule(rule.into()),
        created_at: at(created),
        observed_at: at(created),
        attempts: 0,
        due_at: Some(at(created)),
        undo: "nothing to undo".into(),
        history: vec![Transition { at: at(created), state: ResponseState::Proposed, note: String::new() }],
    }
}

fn advance(response: &mut Response, state: ResponseState, when: Timestamp) {
    response.state = state;
    response.history.push(Transition { at: when, state, note: "next".into() });
}

#[test]
fn the_same_finding_never_responds_twice() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let mut first = response("volume", "meter-1", 10);
    assert_eq!(store.insert_responses([&first, &first]).unwrap(), [Inserted::New, Inserted::Known]);
    advance(&mut first, ResponseState::Approved, at(11));
    store.update_response(&first).unwrap();
    assert_eq!(store.insert_response(&response("volume", "meter-1", 10)).unwrap(), Inserted::Known);
    assert_eq!(store.response(first.id).unwrap().unwrap().state, ResponseState::Approved, "a replay sets nothing back");
}

#[test]
fn two_who_change_it_at_once_cannot_overwrite_each_other() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let mut ours = response("volume", "meter-1", 10);
    store.insert_response(&ours).unwrap();
    let mut theirs = ours.clone();
    advance(&mut ours, ResponseState::Approved, at(11));
    store.update_response(&ours).unwrap();
    advance(&mut theirs, ResponseState::Failed, at(12));
    assert!(matches!(store.update_response(&theirs), Err(StoreError::Stale { .. })));
    assert!(matches!(store.update_response(&response("x", "y", 1)), Err(StoreError::NotFound { .. })));
}

#[test]
fn a_restart_finds_what_is_under_way_and_what_is_due() {
    let Fixture { store, folder } = Fixture::new();
    let mut responses: Vec<_> = (0..4).map(|n| response("volume", &format!("meter-{n}"), 100 - n)).collect();
    store.insert_responses(&responses).unwrap();
    advance(&mut responses[0], ResponseState::Failed, at(200));
    responses[1].due_at = None;
    store.update_response(&responses[0]).unwrap();
    store.update_response(&responses[1]).unwrap();
    let path = store.path().to_owned();
    drop(store);
    let store = fleetward_store::Store::open(&path).unwrap();
    assert_eq!(store.unfinished_responses().unwrap(), responses[1..]);
    assert_eq!(store.due_responses(at(97)).unwrap(), [responses[3].clone()]);
    assert_eq!(store.due_responses(at(300)).unwrap(), [responses[3].clone(), responses[2].clone()]);
    drop(folder);
}

#[test]
fn a_budget_counts_devices_that_were_touched() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let mut responses: Vec<_> = (0..5).map(|n| response("volume", &format!("meter-{}", n / 2), n)).collect();
    responses[4].action = Action::Notify { channel: "mail".into() };
    let mut person = response("volume", "meter-9", 1);
    person.by = Actor::User("ada".into());
    advance(&mut person, ResponseState::Approved, at(2));
    store.insert_responses(responses.iter().chain([&person])).unwrap();
    assert_eq!(store.interventions_since("volume", at(0)).unwrap(), [], "proposed ones wait");
    for response in &mut responses[..2] {
        advance(response, ResponseState::Approved, at(50));
        advance(response, ResponseState::Failed, at(60));
        store.update_response(response).unwrap();
    }
    advance(&mut responses[2], ResponseState::Failed, at(60));
    advance(&mut responses[4], ResponseState::Verified, at(60));
    store.update_response(&responses[2]).unwrap();
    store.update_response(&responses[4]).unwrap();
    assert_eq!(store.interventions_since("volume", at(0)).unwrap(), [DeviceId::of("meter-0")]);
    assert_eq!(store.interventions_since("volume", at(51)).unwrap(), []);
    assert_eq!(store.interventions_since("other", at(0)).unwrap(), []);
}

#[test]
fn lists_filter_and_page_and_a_finding_shows_its_own() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let found = finding("volume", "meter-1", 3);
    store.record_finding(&found, at(3)).unwrap();
    let responses: Vec<_> = (0..12).map(|n| response("volume", "meter-1", n)).collect();
    store.insert_responses(&responses).unwrap();
    let all = ResponseFilter::default;
    let ids = |filter: ResponseFilter| -> Vec<ResponseId> {
        let (mut page, mut seen) = (Page::first(5), Vec::new());
        loop {
            let listing = store.responses(&filter, &page).unwrap();
            seen.extend(listing.items.iter().map(|response| response.id));
            let Some(next) = listing.next else { return seen };
            page.cursor = Some(next);
        }
    };
    assert_eq!(ids(all()), responses.iter().rev().map(|r| r.id).collect::<Vec<_>>());
    assert_eq!(ids(ResponseFilter { finding: Some(found.id), ..all() }), [responses[3].id]);
    assert_eq!(ids(ResponseFilter { since: Some(at(10)), ..all() }).len(), 2);
    assert_eq!(ids(ResponseFilter { action: Some("notify".into()), ..all() }), []);
    assert_eq!(ids(ResponseFilter { rule: Some("volume".into()), ..all() }).len(), 12);
    assert_eq!(ids(ResponseFilter { device: Some(DeviceId::of("meter-1")), ..all() }).len(), 12);
    assert_eq!(ids(ResponseFilter { states: vec![ResponseState::Sent], ..all() }), []);
    assert_eq!(store.finding(found.id).unwrap().unwrap().responses, [responses[3].clone()]);
}

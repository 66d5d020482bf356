use fleetward_fleet::{DeviceId, Finding, FindingId, FindingState, Offset, SessionKey, Severity};
use fleetward_store::{FindingFilter, Outcome, Page, StoreError};
use proptest::prelude::*;

use crate::{Fixture, at, finding};

#[test]
fn is_written_once_and_grows() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let first = finding("volume", "meter-1", 10);
    let mut later = first.clone();
    later.count = 3;
    later.last_seen = at(500);
    later.observed = "80 MB".into();
    later.evidence = vec![Offset(10), Offset(11)];
    let outcomes: Vec<_> =
        store.record_findings([&first, &later, &first], at(600)).unwrap().iter().map(|r| r.outcome).collect();
    assert_eq!(outcomes, [Outcome::Inserted, Outcome::Updated, Outcome::Unchanged]);
    let stored = store.finding(first.id).unwrap().unwrap();
    assert_eq!(stored.finding, later);
    assert_eq!(stored.history.len(), 1);
    assert_eq!(store.record_finding(&later, at(700)).unwrap().outcome, Outcome::Unchanged);
}

/// A tick or an answer to a response has no session; the finding keeps the one that it began in.
#[test]
fn keeps_its_session_when_it_grows_without_one() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let key = SessionKey { nas: "vpn-1".into(), id: "7".into() };
    let first = Finding { session: Some(key.clone()), ..finding("volume", "meter-1", 10) };
    let grown = Finding { session: None, count: 2, last_seen: at(20), ..first.clone() };
    for told in [[&first, &grown], [&grown, &first]] {
        store.record_findings(told, at(30)).unwrap();
        let stored = store.finding(first.id).unwrap().unwrap().finding;
        assert_eq!((stored.count, stored.session.as_ref()), (2, Some(&key)));
    }
}

#[test]
fn goes_only_where_it_may() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let id = finding("volume", "meter-1", 10).id;
    store.record_finding(&finding("volume", "meter-1", 10), at(10)).unwrap();
    assert!(matches!(store.acknowledge_finding(id, " ", "", at(11)), Err(StoreError::Invalid { field: "by", .. })));
    assert!(matches!(
        store.acknowledge_finding(id, "ada", &"x".repeat(5000), at(11)),
        Err(StoreError::Invalid { field: "note", .. })
    ));
    assert!(matches!(store.reopen_finding(id, "ada", "", at(11)), Err(StoreError::IllegalTransition { .. })));
    store.acknowledge_finding(id, "ada", "mine", at(12)).unwrap();
    assert!(matches!(store.acknowledge_finding(id, "bob", "", at(13)), Err(StoreError::IllegalTransition { .. })));
    store.resolve_finding(id, "ada", "antenna moved", at(14)).unwrap();
    assert!(matches!(store.acknowledge_finding(id, "ada", "", at(15)), Err(StoreError::IllegalTransition { .. })));
    store.reopen_finding(id, "bob", "not moved", at(16)).unwrap();
    let history: Vec<_> = store.finding(id).unwrap().unwrap().history.into_iter().map(|s| (s.state, s.by)).collect();
    assert_eq!(
        history,
        [
            (FindingState::New, "fleetward".into()),
            (FindingState::Acknowledged, "ada".into()),
            (FindingState::Resolved, "ada".into()),
            (FindingState::New, "bob".into()),
        ]
    );
    assert!(matches!(store.resolve_finding(FindingId(1), "ada", "", at(1)), Err(StoreError::NotFound { .. })));
}

#[test]
fn resolves_itself_when_the_cause_is_gone_and_keeps_its_history() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let found = finding("volume", "meter-1", 10);
    store.record_finding(&found, at(10)).unwrap();
    store.acknowledge_finding(found.id, "ada", "mine", at(12)).unwrap();
    assert!(store.clear_finding(found.id, at(100)).unwrap());
    assert!(!store.clear_finding(found.id, at(100)).unwrap(), "a replay is no news");
    assert!(!store.clear_finding(FindingId(5), at(100)).unwrap());
    let stored = store.finding(found.id).unwrap().unwrap();
    assert_eq!((stored.finding.state, stored.cleared_at), (FindingState::Resolved, Some(at(100))));
    let notes: Vec<_> = stored.history.into_iter().map(|step| step.note).collect();
    assert_eq!(notes, ["", "mine", "cause gone"]);
}

#[test]
fn returns_when_its_cause_does() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let mut found = finding("volume", "meter-1", 10);
    store.record_finding(&found, at(10)).unwrap();
    store.resolve_finding(found.id, "ada", "done", at(50)).unwrap();
    found.count = 2;
    found.last_seen = at(40);
    let late = store.record_finding(&found, at(60)).unwrap();
    assert_eq!((late.state, late.reopened), (FindingState::Resolved, false), "it happened before it was resolved");
    found.count = 3;
    found.last_seen = at(70);
    let back = store.record_finding(&found, at(71)).unwrap();
    assert_eq!((back.state, back.reopened), (FindingState::New, true));
}

#[test]
fn several_are_acknowledged_at_once() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let findings: Vec<_> = (0..4).map(|n| finding("volume", "meter-1", n)).collect();
    store.record_findings(&findings, at(10)).unwrap();
    store.resolve_finding(findings[1].id, "ada", "", at(11)).unwrap();
    let ids: Vec<_> = findings.iter().map(|f| f.id).chain([FindingId(7)]).collect();
    let changed = store.acknowledge_findings(&ids, "ada", "night shift", at(12)).unwrap();
    assert_eq!(changed, [ids[0], ids[2], ids[3]]);
}

#[test]
fn lists_filter_count_and_page() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let mut findings: Vec<_> = (0..30).map(|n| finding("volume", &format!("meter-{n}"), n)).collect();
    for low in &mut findings[..10] {
        low.severity = Severity::Low;
        low.rule = "silence".into();
    }
    store.record_findings(&findings, at(100)).unwrap();
    store.acknowledge_finding(findings[29].id, "ada", "", at(101)).unwrap();
    let ids = |filter: FindingFilter| -> Vec<FindingId> {
        let mut page = Page::first(7);
        let mut all = Vec::new();
        loop {
            let listing = store.findings(&filter, &page).unwrap();
            all.extend(listing.items.iter().map(|finding| finding.id));
            let Some(next) = listing.next else { return all };
            page.cursor = Some(next);
        }
    };
    let newest_first: Vec<_> = findings.iter().rev().map(|finding| finding.id).collect();
    assert_eq!(ids(FindingFilter::default()), newest_first);
    let all = FindingFilter::default;
    assert_eq!(ids(FindingFilter { min_severity: Some(Severity::Medium), ..all() }).len(), 20);
    assert_eq!(ids(FindingFilter { rule: Some("silence".into()), ..all() }).len(), 10);
    assert_eq!(ids(FindingFilter { device: Some(DeviceId::of("meter-3")), ..all() }), [findings[3].id]);
    assert_eq!(ids(FindingFilter { since: Some(at(25)), ..all() }).len(), 5);
    assert_eq!(ids(FindingFilter { text: Some("METER-2? does*".into()), ..all() }).len(), 10);
    assert_eq!(ids(FindingFilter { states: vec![FindingState::Acknowledged], ..all() }), [findings[29].id]);
    let both = vec![FindingState::Acknowledged, FindingState::New];
    assert_eq!(ids(FindingFilter { states: both, ..all() }).len(), 30);
    let mut counts = store.finding_counts().unwrap().rows;
    counts.sort_by_key(|row| row.2);
    assert_eq!(
        counts,
        [
            (FindingState::Acknowledged, Severity::High, 1),
            (FindingState::New, Severity::Low, 10),
            (FindingState::New, Severity::High, 19)
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In whatever order and however often the versions of one episode arrive, the same finding is stored.
    #[test]
    fn order_and_repetition_do_not_matter(order in prop::collection::vec(0..6_usize, 6..20)) {
        let versions: Vec<_> = (1..=6).map(|n| {
            let mut version = finding("volume", "meter-1", 10);
            version.count = n;
            version.last_seen = at(10 + n.cast_signed());
            version.observed = format!("{n} MB");
            version.evidence = (10..10 + n).map(Offset).collect();
            version
        }).collect();
        let Fixture { store, folder: _folder } = Fixture::new();
        let told: Vec<_> = order.iter().chain(&[5]).map(|n| &versions[*n]).collect();
        store.record_findings(told, at(100)).unwrap();
        prop_assert_eq!(&store.finding(versions[0].id).unwrap().unwrap().finding, &versions[5]);
    }
}

#[test]
fn findings_of_a_day_are_counted_by_rule() {
    let Fixture { store, folder: _folder } = Fixture::new();
    for (rule, device, start) in [("volume", "m1", 10), ("volume", "m2", 20), ("volume", "m3", 5), ("other", "m1", 30)]
    {
        store.record_finding(&finding(rule, device, start), at(start)).unwrap();
    }
    let counts = store.count_findings_since(at(10)).unwrap();
    assert_eq!(counts, [("other".into(), 1), ("volume".into(), 2)]);
    assert_eq!(store.count_findings_since(at(31)).unwrap(), []);
}

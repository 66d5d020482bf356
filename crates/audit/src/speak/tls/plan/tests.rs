//! Imagined servers: whatever they take is found, within the hellos that there are.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Takes these suites by version, in its own order or the client's.
#[derive(Debug, Clone)]
struct Server {
    takes: BTreeMap<Version, BTreeSet<u16>>,
    own_order: bool,
    /// Refuses hellos with more suites.
    most: usize,
}

impl Server {
    /// As RFC 5246 §E.1 has it: an older version that both know is taken, too.
    fn answer(&self, question: &Question) -> Answer {
        if question.suites.len() > self.most {
            return Answer::Refused(Some(40));
        }
        let exact = question.version == Version::Tls13;
        let mut versions =
            self.takes.iter().filter(|it| *it.0 <= question.version && (!exact || it.0 == &question.version));
        let Some((version, takes)) = versions.next_back() else { return Answer::Refused(Some(70)) };
        let suite = if self.own_order {
            takes.iter().find(|it| question.suites.contains(it))
        } else {
            question.suites.iter().find(|it| takes.contains(it))
        };
        let Some(suite) = suite else { return Answer::Refused(Some(40)) };
        let flight = Flight {
            version: *version,
            suite: *suite,
            compression: false,
            renegotiation: true,
            certificates: Vec::new(),
            asks_client: false,
            dh_bits: None,
            group: None,
        };
        Answer::Took(Box::new(flight))
    }
}

fn found(server: &Server, left: u32) -> Plan {
    let mut plan = Plan::new(left);
    while let Some(question) = plan.next() {
        let answer = server.answer(&question);
        plan.learn(&question, &answer);
    }
    plan
}

/// Each suite with the highest version that takes it.
fn truth(server: &Server) -> BTreeSet<(Version, u16)> {
    let mut highest = BTreeMap::new();
    for (version, takes) in &server.takes {
        highest.extend(takes.iter().map(|suite| (*suite, *version)));
    }
    highest.into_iter().map(|(suite, version)| (version, suite)).collect()
}

fn server() -> impl Strategy<Value = Server> {
    let one = |version: Version| {
        let all = suites::of(version);
        let most = all.len().min(12);
        proptest::option::of(proptest::sample::subsequence(all, 1..=most)).prop_map(move |it| (version, it))
    };
    let all: Vec<_> = Version::ALL.into_iter().map(one).collect();
    (all, any::<bool>()).prop_map(|(all, own_order)| {
        let takes = all.into_iter().filter_map(|(version, it)| Some((version, it?.into_iter().collect())));
        Server { takes: takes.collect(), own_order, most: usize::MAX }
    })
}

proptest! {
    #[test]
    fn all_that_is_taken_is_found(server in server()) {
        let plan = found(&server, 1000);
        let versions: Vec<Version> = server.takes.keys().rev().copied().collect();
        prop_assert_eq!(&plan.versions, &versions);
        prop_assert_eq!(plan.suites.iter().copied().collect::<BTreeSet<_>>(), truth(&server));
        prop_assert_eq!(plan.cut, None);
    }

    #[test]
    fn a_bound_is_kept_and_said(server in server(), left in 0_u32..12) {
        let plan = found(&server, left);
        prop_assert!(plan.asked() <= left);
        let all = plan.suites.len() == truth(&server).len();
        prop_assert!(all || plan.cut.is_some());
    }

    #[test]
    fn servers_that_choose_anything_come_to_an_end(suite: u16, version in proptest::sample::select(&Version::ALL[..])) {
        let mut plan = Plan::new(1000);
        let server = Server { takes: BTreeMap::from([(version, BTreeSet::from([suite]))]), own_order: true, most: usize::MAX };
        while let Some(question) = plan.next() {
            let stubborn = Question { version, suites: vec![suite] };
            plan.learn(&question, &server.answer(&stubborn));
        }
        prop_assert!(plan.asked() < 40);
    }
}

#[test]
fn weak_suites_are_found_before_the_bound_and_a_long_hello_is_cut_for_small_servers() {
    let takes = BTreeSet::from([0xC02F, 0xC013, 0x009C, 0x002F, 0x0035, 0x0005, 0x000A]);
    let server = Server { takes: BTreeMap::from([(Version::Tls12, takes)]), own_order: true, most: usize::MAX };
    let plan = found(&server, 8);
    assert!(plan.suites.contains(&(Version::Tls12, 0x0005)) && plan.suites.contains(&(Version::Tls12, 0x000A)));
    assert!(plan.cut.is_some());
    let small = Server { most: 20, ..server };
    assert_eq!(found(&small, 1000).suites.len(), 7);
}

#[test]
fn what_is_no_tls_is_asked_once_and_what_hangs_up_twice() {
    for (answer, asked) in [(Answer::NotTls, 1), (Answer::Refused(None), 2)] {
        let mut plan = Plan::new(1000);
        while let Some(question) = plan.next() {
            plan.learn(&question, &answer);
        }
        assert_eq!((plan.asked(), plan.speaks), (asked, false));
    }
}

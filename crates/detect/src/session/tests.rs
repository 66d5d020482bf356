//! One test for each trap of accounting.

use std::time::Duration;

use fleetward_fleet::{
    Session,
    SessionStatus::{self, Interim, Start, Stop},
    Timestamp,
};
use proptest::prelude::*;

use super::{Context, Sessions, Step};
use crate::intern::Symbol;
use crate::testing::{at, record};
use crate::{EndCause, Limits};

const NAS: Symbol = Symbol(0);

fn limits() -> Limits {
    Limits::default()
}

/// One device's sessions and the totals that its records add up to.
#[derive(Default)]
struct Sim {
    sessions: Sessions,
    up: u64,
    down: u64,
    begun: u32,
    ends: Vec<(String, EndCause)>,
    nas_reset: Option<Timestamp>,
}

impl Sim {
    fn see(&mut self, secs: i64, record: &Session) -> Step {
        let limits = limits();
        let step = self
            .sessions
            .record(record, &Context { nas: NAS, at: at(secs), nas_reset: self.nas_reset, limits: &limits });
        self.up += step.delta.up;
        self.down += step.delta.down;
        self.begun += u32::from(step.is_new);
        for ended in step.before.iter().chain(&step.after) {
            self.ends.push((ended.id.to_string(), ended.cause));
        }
        step
    }

    fn totals(&self) -> (u64, u64) {
        (self.up, self.down)
    }
}

fn r(status: SessionStatus, up: u64, down: u64) -> Session {
    record("a", status, up, down)
}

#[test]
fn cumulative_counters_become_deltas() {
    let mut sim = Sim::default();
    assert!(sim.see(0, &r(Start, 0, 0)).opened);
    assert_eq!(sim.see(60, &r(Interim, 100, 1000)).delta.up, 100);
    assert_eq!(sim.see(120, &r(Interim, 150, 1500)).delta.up, 50);
    let stop = sim.see(180, &r(Stop, 160, 1600));
    assert_eq!((stop.delta.up, stop.total, stop.after.len()), (10, 1760, 1));
    assert_eq!(sim.totals(), (160, 1600));
}

#[test]
fn a_retransmit_with_a_new_delay_counts_nothing() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    let mut interim = r(Interim, 100, 100);
    interim.session_secs = Some(60);
    assert!(sim.see(60, &interim).is_news);
    // Delays are whole seconds, so the same record can seem to be a second younger.
    let again = sim.see(61, &interim);
    assert!(!again.is_news && again.delta.is_zero());
    sim.see(90, &r(Stop, 120, 120));
    for secs in [89, 90, 91, 300] {
        let again = sim.see(secs, &r(Stop, 120, 120));
        assert!(!again.is_news && !again.opened && again.after.is_empty(), "{secs}");
    }
    assert_eq!((sim.totals(), sim.begun, sim.ends.len()), ((120, 120), 1, 1));
}

#[test]
fn late_and_reordered_interims_change_nothing() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    sim.see(120, &r(Interim, 200, 200));
    let late = sim.see(60, &r(Interim, 100, 100));
    assert!(!late.is_news && late.delta.is_zero() && !late.delta.wrapped);
    assert_eq!(sim.totals(), (200, 200));
}

#[test]
fn a_start_after_an_interim_is_harmless() {
    let mut sim = Sim::default();
    assert!(sim.see(60, &r(Interim, 100, 100)).opened);
    let start = sim.see(0, &r(Start, 0, 0));
    assert!(start.is_news && !start.opened && start.delta.is_zero());
    // Even one whose event time seems later.
    let echo = sim.see(70, &r(Start, 0, 0));
    assert!(!echo.is_news && !echo.delta.wrapped && echo.before.is_empty());
    sim.see(120, &r(Interim, 130, 130));
    assert_eq!((sim.totals(), sim.begun), ((130, 130), 1));
    assert_eq!(sim.sessions.open[0].opened_at, at(0));
}

#[test]
fn a_stop_or_interim_without_start_creates_the_session() {
    let mut sim = Sim::default();
    let stop = sim.see(100, &r(Stop, 7, 8));
    assert!(stop.opened && stop.is_new && stop.after.len() == 1);
    assert_eq!((sim.totals(), sim.sessions.open.len()), ((7, 8), 0));
    // Its Start comes late: nothing begins.
    let start = sim.see(10, &r(Start, 0, 0));
    assert!(!start.opened && !start.is_news);
    assert_eq!(sim.begun, 1);
}

#[test]
fn a_32_bit_wrap_is_flagged_and_nothing_is_guessed() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    sim.see(60, &r(Interim, 4_294_000_000, 10));
    let wrapped = sim.see(120, &r(Interim, 500, 20));
    assert!(wrapped.delta.wrapped);
    assert_eq!((wrapped.delta.up, wrapped.delta.down), (0, 10));
    sim.see(180, &r(Interim, 1500, 30));
    assert_eq!(sim.totals(), (4_294_001_000, 30));
    // A record from before the wrap comes again: it must not look like a jump.
    sim.see(60, &r(Interim, 4_294_000_000, 10));
    assert_eq!(sim.totals(), (4_294_001_000, 30));
    assert!(sim.sessions.open[0].counters.wrapped());
}

#[test]
fn gigawords_do_not_wrap() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    sim.see(60, &r(Interim, 4_294_000_000, 0));
    let mut interim = r(Interim, (1 << 32) + 500, 0);
    interim.has_gigawords = true;
    assert!(!sim.see(120, &interim).delta.wrapped);
    assert_eq!(sim.totals().0, (1 << 32) + 500);
}

#[test]
fn a_record_without_counters_takes_nothing_away() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    sim.see(60, &r(Interim, 100, 100));
    assert!(!sim.see(120, &r(Interim, 0, 0)).delta.wrapped);
    sim.see(180, &r(Stop, 0, 0));
    assert_eq!(sim.totals(), (100, 100));
}

#[test]
fn a_start_may_lack_the_address() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    let mut interim = r(Interim, 1, 1);
    interim.ip = Some([10, 0, 0, 7].into());
    interim.user_name = Some("meter@example".into());
    sim.see(60, &interim);
    sim.see(120, &r(Interim, 2, 2)); // says nothing of it: it stays
    let open = &sim.sessions.open[0];
    assert_eq!((open.marks.ip(), open.texts.user_name()), (Some([10, 0, 0, 7].into()), Some("meter@example")));
    assert_eq!((open.texts.id(), open.texts.apn()), ("a", Some("iot.example")));
}

#[test]
fn a_reset_ends_what_is_older_and_not_what_is_younger() {
    let mut sim = Sim::default();
    sim.see(0, &record("old", Start, 0, 0));
    sim.see(200, &record("young", Start, 0, 0));
    let ended = sim.sessions.nas_reset(NAS, at(100), &limits());
    sim.nas_reset = Some(at(100));
    assert_eq!(ended.iter().map(|e| (&*e.id, e.cause)).collect::<Vec<_>>(), [("old", EndCause::NasReset)]);
    assert_eq!(sim.sessions.nas_reset(Symbol(1), at(900), &limits()), [], "another NAS");
    // Records from before the reset, of a session that we never saw: counted, but nothing is open.
    let late = sim.see(50, &record("older", Interim, 9, 9));
    assert_eq!((late.delta.up, late.after[0].cause), (9, EndCause::NasReset));
    assert_eq!(sim.sessions.open.len(), 1);
    // The real Stop comes after all, with more: only the rest is added, and it ends only once.
    let stop = sim.see(90, &record("old", Stop, 5, 5));
    assert_eq!((stop.delta.up, stop.after.len()), (5, 0));
}

#[test]
fn an_id_used_again_is_another_session() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    sim.see(60, &r(Stop, 100, 100));
    assert!(sim.see(90, &r(Start, 0, 0)).is_new);
    sim.see(120, &r(Interim, 10, 10));
    // The first one's Stop again, while the second is open: it must not end it.
    let echo = sim.see(60, &r(Stop, 100, 100));
    assert!(echo.after.is_empty() && !echo.is_news);
    sim.see(150, &r(Stop, 20, 20));
    assert_eq!((sim.totals(), sim.begun, sim.ends.len()), ((120, 120), 2, 2));
}

#[test]
fn an_id_used_again_without_a_stop_supersedes() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    sim.see(60, &r(Interim, 100, 100));
    let again = sim.see(3600, &r(Start, 0, 0));
    assert_eq!((again.is_new, again.before[0].cause), (true, EndCause::Superseded));
    sim.see(3660, &r(Interim, 30, 30));
    assert_eq!(sim.totals(), (130, 130));
}

#[test]
fn a_vanished_session_ends_once() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    assert_eq!(sim.sessions.vanished(NAS, "a", at(10), &limits()).map(|e| e.cause), Some(EndCause::Vanished));
    assert_eq!(sim.sessions.vanished(NAS, "a", at(10), &limits()), None);
    assert_eq!(sim.sessions.vanished(NAS, "b", at(10), &limits()), None);
}

#[test]
fn a_silent_session_is_lost_and_comes_back_when_it_speaks() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    sim.see(600, &r(Interim, 100, 0));
    let asked = Some(Duration::from_mins(10));
    assert_eq!(sim.sessions.expire(at(2400), asked, &limits()), []);
    assert_eq!(sim.sessions.expire(at(2401), asked, &limits())[0].cause, EndCause::Lost);
    let back = sim.see(3000, &r(Interim, 150, 0));
    assert!(back.opened && !back.is_new);
    assert_eq!((back.delta.up, sim.begun), (50, 1));
    sim.sessions.expire(at(90_000), asked, &limits());
    let stop = sim.see(3600, &r(Stop, 160, 0));
    assert_eq!(stop.after[0].cause, EndCause::Stop(Some(1)), "the proof is told although we gave the session up");
    assert_eq!(sim.totals(), (160, 0));
}

#[test]
fn a_session_without_interims_is_not_given_up_early() {
    let mut sim = Sim::default();
    sim.see(0, &r(Start, 0, 0));
    assert_eq!(sim.sessions.expire(at(6 * 86_400), None, &limits()), []);
    assert_eq!(sim.sessions.expire(at(8 * 86_400), None, &limits()).len(), 1);
}

#[test]
fn what_is_forgotten_is_never_counted_again() {
    let mut sim = Sim::default();
    for n in 0..10 {
        sim.see(n * 100, &record(&n.to_string(), Start, 0, 0));
        sim.see(n * 100 + 50, &record(&n.to_string(), Stop, 10, 10));
    }
    assert_eq!(sim.sessions.closed().len(), limits().closed_per_device);
    for n in 0..10 {
        sim.see(n * 100 + 50, &record(&n.to_string(), Stop, 10, 10));
        sim.see(n * 100 + 20, &record(&n.to_string(), Interim, 5, 5));
    }
    assert_eq!((sim.totals(), sim.begun, sim.ends.len()), ((100, 100), 10, 10));
}

#[test]
fn open_sessions_are_bounded() {
    let mut sim = Sim::default();
    for n in 0..100 {
        sim.see(n, &record(&n.to_string(), Start, 0, 0));
    }
    assert_eq!(sim.sessions.open.len(), limits().open_per_device);
    assert_eq!(sim.ends.len(), 100 - limits().open_per_device);
    assert_eq!(sim.ends[0], ("0".into(), EndCause::Forgotten));
}

/// The records of one session, at most three minutes long: Start, interims each minute, Stop.
fn life(id: u8, begin: i64, counters: &[(u16, u16)]) -> Vec<(i64, Session)> {
    let name = id.to_string();
    let mut records = vec![(begin, record(&name, Start, 0, 0))];
    let (mut up, mut down) = (0, 0);
    for (step, (more_up, more_down)) in counters.iter().enumerate() {
        up += u64::from(*more_up);
        down += u64::from(*more_down);
        let status = if step + 1 == counters.len() { Stop } else { Interim };
        let mut one = record(&name, status, up, down);
        one.session_secs = Some((step as u32 + 1) * 60);
        records.push((begin + (i64::try_from(step).unwrap() + 1) * 60, one));
    }
    records
}

proptest! {
    /// Whatever the order and however often each arrives, a session's octets are counted once and it begins and ends once.
    #[test]
    fn order_and_repetition_do_not_matter(
        counters in prop::collection::vec((0_u16.., 0_u16..), 1..6),
        shuffle in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let records = life(1, 0, &counters);
        let mut order: Vec<usize> = (0..records.len()).collect();
        for (i, index) in shuffle.iter().enumerate() {
            let (a, b) = (i % records.len(), index.index(records.len()));
            order.swap(a, b);
        }
        order.extend(shuffle.iter().map(|index| index.index(records.len())));
        let mut sim = Sim::default();
        for i in order {
            sim.see(records[i].0, &records[i].1);
        }
        let up: u64 = counters.iter().map(|(up, _)| u64::from(*up)).sum();
        let down: u64 = counters.iter().map(|(_, down)| u64::from(*down)).sum();
        prop_assert_eq!(sim.totals(), (up, down));
        prop_assert_eq!((sim.begun, sim.ends.len(), sim.sessions.open.len()), (1, 1, 0));
    }

    /// A duplicate leaves the whole state as it was.
    #[test]
    fn a_duplicate_changes_nothing(counters in prop::collection::vec((1_u16.., 1_u16..), 1..6), delay in 0_i64..2) {
        let mut sim = Sim::default();
        for (secs, record) in life(1, 0, &counters) {
            sim.see(secs, &record);
            let (before, totals) = (sim.sessions.clone(), sim.totals());
            let step = sim.see(secs, &record);
            prop_assert!(!step.is_news);
            prop_assert_eq!(&sim.sessions, &before);
            let step = sim.see(secs + delay, &record);
            prop_assert!(!step.is_news && step.after.is_empty() && !step.opened);
            prop_assert_eq!(sim.totals(), totals);
        }
    }
}

#[test]
fn two_sessions_that_both_carry_traffic_overlap_and_a_lost_stop_does_not() {
    let mut sim = Sim::default();
    let b = |status, up| record("b", status, up, 0);
    sim.see(0, &r(Start, 0, 0));
    sim.see(60, &r(Interim, 100, 0));
    sim.see(90, &b(Start, 0));
    // What it carried until now may be from before the other one began.
    assert!(!sim.see(120, &r(Interim, 200, 0)).overlaps);
    assert!(!sim.see(121, &b(Interim, 10)).overlaps, "the newer one is not overtaken");
    assert!(!sim.see(180, &r(Interim, 200, 0)).overlaps, "a session that is dead and not known to be carries nothing");
    assert!(sim.see(240, &r(Interim, 300, 0)).overlaps);
}

//! What must hold for any input.

use std::time::Duration;

use fleetward_fleet::{Country, DeviceId, Timestamp};
use fleetward_rules::window::{Aggregate, WindowSpec, WindowState};
use fleetward_rules::{BUILTIN_FILES, Facts, Options, RuleSet, SubjectState, Trigger, run_tests};
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;

fn aggregate() -> impl Strategy<Value = Aggregate> {
    prop_oneof![Just(Aggregate::Sum), Just(Aggregate::Count), Just(Aggregate::Max), Just(Aggregate::Distinct)]
}

fn exact(aggregate: Aggregate, events: &[(i64, u64)], from: i64) -> u64 {
    let inside = events.iter().filter(|(at, _)| *at > from).map(|(_, value)| *value);
    match aggregate {
        Aggregate::Sum => inside.sum(),
        Aggregate::Max => inside.max().unwrap_or(0),
        Aggregate::Count => inside.count() as u64,
        Aggregate::Min | Aggregate::Last => inside.min().unwrap_or(0),
        Aggregate::Distinct | Aggregate::Known | Aggregate::Absent => {
            inside.collect::<std::collections::BTreeSet<_>>().len() as u64
        }
    }
}

proptest! {
    #[test]
    fn windows_never_say_less_than_the_truth_and_at_most_one_bucket_more(
        kind in aggregate(),
        events in prop::collection::vec((0..6 * HOUR, 0_u64..20), 1..60),
        minutes in 1_i64..300,
    ) {
        let over = minutes * 60_000;
        let spec = WindowSpec::new(kind, Duration::from_millis(over.unsigned_abs())).expect("in range");
        let mut events = events;
        events.sort_unstable();
        let mut state = WindowState::default();
        for (index, (at, value)) in events.iter().enumerate() {
            state.add(spec, Timestamp(*at), *value);
            let held = state.value(spec, Timestamp(*at)).expect("known");
            prop_assert!(held >= exact(kind, &events[..=index], at - over));
            prop_assert!(held <= exact(kind, &events[..=index], at - over - over / 12 - 2));
        }
        let end = events.last().map_or(0, |(at, _)| *at) + 2 * over;
        state.expire(spec, Timestamp(end));
        prop_assert!(state.is_empty());
    }

    #[test]
    fn the_order_inside_the_window_does_not_matter(
        kind in prop_oneof![aggregate(), Just(Aggregate::Min), Just(Aggregate::Last)],
        events in prop::collection::vec((0..HOUR, 0_u64..20), 1..40),
        seed in any::<prop::sample::Index>(),
    ) {
        let spec = WindowSpec::new(kind, Duration::from_hours(1)).expect("in range");
        let value = |events: &[(i64, u64)]| {
            let mut state = WindowState::default();
            for (at, value) in events {
                state.add(spec, Timestamp(*at), *value);
            }
            state.value(spec, Timestamp(HOUR))
        };
        let mut turned = events.clone();
        turned.rotate_left(seed.index(events.len()));
        let mut reversed = events.clone();
        reversed.reverse();
        prop_assert_eq!(value(&events), value(&turned));
        prop_assert_eq!(value(&events), value(&reversed));
    }

    #[test]
    fn a_lifetime_and_a_cycle_are_exact_in_any_order(
        kind in prop_oneof![aggregate(), Just(Aggregate::Min)],
        events in prop::collection::vec((0..700 * HOUR, 1_u64..20), 1..40),
        reversed in any::<bool>(),
    ) {
        // The whole of January 1970 but its last two days.
        let mut events = events;
        if reversed { events.reverse(); }
        for spec in [WindowSpec::life(kind), WindowSpec::cycle(kind, 1)] {
            let spec = spec.expect("both have no length");
            let mut state = WindowState::default();
            for (at, value) in &events {
                state.add(spec, Timestamp(*at), *value);
            }
            state.expire(spec, Timestamp(701 * HOUR));
            prop_assert_eq!(state.value(spec, Timestamp(701 * HOUR)), Some(exact(kind, &events, -1)));
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in "\\PC{0,200}") {
        drop(RuleSet::compile(&[("r", &text)], &Options::default()));
        drop(RuleSet::compile(&[("r", &format!("rule: r\ntitle: t\nwhen: |\n  {text}\n"))], &Options::default()));
        drop(RuleSet::compile(&[("r", &format!("rule: r\ntitle: |\n  {text}\nwhen: contact\n"))], &Options::default()));
    }

    #[test]
    fn no_expression_of_known_words_makes_the_compiler_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "bytes", "country", "apn", "used", "device.groups", "profile.tacs", "silence()", "changed(", "has(", "previous(",
            "imei", ")", "(", "&&", "||", "!", "-", "==", "<", ">", "in", "[", "]", "\"DE\"", "'x'", "50 MB", "26 h", "5", "1.5",
            "?", ":", ",", ".startsWith(", "new_to_device(", "new_to_group(", "rate(", "ratio(", "unusual(", "feed_gap(", "source",
            "network_outage(", "network", "flow.destination", "flow.address", "in_cidr(", "\"10.0.0.0/8\"", "message.peer", "+", "*", "/", "{", "}", "kind", "tac(", "allowed(", "in_list(", "\"é\"", "for", "30m",
        ]), 0..24),
    ) {
        let text = format!("rule: r\ntitle: t\nwatch: {{ used: {{ sum: bytes, over: 1h }} }}\nwhen: |\n  {}\n", words.join(" "));
        drop(RuleSet::compile(&[("r", &text)], &Options::default()));
    }

    #[test]
    fn a_damaged_rule_file_is_refused_or_runs(at in any::<prop::sample::Index>(), file in 0..BUILTIN_FILES.len(), with in "\\PC{0,3}") {
        let mut text: Vec<char> = BUILTIN_FILES[file].1.chars().collect();
        let at = at.index(text.len());
        text.splice(at..(at + 2).min(text.len()), with.chars());
        let text: String = text.into_iter().collect();
        drop(run_tests(&[("r", &text)], &Options::default()));
    }

    #[test]
    fn state_survives_a_snapshot_and_replays_are_equal(
        events in prop::collection::vec((0..48 * HOUR, 0_u64..40_000_000, 0_usize..4), 1..60),
        cut in any::<prop::sample::Index>(),
    ) {
        let set = RuleSet::builtin(&Options::default());
        let mut profile = fleetward_fleet::Profile::named("m");
        profile.volume.per_hour = Some(50_000_000);
        profile.countries = vec!["DE".parse().expect("a country")];
        let device = fleetward_fleet::Device::named("d");
        let countries: Vec<Country> = ["DE", "AT", "GB", "US"].iter().map(|text| text.parse().expect("a country")).collect();
        let observe = |state: &mut SubjectState, out: &mut Vec<_>, (at, bytes, country): (i64, u64, usize)| {
            let mut facts = Facts::new(Trigger::SessionInterim, Timestamp(at), Timestamp(50 * HOUR), DeviceId(1), "d");
            facts.device = Some(&device);
            facts.profile = Some(&profile);
            facts.bytes_up = Some(bytes);
            facts.country = Some(countries[country]);
            set.observe(&facts, state, out);
        };
        let (mut straight, mut told) = (SubjectState::default(), Vec::new());
        for event in &events {
            observe(&mut straight, &mut told, *event);
        }
        let (mut resumed, mut told_again) = (SubjectState::default(), Vec::new());
        for (index, event) in events.iter().enumerate() {
            if index == cut.index(events.len()) {
                let bytes = postcard::to_stdvec(&resumed).expect("state is plain data");
                resumed = postcard::from_bytes(&bytes).expect("what was written can be read");
            }
            observe(&mut resumed, &mut told_again, *event);
        }
        prop_assert_eq!(&straight, &resumed);
        prop_assert_eq!(format!("{told:?}"), format!("{told_again:?}"));
    }
}

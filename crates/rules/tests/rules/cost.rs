//! What a rule costs is known when it is saved, and too much is refused with the figure.

use fleetward_fleet::{Country, DeviceId, Timestamp};
use fleetward_rules::{Facts, Key, Options, RuleSet, Subject, SubjectState, Trigger};

/// What is kept beside windows: the state itself, its block, the episode under way and its evidence.
const BESIDE: usize = 640;

fn compile(text: &str) -> Result<RuleSet, String> {
    let errors = |errors: Vec<fleetward_rules::Diagnostic>| errors.iter().map(ToString::to_string).collect::<String>();
    RuleSet::compile(&[("r.yaml", text)], &Options::default()).map_err(errors)
}

/// A rule with this many windows that count values.
fn counting(windows: usize, more: &str) -> String {
    let watch: Vec<String> = (1..=windows).map(|n| format!("w{n}: {{ distinct: country, over: {n}h }}")).collect();
    let when: Vec<String> = (1..=windows).map(|n| format!("w{n} > 3")).collect();
    format!("rule: r\ntitle: t\n{more}watch: {{ {} }}\nwhen: {}\n", watch.join(", "), when.join(" && "))
}

#[test]
fn a_rule_with_expensive_windows_is_refused_with_its_cost() {
    assert!(compile(&counting(2, "")).is_ok());
    let told = compile(&counting(3, "")).unwrap_err();
    assert!(told.contains("its 3 windows may take 10.2 kB of memory for each device"), "{told}");
    assert!(told.contains("10.2 GB for a million; at most 8 kB are allowed"), "{told}");
    // Of keys there are never more than fit.
    assert!(compile(&counting(3, "per: apn\n")).is_ok());
    let sums: Vec<String> = (1..=8).map(|n| format!("w{n}: {{ sum: bytes, over: {n}h }}")).collect();
    assert!(compile(&format!("rule: r\ntitle: t\nwatch: {{ {} }}\nwhen: w1 > 1 GB\n", sums.join(", "))).is_ok());
}

#[test]
fn a_rule_that_takes_too_long_is_refused_with_its_cost() {
    let terms = |count: u64| (0..count).map(|n| format!("apn == '{n}'")).collect::<Vec<_>>().join(" || ");
    let sums: Vec<String> = (1..=8).map(|n| format!("w{n}: {{ sum: bytes, over: {n}h }}")).collect();
    let rule = |count| {
        let (when, watch) = (terms(count), sums.join(", "));
        format!("rule: r\ntitle: t\nscope: {when}\nwatch: {{ {watch} }}\nwhen: {when}\n")
    };
    assert_eq!(compile(&rule(30)).err(), None);
    let told = compile(&rule(74)).unwrap_err();
    assert!(told.contains(" ns for a record; at most 1000 ns are allowed"), "{told}");
}

#[test]
fn a_state_is_no_larger_than_its_cost_says() {
    let set = compile(&counting(2, "")).expect("two are allowed");
    let mut state = SubjectState::default();
    let mut out = Vec::new();
    let letters = || b'A'..=b'Z';
    let pairs = letters().flat_map(|a| letters().map(move |b| [a, b]));
    let countries: Vec<Country> = pairs.filter_map(|pair| std::str::from_utf8(&pair).ok()?.parse().ok()).collect();
    assert!(countries.len() > 200, "{}", countries.len());
    let cost = set.rules()[0].cost();
    for (at, country) in (0..).zip(countries) {
        let at = Timestamp(1_795_000_000_000 + at * 1000);
        let mut facts = Facts::new(Trigger::SessionInterim, at, at, DeviceId(1), "sim");
        facts.country = Some(country);
        set.observe(&facts, &mut state, &mut out);
    }
    assert!(state.bytes() <= cost.bytes + BESIDE, "{} {cost:?}", state.bytes());
    assert!(state.bytes() > cost.bytes / 2, "{} {cost:?}", state.bytes());
}

#[test]
fn a_million_values_in_a_rule_about_the_fleet_stay_within_its_cost_and_it_says_that_it_estimates() {
    let rule = "rule: r\ntitle: t\nper: apn\nwatch: { devices: { distinct: device, over: 1h } }\n\
                when: session_stop && devices > 800000\n";
    let set = compile(rule).expect("it is allowed");
    let (mut state, mut out) = (SubjectState::default(), Vec::new());
    let key = Key::named(Subject::Apn, "iot.example");
    let mut observe = |trigger, n: u64, state: &mut SubjectState| {
        let at = Timestamp(1_795_000_000_000 + n.cast_signed());
        let mut facts = Facts::new(trigger, at, at, DeviceId(n), "sim");
        facts.apn = Some("iot.example");
        set.observe_key(&facts, &key, state, &mut out);
        out.len()
    };
    for n in 0..1_000_000 {
        assert_eq!(observe(Trigger::SessionInterim, n, &mut state), 0);
    }
    let rule = &set.rules()[0];
    assert!(rule.is_estimated(&state));
    assert!(state.bytes() <= rule.cost().bytes + BESIDE, "{} {:?}", state.bytes(), rule.cost());
    assert_eq!(observe(Trigger::SessionStop, 1_000_000, &mut state), 1, "about a million are more than 800,000");
}

#[test]
fn rules_that_compare_more_fields_than_are_remembered_are_refused() {
    let rule = |(at, name): (usize, &str)| format!("rule: r-{at}\ntitle: t\nwhen: changed({name})\n");
    let names = fleetward_rules::reference().into_iter().map(|(name, ..)| name);
    let rules: Vec<String> = names.enumerate().map(rule).filter(|rule| compile(rule).is_ok()).collect();
    assert!(rules.len() > 63, "{}", rules.len());
    assert_eq!(compile(&rules[..63].join("---\n")).err(), None);
    let told = compile(&rules.join("---\n")).unwrap_err();
    assert!(told.contains("of a device, the last values of 63 fields are remembered, and that of `"), "{told}");
}

//! Words beyond sessions: flows, messages, calls, logins, changes of a SIM, silent sources, verdicts of the baseline.

use fleetward_rules::{Options, RuleSet, Subject};

use crate::support::{errors, holds};

/// One condition, one event.
#[track_caller]
fn says(expression: &str, event: &str, expected: bool) {
    let expect = if expected { "alarm" } else { "none" };
    let expression = expression.replace('\'', "''");
    holds(&format!("rule: r\ntitle: t\nwhen: '{expression}'\ntests: [{{ given: [{event}], expect: {expect} }}]\n"));
}

#[test]
fn flows_are_read() {
    let flow = "{ destination: cdn.vendor.example, address: 203.0.113.9, port: 8443, protocol: 6, bytes_up: 3 kB, bytes_down: 1 MB, count: 3 }";
    for yes in [
        "flow && contact",
        "flow.destination.endsWith(\".vendor.example\") && flow.port != 443",
        "flow.protocol == \"tcp\" && flow.direction == \"out\"",
        "flow.bytes == flow.bytes_up + flow.bytes_down && flow.count == 3",
        "in_cidr(flow.address, \"203.0.113.0/24\") && !in_cidr(flow.address, \"2001:db8::/32\")",
        "kind == \"flow\" && !has(bytes) && !has(country)",
    ] {
        says(yes, flow, true);
    }
    let six = "{ destination: '2001:db8::7', direction: in }";
    says("in_cidr(flow.address, \"2001:db8::/32\") && flow.address == \"2001:db8::7\"", six, true);
    says("flow && !has(flow.name) && flow.destination == \"2001:db8::7\"", six, true);
    says("flow && contact", six, false);
    says("flow.bytes > 0", "{ bytes: 5 MB }", false);
}

#[test]
fn messages_calls_and_logins_are_read() {
    says("message_sent && message.count > 5", "{ kind: message, count: 6, peer: '+15550100' }", true);
    says("message_received && message.peer == \"12345\"", "{ kind: message, direction: in, peer: 12345 }", true);
    says("message_sent", "{ kind: message, direction: in }", false);
    says("call_made && call.duration > 10 min", "{ kind: call, duration: 11 min }", true);
    says("call_received && !contact", "{ kind: call, direction: in }", true);
    says(
        "login_failed && login.account == \"root\" && login.service == \"ssh\"",
        "{ kind: login, account: root }",
        true,
    );
    says("login_ok && in_cidr(login.from, \"198.51.100.0/24\")", "{ kind: login, ok: true, from: 198.51.100.7 }", true);
    says("login_ok", "{ kind: login, from: 198.51.100.7 }", false);
    holds(
        "rule: guessing\ntitle: t\nwatch: { failed: { count: login_failed, over: 10 min } }\nwhen: failed >= 5\ntests:\n  \
         - { given: [ { kind: login }, { kind: login, at: 1m }, { kind: login, at: 2m }, { kind: login, at: 3m }, { kind: login, at: 4m } ], expect: alarm }\n  \
         - { given: [ { kind: login }, { kind: login, at: 1m, ok: true }, { kind: login, at: 2m }, { kind: login, at: 3m }, { kind: login, at: 4m } ], expect: none }\n",
    );
}

#[test]
fn changes_of_a_sim_are_read() {
    let change = "{ part: esim_profile, from: home, to: away }";
    says("sim_changed && sim.part == \"esim_profile\" && sim.from != sim.to", change, true);
    says("sim_changed && sim.part in [\"imsi\", \"iccid\"]", change, false);
}

#[test]
fn other_peoples_numbers_are_masked_in_findings() {
    let text = "rule: r\ntitle: 'SMS to {message.peer}'\nwhen: message_sent\n";
    let set = RuleSet::compile(&[("r.yaml", text)], &Options::default()).expect("it compiles");
    let message = fleetward_fleet::Message {
        direction: fleetward_fleet::Direction::Out,
        peer: Some("+491701234567".into()),
        count: 1,
    };
    let at = fleetward_fleet::Timestamp(0);
    let mut facts =
        fleetward_rules::Facts::new(fleetward_rules::Trigger::Message, at, at, fleetward_fleet::DeviceId(1), "a");
    facts.detail = fleetward_rules::Detail::Message(&message);
    let (mut state, mut out) = (fleetward_rules::SubjectState::default(), Vec::new());
    set.observe(&facts, &mut state, &mut out);
    let Some(fleetward_rules::Firing::Started { finding, .. }) = out.first() else { panic!("no finding") };
    assert_eq!(finding.title, "SMS to +4917••••••67");
}

#[test]
fn rules_about_keys_count_each_key_for_itself() {
    holds(
        "rule: rendezvous\ntitle: t\nlevel: fleet\nper: flow.destination\nwatch: { devices: { distinct: device, over: 10m } }\nwhen: devices > 2\ntests:\n  \
         - given: [ { destination: c2.example, device: a }, { destination: c2.example, device: b }, { destination: c2.example, device: c } ]\n    expect: alarm\n  \
         - given: [ { destination: c2.example, device: a }, { destination: other.example, device: b }, { destination: c2.example, device: b } ]\n    expect: none\n",
    );
    holds(
        "rule: two-sims-in-one-module\ntitle: t\nper: imei\nwatch: { sims: { distinct: device, over: 1d } }\nwhen: sims > 1\ntests:\n  \
         - given: [ { imei: '3569380356438091', device: a }, { imei: '3569380356438091', device: b } ]\n    expect: alarm\n  \
         - given: [ { imei: '3569380356438091', device: a }, { imei: '3569380356499991', device: b } ]\n    expect: none\n",
    );
    holds(
        "rule: silent-source\ntitle: '{source_state.name} is silent'\nper: source\nwhen: source_silent && source_state.silent_for >= 10 min\nclear: source_back\ntests:\n  \
         - { given: [ { kind: source_state, source: pgw-1, silent_for: 11 min } ], expect: alarm }\n  \
         - { given: [ { kind: source_state, source: pgw-1 } ], expect: none }\n",
    );
    let told = errors("rule: r\ntitle: t\nper: flow.destinaton\nwhen: flow\n");
    assert_eq!(told, "r.yaml:3:6: unknown subject `flow.destinaton`\n  hint: did you mean `flow.destination`?");
    assert!(errors("rule: r\ntitle: t\nlevel: galaxy\nwhen: flow\n").contains("unknown level"));
}

#[test]
fn verdicts_of_the_baseline_are_read_in_the_second_stage() {
    holds(
        "rule: unusual\ntitle: t\nwhen: unusual(bytes)\nclear: '!unusual(bytes)'\nrepeat: once per 1h\ntests:\n  \
         - { given: [ { unusual: bytes } ], expect: alarm }\n  \
         - { given: [ { unusual: bytes, over: true } ], expect: none }\n  \
         - { given: [ { drift: bytes } ], expect: none }\n  \
         - { given: [ { unusual: bytes }, { unusual: bytes, over: true, at: 30m }, { unusual: bytes, at: 90m } ], expect: alarm, count: 2 }\n  \
         - { given: [ { bytes: 5 GB } ], expect: none }\n",
    );
    holds(
        "rule: moved\ntitle: t\nwhen: unusual(bytes) && (unusual.place_changed || unusual.identity_changed)\ntests:\n  \
         - { given: [ { unusual: bytes, place_changed: true } ], expect: alarm }\n  \
         - { given: [ { unusual: bytes } ], expect: none }\n",
    );
    let set = RuleSet::compile(
        &[("r.yaml", "rule: u\ntitle: t\nwhen: drift(bytes)\n---\nrule: v\ntitle: t\nwhen: bytes > 1 GB\n")],
        &Options::default(),
    )
    .expect("it compiles");
    assert!(set.rule("u").is_some_and(|rule| rule.second_stage() && rule.subject == Subject::Device));
    assert!(set.rule("v").is_some_and(|rule| !rule.second_stage()));
    assert!(!set.interest(fleetward_rules::Subject::Device).triggers.is_empty());
    let told = errors("rule: r\ntitle: t\nwhen: unusual(byts)\n");
    assert!(told.contains("there is no baseline for `byts`"), "{told}");
    let told = errors("rule: r\ntitle: t\nwatch: { w: { sum: bytes, over: 1h } }\nwhen: unusual(bytes) && w > 1 MB\n");
    assert!(told.contains("has no windows"), "{told}");
    let told = errors("rule: r\ntitle: t\nwhen: unusual(bytes) || changed(imei)\n");
    assert!(told.contains("cannot compare a device's last values"), "{told}");
}

#[test]
fn our_own_blindness_is_no_silence() {
    holds(
        "rule: silent\ntitle: t\nwhen: silence() > 26 h\nunless: feed_gap(source)\nclear: contact\ntests:\n  \
         - { name: silent, given: [ {}, { kind: tick, at: 27h } ], expect: alarm }\n  \
         - { name: the source is silent, given: [ {}, { kind: source_state, source: test, silent_for: 10m, at: 2h }, { kind: tick, at: 40h } ], expect: none }\n  \
         - { name: it is back and the device has its time, given: [ {}, { kind: source_state, source: test, silent_for: 10m, at: 2h }, { kind: source_state, source: test, at: 30h }, { kind: tick, at: 40h } ], expect: none }\n  \
         - { name: it is back and the device stays silent, given: [ {}, { kind: source_state, source: test, silent_for: 10m, at: 2h }, { kind: source_state, source: test, at: 30h }, { kind: tick, at: 55h } ], expect: alarm }\n  \
         - { name: another source, given: [ {}, { kind: source_state, source: other, silent_for: 10m, at: 2h }, { kind: tick, at: 40h } ], expect: alarm }\n",
    );
    holds(
        "rule: silent\ntitle: t\nwhen: silence() > 26 h && !feed_gap(\"sms-platform\")\ntests:\n  \
         - { given: [ {}, { kind: source_state, source: sms-platform, silent_for: 10m, at: 2h }, { kind: tick, at: 40h } ], expect: none }\n",
    );
    let told = errors("rule: r\ntitle: t\nwhen: source_silent\n");
    assert_eq!(told, "r.yaml:3:7: this is about a source, not about a device\n  hint: add `per: source`");
}

#[derive(Debug)]
struct Neighbours;

impl fleetward_rules::Around for Neighbours {
    fn outage_share(&self, network: fleetward_fleet::Plmn, _: Option<u16>) -> Option<f64> {
        Some(if network.mcc == 262 { 0.3 } else { 0.0 })
    }

    fn is_new(&self, _: u8, value: u64) -> Option<bool> {
        Some(value.is_multiple_of(2))
    }
}

#[test]
fn the_second_stage_lends_what_it_knows_of_others() {
    use fleetward_fleet::{DeviceId, Flow, Timestamp};
    use fleetward_rules::{Detail, Facts, SubjectState, Trigger};
    let text = "rule: down\ntitle: t\nwhen: network_outage(network, 0.2)\n---\nrule: new\ntitle: t\nwhen: new_to_group(flow.destination)\n";
    let set = RuleSet::compile(&[("r.yaml", text)], &Options::default()).expect("it compiles");
    let fired = |facts: &Facts<'_>| {
        let (mut state, mut out) = (SubjectState::default(), Vec::new());
        set.observe(facts, &mut state, &mut out);
        assert!(out.is_empty(), "the first stage leaves them alone");
        let key = fleetward_rules::Key { subject: fleetward_rules::Subject::Device, id: 1, name: None };
        set.observe_key(facts, &key, &mut state, &mut out);
        out.len()
    };
    let mut tick = Facts::new(Trigger::Tick, Timestamp(0), Timestamp(0), DeviceId(1), "a");
    tick.network = "26201".parse().ok();
    assert_eq!(fired(&tick), 0, "unknown without the second stage");
    tick.around = Some(&Neighbours);
    assert_eq!(fired(&tick), 1);
    tick.network = "20801".parse().ok();
    assert_eq!(fired(&tick), 0);

    let asked = set.new_to_group().collect::<Vec<_>>();
    let [(field, carriers)] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(carriers.contains(Trigger::Flow));
    let flow = Flow::default();
    for name in ["a.example", "b.example", "c.example", "d.example"] {
        let mut facts = Facts::new(Trigger::Flow, Timestamp(0), Timestamp(0), DeviceId(1), "a");
        facts.detail = Detail::Flow(&flow, Some(name));
        facts.around = Some(&Neighbours);
        let value = set.value_of(*field, &facts).expect("the flow carries it");
        assert_eq!(fired(&facts), usize::from(value.is_multiple_of(2)), "{name}");
    }
    let told = errors("rule: r\ntitle: t\nwhen: network_outage(netwrk, 2)\n");
    assert!(told.contains("wants the field `network`"), "{told}");
}

#[test]
fn local_time_and_hours_of_work() {
    // Examples begin on Monday 2026-01-05 at midnight UTC: one o'clock in Berlin.
    holds(
        "rule: r\ntitle: t\nwhen: contact && local_hour == 1 && local_weekday == 1\ntests:\n  \
         - { profile: { time_zone: Europe/Berlin }, given: [ {} ], expect: alarm }\n  \
         - { profile: {}, given: [ {} ], expect: none }\n  \
         - { profile: { time_zone: America/New_York }, given: [ { at: 6h } ], expect: alarm }\n",
    );
    holds(
        "rule: r\ntitle: t\nwhen: contact && !profile.in_hours\ntests:\n  \
         - { profile: { hours: '06:00-22:00', time_zone: Europe/Berlin }, given: [ { at: 4h } ], expect: alarm }\n  \
         - { profile: { hours: '06:00-22:00', time_zone: Europe/Berlin }, given: [ { at: 5h } ], expect: none }\n  \
         - { profile: {}, given: [ {} ], expect: none }\n",
    );
}

#[test]
fn a_profile_says_whom_a_device_may_talk_to() {
    let profile = "profile: { destinations: [time.example, '*.vendor.example', 203.0.113.0/24] }";
    holds(&format!(
        "rule: r\ntitle: t\nwhen: '!allowed(flow.destination, profile.destinations)'\ntests:\n  \
         - {{ {profile}, given: [ {{ destination: time.example }}, {{ destination: a.vendor.example }}, {{ destination: 203.0.113.5 }} ], expect: none }}\n  \
         - {{ {profile}, given: [ {{ destination: vendor.example }} ], expect: alarm }}\n  \
         - {{ {profile}, given: [ {{ destination: a.evilvendor.example }} ], expect: alarm }}\n  \
         - {{ profile: {{}}, given: [ {{ destination: a.evilvendor.example }} ], expect: none }}\n"
    ));
}

#[test]
fn a_session_that_goes_on_shows_its_model_news_only_where_it_shows_something_else() {
    use fleetward_fleet::{DeviceId, Timestamp};
    use fleetward_rules::{Facts, SubjectState, Trigger};

    let text = "rule: wave\ntitle: t\nper: model\nwhen: session_start && new_to_group(svn)\n---\n\
                rule: back\ntitle: t\nwhen: changed(svn)\n";
    let set = RuleSet::compile(&[("r.yaml", text)], &Options::default()).expect("it compiles");
    let mut state = SubjectState::default();
    let mut shows = |trigger, imeisv: Option<&str>| {
        let mut facts = Facts::new(trigger, Timestamp(0), Timestamp(0), DeviceId(1), "a");
        facts.imeisv = imeisv.map(|digits| digits.parse().expect("an IMEISV"));
        let shows = set.may_show_news(&facts, &state, set.shown(&facts, &state));
        set.observe(&facts, &mut state, &mut Vec::new());
        shows
    };
    assert!(shows(Trigger::SessionInterim, Some("3569380356438001")), "the first that it shows");
    assert!(!shows(Trigger::SessionInterim, Some("3569380356438001")));
    assert!(!shows(Trigger::SessionInterim, None), "nothing shown");
    assert!(shows(Trigger::SessionInterim, Some("3569380356438002")), "other software in the midst of a session");
    assert!(!shows(Trigger::SessionStop, Some("3569380356438002")));
    assert!(shows(Trigger::SessionStart, Some("3569380356438002")), "a start tells again: the model may be another");
}

//! Windows beside the sliding ones, what is new to a device, lists of names and networks.

use fleetward_rules::{Options, RuleSet};

use crate::support::{errors, holds};

#[test]
fn first_traffic_and_the_volume_of_a_lifetime() {
    holds(
        "rule: first-traffic\ntitle: t\nwatch: { ever: { sum: bytes, over: lifetime } }\nwhen: bytes > 0 && ever == bytes\nrepeat: once per 1h\ntests:\n  \
         - { given: [ { bytes: 5 kB } ], expect: alarm }\n  \
         - { given: [ { bytes: 0 }, { bytes: 0, at: 1h } ], expect: none }\n  \
         - { name: only once, given: [ { bytes: 5 kB }, { bytes: 5 kB, at: 700h }, { bytes: 7 kB, at: 1400h } ], expect: alarm, count: 1 }\n",
    );
    holds(
        "rule: eol\ntitle: t\nwatch: { ever: { sum: bytes, over: lifetime } }\nwhen: ever > 500 MB\ntests:\n  \
         - { given: [ { bytes: 300 MB }, { bytes: 300 MB, at: 4000h } ], expect: alarm }\n  \
         - { given: [ { bytes: 300 MB }, { bytes: 100 MB, at: 4000h } ], expect: none }\n",
    );
}

fn warnings(text: &str) -> String {
    let rules = RuleSet::compile(&[("r.yaml", text)], &Options::default()).expect("no mistake");
    let told = rules.rules().iter().flat_map(|rule| rule.warnings()).map(ToString::to_string);
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_volume_beside_a_few_octets_is_asked_about() {
    let of = |when: &str| {
        warnings(&format!(
            "rule: r\ntitle: t\nwatch: {{ used: {{ sum: bytes, over: 1h }} }}\nwhen: used > 1 MB && {when}\n"
        ))
    };
    assert_eq!(
        of("used > 50"),
        "r.yaml:4:27: a volume is compared with 50 octets\n  hint: did you mean `50 MB`? if octets are meant, write `50 B`"
    );
    assert!(of("2.5 < bytes").contains("did you mean `2.5 MB`?"), "{}", of("2.5 < bytes"));
    for meant in ["used > 50 B", "used > 50 MB", "used > 0", "used > 1000", "used / 1000000 > 50", "hour_of_day > 5"] {
        assert_eq!(of(meant), "", "{meant}");
    }
    for place in ["unless: used < 50", "clear: used < 50 for 10m", "except: [device.critical, used < 50]"] {
        let told = warnings(&format!(
            "rule: r\ntitle: t\nwatch: {{ used: {{ sum: bytes, over: 1h }} }}\nwhen: used > 1 MB\n{place}\n"
        ));
        assert!(told.starts_with("r.yaml:5:") && told.contains("with 50 octets"), "{place}: {told}");
    }
    let told = warnings(
        "rule: r\ntitle: t\nwatch: { large: { count: bytes > 50, over: 1h, where: bytes_up < 20 } }\nwhen: large > 3\n",
    );
    assert!(told.contains("with 50 octets") && told.contains("with 20 octets"), "{told}");
    assert!(errors("rule: r\ntitle: t\nwhen: silence() > 50\n").contains("write the unit: `50 s`"));
}

#[test]
fn numbers_are_counted_by_what_they_are() {
    let flows = |ports: &[u16]| {
        let flow = |port: &u16| format!("{{ destination: 198.51.100.7, port: {port} }}");
        ports.iter().map(flow).collect::<Vec<_>>().join(", ")
    };
    let many: Vec<u16> = (1..=300).collect();
    holds(&format!(
        "rule: ports\ntitle: t\nwatch: {{ ports: {{ distinct: flow.port, over: 1h }} }}\nwhen: ports > 2\ntests:\n\
         \x20 - {{ given: [{}], expect: alarm }}\n  - {{ given: [{}], expect: none }}\n---\n\
         rule: sweep\ntitle: t\nwatch: {{ ports: {{ distinct: flow.port, over: 1h }} }}\nwhen: ports > 250 && ports < 350\ntests:\n\
         \x20 - {{ given: [{}], expect: alarm }}\n",
        flows(&[22, 23, 80]),
        flows(&[22, 23, 23, 22]),
        flows(&many),
    ));
    let told = errors("rule: r\ntitle: t\nwatch: { n: { distinct: bytes + 1, over: 1h } }\nwhen: n > 2\n");
    assert!(told.contains("wants the value of a field, for example `country` or `flow.port`"), "{told}");
}

#[test]
fn a_window_that_nothing_reads_is_told() {
    let of = |rest: &str| {
        warnings(&format!(
            "rule: r\ntitle: t\nwatch:\n  used: {{ sum: bytes, over: 1h }}\n  idle: {{ sum: bytes, over: 2h }}\n{rest}"
        ))
    };
    let told = "r.yaml:5:9: nothing in r reads the window `idle`\n  hint: read it in `when`, or remove it";
    assert_eq!(of("when: used > 1 MB\n"), told);
    for reader in [
        "clear: idle < 1 MB\n",
        "unless: idle < 1 MB\n",
        "observed: '{idle} in two hours'\n",
        "respond: [{ disconnect: { unless: idle < 1 MB } }]\n",
        "---\nexception: r\nwhen: idle < 1 MB\nreason: x\nuntil: 2100-01-01\n",
    ] {
        assert_eq!(of(&format!("when: used > 1 MB\n{reader}")), "", "{reader}");
    }
    let builtin = RuleSet::with_builtin(&[], &Options::default()).expect("no mistake");
    assert!(builtin.rules().iter().all(|rule| rule.warnings().is_empty()));
}

#[test]
fn a_billing_cycle_begins_on_its_day() {
    // Examples begin on Monday 2026-01-05; the 15th is 10 days later.
    holds(
        "rule: plan\ntitle: t\nwatch: { used: { sum: bytes, over: cycle from 15 } }\nwhen: used > 10 MB\ntests:\n  \
         - { name: within, given: [ { bytes: 6 MB }, { bytes: 6 MB, at: 239h } ], expect: alarm }\n  \
         - { name: across, given: [ { bytes: 6 MB }, { bytes: 6 MB, at: 241h } ], expect: none }\n  \
         - { name: late, given: [ { bytes: 6 MB }, { bytes: 6 MB, at: 241h }, { bytes: 6 MB, at: 2h } ], expect: none }\n  \
         - { name: next, given: [ { bytes: 6 MB, at: 241h }, { bytes: 6 MB, at: 700h } ], expect: alarm }\n",
    );
    for wrong in ["cycle from 31", "cycle on 3", "forever"] {
        let told =
            errors(&format!("rule: r\ntitle: t\nwatch: {{ w: {{ sum: bytes, over: {wrong} }} }}\nwhen: w > 1 MB\n"));
        assert!(told.contains("is no length of this window"), "{told}");
    }
    let told = errors("rule: r\ntitle: t\nwatch: { w: { absent: contact, over: lifetime } }\nwhen: w\n");
    assert!(told.contains("is no length of this window"), "{told}");
}

#[test]
fn the_smallest_and_the_newest() {
    holds(
        "rule: r\ntitle: t\nwatch: { low: { min: bytes, over: 1h }, now: { last: bytes, over: 1h } }\nwhen: now > 3 * low && low > 0\ntests:\n  \
         - { given: [ { bytes: 10 kB }, { bytes: 12 kB, at: 5m }, { bytes: 40 kB, at: 10m } ], expect: alarm }\n  \
         - { name: a late record is not the newest, given: [ { bytes: 10 kB, at: 10m }, { bytes: 40 kB, at: 5m } ], expect: none }\n  \
         - { name: too old, given: [ { bytes: 10 kB }, { bytes: 40 kB, at: 3h } ], expect: none }\n  \
         - { name: nothing is the smallest, given: [ { bytes: 0 }, { bytes: 40 kB, at: 5m } ], expect: none }\n",
    );
}

#[test]
fn rates_and_ratios() {
    holds(
        "rule: r\ntitle: t\nwatch: { used: { sum: bytes, over: 10m }, up: { sum: bytes_up, over: 10m } }\nwhen: rate(used) > 10 kB && ratio(up, used) > 0.9 && uplink_ratio > 0.8\ntests:\n  \
         - { given: [ { bytes_up: 7 MB, bytes_down: 10 kB } ], expect: alarm }\n  \
         - { given: [ { bytes_up: 7 MB, bytes_down: 5 MB } ], expect: none }\n  \
         - { given: [ { bytes_up: 5 MB, bytes_down: 10 kB } ], expect: none }\n",
    );
    assert!(errors("rule: r\ntitle: t\nwhen: rate(bytes) > 1 kB\n").contains("wants the name of a window"));
}

#[test]
fn what_is_new_to_a_device() {
    holds(
        "rule: r\ntitle: t\nwhen: new_to_device(flow.destination) && flow.port != 53\nrepeat: once per destination per 24h\ntests:\n  \
         - { name: learning, given: [ { destination: a.example }, { destination: b.example, at: 2h } ], expect: none }\n  \
         - { name: new, given: [ { destination: a.example }, { destination: b.example, at: 30h } ], expect: none }\n  \
         - { name: new with a port, given: [ { destination: a.example, port: 443 }, { destination: b.example, port: 443, at: 30h } ], expect: alarm, count: 1 }\n  \
         - { name: not twice, given: [ { destination: a.example, port: 443 }, { destination: b.example, port: 443, at: 30h }, { destination: b.example, port: 443, at: 90h } ], expect: alarm, count: 1 }\n  \
         - { name: known, given: [ { destination: a.example, port: 443 }, { destination: a.example, port: 443, at: 30h } ], expect: none }\n",
    );
    holds(
        "rule: r\ntitle: t\nwatch: { fresh: { count: new_to_device(flow.port), over: 1h } }\nwhen: fresh >= 3\ntests:\n  \
         - { given: [ { destination: a.example, port: 443 }, { destination: a.example, port: 1, at: 30h }, { destination: a.example, port: 2, at: 30h }, { destination: a.example, port: 3, at: 30h } ], expect: alarm }\n  \
         - { given: [ { destination: a.example, port: 443 }, { destination: a.example, port: 1, at: 30h }, { destination: a.example, port: 1, at: 31h }, { destination: a.example, port: 443, at: 31h } ], expect: none }\n",
    );
    let told = errors("rule: r\ntitle: t\nper: network\nwhen: new_to_device(country)\n");
    assert!(told.contains("`new_to_device` is about one device"), "{told}");
}

#[test]
fn examples_say_what_the_second_stage_knows() {
    holds(
        "rule: r\ntitle: t\nlevel: fleet\nper: flow.destination\nwatch: { devices: { distinct: device, over: 10m, where: flow } }\nscope: new_to_group(flow.destination)\nwhen: devices > 1\ntests:\n  \
         - { given: [ { destination: c2.example, device: a, new: true }, { destination: c2.example, device: b, new: true } ], expect: alarm }\n  \
         - { given: [ { destination: c2.example, device: a, new: false }, { destination: c2.example, device: b, new: false } ], expect: none }\n",
    );
    holds(
        "rule: r\ntitle: t\nwhen: network_outage(network, 0.2) && session_stop\ntests:\n  \
         - { given: [ { status: stop, network: 26201, outage: 0.4 } ], expect: alarm }\n  \
         - { given: [ { status: stop, network: 26201, outage: 0.1 } ], expect: none }\n",
    );
}

#[test]
fn lists_of_names_and_networks() {
    let lists = "list: vendor\nvalues: ['*.Vendor.example', time.example, 203.0.113.0/24]\n---\nlist: inside\nvalues: [10.0.0.0/8, '2001:db8::/32', 192.0.2.1]\n---\n";
    holds(&format!(
        "{lists}rule: r\ntitle: t\nwhen: '!in_list(flow.destination, \"vendor\")'\ntests:\n  \
         - {{ given: [ {{ destination: a.vendor.example }}, {{ destination: time.example }}, {{ destination: 203.0.113.9 }} ], expect: none }}\n  \
         - {{ given: [ {{ destination: vendor.example }} ], expect: alarm }}\n  \
         - {{ given: [ {{ destination: evilvendor.example, address: 198.51.100.1 }} ], expect: alarm }}\n"
    ));
    holds(&format!(
        "{lists}rule: r\ntitle: t\nwhen: in_list(flow.address, \"inside\")\ntests:\n  \
         - {{ given: [ {{ destination: 10.9.9.9 }} ], expect: alarm }}\n  \
         - {{ given: [ {{ destination: '2001:db8:7::1' }} ], expect: alarm }}\n  \
         - {{ given: [ {{ destination: 192.0.2.2 }} ], expect: none }}\n"
    ));
    let told = errors(&format!("{lists}rule: r\ntitle: t\nwhen: in_list(flow.address, \"vendor\")\n"));
    assert!(told.contains("\"*.Vendor.example\" of the list \"vendor\" is no address"), "{told}");
}

#[test]
fn examples_are_measured_exactly_as_live() {
    // Examples begin at midnight, so a bucket of an hour's window begins every five minutes.
    holds(
        "rule: volume\ntitle: t\nwatch: { used: { sum: bytes, over: 1h } }\nwhen: used > 50 MB\ntests:\n  \
         - { given: [ { at: 1m, bytes: 31 MB }, { at: 62m, bytes: 30 MB } ], expect: none }\n  \
         - { given: [ { at: 1m, bytes: 31 MB }, { at: 61m, bytes: 30 MB } ], expect: none }\n  \
         - { given: [ { at: 1m, bytes: 31 MB }, { at: 60m, bytes: 30 MB } ], expect: alarm }\n  \
         - { given: [ { at: 1m, bytes: 31 MB, device: a }, { at: 30m, bytes: 30 MB, device: a } ], expect: alarm }\n",
    );
}

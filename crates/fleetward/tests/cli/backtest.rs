//! `rules backtest`: the same from a journal, a table and JSON lines; mistakes with their places.

use serde_json::Value;

use crate::capture::Capture;
use crate::support::Place;

const FLEET: [&str; 8] = ["--classes", "meter=40", "--days", "4", "--training", "2", "--misuse", "stolen-sim"];

const RULE: &str = "rule: own-volume\nversion: 2\ntitle: SIM used more than 5 MB in an hour\n\
    watch: { used: { sum: bytes, over: 1h } }\nwhen: used > 5 MB\nclear: used < 2 MB\nmode: dry-run\n\
    respond: [notify: ops, suspend_sim]\nbudget: { max_actions_per_hour: 1 }\n";

fn simulated() -> Place {
    let place = Place::empty();
    for to in [["--journal", "fleet"], ["--csv", "fleet.csv"], ["--jsonl", "fleet.jsonl"]] {
        place.run(&[&["simulate"][..], &FLEET, &["--misused", "4", "--models", "models"], &to].concat()).ok();
    }
    place.write("own.yaml", RULE);
    place.write("old.yaml", &RULE.replace("version: 2", "version: 1").replace("> 5 MB", "> 50 MB"));
    place
}

fn backtest(place: &Place, more: &[&str]) -> Value {
    let arguments = [&["rules", "backtest", "own.yaml", "--models", "models", "--format", "json"][..], more].concat();
    serde_json::from_str(&place.run(&arguments).ok()).unwrap()
}

#[test]
fn journal_table_and_lines_agree() {
    let place = simulated();
    let mut journal = backtest(&place, &["--journal", "fleet"]);
    let mut lines = backtest(&place, &["--jsonl", "fleet.jsonl"]);
    let table = backtest(&place, &["--csv", "fleet.csv"]);
    for report in [&mut journal, &mut lines] {
        report.as_object_mut().unwrap().remove("nanos_per_record");
    }
    assert_eq!(journal, lines);
    let alarms = |report: &Value| report["rules"][0]["alarms"].as_u64().unwrap();
    assert!(alarms(&journal) > 4, "{journal}");
    assert_eq!(alarms(&journal), alarms(&table), "the table has sessions only; this rule needs no more");
    place.write(
        "own.yaml",
        "rule: north\nversion: 1\ntitle: North\nscope: '\"north\" in device.groups'\nwhen: session_start\nrepeat: once per 31d\nmode: dry-run\n",
    );
    let of_group = ["--journal", "--csv"].map(|from| {
        let records = if from == "--csv" { "fleet.csv" } else { "fleet" };
        let alarms = alarms(&backtest(&place, &[from, records]));
        assert!(alarms > 0, "{from}");
        alarms
    });
    assert_eq!(of_group[0], of_group[1], "groups are in the table");
    for (scope, is_about_nobody) in [("'\"south pole\" in device.groups'", true), ("device.model == \"meter\"", false)]
    {
        let rule = format!("rule: few\ntitle: Few\nscope: {scope}\nwhen: session_start && bytes > 1 TB\n");
        place.write("own.yaml", &rule);
        for records in [["--csv", "fleet.csv"], ["--journal", "fleet"]] {
            let report = backtest(&place, &records);
            assert_eq!(report["rules"][0]["is_about_nobody"].as_bool().unwrap_or(false), is_about_nobody, "{report}");
        }
    }
    let would = &journal["rules"][0]["would"]["suspend_sim"];
    assert!(would["done"].as_u64() > Some(0) && would["over_budget"].as_u64() > Some(0), "{would}");
}

/// A table differs from a journal by what it does not hold (flows, ticks), and by nothing else.
#[test]
fn a_table_and_the_same_records_agree_on_a_rule_about_models() {
    let place = simulated();
    let rule = "rule: crowd\ntitle: t\nper: model\nwatch: { devices: { distinct: device, over: 1h } }\n\
        when: devices > 16 for 20m\nclear: devices < 14 for 10m\n";
    place.write("own.yaml", rule);
    let all = place.read("fleet.jsonl");
    let kind = |line: &&str| !line.contains("\"kind\":\"flow\"") && !line.contains("\"kind\":\"tick\"");
    let sessions: Vec<&str> = all.lines().filter(kind).collect();
    assert!(sessions.len() < all.lines().count() - 100);
    place.write("fleet.jsonl", &sessions.join("\n"));
    let [table, lines] = [["--csv", "fleet.csv"], ["--jsonl", "fleet.jsonl"]].map(|from| {
        let report = backtest(&place, &from);
        report["rules"][0]["per_day"].clone()
    });
    assert!(table.as_object().is_some_and(|days| !days.is_empty()), "{table}");
    assert_eq!(table, lines);
}

#[test]
fn a_table_without_records_is_no_quiet_month() {
    let place = Place::empty();
    place.write("own.yaml", RULE);
    place.write("empty.csv", "time,device,session,status,bytes_up,bytes_down\n");
    let told = place.run(&["rules", "backtest", "own.yaml", "--csv", "empty.csv"]).fails(2);
    assert!(told.contains("empty.csv: it holds no record"), "{told}");
    let line = "2026-11-01T01:00:00Z,m1,a,start,0,0\n2026-11-01T02:00:00Z,m1,a,stop,9000000,0\n";
    place.write("one.csv", &format!("{}{line}", place.read("empty.csv")));
    let said = place.run(&["rules", "backtest", "own.yaml", "--csv", "one.csv"]).ok();
    // Two lines and the device that they introduce; the hour's ticks are nobody's records.
    assert!(said.starts_with("3 records judged;") && said.contains("  1 alarm in 60 minutes, on 1 device\n"), "{said}");
    assert!(said.contains("would have done suspend_sim: 1 time, 1 device\n"), "{said}");
    let told = place.run(&["rules", "backtest", "own.yaml", "--csv", "one.csv", "--from=-10"]).fails(2);
    assert!(told.contains("`-10` is no time"), "{told}");
    let from = |more: &[&str]| {
        place.run(&[&["rules", "backtest", "own.yaml", "--csv", "one.csv"][..], more].concat()).fails(2)
    };
    let told = from(&["--from=2030-01-01T00:00:00Z"]);
    assert!(told.contains("is after the last record (2026-11-01T02:00:00.000Z)") && !told.contains("--to"), "{told}");
    let told = from(&["--models", "nomodels"]);
    assert!(told.contains("--models: there is no folder nomodels"), "{told}");
    let told = place.run(&["rules", "backtest", "volume-hour", "--csv", "one.csv"]).fails(2);
    assert!(
        told.contains("volume-hour is a built-in rule; copy its file: fleetward rules print builtin/volume.yaml"),
        "{told}"
    );
}

#[test]
fn the_version_before_is_compared_with() {
    let place = simulated();
    let report = backtest(&place, &["--journal", "fleet", "--against", "old.yaml", "--from=-2d"]);
    let difference = &report["rules"][0]["difference"];
    assert_eq!(difference["version"], 1);
    assert!(difference["new"].as_u64() > Some(0), "{difference}");
    assert!(difference["same"].as_u64() > Some(0), "what uses 50 MB uses 5 MB, earlier: {difference}");
    assert_eq!(difference["gone"], 0, "{difference}");
    let text = place.run(&["rules", "backtest", "own.yaml", "--journal", "fleet", "--against", "old.yaml"]).ok();
    assert!(text.contains("against version 1 in old.yaml: ") && text.contains("would have done suspend_sim"), "{text}");
}

#[test]
fn minutes_are_no_day_groups_no_devices_and_a_file_no_version_of_itself() {
    let place = Place::init();
    let heading = "time,device,session,status,bytes_up,bytes_down,model,groups\n";
    let lines =
        "2026-11-01T01:00:00Z,m1,a,start,0,0,meter,north\n2026-11-01T01:25:00Z,m1,a,stop,9000000,0,meter,north\n";
    place.write("two.csv", &format!("{heading}{lines}"));
    place.write("rules/own.yaml", RULE);
    place.write(
        "crowd.yaml",
        "rule: crowd\ntitle: t\nper: group\nwatch: { used: { sum: bytes, over: 1h } }\nwhen: used > 5 MB\n",
    );
    let tried = |rule: &str| {
        let ran = place.run(&["rules", "backtest", rule, "--csv", "two.csv"]);
        (ran.out, ran.err)
    };
    let (said, told) = tried("crowd.yaml");
    assert!(said.contains("counts (25 minutes)\n") && said.contains("  1 alarm in 25 minutes, on 1 group\n"), "{said}");
    assert_eq!(told, "");
    let (said, told) = tried("rules/own.yaml");
    assert!(said.contains("  1 alarm in 25 minutes, on 1 device\n"), "{said}");
    assert!(
        said.contains("  against version 2 in ") && said.contains("rules/own.yaml: 1 the same, 0 new, 0 gone\n"),
        "{said}"
    );
    assert!(told.contains("warning: rules/own.yaml is compared with itself"), "{told}");
}

#[test]
fn packets_are_what_a_server_would_have_recorded_of_them() {
    let place = Place::init();
    let mut capture = Capture::new(1_700_000_000_000_000);
    capture.conversation(443, b"hello");
    capture.conversation(2323, b"hello");
    std::fs::write(place.path("lamp.pcap"), &capture.bytes).unwrap();
    place.write("own.yaml", "rule: own-telnet\ntitle: It calls Telnet\nwhen: flow.port == 2323\n");
    let named = |place: &Place| {
        let report = place.json(&["rules", "backtest", "own.yaml", "--capture", "lamp.pcap"]);
        let rule = &report["rules"][0];
        let example = &rule["examples"][0];
        assert_eq!((&rule["alarms"], &rule["devices"]), (&1.into(), &1.into()), "{report:#}");
        assert!(example["observed"].as_str().unwrap().contains("2323"), "{example:#}");
        example["subject"].as_str().unwrap().to_owned()
    };
    assert_eq!(named(&place), "mac 02:00:00:00:00:07");
    let server = place.serve();
    place.write("devices.csv", "name,mac,state\nlamp,02:00:00:00:00:07,active\n");
    place.run(&["devices", "import", "devices.csv"]).ok();
    place.until(&["devices", "list"], |rows| rows[0]["name"] == "lamp");
    drop(server);
    assert_eq!(named(&place), "lamp");
}

#[test]
fn records_of_no_device_are_no_good_news() {
    let place = Place::init();
    let mut capture = Capture::new(1_700_000_000_000_000);
    capture.own.1 = [198, 51, 100, 7].into();
    capture.conversation(2323, b"hello");
    std::fs::write(place.path("lamp.pcap"), &capture.bytes).unwrap();
    place.write("own.yaml", "rule: own-telnet\ntitle: It calls Telnet\nwhen: flow.port == 2323\n");
    let ask = |more: &[&str]| place.run(&[&["rules", "backtest", "own.yaml"][..], more].concat());
    let told = ask(&["--capture", "lamp.pcap"]).fails(2);
    assert!(told.contains("lamp.pcap: nothing in its 8 packets is of a device"), "{told}");
    assert!(told.contains("`capture.local`"), "{told}");
    place.edit("  local: []", "  local: [198.51.100.0/24]");
    let found = ask(&["--capture", "lamp.pcap"]).ok();
    assert!(found.contains("1 alarm in ") && found.contains("mac 02:00:00:00:00:07"), "{found}");
    let tick = "{\"event_time\":\"2026-11-02T10:00:00Z\",\"observed_at\":\"2026-11-02T10:00:00Z\",\"source\":\"clock\",\
                \"device\":\"0000000000000000\",\"body\":{\"kind\":\"tick\"}}\n";
    place.write("ticks.jsonl", tick);
    assert!(ask(&["--jsonl", "ticks.jsonl"]).fails(2).contains("nothing was judged"));
}

#[test]
fn mistakes_are_named() {
    let place = Place::empty();
    place.write("own.yaml", RULE);
    place.write(
        "bad.csv",
        "time,imsi,session,status,bytes_up,bytes_down\n2026-11-02T10:00:00Z,262011234567890,a,begin,0,0\n",
    );
    place.write("bad.jsonl", "{\"event_time\":\"2026-11-02T10:00:00Z\"}\n");
    let error = |more: &[&str]| place.run(&[&["rules", "backtest", "own.yaml"][..], more].concat());
    assert!(error(&["--csv", "bad.csv"]).fails(2).contains("bad.csv: line 2, column 4 (status)"));
    assert!(error(&["--jsonl", "bad.jsonl"]).fails(2).contains("bad.jsonl: line 1"));
    assert!(error(&["--journal", "nowhere"]).fails(2).contains("no journal in"));
    assert!(error(&["--capture", "x.pcap"]).fails(2).contains("x.pcap"));
    place.write("page.pcap", "<html>");
    assert!(error(&["--capture", "page.pcap"]).fails(2).contains("page.pcap"));
    assert!(error(&["--csv", "bad.csv", "--from=yesterday"]).fails(2).contains("bad.csv"));
    place.write("wrong.yaml", &RULE.replace("sum: bytes", "sum: bytess"));
    let said = place.run(&["rules", "backtest", "wrong.yaml", "--csv", "bad.csv"]).fails(2);
    assert!(said.contains("wrong.yaml:4") && said.contains("did you mean"), "{said}");
}

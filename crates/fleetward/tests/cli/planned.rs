//! Planned changes, reloads, observations from elsewhere and bounds, against the running server.

use std::time::Duration;

use fleetward_fleet::Timestamp;
use fleetward_testkit::fleet::Fleet;
use fleetward_testkit::nas::{Event, Nas, SessionRef};
use serde_json::json;

use crate::misuse::with;
use crate::rest::Program;
use crate::support::{LIMIT, Place, active, attach, clock, closed, settle, steal};

/// A report that says something new.
fn talk(nas: &mut Nas, session: SessionRef) {
    nas.traffic(session, 700, 300);
    nas.interim(session).unwrap();
    settle(nas);
}

#[test]
fn an_announced_module_swap_is_no_finding_until_it_ends() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let meter = active(&fleet, "water-meter");
    let name = &*meter.device.name;
    let mut server = place.serve();
    place.import(&[meter]);
    let add = |more: &[&str]| {
        let base = ["planned", "add", "wo-4711", "--reason", "new modules", "--for", "module_swap", "--until", "2h"];
        place.run(&[&base, more].concat())
    };
    let error = add(&["--device", "nobody"]).fails(2);
    assert!(error.contains("there is no device"), "{error}");
    let error = add(&["--device", name, "--from", "yesterday"]).fails(2);
    assert!(error.contains("neither a time nor a duration") && error.contains("hint: 2027"), "{error}");
    let made = add(&["--device", name]).ok();
    assert!(made.contains("in_force") && made.contains("module_swap"), "{made}");

    let session = attach(&mut nas, &meter.sim).expect("an accept").session;
    steal(&mut nas, session, &meter.sim);
    settle(&mut nas);
    let shown = place.until(&["planned", "show", "wo-4711"], |change| change["excused_count"] == 1);
    let rules: Vec<&str> =
        shown["excused"].as_array().unwrap().iter().map(|row| row["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["module-not-its-own"], "{shown:#}");
    assert_eq!(place.json(&["findings", "list"]), json!([]));

    // It survives a restart, in detection and on the screen.
    server.terminate(Duration::from_secs(30)).unwrap();
    let _server = place.serve();
    assert_eq!(place.json(&["planned", "list"])[0]["name"], "wo-4711");
    talk(&mut nas, session);
    assert_eq!(place.json(&["findings", "list"]), json!([]));

    place.run(&["planned", "end", "wo-4711"]).ok();
    assert_eq!(place.json(&["planned", "list"]), json!([]));
    talk(&mut nas, session);
    closed(&mut nas, session);
    let findings = place.until(&["findings", "list"], |rows| !with(rows, "rule", "module-not-its-own").is_empty());
    assert_eq!(with(&findings, "severity", "critical").len(), 1, "{findings:#}");
    let changes = place.json(&["changes", "list"]);
    assert_eq!(with(&changes, "what", "planned_change.add").len(), 1);
    assert_eq!(with(&changes, "what", "planned_change.end").len(), 1);
}

const EVERYBODY: &str = "rule: everybody\ntitle: Whoever talks\nwhen: session_interim\nmode: enforce\nrespond: [disconnect]\n\
                         budget: { max_actions_per_hour: 1000 }\n";

#[test]
fn a_rule_that_matches_everybody_stops_at_its_share_of_a_group_and_says_so() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    place.write("rules/everybody.yaml", EVERYBODY);
    place.run(&["secret", "new", "secrets/hook"]).ok();
    let webhook = "{ webhook: { url: \"https://127.0.0.1:9/\", secret: { file: secrets/hook } } }";
    place.edit("channels: {}\n", &format!("channels:\n  ops: {webhook}\n"));
    let fleet = Fleet::new(1, 40);
    let mut members: Vec<_> =
        fleet.members.iter().filter(|m| m.device.state.name() == "active").take(8).cloned().collect();
    for member in &mut members {
        member.device.groups = vec!["site".into()];
        member.device.critical = false;
    }
    let _server = place.serve();
    place.import(&members.iter().collect::<Vec<_>>());
    for member in &members {
        let session = attach(&mut nas, &member.sim).expect("an accept").session;
        talk(&mut nas, session);
    }
    let responses = place.until(&["responses", "list"], |rows| with(rows, "action.kind", "disconnect").len() == 8);
    let waiting = place.until(&["responses", "list"], |rows| with(rows, "state", "proposed").len() == 3);
    let reason = with(&waiting, "state", "proposed")[0]["history"][0]["note"].as_str().unwrap();
    assert!(reason.contains("5 of the 8 devices of group site"), "{responses:#}");
    let findings = place.until(&["findings", "list"], |rows| !with(rows, "rule", "fleetward.over-budget").is_empty());
    let told = with(&findings, "rule", "fleetward.over-budget");
    assert_eq!((told.len(), &told[0]["severity"]), (1, &json!("high")), "{findings:#}");
    place.until(&["responses", "list"], |rows| {
        with(rows, "action.kind", "notify").iter().any(|response| response["finding"] == told[0]["id"])
    });
}

#[test]
fn rules_are_reloaded_as_a_whole_or_not_at_all() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let meter = active(&fleet, "water-meter");
    let server = place.serve();
    place.import(&[meter]);
    let session = attach(&mut nas, &meter.sim).expect("an accept").session;
    place.write("rules/own.yaml", "rule: talks\ntitle: It talks\nwhen: sessionn_interim\nmode: notify-only\n");
    let error = place.plain(&place.run(&["reload"]).fails(2));
    assert!(error.contains("rules/own.yaml:3:"), "{error}");
    place.write("rules/own.yaml", "rule: talks\ntitle: It talks\nwhen: session_interim\nmode: notify-only\n");
    let said = place.run(&["reload"]).ok();
    assert!(said.contains("new: talks"), "{said}");
    talk(&mut nas, session);
    place.until(&["findings", "list"], |rows| !with(rows, "rule", "talks").is_empty());

    place.write("rules/own.yaml", "rule: listens\ntitle: It listens\nwhen: session_interim\nmode: dry-run\n");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(server.pid().cast_signed()), nix::sys::signal::Signal::SIGHUP)
        .unwrap();
    place.until(&["findings", "list"], |_| {
        talk(&mut nas, session);
        let rows = place.json(&["findings", "list"]);
        !with(&rows, "rule", "listens").is_empty()
    });
    assert!(place.run(&["rules", "list"]).ok().contains("country-not-allowed"));
}

/// Channels are taken at the start alone: who adds one and a rule that notifies it must hear that nobody would be told.
#[test]
fn a_rule_that_notifies_a_channel_which_the_server_does_not_have_is_refused() {
    let place = Place::init();
    let mut server = place.serve();
    place.run(&["secret", "new", "secrets/pager"]).ok();
    let webhook = "{ webhook: { url: \"https://hooks.example/\", secret: { file: secrets/pager } } }";
    place.edit("channels: {}\n", &format!("channels:\n  pager: {webhook}\n"));
    place.run(&["check"]).ok();
    let said = place.run(&["reload"]).ok();
    let told = "the channel `pager` is not taken yet: nobody is told by it until the server is restarted";
    assert!(said.contains(&format!("warning: {told}\n")), "{said}");

    let text = "rule: talks\ntitle: It talks\nwhen: session_interim\nrespond: [notify: pager]\n";
    place.write("rules/talks.yaml", text);
    place.run(&["check"]).ok();
    let why = "talks notifies the channel `pager`, which the running server does not have yet \
               (channels are not reloaded: restart the server, then it knows it)";
    let error = place.run(&["reload"]).fails(2);
    assert!(error.contains("rules/talks.yaml:4:") && error.contains(why), "{error}");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(server.pid().cast_signed()), nix::sys::signal::Signal::SIGHUP)
        .unwrap();
    server.wait_for_line("nothing was reloaded", LIMIT).unwrap();
    assert!(server.output().contains(why), "{}", server.output());

    std::fs::remove_file(place.path("rules/talks.yaml")).unwrap();
    let program = Program::new(&place, place.read("data/cli-token").trim());
    let body = json!({ "text": text }).to_string();
    let refused = program.call("PUT", "/api/v1/rules/own/talks", "application/json", &body).json(422);
    assert!(refused["errors"][0]["message"].as_str().unwrap().contains(why), "{refused}");
    let checked = program.post("/api/v1/rules/check", &json!({ "text": text })).json(200);
    assert_eq!(checked["ok"], false, "{checked}");
    assert!(!place.path("rules/talks.yaml").exists());

    server.terminate(LIMIT).unwrap();
    let _server = place.serve();
    let program = Program::new(&place, place.read("data/cli-token").trim());
    program.call("PUT", "/api/v1/rules/own/talks", "application/json", &body).json(200);
}

#[test]
fn observations_are_imported_once_and_a_silent_source_is_shown() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    place.edit("sources: []\n", "sources:\n  - { name: kore, silent_after: 10 s }\n");
    let fleet = Fleet::new(1, 40);
    let meter = active(&fleet, "water-meter");
    let _server = place.serve();
    place.import(&[meter]);
    let made = place.run(&["tokens", "create", "kore", "--scope", "ingest"]);
    assert!(made.err.contains("(kore, ingest) is valid until "), "{}", made.err);
    let told = place.run(&["tokens", "create", "kore", "--scope", "all"]).fails(2);
    assert!(told.contains("one of viewer, operator, admin, ingest"), "{told}");
    let token = made.ok().strip_suffix('\n').unwrap().to_owned();
    assert!(!token.contains(char::is_whitespace), "nothing beside the token: {token:?}");
    let now: Timestamp = clock()();
    let lines: Vec<String> = (0..3)
        .map(|n| {
            let body = json!({ "kind": "login", "at": now.to_string(), "device": &*meter.device.name,
                "service": "ssh", "account": format!("root{n}"), "ok": false });
            body.to_string()
        })
        .collect();
    place.write("events.jsonl", &(lines.join("\n") + "\n"));
    let import = || place.run(&["observations", "import", "events.jsonl", "--token", &token]);
    assert_eq!(import().ok(), "events.jsonl: 3 recorded, 0 known already\n");
    assert_eq!(import().ok(), "events.jsonl: 0 recorded, 3 known already\n");
    place.write("events.jsonl", &lines.join("\n").replace("\"ok\":false", "\"okay\":false"));
    let error = import().fails(2);
    assert!(error.contains("okay") && error.contains("line 1, okay"), "{error}");
    let many = vec![lines[0].clone(); 1001].join("\n") + "\n" + &lines[1].replace("\"ok\"", "\"okay\"");
    place.write("events.jsonl", &many);
    let error = import().fails(2);
    assert!(error.contains("0 recorded, 1000 known already, from line 1001 on nothing"), "{error}");
    assert!(error.contains("line 1002, okay") && error.contains("nothing of lines 1001 to 1002"), "{error}");
    place.write("events.jsonl", &(vec![lines[0].clone(); 1001].join("\n") + "\n{"));
    let error = import().fails(2);
    assert!(error.contains("from line 1001 on nothing") && error.contains("events.jsonl:1002:"), "{error}");
    place.run(&["devices", "list", "--token", &token]).fails(4);
    let told = place.run(&["journal", "cat", "--kind", "login"]).ok();
    assert_eq!(told.lines().count(), 3, "{told}");

    // Nothing more comes from there.
    let silent = || place.run(&["journal", "cat", "--kind", "source_state"]).ok();
    let end = std::time::Instant::now() + crate::support::LIMIT;
    while !silent().contains("\"name\":\"kore\"") {
        assert!(std::time::Instant::now() < end, "{}", place.read("serve.log"));
        nas.turn(Duration::from_millis(200)).unwrap();
    }
    let findings = place.until(&["findings", "list"], |rows| !with(rows, "rule", "source-silent").is_empty());
    let told = with(&findings, "rule", "source-silent");
    assert_eq!((told.len(), &told[0]["title"]), (1, &json!("The source kore has fallen silent")), "{findings:#}");
    assert!(!nas.turn(Duration::ZERO).unwrap().iter().any(|event| matches!(event, Event::Rejected(_))));
}

#[test]
fn own_rules_are_written_over_the_api_softly_and_with_versions() {
    let place = Place::init();
    place.write("rules/lists.yaml", "list: night-clubs\nvalues: [\"45299\"]\n");
    let _server = place.serve();
    let program = Program::new(&place, place.read("data/cli-token").trim());
    let rule = |version: u32, mode: &str, limit: &str| {
        format!(
            "rule: club\nversion: {version}\ntitle: In a club\nwhen: in_list(network, \"night-clubs\") && bytes > {limit}\n\
             mode: {mode}\ntests: [{{ given: [{{ network: 45299, bytes: 2 MB }}], expect: alarm }}]\n"
        )
    };
    let put = |name: &str, text: &str| {
        program.call(
            "PUT",
            &format!("/api/v1/rules/own/{name}"),
            "application/json",
            &json!({ "text": text }).to_string(),
        )
    };
    let refused = put("club", &rule(1, "enforce", "1 MB")).json(409);
    assert!(refused["detail"].as_str().unwrap().contains("starts in dry-run"), "{refused}");
    let wrong = put("club", &rule(1, "dry-run", "3 MB")).json(422);
    assert!(wrong["errors"][0]["message"].as_str().unwrap().contains("expected an alarm"), "{wrong}");
    let wrong = put("club", &rule(1, "dry-run", "1 MBB")).json(422);
    assert_eq!((&wrong["errors"][0]["line"], &wrong["type"]), (&json!(4), &json!("urn:fleetward:problem:mistakes")));
    assert!(!place.path("rules/club.yaml").exists());

    assert_eq!(put("club", &rule(1, "dry-run", "1 MB")).json(200)["mode"], "dry-run");
    assert_eq!(place.read("rules/club.yaml"), rule(1, "dry-run", "1 MB"));
    let stale = put("club", &rule(1, "dry-run", "1500 kB")).json(409);
    assert!(stale["detail"].as_str().unwrap().contains("higher"), "{stale}");
    let written = put("club", &rule(2, "enforce", "1500 kB")).json(200);
    assert!(written["warnings"][0].as_str().unwrap().contains("backtest"), "{written}");
    assert_eq!(place.read("rules/.versions/club.v1.yaml"), rule(1, "dry-run", "1 MB"));
    let own = program.get("/api/v1/rules/own/club").json(200);
    assert_eq!((&own["version"], &own["shared_file"]), (&json!(2), &json!(false)));
    let check = |text: &str| program.post("/api/v1/rules/check", &json!({ "text": text })).json(200);
    let checked = check(&rule(3, "dry-run", "1 MB"));
    assert_eq!((&checked["ok"], &checked["rules"][0]["name"]), (&json!(true), &json!("club")), "{checked:#}");
    assert_eq!(check("rule: x\n")["ok"], false);

    assert_eq!(program.call("DELETE", "/api/v1/rules/own/club", "", "").status, 204);
    program.get("/api/v1/rules/own/club").json(404);
    let in_force = program.get("/api/v1/rules").json(200);
    assert!(with(&in_force, "name", "club").is_empty() && !with(&in_force, "name", "volume-hour").is_empty());
    let changes = place.json(&["changes", "list"]);
    assert_eq!((with(&changes, "what", "rule.write").len(), with(&changes, "what", "rule.remove").len()), (2, 1));
}

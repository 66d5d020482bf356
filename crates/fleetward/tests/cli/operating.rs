//! The inventory, and what people do to devices and sessions by hand.

use fleetward_testkit::fleet::Fleet;
use fleetward_testkit::nas::cause;
use serde_json::json;

use crate::misuse::with;
use crate::support::{Place, active, attach, closed, csv, settle};

#[test]
fn an_import_is_taken_as_a_whole_or_not_at_all() {
    let place = Place::init();
    place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let members: Vec<_> = fleet.members.iter().collect();
    let _server = place.serve();
    let import = |name: &str, text: &str, more: &[&str]| {
        place.write(name, text);
        place.run(&[&["devices", "import", name], more].concat())
    };
    let good = csv(&members);
    assert_eq!(
        import("good.csv", &good, &["--dry-run"]).ok(),
        "40 devices would be added, 0 changed; 0 are as they were\n"
    );
    assert_eq!(place.json(&["devices", "list"]), json!([]));

    let broken =
        "name,imsi,state,ip\nmeter-1,26201123456789x,lost,10.0.0.1\nmeter-2,2.62E+14,,10.0.0.300\n,,,10.0.0.3\n";
    let error = import("broken.csv", broken, &[]).fails(2);
    insta::assert_snapshot!("import_broken", error);
    insta::assert_snapshot!("import_broken_dry_run", import("broken.csv", broken, &["--dry-run"]).fails(2));
    insta::assert_snapshot!("import_unknown_column", import("columns.csv", "name,colour\nmeter-1,red\n", &[]).fails(2));
    assert_eq!(place.json(&["devices", "list"]), json!([]));

    assert_eq!(import("good.csv", &good, &[]).ok(), "40 devices were added, 0 changed; 0 are as they were\n");
    assert_eq!(import("good.csv", &good, &[]).ok(), "0 devices were added, 0 changed; 40 are as they were\n");
    let moved = good.replace("stock", "active").replacen("active", "retired", 1);
    let said = import("moved.csv", &moved, &["--dry-run"]).ok();
    assert_eq!(import("moved.csv", &moved, &[]).ok(), said.replace("would be", "were"));

    let taken = members[0].device.imsi.unwrap().reveal();
    let error = import("taken.csv", &format!("name,imsi\nnew-1,\nnew-2,{taken}\n"), &[]).fails(2);
    assert!(error.contains(&format!("line 3, imsi: already that of {}", members[0].device.name)), "{error}");
    assert!(!error.contains(&taken), "{error}");
    place.run(&["devices", "show", "new-1"]).fails(2);
    let error = place.run(&["devices", "import", "nowhere.csv"]).fails(3);
    assert!(error.contains("nowhere.csv") && error.contains("No such file"), "{error}");
}

#[test]
fn lists_filter_and_hide_identities_and_revealing_leaves_a_trace() {
    let place = Place::init();
    place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let members: Vec<_> = fleet.members.iter().collect();
    let _server = place.serve();
    place.import(&members);
    let count = |more: &[&str]| place.json(&[&["devices", "list"], more].concat()).as_array().unwrap().len();
    let expected =
        |fits: &dyn Fn(&fleetward_fleet::Device) -> bool| members.iter().filter(|member| fits(&member.device)).count();
    assert_eq!(count(&[]), 40);
    assert_eq!(count(&["--limit", "7"]), 7);
    assert_eq!(count(&["--state", "stock"]), expected(&|device| device.state.name() == "stock"));
    assert_eq!(
        count(&["--model", "pos-terminal"]),
        expected(&|device| device.model.as_deref() == Some("pos-terminal"))
    );
    assert_eq!(count(&["--group", "north"]), expected(&|device| device.groups.iter().any(|group| &**group == "north")));
    assert_eq!(count(&["meter-*"]), expected(&|device| device.name.starts_with("meter-")));
    let told = |limit: &str| place.run(&["devices", "list", "--format", "jsonl", "--limit", limit]);
    let cut = told("3");
    assert_eq!(cut.err, "hint: there are more than these 3; --limit 30 shows up to so many\n");
    assert_eq!(cut.ok().lines().count(), 3);
    let whole = told("40");
    assert_eq!((whole.err.as_str(), whole.out.lines().count()), ("", 40));
    let error = place.run(&["devices", "list", "--state", "lost"]).fails(2);
    assert!(error.contains("stock") && error.contains("retired"), "{error}");

    let device = &active(&fleet, "water-meter").device;
    let imsi = device.imsi.unwrap().reveal();
    let shown = place.run(&["devices", "show", &device.name]).ok();
    assert!(!shown.contains(&imsi) && shown.contains(&device.imsi.unwrap().to_string()), "{shown}");
    assert_eq!(with(&place.json(&["changes", "list"]), "what", "device.reveal").len(), 0);
    let shown = place.run(&["devices", "show", &device.name, "--reveal"]).ok();
    assert!(shown.contains(&imsi), "{shown}");
    let changes = place.json(&["changes", "list"]);
    assert_eq!(with(&changes, "what", "device.reveal")[0]["target"], &*device.name);
    assert_eq!(with(&changes, "what", "device.import")[0]["detail"], "40 added, 0 changed, 0 unchanged");
    let verified = place.run(&["changes", "verify"]).ok();
    assert!(verified.contains("the chain is whole"), "{verified}");

    place.run(&["devices", "remove", &device.name]).ok();
    assert_eq!(count(&[]), 39);
    let error = place.run(&["devices", "show", &device.name]).fails(2);
    assert!(error.contains("no such device"), "{error}");
}

#[test]
fn a_sim_is_suspended_resumed_and_disconnected_by_hand() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let meter = active(&fleet, "water-meter");
    let name = &*meter.device.name;
    let _server = place.serve();
    place.import(&[meter]);
    let none = place.run(&["devices", "disconnect", name]).ok();
    assert!(none.contains("no session is open"), "{none}");
    assert_eq!(place.json(&["devices", "show", name])["baseline"]["state"], "not_measured");

    // Disconnect: the gateway is asked, and its Stop is the proof.
    let session = attach(&mut nas, &meter.sim).expect("an accept").session;
    settle(&mut nas);
    place.until(&["sessions", "list"], |rows| rows.as_array().unwrap().len() == 1);
    place.until(&["devices", "show", name], |device| device["baseline"]["state"] == "learning");
    let shown = place.run(&["devices", "show", name]).ok();
    assert!(shown.contains("baseline   learning, day 1 of 28; its model has taught 0 device-hours"), "{shown}");
    let asked = place.json(&["devices", "disconnect", name]);
    let id = asked[0]["id"].as_str().unwrap();
    assert_eq!(closed(&mut nas, session), cause::ADMIN_RESET);
    let response = place.until(&["responses", "show", id], |response| response["state"] == "verified");
    assert_eq!(response["user"], "token:command line of this machine");
    assert_eq!(place.json(&["sessions", "list"]), json!([]));
    let ended = place.json(&["sessions", "list", "--all"]);
    assert_eq!((ended.as_array().unwrap().len(), &ended[0]["ended"]), (1, &"stop".into()), "{ended:#}");

    // One session, by its own name.
    let session = attach(&mut nas, &meter.sim).expect("an accept").session;
    settle(&mut nas);
    let session_id = nas.session_id(session).unwrap().to_owned();
    let shown = place.until(&["sessions", "list"], |rows| rows.as_array().unwrap().len() == 1);
    assert_eq!((&shown[0]["nas"], &shown[0]["id"]), (&"pgw-1".into(), &json!(session_id)));
    assert_eq!(place.json(&["sessions", "show", "pgw-1", &session_id])["ip"], json!(meter.device.ip));
    place.run(&["sessions", "disconnect", "pgw-1", &session_id]).ok();
    closed(&mut nas, session);
    place.until(&["sessions", "show", "pgw-1", &session_id], |session| !session["ended_at"].is_null());
    let error = place.run(&["sessions", "disconnect", "pgw-1", &session_id]).fails(2);
    assert!(error.contains("over already"), "{error}");
    let error = place.run(&["sessions", "show", "pgw-1", "nonsense"]).fails(2);
    assert!(error.contains("no such session"), "{error}");

    // Suspend: what is open is ended, what comes is not admitted. Resume: it is.
    let session = attach(&mut nas, &meter.sim).expect("an accept").session;
    settle(&mut nas);
    place.until(&["sessions", "list"], |rows| rows.as_array().unwrap().len() == 1);
    let suspended = place.json(&["devices", "suspend", name]);
    let id = suspended[0]["id"].as_str().unwrap();
    place.until(&["responses", "show", id], |response| response["state"] == "verified");
    assert_eq!(closed(&mut nas, session), cause::ADMIN_RESET);
    assert!(attach(&mut nas, &meter.sim).is_none(), "a suspended SIM was admitted");
    place.run(&["devices", "resume", name]).ok();
    place.until(&["devices", "show", name], |device| device["state"] == "active");
    assert!(attach(&mut nas, &meter.sim).is_some(), "a resumed SIM was rejected");
    let error = place.run(&["devices", "suspend", "no-such-device"]).fails(2);
    assert!(error.contains("no such device: no-such-device"), "{error}");
}

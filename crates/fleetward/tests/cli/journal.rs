//! The journal without a server: what it holds, masked and in clear, and what a damaged one says.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fleetward_testkit::fleet::Fleet;
use fleetward_testkit::nas::cause;
use serde_json::Value;

use crate::support::{LIMIT, Place, active, attach, settle};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_journal_is_verified_shown_exported_and_its_damage_reported() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let meter = active(&fleet, "water-meter");
    let imsi = meter.sim.imsi.reveal();
    let mut server = place.serve();
    place.import(&fleet.members.iter().collect::<Vec<_>>());
    for _ in 0..3 {
        let session = attach(&mut nas, &meter.sim).expect("an accept").session;
        nas.interim(session).unwrap();
        settle(&mut nas);
        nas.detach(session, cause::USER_REQUEST).unwrap();
        settle(&mut nas);
        place.until(&["sessions", "list"], |rows| rows.as_array().unwrap().is_empty());
    }
    assert!(server.terminate(LIMIT).unwrap().success());

    let all = lines(&place.run(&["journal", "cat"]).ok());
    let of_kind = |kind: &str| lines(&place.run(&["journal", "cat", "--kind", kind]).ok());
    assert_eq!(of_kind("device_change").len(), 40);
    assert_eq!((of_kind("admission").len(), of_kind("session").len()), (3, 9));
    assert_eq!(all.len(), 40 + 3 + 9 + of_kind("tick").len());
    let offsets: Vec<u64> = all.iter().map(|record| record["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets, (0..all.len() as u64).collect::<Vec<_>>());
    for kind in fleetward_fleet::Body::KINDS {
        place.run(&["journal", "cat", "--kind", kind]).ok();
    }
    place.run(&["journal", "cat", "--kind", "nothing"]).fails(2);
    let verified = place.run(&["journal", "verify"]).ok();
    assert!(verified.contains(&format!("{} records in 1 segment", all.len())), "{verified}");
    assert_eq!(lines(&place.run(&["journal", "cat", "--from", "41", "--limit", "2"]).ok()).len(), 2);
    assert_eq!(lines(&place.run(&["journal", "cat", "--since", "2100-01-01T00:00:00Z"]).ok()).len(), 0);

    let shown = place.run(&["journal", "cat"]).ok();
    for member in &fleet.members {
        let device = &member.device;
        for identity in [
            device.imsi.unwrap().reveal(),
            device.imei.unwrap().reveal(),
            device.msisdn.unwrap().reveal(),
            device.iccid.unwrap().reveal(),
        ] {
            assert!(!shown.contains(&identity), "{identity} is shown in clear");
        }
    }
    assert!(shown.contains('•'));

    let out = place.run(&["journal", "export", "--output", "evidence.jsonl"]).ok();
    assert!(out.contains(&format!("{} records, identities in clear", all.len())), "{out}");
    let exported = place.read("evidence.jsonl");
    assert_eq!(lines(&exported).len(), all.len());
    assert!(exported.contains(&imsi));
    assert_eq!(fs::metadata(place.path("evidence.jsonl")).unwrap().permissions().mode() & 0o777, 0o600);
    place.run(&["journal", "export", "--output", "evidence.jsonl"]).fails(2);

    let segment = fs::read_dir(place.path("data/journal")).unwrap().map(|entry| entry.unwrap().path());
    let segment =
        segment.filter(|path| !path.ends_with("lock")).max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(10).position(|window| window == b"meter-0001").unwrap();
    bytes[at + 3] ^= 0x01;
    fs::write(&segment, &bytes).unwrap();
    let ran = place.run(&["journal", "verify"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains(", byte ") && ran.out.contains(&*segment.file_name().unwrap().to_string_lossy()),
        "{}",
        ran.out
    );
    let error = place.run(&["journal", "cat"]).fails(3);
    assert!(error.contains("fleetward journal verify says where"), "{error}");
    assert_eq!(fs::read(&segment).unwrap(), bytes, "looking at a damaged journal has changed it");
}

#[test]
fn without_a_journal() {
    let place = Place::init();
    let error = place.plain(&place.run(&["journal", "verify"]).fails(3));
    assert!(error.contains("data/journal"), "{error}");
    assert!(!place.path("data").exists());
    place.run(&["journal", "cat", "--kind", "sesion"]).fails(2);
}

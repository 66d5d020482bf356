//! A rule about many devices acts on each of them, within its budget.

use fleetward_testkit::fleet::Fleet;

use crate::misuse::with;
use crate::support::{Place, attach, settle};

const CROWD: &str = "rule: crowd\ntitle: Three at once\nper: fleet\n\
                     watch: { devices: { distinct: device, over: 1h, where: session_interim } }\nwhen: devices > 2\n\
                     mode: enforce\nrespond: [disconnect: { approval: none }]\nbudget: { max_actions_per_hour: 2 }\n";

#[test]
fn each_device_that_took_part_is_asked_for_itself_and_the_budget_holds() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    place.write("rules/crowd.yaml", CROWD);
    let fleet = Fleet::new(1, 40);
    let mut members: Vec<_> =
        fleet.members.iter().filter(|m| m.device.state.name() == "active").take(3).cloned().collect();
    for member in &mut members {
        member.device.groups = Vec::new();
        member.device.critical = false;
    }
    let _server = place.serve();
    place.import(&members.iter().collect::<Vec<_>>());
    for member in &members {
        let session = attach(&mut nas, &member.sim).expect("an accept").session;
        nas.traffic(session, 700, 300);
        nas.interim(session).unwrap();
        settle(&mut nas);
    }
    let findings = place.until(&["findings", "list"], |rows| !with(rows, "rule", "crowd").is_empty());
    assert_eq!(with(&findings, "subject", "fleet").len(), 1, "{findings:#}");
    let responses = place.until(&["responses", "list"], |rows| with(rows, "action.kind", "disconnect").len() == 3);
    let waiting = with(&responses, "state", "proposed");
    assert_eq!(waiting.len(), 1, "{responses:#}");
    let mut devices: Vec<_> =
        with(&responses, "action.kind", "disconnect").iter().map(|r| r["device"].clone()).collect();
    devices.dedup();
    assert_eq!(devices.len(), 3, "{responses:#}");
    let reason = waiting[0]["history"][0]["note"].as_str().unwrap();
    assert!(reason.contains("over budget"), "{reason}");
}

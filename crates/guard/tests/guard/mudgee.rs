//! Three captures with the MUD file that mudgee made of each: what mudgee allows, we allow, or the reason why not stands here.

use std::path::Path;

use fleetward_capture::File;
use fleetward_fleet::{Allow, Mac, NetworkProfile, Peer, Protocol, Role};
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::learn::{Learner, words};
use fleetward_guard::mud::import;
use fleetward_guard::pattern;
use fleetward_guard::survey::Survey;
use fleetward_packet::{Limits, Sink, Table};

use crate::support::data;

fn play(file: &Path, sink: &mut impl Sink) {
    let mut table = Table::new(Limits::default(), 1);
    let mut file = File::open(file).expect("a capture");
    while let Some(batch) = file.batch().expect("packets") {
        for packet in &batch {
            table.push(packet.link, packet.time, packet.bytes, packet.wire, sink);
        }
    }
    table.finish(sink);
}

fn learn(capture: &Path, device: &str) -> NetworkProfile {
    let mut survey = Survey::default();
    play(capture, &mut survey);
    let mut hosts = Hosts::default();
    let mac: Mac = device.parse().expect("a hardware address");
    hosts.add(Host { name: "it".into(), model: Some("it".into()) }, &[mac], &[]);
    survey.complete(&mut hosts);
    let mut learner = Learner::of("it");
    play(capture, &mut learner.capture(&hosts));
    learner.profile()
}

/// What `theirs` allows, `ours` does.
fn covers(ours: &Allow, theirs: &Allow) -> bool {
    let peer = match (&ours.peer, &theirs.peer) {
        (Peer::Name(ours), Peer::Name(theirs)) => pattern::matches(ours, theirs),
        (Peer::Net(ours), Peer::Net(theirs)) => ours.contains(theirs),
        // mudgee knows an address where we know the name that led there.
        (Peer::Name(_), Peer::Net(net)) => {
            ours.support.as_ref().is_some_and(|support| support.addresses.contains(&net.addr()))
        }
        (ours, theirs) => ours == theirs,
    };
    let ports = |port| ours.ports.iter().any(|it| it.contains(port));
    peer && ours.protocol == theirs.protocol
        && ours.begins == theirs.begins
        && theirs.ports.iter().all(|it| ports(it.first) && ports(it.last))
}

/// The server of addresses is the gateway, whatever the model: housekeeping, in no profile.
fn is_housekeeping(allow: &Allow) -> bool {
    allow.peer == Peer::Role(Role::Gateway)
        && allow.protocol == Protocol::UDP
        && allow.ports.iter().all(|it| matches!(it.first, 67 | 68))
}

#[test]
fn what_mudgee_allows_is_allowed_or_explained() {
    let Some(data) = data("mud-tapo-door-lamp") else { return };
    let cases = [
        ("tapo-p115/G06-tapo-p115.pcap", "tapo-p115/G06-tapo-p115.mud", "40:ae:30:46:6e:a8"),
        (
            "door_sensor-19JWT/G06-door_sensor-19JWT.pcapng",
            "door_sensor-19JWT/G06-door_sensor-19JWT.mud",
            "b8:06:0d:3b:47:f8",
        ),
        (
            "mood_lamp-3204432/G06-mood_lamp-3204432.pcap",
            "mood_lamp-3204432/mood_lamp-3204432Mud.json",
            "b8:06:0d:18:84:b4",
        ),
    ];
    let mut missing = Vec::new();
    let mut covered = 0;
    for (capture, file, device) in cases {
        let ours = learn(&data.join(capture), device);
        let theirs = import(&std::fs::read_to_string(data.join(file)).expect("text")).expect("a MUD file");
        assert_eq!(theirs.refused, Vec::<String>::new());
        assert_eq!(ours.learned.map(|it| it.refused), Some(Vec::new()));
        for allow in &theirs.profile.allow {
            if is_housekeeping(allow) || ours.allow.iter().any(|it| covers(it, allow)) {
                covered += 1;
            } else {
                missing.push(format!("{device}: {} begins {:?}", words(allow), allow.begins));
            }
        }
    }
    // A connection that began before the capture: mudgee took its two directions for two rules, and in one the "peer" is the address that
    // the lamp itself had. The other (tcp 8886 to 3.124.225.12) is ours, too.
    assert_eq!(missing, ["b8:06:0d:18:84:b4: tcp 40572 to 10.42.0.174 begins Out"]);
    assert!(covered > 10, "{covered}");
}

//! What a person reads of `learn`, `mud` and `watch`, and how what the watch notices becomes a finding.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use fleetward_testkit::daemons::Lab;
use serde_json::json;

use crate::capture::{Capture, now, site};
use crate::misuse::with;
use crate::support::Place;

const DAY: u64 = 86_400_000_000;
const START: u64 = 1_700_000_000_000_000;

/// A request for this host, by HTTP.
fn request(host: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

#[test]
fn what_people_read_of_a_profile() {
    let place = Place::empty();
    for (day, file) in ["monday.pcap", "tuesday.pcap"].iter().enumerate() {
        let mut capture = Capture::new(START + day as u64 * DAY);
        capture.conversation(80, &request("time.vendor.example"));
        capture.conversation(23, b"root\r\n");
        std::fs::write(place.path(file), &capture.bytes).unwrap();
    }
    let mut odd = Capture::new(START + 9 * DAY);
    odd.conversation(80, &request("time.vendor.example"));
    odd.conversation(80, &request("c2.example"));
    odd.conversation(8080, &request("updates.vendor.example"));
    std::fs::write(place.path("odd.pcap"), &odd.bytes).unwrap();
    std::fs::create_dir(place.path("models")).unwrap();
    place.write("trackers.txt", "# mine\nc2.example\n");
    let lamp = "--device=02:00:00:00:00:07";
    place.write("models/bare.yaml", "model: bare\n");
    let monday = std::fs::read(place.path("monday.pcap")).unwrap();
    std::fs::write(place.path("cut.pcap"), &monday[..monday.len() - 20]).unwrap();
    let mut shown = String::new();
    for line in [
        &["learn", "--model", "lamp", lamp, "monday.pcap", "tuesday.pcap"][..],
        &[
            "learn",
            "--model",
            "lamp",
            lamp,
            "monday.pcap",
            "tuesday.pcap",
            "--out",
            "models/lamp.yaml",
            "--mud",
            "lamp.json",
        ],
        &["learn", "--model", "lamp", lamp, "odd.pcap", "--out", "models/lamp.yaml", "--diff"],
        &["learn", "--model", "lamp", "--device=02:00:00:00:00:99", "odd.pcap"],
        &["mud", "check", "lamp.json"],
        &["mud", "import", "lamp.json"],
        &["mud", "check", "trackers.txt"],
        &["watch", "odd.pcap", "--device=02:00:00:00:00:07=hall:lamp", "--models=models", "--trackers=trackers.txt"],
        &["watch", "monday.pcap", "--device=02:00:00:00:00:07=hall:lamp", "--models=models", "--format=jsonl"],
        &["watch", "monday.pcap", "--device=02:00:00:00:00:07=hall:lmap", "--models=models"],
        &["watch", "monday.pcap", "--device=02:00:00:00:00:07=hall:lamp"],
        &["watch", "monday.pcap", "--device=02:00:00:00:00:07=hall:bare", "--models=models"],
        &["watch", "monday.pcap", "--models=nowhere"],
        &["watch", "cut.pcap", "--device=02:00:00:00:00:07=hall:lamp", "--models=models"],
        &["watch", "monday.pcap", "--live", "lo"],
        &["watch", "--live", "nowhere0"],
    ] {
        let ran = place.run(line);
        writeln!(shown, "$ fleetward {}    # {}\n{}{}", line.join(" "), ran.code, ran.out, ran.err).unwrap();
    }
    insta::assert_snapshot!("profile", place.plain(&shown));
}

#[test]
fn what_the_watch_notices_is_a_finding() {
    let place = Place::init();
    place.edit("  sources: []\n", "  sources: [{ name: site-1, file: packets }]\n");
    place.edit("flush_every: 1 min", "flush_every: 1 s");
    place.edit("  routers: []", "  routers: ['02:00:00:00:00:01']");
    place.edit("  trackers: []", "  trackers: [trackers.txt]");
    place.write("trackers.txt", "||tracker.example^\n");
    let item = |name: &str| {
        format!(
            "    - {{ name: {name}, protocol: tcp, ports: [80], rate: {{ bytes_up_per_hour: 1000, flows_per_hour: 9 }} }}\n"
        )
    };
    let tap: String = (0..9).map(|number| item(&format!("host{number}.tap.example"))).collect();
    place.write("models/lamp.yaml", &format!("model: lamp\nnetwork:\n  allow:\n{}", item("api.lamp.example")));
    place.write("models/tap.yaml", &format!("model: tap\nnetwork:\n  allow:\n{tap}"));
    let lamps: Vec<String> =
        (7..13).map(|number| format!("lamp-{number},02:00:00:00:00:{number:02x},lamp\n")).collect();
    let lamps = lamps.concat();
    place.write("devices.csv", &format!("name,mac,model\n{lamps}"));
    nix::unistd::mkfifo(&place.path("packets"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _server = place.serve();
    place.run(&["devices", "import", "devices.csv"]).ok();
    let mut pipe = OpenOptions::new().write(true).open(place.path("packets")).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let mut capture = Capture::new(now());
    let mut says = |device: u8, host: &str, more: usize| {
        capture.own = ([2, 0, 0, 0, 0, device], Ipv4Addr::new(192, 168, 10, device));
        capture.port += 1;
        let mut said = request(host);
        capture.conversation(80, &said);
        said.resize(60_000, b'.');
        (0..more).for_each(|_| capture.tcp(true, (30_000, 80), 0x18, &said));
    };
    says(7, "metrics.tracker.example", 0);
    says(8, "api.lamp.example", 90);
    (7..13).for_each(|device| says(device, "fresh.vendor.example", 0));
    (0..9).for_each(|number| says(9, &format!("host{number}.tap.example"), 0));
    pipe.write_all(&capture.bytes).unwrap();
    drop(pipe);
    let wanted = ["net-tracker", "net-over-rate", "net-model-novelty", "net-other-model"];
    let findings =
        place.until(&["findings", "list"], |rows| wanted.iter().all(|rule| !with(rows, "rule", rule).is_empty()));
    for (rule, subject) in [("net-tracker", "lamp-7"), ("net-over-rate", "lamp-8"), ("net-other-model", "lamp-9")] {
        assert_eq!(with(&findings, "rule", rule)[0]["subject"], subject, "{rule}: {findings:#}");
    }
    assert_eq!(with(&findings, "rule", "net-model-novelty").len(), 1, "once, not of each: {findings:#}");
    what_the_journal_holds_can_be_learnt(&place);
}

/// The same conversations, as their sums stand in the journal.
fn what_the_journal_holds_can_be_learnt(place: &Place) {
    let lamp = ["learn", "--model", "lamp", "--journal"];
    let end = std::time::Instant::now() + Duration::from_secs(20);
    let wanted = ["name: \"api.lamp.example\"", "name: \"host#.tap.example\"", "name: \"fresh.vendor.example\""];
    let learnt = loop {
        let ran = place.run(&lamp);
        if wanted.iter().all(|it| ran.out.contains(it)) {
            break ran.ok();
        }
        assert!(std::time::Instant::now() < end, "{}{}", ran.out, ran.err);
        std::thread::sleep(Duration::from_millis(200));
    };
    assert!(learnt.contains("medium confidence: 6 devices, 1 day, 1 capture, 6 flows"), "{learnt}");
    assert!(!learnt.contains("packets_per_second"), "the journal does not say how fast: {learnt}");
    place.run(&["learn", "--model", "lamp", "--journal", "--out", "learnt.yaml"]).ok();
    let dir = ["learn", "--model", "lamp", "--journal", "--dir", "data/journal", "--out", "learnt.yaml", "--diff"];
    assert_eq!(place.json(&dir), json!([]), "the same journal by its folder says the same");
    let later = [&lamp[..], &["--since", "2100-01-01T00:00:00Z"]].concat();
    assert!(place.run(&later).fails(2).contains("journal cat --kind flow"));
    place.run(&[&lamp[..], &["odd.pcap"]].concat()).fails(2);
}

#[test]
fn the_first_signer_of_a_mud_file_is_pinned() {
    let place = Place::empty();
    place.write(
        "lamp.yaml",
        "model: lamp\nnetwork:\n  allow:\n    - { name: api.lamp.example, protocol: tcp, ports: [443] }\n",
    );
    place.write("f.json", &place.run(&["mud", "export", "lamp.yaml"]).ok());
    let openssl = |arguments: &str| {
        let mut command = std::process::Command::new("openssl");
        let ran = command.args(arguments.split(' ')).current_dir(place.path(".")).output();
        ran.is_ok_and(|ran| ran.status.success())
    };
    for who in ["maker", "other"] {
        let made = openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {who}.key -out {who}.pem -days 9 -subj /CN={who}"
        )) && openssl(&format!(
            "cms -sign -signer {who}.pem -inkey {who}.key -in f.json -binary -outform DER -out {who}.p7s"
        ));
        if !made {
            println!("SKIPPED: no openssl that can sign");
            return;
        }
    }
    place.write("roots.pem", &(place.read("maker.pem") + &place.read("other.pem")));
    let import = |more: &[&str]| place.run(&[&["mud", "import", "f.json", "--out", "bulb.yaml"], more].concat());
    let signed = ["--roots", "roots.pem", "--signature"];
    import(&[&signed[..], &["maker.p7s"]].concat()).ok();
    let first = place.read("bulb.yaml");
    assert!(first.starts_with("# signed by: sha256 ") && first.contains("CN=maker"), "{first}");
    import(&[&signed[..], &["maker.p7s"]].concat()).ok();
    assert_eq!(place.read("bulb.yaml"), first, "the same signer again changes nothing");
    let refused = import(&[&signed[..], &["other.p7s"]].concat()).fails(2);
    assert!(refused.contains("CN=other") && refused.contains("--signer"), "{refused}");
    let unsigned = import(&[]).fails(2);
    assert!(unsigned.contains("without a signature"), "{unsigned}");
    assert_eq!(place.read("bulb.yaml"), first, "what is refused changes nothing");
    let verify = ["mud", "verify", "f.json", "--roots", "roots.pem", "--signature", "other.p7s"];
    let said = place.run(&verify).ok();
    let fingerprint = said.trim().rsplit(' ').next().unwrap();
    place.run(&[&verify[..], &["--signer", fingerprint]].concat()).ok();
    import(&[&signed[..], &["other.p7s", "--signer", fingerprint]].concat()).ok();
    assert!(place.read("bulb.yaml").contains("CN=other"), "whom somebody states is taken, and pinned");
}

#[test]
fn an_interface_is_watched_as_it_comes() {
    let Some(mut lab) = Lab::try_new(&[]).unwrap() else { return };
    let (gateway, device) = site(&mut lab);
    let mut place = Place::empty();
    place.enter(gateway.name());
    place.write("models/lamp.yaml", "model: lamp\nnetwork: { allow: [] }\n");
    let watching = std::thread::scope(|scope| {
        let ran = scope.spawn(|| {
            let device = "--device=02:00:00:00:00:07=hall:lamp";
            place.run(&["watch", "--live", "eth1", "--for", "4s", device, "--models", "models", "--format", "jsonl"])
        });
        std::thread::sleep(Duration::from_secs(2));
        let listener = gateway.enter(|| std::net::TcpListener::bind("10.77.0.1:8080")).unwrap().unwrap();
        let called = device.enter(|| {
            std::net::TcpStream::connect("10.77.0.1:8080").and_then(|mut it| it.write_all(b"GET / HTTP/1.1\r\n\r\n"))
        });
        called.unwrap().unwrap();
        drop(listener);
        ran.join().unwrap()
    });
    let (said, told) = (watching.err.clone(), watching.ok());
    let signs: Vec<serde_json::Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_wanted = |sign: &serde_json::Value| sign["device"] == "hall" && sign["port"] == json!(8080);
    assert!(signs.iter().any(is_wanted), "{told}{said}");
    assert!(said.contains("listening to eth1"), "{said}");
}

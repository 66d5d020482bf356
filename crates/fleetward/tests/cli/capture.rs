//! Packets in: as a command, and as a sense of the server.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleetward_testkit::daemons::{Lab, Namespace};
use serde_json::json;

use crate::misuse::with;
use crate::support::Place;

const DEVICE: ([u8; 6], Ipv4Addr) = ([0x02, 0, 0, 0, 0, 7], Ipv4Addr::new(192, 168, 10, 7));
const ROUTER: [u8; 6] = [0x02, 0, 0, 0, 0, 1];
const FAR: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

/// A capture of Ethernet frames that is being written.
pub(crate) struct Capture {
    pub(crate) bytes: Vec<u8>,
    /// The device.
    pub(crate) own: ([u8; 6], Ipv4Addr),
    /// The port that the device's next conversation is from.
    pub(crate) port: u16,
    /// Microseconds since 1970.
    at: u64,
}

impl Capture {
    pub(crate) fn new(at: u64) -> Self {
        let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
        Self { bytes, own: DEVICE, port: 40_000, at }
    }

    fn frame(&mut self, frame: &[u8]) {
        self.at += 1000;
        let (seconds, fraction) = (self.at / 1_000_000, self.at % 1_000_000);
        for number in [seconds, fraction, frame.len() as u64, frame.len() as u64] {
            self.bytes.extend((number as u32).to_le_bytes());
        }
        self.bytes.extend(frame);
    }

    /// A segment between the device and the far end.
    pub(crate) fn tcp(&mut self, from_device: bool, ports: (u16, u16), flags: u8, payload: &[u8]) {
        let (own, far) = ((self.own.0, self.own.1, ports.0), (ROUTER, FAR, ports.1));
        let (from, to) = if from_device { (own, far) } else { (far, own) };
        let length = (40 + payload.len()) as u16;
        let mut frame = [to.0, from.0].concat();
        frame.extend([8, 0, 0x45, 0]);
        frame.extend(length.to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        frame.extend(from.1.octets());
        frame.extend(to.1.octets());
        frame.extend(from.2.to_be_bytes());
        frame.extend(to.2.to_be_bytes());
        frame.extend([0; 8]);
        frame.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
        frame.extend(payload);
        self.frame(&frame);
    }

    /// A whole conversation that the device begins.
    pub(crate) fn conversation(&mut self, port: u16, said: &[u8]) {
        let ports = (self.port, port);
        self.tcp(true, ports, 0x02, b"");
        self.tcp(false, ports, 0x12, b"");
        self.tcp(true, ports, 0x10, b"");
        self.tcp(true, ports, 0x18, said);
        self.tcp(false, ports, 0x18, b"HTTP/1.1 200 OK\r\n\r\n");
        self.tcp(true, ports, 0x11, b"");
        self.tcp(false, ports, 0x11, b"");
        self.tcp(true, ports, 0x10, b"");
    }
}

pub(crate) fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "packets of a test are of now")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

#[test]
fn a_capture_is_read_in_every_format_and_damage_is_told() {
    let place = Place::empty();
    let mut capture = Capture::new(1_700_000_000_000_000);
    capture.conversation(80, b"GET / HTTP/1.1\r\nHost: time.vendor.example\r\n\r\n");
    std::fs::write(place.path("lamp.pcap"), &capture.bytes).unwrap();
    let mut shown = String::new();
    for more in [
        &[][..],
        &["--format", "csv"],
        &["--format", "jsonl", "--device", "02:00:00:00:00:07=lamp"],
        &["--device", "203.0.113.9=server"],
        &["--device", "192.168.10.8=somebody else"],
    ] {
        let ran = place.run(&[&["capture", "read", "lamp.pcap"], more].concat());
        writeln!(shown, "$ fleetward capture read lamp.pcap {}\n{}{}", more.join(" "), ran.out, ran.err).unwrap();
        ran.ok();
    }
    std::fs::write(place.path("cut.pcap"), &capture.bytes[..capture.bytes.len() - 20]).unwrap();
    let mut damaged = capture.bytes.clone();
    damaged.extend([0xff; 40]);
    std::fs::write(place.path("damaged.pcap"), damaged).unwrap();
    place.write("page.pcap", "<html>");
    for (file, code) in [("cut.pcap", 0), ("damaged.pcap", 2), ("page.pcap", 2), ("nowhere.pcap", 2)] {
        let ran = place.run(&["capture", "read", file]);
        writeln!(shown, "$ fleetward capture read {file}    # {}\n{}", ran.code, ran.err).unwrap();
        assert_eq!(ran.code, code, "{file}: {}", ran.err);
    }
    let ran = place.run(&["capture", "live", "nowhere0"]);
    writeln!(shown, "$ fleetward capture live nowhere0    # {}\n{}", ran.code, ran.err).unwrap();
    insta::assert_snapshot!("capture", place.plain(&shown));
}

/// The server with one source, and the device in its inventory.
fn with_source(place: &Place, source: &str) {
    place.edit("  sources: []\n", &format!("  sources: [{{ name: site-1, {source} }}]\n"));
    place.edit("flush_every: 1 min", "flush_every: 1 s");
    place.edit("  routers: []", "  routers: ['02:00:00:00:00:01']");
    place.write("devices.csv", "name,mac\nlamp,02:00:00:00:00:07\n");
}

#[test]
fn a_pipe_is_a_sense_of_the_server() {
    let place = Place::init();
    with_source(&place, "file: packets");
    nix::unistd::mkfifo(&place.path("packets"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _server = place.serve();
    place.run(&["devices", "import", "devices.csv"]).ok();
    let mut pipe = OpenOptions::new().write(true).open(place.path("packets")).unwrap();
    // Who is who is looked at again two seconds after a change at most.
    std::thread::sleep(Duration::from_secs(3));
    let mut capture = Capture::new(now());
    capture.conversation(25, b"EHLO lamp\r\n");
    capture.conversation(80, b"GET / HTTP/1.1\r\nHost: a.example\r\nAuthorization: Basic eDp5\r\n\r\n");
    pipe.write_all(&capture.bytes).unwrap();
    let findings = place.until(&["findings", "list"], |rows| {
        !with(rows, "rule", "mail-sent").is_empty() && !with(rows, "rule", "net-credentials-in-clear").is_empty()
    });
    let mail = with(&findings, "rule", "mail-sent");
    assert_eq!(mail[0]["subject"], "lamp", "{findings:#}");
    assert!(mail[0]["observed"].as_str().is_some_and(|it| it.contains("port 25")), "{findings:#}");
    assert_eq!(with(&findings, "rule", "net-credentials-in-clear")[0]["subject"], "lamp", "{findings:#}");
    assert!(!findings.to_string().contains("eDp5"), "a password is never kept");
    let journal = place.run(&["journal", "cat", "--format", "jsonl"]).ok();
    assert!(journal.contains("site-1"), "{journal}");
}

#[test]
fn a_capture_file_counts_once_over_restarts() {
    let place = Place::init();
    with_source(&place, "file: lamp.pcap");
    let mut capture = Capture::new(now());
    capture.conversation(443, b"hello");
    capture.conversation(8883, b"hello");
    std::fs::write(place.path("lamp.pcap"), &capture.bytes).unwrap();
    let flows = |place: &Place| {
        let lines = place.run(&["journal", "cat", "--format", "jsonl"]).ok();
        lines.lines().filter(|line| line.contains("\"flow\"")).count()
    };
    let first = place.serve();
    place.run(&["devices", "import", "devices.csv"]).ok();
    drop(first);
    // Now the device is known from the start.
    let second = place.serve();
    place.until(&["devices", "list"], |rows| *rows != json!([]));
    std::thread::sleep(Duration::from_secs(2));
    drop(second);
    let counted = flows(&place);
    let third = place.serve();
    std::thread::sleep(Duration::from_secs(2));
    drop(third);
    assert_eq!((counted, flows(&place)), (2, 2));
}

/// A gateway (eth1, 10.77.0.1) and a device behind it (10.77.0.7, 02:00:00:00:00:07).
pub(crate) fn site(lab: &mut Lab) -> (Namespace, Namespace) {
    let [gateway, device] = ["gateway", "device"].map(|it| lab.namespace(it).unwrap());
    lab.cable((&gateway, "eth1", "10.77.0.1/24"), (&device, "eth0", "10.77.0.7/24")).unwrap();
    device.set_mac("eth0", "02:00:00:00:00:07").unwrap();
    (gateway, device)
}

#[test]
fn an_interface_is_a_sense_of_the_server() {
    let Some(mut lab) = Lab::try_new(&[]).unwrap() else { return };
    let (gateway, device) = site(&mut lab);
    let mut place = Place::init();
    place.enter(gateway.name());
    with_source(&place, "interface: eth1");
    let _server = place.serve();
    place.run(&["devices", "import", "devices.csv"]).ok();
    std::thread::sleep(Duration::from_secs(3));
    let listener = gateway.enter(|| TcpListener::bind("10.77.0.1:25")).unwrap().unwrap();
    let called = device.enter(|| TcpStream::connect("10.77.0.1:25").and_then(|mut it| it.write_all(b"EHLO lamp\r\n")));
    called.unwrap().unwrap();
    drop(listener.accept().unwrap());
    let findings = place.until(&["findings", "list"], |rows| !with(rows, "rule", "mail-sent").is_empty());
    assert_eq!(with(&findings, "rule", "mail-sent")[0]["subject"], "lamp", "{findings:#}");
    let token = format!("Authorization: Bearer {}", place.read("data/cli-token").trim());
    let url = format!("https://{}/metrics", place.ports.api);
    let asked = gateway.command("curl").args(["--silent", "--insecure", "--header", &token, &url]).output();
    let Ok(metrics) = asked else {
        println!("SKIPPED: the metrics, without curl");
        return;
    };
    let metrics = String::from_utf8_lossy(&metrics.stdout).into_owned();
    for line in [r#"fleetward_capture_drops_total{source="site-1"} 0"#, r#"fleetward_capture_up{source="site-1"} 1"#] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[test]
fn listening_without_the_right_says_which_one_is_missing() {
    let place = Place::empty();
    let program = env!("CARGO_BIN_EXE_fleetward");
    let mut command = std::process::Command::new("setpriv");
    command.args(["--bounding-set=-net_raw", "--inh-caps=-net_raw", program, "capture", "live", "lo", "--for", "1s"]);
    let Ok(ran) = command.current_dir(place.path(".")).output() else {
        println!("SKIPPED: no setpriv here");
        return;
    };
    let said = String::from_utf8_lossy(&ran.stderr);
    if said.contains("setpriv:") {
        println!("SKIPPED: {said}");
        return;
    }
    assert_eq!(ran.status.code(), Some(3), "{said}");
    assert!(said.contains("needs the capability CAP_NET_RAW") && said.contains("setcap cap_net_raw=ep"), "{said}");
}

#[test]
fn exported_flows_are_a_sense_of_the_server() {
    let place = Place::init();
    let at = crate::support::free_port();
    with_source(&place, &format!("ipfix: '{at}'"));
    place.write("devices.csv", "name,ip\nlamp,192.168.10.7\n");
    let _server = place.serve();
    place.run(&["devices", "import", "devices.csv"]).ok();
    std::thread::sleep(Duration::from_secs(3));
    // NetFlow v5: one record, to a port that sends mail.
    let seconds = (now() / 1_000_000) as u32;
    let mut datagram = vec![0, 5, 0, 1, 0, 0, 0x27, 0x10];
    datagram.extend(seconds.to_be_bytes());
    datagram.extend([0; 12]);
    datagram.extend([DEVICE.1.octets(), FAR.octets()].concat());
    datagram.extend([0; 8]);
    for number in [6_u32, 600, 4_000, 5_000] {
        datagram.extend(number.to_be_bytes());
    }
    datagram.extend([0x9c, 0x40, 0, 25, 0, 0x1b, 6]);
    datagram.resize(24 + 48, 0);
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&datagram, at).unwrap();
    let findings = place.until(&["findings", "list"], |rows| !with(rows, "rule", "mail-sent").is_empty());
    assert_eq!(with(&findings, "rule", "mail-sent")[0]["subject"], "lamp", "{findings:#}");
}

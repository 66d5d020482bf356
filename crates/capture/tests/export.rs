//! Exported flows: each format by hand, and what a real exporter says of a capture.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fleetward_capture::{ExportCounts, Exported};
use fleetward_packet::{Event, Flow, Limits, Sink, Table, Time};
use proptest::prelude::*;

/// Flows that ended.
#[derive(Default)]
struct Flows(Vec<Flow>);

impl Sink for Flows {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Closed(flow) = event {
            self.0.push(flow.clone());
        }
    }
}

fn from() -> SocketAddr {
    ([192, 0, 2, 1], 50_000).into()
}

fn taken(datagrams: &[Vec<u8>]) -> (Vec<Flow>, ExportCounts) {
    let (mut exported, mut flows) = (Exported::default(), Flows::default());
    for datagram in datagrams {
        exported.take(from(), datagram, Time(0), &mut flows);
    }
    exported.finish(&mut flows);
    (flows.0, exported.counts())
}

fn set(id: u16, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u16 + 4;
    [&id.to_be_bytes()[..], &length.to_be_bytes(), body].concat()
}

fn ipfix(sequence: u32, sets: &[Vec<u8>]) -> Vec<u8> {
    let body = sets.concat();
    let length = body.len() as u16 + 16;
    let head =
        [&[0, 10][..], &length.to_be_bytes(), &1_700_000_000_u32.to_be_bytes(), &sequence.to_be_bytes(), &[0; 4]];
    [head.concat(), body].concat()
}

fn shorts(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|it| it.to_be_bytes()).collect()
}

/// Source and destination, ports, protocol, packets, octets, start, end, flags, and a name of variable length of an enterprise.
fn template() -> Vec<u8> {
    let known = [8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 2, 4, 1, 4, 152, 8, 153, 8, 6, 1];
    set(2, &[shorts(&[300, 11]), shorts(&known), shorts(&[0x8000 | 5, 0xffff, 0, 9999])].concat())
}

fn record(source: ([u8; 4], u16), destination: ([u8; 4], u16), packets: u32, first: u64) -> Vec<u8> {
    [
        &source.0[..],
        &destination.0,
        &source.1.to_be_bytes(),
        &destination.1.to_be_bytes(),
        &[6],
        &packets.to_be_bytes(),
        &(packets * 100).to_be_bytes(),
        &first.to_be_bytes(),
        &(first + 500).to_be_bytes(),
        &[0x1b],
        &[3, b'a', b'b', b'c'],
    ]
    .concat()
}

const DEVICE: ([u8; 4], u16) = ([192, 168, 1, 7], 40_000);
const SERVER: ([u8; 4], u16) = ([203, 0, 113, 9], 443);

#[test]
fn two_directions_become_one_flow_and_who_began_is_the_client() {
    let first = 1_699_999_000_000;
    let data = set(300, &[record(SERVER, DEVICE, 7, first + 20), record(DEVICE, SERVER, 5, first)].concat());
    let (flows, counts) = taken(&[ipfix(0, &[template(), data])]);
    let flow = &flows[0];
    assert_eq!((flow.client.ip, flow.client.port), (IpAddr::from(DEVICE.0), DEVICE.1));
    assert_eq!((flow.packets, flow.bytes), ([5, 7], [500, 700]));
    assert_eq!((flow.first.0, flow.last.0), (1_699_999_000_000_000_000, 1_699_999_000_520_000_000));
    assert_eq!(counts, ExportCounts { datagrams: 1, records: 2, flows: 1, ..ExportCounts::default() });
}

#[test]
fn what_is_missing_is_counted() {
    let data = set(300, &record(DEVICE, SERVER, 5, 0));
    let (flows, counts) = taken(&[
        ipfix(0, std::slice::from_ref(&data)),
        ipfix(0, &[template(), data.clone()]),
        ipfix(11, std::slice::from_ref(&data)),
        ipfix(12, &[data])[..40].to_vec(),
        b"GET / HTTP/1.1".to_vec(),
    ]);
    assert_eq!(flows.len(), 2);
    assert_eq!((counts.without_template, counts.lost, counts.malformed), (1, 10, 2));
}

#[test]
fn a_record_of_both_directions_is_a_flow_at_once() {
    let fields = [8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 2, 4];
    let reverse = [0x8000 | 2, 4, 0, 29_305];
    let template = set(2, &[shorts(&[400, 7]), shorts(&fields), shorts(&reverse)].concat());
    let data =
        [&DEVICE.0[..], &SERVER.0, &DEVICE.1.to_be_bytes(), &SERVER.1.to_be_bytes(), &[17, 0, 0, 0, 3, 0, 0, 0, 4]];
    let (flows, _) = taken(&[ipfix(0, &[template, set(400, &data.concat())])]);
    assert_eq!((flows[0].packets, flows[0].protocol), ([3, 4], 17));
    assert_eq!(flows[0].first, Time(1_700_000_000_000_000_000), "without times, that of the export");
}

#[test]
fn version_5_is_read() {
    let mut datagram = shorts(&[5, 1]);
    datagram.extend(10_000_u32.to_be_bytes());
    datagram.extend(1_700_000_000_u32.to_be_bytes());
    datagram.extend([0; 12]);
    let mut record = [DEVICE.0, SERVER.0].concat();
    record.extend([0; 8]);
    for number in [6_u32, 600, 4_000, 5_000] {
        record.extend(number.to_be_bytes());
    }
    record.extend(shorts(&[DEVICE.1, SERVER.1]));
    record.extend([0, 0x1b, 6]);
    record.resize(48, 0);
    datagram.extend(record);
    let (flows, counts) = taken(&[datagram]);
    assert_eq!((flows.len(), counts.malformed), (1, 0));
    assert_eq!((flows[0].packets[0], flows[0].bytes[0], flows[0].tcp.client), (6, 600, 0x1b));
    assert_eq!(flows[0].first, Time(1_699_999_994_000_000_000));
}

/// `softflowd` reads a capture of ours and exports it; the sums are those of our own table.
#[test]
fn a_real_exporter_says_what_our_table_says() {
    if Command::new("softflowd").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        println!("SKIPPED: no softflowd here (apt-get install softflowd)");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("made.pcap");
    std::fs::write(&path, made()).expect("written");
    let (mut table, mut ours) = (Table::new(Limits::default(), 1), Flows::default());
    fleetward_capture::read(&path, |it| table.push(it.link, it.time, it.bytes, it.wire, &mut ours)).expect("read");
    table.finish(&mut ours);
    for version in ["5", "9", "10"] {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
        let to = socket.local_addr().expect("an address").to_string();
        let mut daemon = Command::new("softflowd")
            .args(["-d", "-v", version, "-n", &to, "-r"])
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let (mut exported, mut theirs) = (Exported::default(), Flows::default());
        let end = Instant::now() + Duration::from_secs(20);
        let mut buffer = vec![0; 65_536];
        loop {
            match socket.recv_from(&mut buffer) {
                Ok((length, from)) => exported.take(from, &buffer[..length], Time(0), &mut theirs),
                Err(_) if daemon.try_wait().is_ok_and(|it| it.is_some()) || Instant::now() > end => break,
                Err(_) => {}
            }
        }
        daemon.kill().ok();
        daemon.wait().expect("it ended");
        exported.finish(&mut theirs);
        println!("softflowd -v {version}: {:?}", exported.counts());
        let sums = |flows: &[Flow]| {
            let mut sums: Vec<_> = flows
                .iter()
                .map(|it| {
                    (it.client.ip, it.client.port, it.server.ip, it.server.port, it.protocol, it.packets, it.bytes)
                })
                .collect();
            sums.sort_unstable();
            sums
        };
        assert_eq!(sums(&theirs.0), sums(&ours.0), "version {version}");
    }
}

/// Two TCP conversations and a UDP one, over IPv4.
fn made() -> Vec<u8> {
    let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    let mut at = 0;
    let mut frame = |from: ([u8; 4], u16), to: ([u8; 4], u16), protocol: u8, flags: u8, payload: usize| {
        at += 20_000_u32;
        let above = if protocol == 6 { 20 } else { 8 };
        let length = (20 + above + payload) as u16;
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 7, 8, 0, 0x45, 0];
        frame.extend(length.to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        frame.extend([from.0, to.0].concat());
        frame.extend(shorts(&[from.1, to.1]));
        match protocol {
            6 => frame.extend([0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0x20, 0, 0, 0, 0, 0]),
            _ => frame.extend(shorts(&[8 + payload as u16, 0])),
        }
        frame.resize(frame.len() + payload, 0);
        for number in [1_700_000_000 + at / 1_000_000, at % 1_000_000, frame.len() as u32, frame.len() as u32] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(frame);
    };
    for port in [40_000, 40_001] {
        let device = (DEVICE.0, port);
        frame(device, SERVER, 6, 0x02, 0);
        frame(SERVER, device, 6, 0x12, 0);
        frame(device, SERVER, 6, 0x10, 0);
        frame(device, SERVER, 6, 0x18, 300);
        frame(SERVER, device, 6, 0x18, 900);
        frame(device, SERVER, 6, 0x11, 0);
        frame(SERVER, device, 6, 0x11, 0);
        frame(device, SERVER, 6, 0x10, 0);
    }
    frame(DEVICE, ([192, 168, 1, 1], 53), 17, 0, 30);
    frame(([192, 168, 1, 1], 53), DEVICE, 17, 0, 90);
    bytes
}

proptest! {
    #[test]
    fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), version in prop::sample::select(vec![5_u8, 9, 10]), fix in any::<bool>()) {
        bytes.splice(0..0, [0, version]);
        if fix && bytes.len() >= 4 {
            let length = bytes.len() as u16;
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
        }
        let _unused = taken(&[ipfix(0, &[template()]), bytes]);
    }

    #[test]
    fn no_damage_panics(at in 0_usize..300, value in any::<u8>()) {
        let mut datagram = ipfix(0, &[template(), set(300, &record(DEVICE, SERVER, 5, 0)), template()]);
        let at = at % datagram.len();
        datagram[at] = value;
        let _unused = taken(&[datagram.clone(), datagram]);
    }
}

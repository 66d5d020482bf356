//! CPU of the whole way over loopback, journal and its syncs included, detection not: the threads of the server and of
//! the journal are counted, the generator's is not. `cargo bench -p fleetward-aaa --bench loopback`
//!
//! Prints one JSON line per kind of request. `FLEETWARD_BENCH_REQUESTS` (default 100,000) says how many.

#![expect(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, reason = "a benchmark")]

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleetward_aaa::{Client, Config, Directory, IdentityFrom, PasswordPolicy, Peer, Server};
use fleetward_fleet::{Device, Observation, Secret, Timestamp};
use fleetward_journal::{Config as JournalConfig, Journal};
use fleetward_radius::{Builder, Code, dictionary as d};

const SECRET: &[u8] = b"a secret of sixteen";
const WINDOW: usize = 128;
const SIMS: u64 = 100_000;

fn main() {
    // `cargo test --benches` runs this too; it has nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let count = std::env::var("FLEETWARD_BENCH_REQUESTS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000_u64);
    let started = Instant::now();
    let clock = move || Timestamp(1_795_000_000_000 + i64::try_from(started.elapsed().as_millis()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let on_commit = |batch: Vec<fleetward_journal::Committed<Arc<Observation>>>| drop(batch);
    let (journal, _) = Journal::open(JournalConfig::new(dir.path()), Arc::new(clock), on_commit).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let client = Client {
        name: "pgw-1".into(),
        peer: Peer::Net("127.0.0.0/8".parse().unwrap()),
        secret: Secret::new(SECRET),
        identity: IdentityFrom::Imsi,
        password: PasswordPolicy::NetworkAuthenticated,
        legacy_pap_without_ma: false,
    };
    let config = Config { auth: vec![any], acct: vec![any], clients: vec![client], ..Config::default() };
    let server = Server::start(config, directory(), journal.handle(), Arc::new(clock)).unwrap();
    let addrs = server.local_addrs().clone();
    run("accounting", count, addrs.acct[0], interim);
    run("admission", count, addrs.auth[0], access);
    server.stop();
    journal.close();
}

fn imsi(number: u64) -> String {
    format!("{}", 262_010_000_000_000 + number % SIMS)
}

fn directory() -> Arc<Directory> {
    let directory = Directory::new();
    for number in 0..SIMS {
        let mut device = Device::named(format!("meter-{number}"));
        device.imsi = imsi(number).parse().ok();
        device.imei = "35693803564380".parse().ok();
        device.ip = Some(std::net::Ipv4Addr::from(0x0A00_0000 + number as u32));
        directory.upsert(&device);
    }
    Arc::new(directory)
}

fn interim(number: u64) -> Vec<u8> {
    let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, number as u8);
    sim(&mut builder, number);
    builder
        .u32(d::ACCT_STATUS_TYPE, 3)
        .text(d::ACCT_SESSION_ID, &format!("0A0B0C0D{number:08X}"))
        .u32(d::ACCT_INPUT_OCTETS, number as u32)
        .u32(d::ACCT_OUTPUT_OCTETS, 54_321)
        .u32(d::ACCT_SESSION_TIME, 600)
        .u32(d::EVENT_TIMESTAMP, 1_795_000_000)
        .ipv4(d::FRAMED_IP_ADDRESS, std::net::Ipv4Addr::from(0x0A00_0000 + number as u32));
    builder.sign(SECRET).unwrap()
}

fn access(number: u64) -> Vec<u8> {
    let mut authenticator = [7; 16];
    authenticator[..8].copy_from_slice(&number.to_be_bytes());
    let mut builder = Builder::access_request(number as u8, authenticator);
    sim(&mut builder, number);
    builder.user_password(b"password", SECRET);
    builder.sign(SECRET).unwrap()
}

fn sim(builder: &mut Builder, number: u64) {
    builder
        .text(d::USER_NAME, "meter@meters.example")
        .text(d::CALLED_STATION_ID, "meters.example")
        .text(d::CALLING_STATION_ID, "4915112345678")
        .text(d::NAS_IDENTIFIER, "pgw-1.example");
    let imsi = imsi(number);
    let list: [(u8, &[u8]); 8] = [
        (1, imsi.as_bytes()),
        (5, b"05-13921F7396FEFE744B"),
        (6, &[198, 51, 100, 1]),
        (8, b"26201"),
        (18, b"26201"),
        (20, b"3569380356438091"),
        (21, &[6]),
        (22, &[0x82, 0x62, 0xF2, 0x10, 0x12, 0x34, 0x62, 0xF2, 0x10, 0, 1, 2, 3]),
    ];
    for (kind, value) in list {
        builder.vendor(10415, kind, value);
    }
}

/// A closed loop with [`WINDOW`] requests under way.
fn run(kind: &str, count: u64, to: SocketAddr, build: impl Fn(u64) -> Vec<u8>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.connect(to).unwrap();
    let (before, start) = (server_cpu(), Instant::now());
    let (mut sent, mut answered) = (0, 0);
    let mut buffer = [0; 4096];
    while answered < count {
        while sent < count && sent - answered < WINDOW as u64 {
            socket.send(&build(sent)).unwrap();
            sent += 1;
        }
        socket.recv(&mut buffer).expect("an answer");
        answered += 1;
    }
    let (wall, after) = (start.elapsed().as_secs_f64(), server_cpu());
    let of = |name: &str| {
        (after.iter().filter(|(n, _)| n.starts_with(name)).map(|(_, t)| *t).sum::<f64>()
            - before.iter().filter(|(n, _)| n.starts_with(name)).map(|(_, t)| *t).sum::<f64>())
            * 1e5
            / count as f64
    };
    println!(
        "{{\"kind\":\"{kind}\",\"requests\":{count},\"cpu_s_per_100k\":{:.2},\"receive\":{:.2},\"journal\":{:.2},\"per_s\":{:.0}}}",
        of(""),
        of("radius-"),
        of("") - of("radius-"),
        count as f64 / wall
    );
}

/// CPU seconds of every thread but the generator's, by name.
fn server_cpu() -> Vec<(String, f64)> {
    let own = std::process::id().to_string();
    let mut threads = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap();
        if task.file_name().to_string_lossy() == own {
            continue;
        }
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default().trim().to_owned();
        // Nanoseconds on a CPU; `stat` counts in ticks of 10 ms.
        let ran = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let nanos: f64 = ran.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
        threads.push((name, nanos / 1e9));
    }
    threads
}

//! CPU per request without sockets and disk: `cargo bench -p fleetward-aaa`.
//!
//! 0.1 ms here is 10 CPU-s per 100,000 requests; the whole way, with system calls and commits, is `cargo xtask bench radius`.

#![expect(clippy::unwrap_used, reason = "a benchmark fails as a test does")]

use std::sync::Arc;

use divan::Bencher;
use fleetward_aaa::admission::{self, PasswordCheck};
use fleetward_aaa::bench::Bench;
use fleetward_aaa::{Client, Directory, IdentityFrom, PasswordPolicy, Peer};
use fleetward_fleet::{Attach, Device, Identity, Profile, Secret, Timestamp};
use fleetward_radius::{Builder, Code, dictionary as d};

const SECRET: &[u8] = b"a secret of sixteen";
const NOW: Timestamp = Timestamp(1_795_000_000_000);
const SIMS: u64 = 10_000;

fn main() {
    divan::main();
}

fn imsi(number: u64) -> String {
    format!("{}", 262_010_000_000_000 + number)
}

fn directory() -> Arc<Directory> {
    let directory = Directory::new();
    let yaml = "model: meter\ntacs: ['35693803']\ncountries: [DE]\nnetworks: ['26201']\napns: [meters.example]\n";
    directory.set_profiles([Arc::new(Profile::from_yaml(yaml).unwrap())]);
    for number in 0..SIMS {
        let mut device = Device::named(format!("meter-{number}"));
        device.imsi = imsi(number).parse().ok();
        device.imei = "35693803564380".parse().ok();
        device.model = Some("meter".into());
        device.ip = Some(std::net::Ipv4Addr::from(0x0A00_0000 + number as u32));
        directory.upsert(&device);
    }
    Arc::new(directory)
}

fn bench() -> Bench {
    let client = Client {
        name: "pgw-1".into(),
        peer: Peer::Net("192.0.2.0/24".parse().unwrap()),
        secret: Secret::new(SECRET),
        identity: IdentityFrom::Imsi,
        password: PasswordPolicy::NetworkAuthenticated,
        legacy_pap_without_ma: false,
    };
    Bench::new(directory(), client)
}

/// What a gateway sends of a SIM.
fn sim(builder: &mut Builder, number: u64) {
    builder
        .text(d::USER_NAME, "meter@meters.example")
        .text(d::CALLED_STATION_ID, "meters.example")
        .text(d::CALLING_STATION_ID, "4915112345678")
        .text(d::NAS_IDENTIFIER, "pgw-1.example")
        .ipv4(d::NAS_IP_ADDRESS, [192, 0, 2, 1].into())
        .u32(d::SERVICE_TYPE, 2)
        .u32(d::FRAMED_PROTOCOL, 7);
    let imsi = imsi(number);
    let list: [(u8, &[u8]); 14] = [
        (1, imsi.as_bytes()),
        (2, &[1, 2, 3, 4]),
        (3, &[0, 0, 0, 0]),
        (5, b"05-13921F7396FEFE744B"),
        (6, &[198, 51, 100, 1]),
        (7, &[192, 0, 2, 1]),
        (8, b"26201"),
        (9, b"26201"),
        (10, b"5"),
        (12, b"0"),
        (13, b"0800"),
        (18, b"26201"),
        (20, b"3569380356438091"),
        (22, &[0x82, 0x62, 0xF2, 0x10, 0x12, 0x34, 0x62, 0xF2, 0x10, 0, 1, 2, 3]),
    ];
    for (kind, value) in list {
        builder.vendor(10415, kind, value);
    }
    builder.vendor(10415, 21, &[6]).vendor(10415, 23, &[0x80, 0]);
}

fn interims() -> Vec<Vec<u8>> {
    let interim = |number: u64| {
        let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, number as u8);
        sim(&mut builder, number);
        builder
            .u32(d::ACCT_STATUS_TYPE, 3)
            .text(d::ACCT_SESSION_ID, &format!("0A0B0C0D{number:08X}"))
            .u32(d::ACCT_INPUT_OCTETS, 12_345)
            .u32(d::ACCT_OUTPUT_OCTETS, 54_321)
            .u32(d::ACCT_INPUT_GIGAWORDS, 0)
            .u32(d::ACCT_OUTPUT_GIGAWORDS, 0)
            .u32(d::ACCT_SESSION_TIME, 600)
            .u32(d::EVENT_TIMESTAMP, 1_795_000_000)
            .u32(d::ACCT_DELAY_TIME, 0)
            .ipv4(d::FRAMED_IP_ADDRESS, std::net::Ipv4Addr::from(0x0A00_0000 + number as u32))
            .attribute(d::CLASS, b"fw1:aaaaaaaabbbbbbbb");
        builder.sign(SECRET).unwrap()
    };
    (0..SIMS).map(interim).collect()
}

fn requests() -> Vec<Vec<u8>> {
    let request = |number: u64| {
        let mut builder = Builder::access_request(number as u8, [number as u8; 16]);
        sim(&mut builder, number);
        builder.user_password(b"password", SECRET);
        builder.sign(SECRET).unwrap()
    };
    (0..SIMS).map(request).collect()
}

/// One accounting record: verify, read, observe, key, encode, sign the answer.
#[divan::bench]
fn accounting(bencher: Bencher<'_, '_>) {
    each(bencher, &interims());
}

/// One Access-Request: verify, read, decide, observe, key, encode, sign the answer.
#[divan::bench]
fn access(bencher: Bencher<'_, '_>) {
    each(bencher, &requests());
}

fn each(bencher: Bencher<'_, '_>, packets: &[Vec<u8>]) {
    let (bench, mut at, mut wire) = (bench(), 0, Vec::new());
    bencher.bench_local(|| {
        at = (at + 1) % packets.len();
        bench.handle(&packets[at], NOW, &mut wire).expect("a good request")
    });
}

/// Look-up and decision alone.
#[divan::bench]
fn decide(bencher: Bencher<'_, '_>) {
    let directory = directory();
    let identities: Vec<Identity> = (0..SIMS).map(|n| Identity::Imsi(imsi(n).parse().unwrap())).collect();
    let attach = Attach {
        imeisv: "3569380356438091".parse().ok(),
        network: "26201".parse().ok(),
        apn: Some("meters.example".into()),
        ..Attach::default()
    };
    let request =
        admission::Request { nas: "pgw-1", session: None, attach: &attach, password: PasswordCheck::NotAsked };
    let mut at = 0;
    bencher.bench_local(|| {
        at = (at + 1) % identities.len();
        let sim = directory.find(&identities[at]);
        let profile = directory.profile("meter");
        admission::decide(&request, sim.as_ref(), profile.as_deref(), NOW)
    });
}

//! A server on loopback with a real journal in its own directory, and a NAS to talk to it.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use fleetward_aaa::{Client, Config, Directory, Done, IdentityFrom, Keyed, PasswordPolicy, Peer, Recorder, Server};
use fleetward_fleet::{Body, Device, Observation, Profile, Secret, Timestamp};
use fleetward_journal::{Config as JournalConfig, Journal, Refused};
use fleetward_radius::{Builder, Code, Packet, auth, dictionary as d};
use parking_lot::Mutex;

pub(crate) const SECRET: &[u8] = b"a secret of sixteen";
pub(crate) const START: i64 = 1_795_000_000_000;
pub(crate) const IMSI: &str = "262011234567890";

/// The running thing. Dropped in order: server, then journal.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) journal: Journal<Observation>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) seen: Arc<Mutex<Vec<Observation>>>,
    pub(crate) now: Arc<AtomicI64>,
    pub(crate) refuse: Arc<AtomicBool>,
    _dir: tempfile::TempDir,
}

/// The journal, with a switch that makes it refuse.
struct Switched {
    journal: fleetward_journal::Handle<Observation>,
    refuse: Arc<AtomicBool>,
}

impl Recorder for Switched {
    fn record(&self, batch: Vec<Keyed>, done: Done) {
        if self.refuse.load(Ordering::Relaxed) { done(Err(Refused::Full)) } else { self.journal.record(batch, done) }
    }

    fn is_healthy(&self) -> bool {
        !self.refuse.load(Ordering::Relaxed) && self.journal.is_healthy()
    }
}

pub(crate) fn client() -> Client {
    Client {
        name: "pgw-1".into(),
        peer: Peer::Net("127.0.0.0/8".parse().unwrap()),
        secret: Secret::new(SECRET),
        identity: IdentityFrom::Imsi,
        password: PasswordPolicy::NetworkAuthenticated,
        legacy_pap_without_ma: false,
    }
}

pub(crate) fn meter() -> Device {
    let mut device = Device::named("meter-17");
    device.imsi = IMSI.parse().ok();
    device.imei = "35693803564380".parse().ok();
    device.model = Some("meter".into());
    device.ip = Some([10, 0, 0, 17].into());
    device.ipv6 = "2001:db8:17::/64".parse().ok();
    device
}

pub(crate) fn loopback() -> Config {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    Config { auth: vec![any], acct: vec![any], clients: vec![client()], receive_buffer: 1 << 18, ..Config::default() }
}

impl Rig {
    pub(crate) fn start(config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(START));
        let clock = {
            let now = Arc::clone(&now);
            move || Timestamp(now.load(Ordering::Relaxed))
        };
        let seen = Arc::<Mutex<Vec<Observation>>>::default();
        let on_commit = {
            let seen = Arc::clone(&seen);
            move |batch: Vec<fleetward_journal::Committed<Observation>>| {
                seen.lock().extend(batch.into_iter().map(|committed| committed.item));
            }
        };
        let mut settings = JournalConfig::new(dir.path());
        settings.segment_bytes = 4 << 20;
        let (journal, _) = Journal::open(settings, Arc::new(clock.clone()), on_commit).unwrap();
        let directory = Arc::new(Directory::new());
        let yaml = "model: meter\ntacs: ['35693803']\nnetworks: ['26201']\napns: [meters.example]\nsession_timeout_secs: 3600\n";
        directory.set_profiles([Arc::new(Profile::from_yaml(yaml).unwrap())]);
        directory.upsert(&meter());
        let refuse = Arc::<AtomicBool>::default();
        let recorder = Switched { journal: journal.handle(), refuse: Arc::clone(&refuse) };
        let server = Server::start(config, Arc::clone(&directory), recorder, Arc::new(clock)).unwrap();
        Self { server, journal, directory, seen, now, refuse, _dir: dir }
    }

    pub(crate) fn auth(&self) -> SocketAddr {
        self.server.local_addrs().auth[0]
    }

    pub(crate) fn acct(&self) -> SocketAddr {
        self.server.local_addrs().acct[0]
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.now.fetch_add(by.as_millis() as i64, Ordering::Relaxed);
    }

    pub(crate) fn metric(&self, name: &str, label: &str) -> u64 {
        let fits = |sample: &&fleetward_fleet::metric::Sample| {
            sample.name == name && (label.is_empty() || sample.labels.iter().any(|(_, value)| value == label))
        };
        self.server.metrics().iter().find(fits).unwrap_or_else(|| panic!("no {name} {label}")).value as u64
    }

    pub(crate) fn discards(&self, reason: &str) -> u64 {
        self.metric("fleetward_radius_discards_total", reason)
    }

    pub(crate) fn sessions(&self) -> usize {
        self.seen.lock().iter().filter(|o| matches!(o.body, Body::Session(_))).count()
    }
}

/// A client with its own socket.
pub(crate) struct Nas {
    socket: UdpSocket,
    identifier: AtomicU8,
}

impl Nas {
    pub(crate) fn new() -> Self {
        Self::at([127, 0, 0, 1].into())
    }

    pub(crate) fn at(ip: std::net::IpAddr) -> Self {
        let socket = UdpSocket::bind((ip, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { socket, identifier: AtomicU8::new(0) }
    }

    pub(crate) fn identifier(&self) -> u8 {
        self.identifier.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn send(&self, to: SocketAddr, octets: &[u8]) {
        self.socket.send_to(octets, to).unwrap();
    }

    /// The next answer.
    pub(crate) fn receive(&self) -> Vec<u8> {
        let mut buffer = [0; 4096];
        let (length, _) = self.socket.recv_from(&mut buffer).expect("an answer within 20 s");
        buffer[..length].to_vec()
    }

    /// An answer, if one comes in this time.
    pub(crate) fn receive_within(&self, time: Duration) -> Option<Vec<u8>> {
        self.socket.set_read_timeout(Some(time)).unwrap();
        let mut buffer = [0; 4096];
        let received = self.socket.recv_from(&mut buffer).ok().map(|(length, _)| buffer[..length].to_vec());
        self.socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        received
    }

    pub(crate) fn ask(&self, to: SocketAddr, octets: &[u8]) -> Vec<u8> {
        self.send(to, octets);
        self.receive()
    }

    /// Asks for the server's status and expects that nothing but its answer comes: whatever was sent before on this
    /// socket got no answer.
    pub(crate) fn expect_silence(&self, to: SocketAddr) {
        let identifier = self.identifier();
        let answer = self.ask(to, &status_server(identifier));
        assert_eq!(answer[1], identifier, "an answer came to what should have none: {answer:02x?}");
    }
}

pub(crate) fn random() -> [u8; 16] {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets).unwrap();
    octets
}

pub(crate) fn status_server(identifier: u8) -> Vec<u8> {
    Builder::status_server(identifier, random()).sign(SECRET).unwrap()
}

/// An Access-Request of the meter, changed by `build`.
pub(crate) fn access(identifier: u8, build: impl FnOnce(&mut Builder)) -> Vec<u8> {
    let mut builder = Builder::access_request(identifier, random());
    builder
        .text(d::USER_NAME, "anything")
        .text(d::CALLED_STATION_ID, "meters.example")
        .vendor_list(10415, &[(1, IMSI.as_bytes()), (20, b"3569380356438091"), (18, b"26201")]);
    build(&mut builder);
    builder.sign(SECRET).unwrap()
}

/// An Accounting-Request of the meter.
pub(crate) fn accounting(identifier: u8, status: u32, session: &str, build: impl FnOnce(&mut Builder)) -> Vec<u8> {
    accounting_signed(identifier, status, session, SECRET, build)
}

pub(crate) fn accounting_signed(
    identifier: u8,
    status: u32,
    session: &str,
    secret: &[u8],
    build: impl FnOnce(&mut Builder),
) -> Vec<u8> {
    let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, identifier);
    builder.u32(d::ACCT_STATUS_TYPE, status).text(d::ACCT_SESSION_ID, session).vendor_text(10415, 1, IMSI);
    build(&mut builder);
    builder.sign(secret).unwrap()
}

/// Verifies the answer and gives its code.
pub(crate) fn verified(answer: &[u8], request: &[u8], secret: &[u8]) -> Code {
    let (answer, request) = (Packet::parse(answer).unwrap(), Packet::parse(request).unwrap());
    auth::verify_reply(&answer, &request, secret, auth::Policy::Require).unwrap();
    answer.code()
}

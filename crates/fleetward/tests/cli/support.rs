//! A folder to work in, commands run in it, a server, a gateway.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fleetward_fleet::{Secret, Timestamp};
use fleetward_testkit::Clock;
use fleetward_testkit::fleet::{Fleet, Member};
use fleetward_testkit::nas::{Admitted, Entry, Event, Nas, SessionRef, Sim, Timing};
use fleetward_testkit::process::Process;
use serde_json::Value;
use tempfile::TempDir;

/// No command and no wait takes longer, on a slow and busy machine either.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// What a command said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Standard output of a command that must succeed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self.out
    }

    /// Standard error of a command that must end with this code.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self.err
    }
}

/// A folder that `fleetward init` has filled.
pub(crate) struct Place {
    folder: TempDir,
    /// The network namespace that its commands run in.
    namespace: Option<String>,
    pub(crate) ports: Ports,
}

/// Where the server of a [`Place`] listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) authentication: SocketAddr,
    pub(crate) accounting: SocketAddr,
    pub(crate) api: SocketAddr,
}

impl Place {
    /// `fleetward init` in a new folder, with ports that are free.
    pub(crate) fn init() -> Self {
        let place = Self::empty();
        place.run(&["init"]).ok();
        let Ports { authentication, accounting, api } = place.ports;
        let given = [("127.0.0.1:1812", authentication), ("127.0.0.1:1813", accounting), ("127.0.0.1:8443", api)];
        // By way of names: a free port may be 18137, which begins as one that is yet to be replaced.
        for (index, (old, _)) in given.iter().enumerate() {
            place.edit(old, &format!("<port {index}>"));
        }
        for (index, (_, new)) in given.iter().enumerate() {
            place.edit(&format!("<port {index}>"), &new.to_string());
        }
        place
    }

    pub(crate) fn empty() -> Self {
        let ports = Ports { authentication: free_port(), accounting: free_port(), api: free_port() };
        Self { folder: tempfile::tempdir().unwrap(), namespace: None, ports }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A file that only its owner may read.
    pub(crate) fn write_private(&self, name: &str, text: &str) {
        self.write(name, text);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Edits fleetward.yaml as a person would.
    #[track_caller]
    pub(crate) fn edit(&self, old: &str, new: &str) {
        let config = self.read("fleetward.yaml");
        assert!(config.contains(old), "{old:?} is not in fleetward.yaml");
        self.write_private("fleetward.yaml", &config.replacen(old, new, 1));
    }

    /// From now on commands run in this network namespace, the server too.
    pub(crate) fn enter(&mut self, namespace: &str) {
        self.namespace = Some(namespace.to_owned());
    }

    /// A command in this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_fleetward");
        let mut command = match &self.namespace {
            None => Command::new(program),
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, program]);
                command
            }
        };
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FLEETWARD_")) {
            command.env_remove(name);
        }
        command.env("XDG_STATE_HOME", self.folder.path());
        command.env_remove("COLUMNS").args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments))
    }

    /// What a command prints with `--format json`.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let out = self.run(&[arguments, &["--format", "json"]].concat()).ok();
        serde_json::from_str(&out).unwrap()
    }

    /// The text without what differs from run to run.
    pub(crate) fn plain(&self, text: &str) -> String {
        text.replace(&self.folder.path().display().to_string(), "FOLDER")
    }

    /// Writes profiles, a secret and a gateway with a Disconnect into the configuration.
    pub(crate) fn with_gateway(&self) -> Nas {
        for (file, profile) in Fleet::profiles() {
            self.write(&format!("models/{file}"), profile);
        }
        self.run(&["secret", "new", "secrets/pgw-1"]).ok();
        let secret = Secret::new(self.read("secrets/pgw-1").trim());
        let mut nas = Nas::bind("pgw-1", [127, 0, 0, 1].into(), 0, secret, clock()).unwrap();
        nas.aim(self.ports.authentication, self.ports.accounting);
        let short = Duration::from_millis(300);
        nas.set_timing(Timing { first: short, cap: short * 4, give_up: LIMIT });
        self.edit(
            "  clients: []\n",
            &format!(
                "  clients:\n    - name: pgw-1\n      address: 127.0.0.1\n      secret: {{ file: secrets/pgw-1 }}\n      \
                 disconnect: {{ to: \"{}\", secret: {{ file: secrets/pgw-1 }}, deadline: 10 s }}\n",
                nas.dae_addr().unwrap()
            ),
        );
        nas
    }

    /// `fleetward serve`, ready.
    pub(crate) fn serve(&self) -> Process {
        let mut server = self.start();
        server.wait_for_line("ready", LIMIT).unwrap();
        server
    }

    /// `fleetward serve`, just started, with a new log.
    pub(crate) fn start(&self) -> Process {
        fs::write(self.path("serve.log"), "").unwrap();
        Process::start(&mut self.command(&["serve"]), self.path("serve.log")).unwrap()
    }

    /// Imports these devices as a CSV.
    pub(crate) fn import(&self, members: &[&Member]) -> String {
        self.write("devices.csv", &csv(members));
        self.run(&["devices", "import", "devices.csv"]).ok()
    }

    /// Asks until the answer is as wanted.
    #[track_caller]
    pub(crate) fn until(&self, arguments: &[&str], mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let answer = self.json(arguments);
            if wanted(&answer) {
                return answer;
            }
            let happened = || self.run(&["journal", "cat"]).out + &self.read("serve.log");
            assert!(Instant::now() < end, "{arguments:?} still says {answer:#}\n{}", happened());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The inventory of these devices as somebody's spreadsheet writes it.
pub(crate) fn csv(members: &[&Member]) -> String {
    let mut text = String::from("name,imsi,iccid,msisdn,imei,model,groups,state,ip,critical\n");
    for Member { device, .. } in members {
        let fields = [
            device.name.to_string(),
            device.imsi.unwrap().reveal(),
            device.iccid.unwrap().reveal(),
            device.msisdn.unwrap().reveal(),
            device.imei.unwrap().reveal(),
            device.model.as_deref().unwrap().to_owned(),
            device.groups.join(" "),
            device.state.name().to_owned(),
            device.ip.unwrap().to_string(),
            device.critical.to_string(),
        ];
        text.push_str(&fields.join(","));
        text.push('\n');
    }
    text
}

/// The first device of this model that is in use.
pub(crate) fn active<'a>(fleet: &'a Fleet, model: &str) -> &'a Member {
    let fits = |member: &&Member| member.model.name == model && member.device.state.name() == "active";
    fleet.members.iter().find(fits).unwrap()
}

/// Attaches; the answer of the server.
pub(crate) fn attach(nas: &mut Nas, sim: &Sim) -> Option<Admitted> {
    nas.attach(sim.clone(), Entry::Asks, [192, 0, 2, 77].into()).unwrap();
    nas.wait_for(LIMIT, |event| match event {
        Event::Admitted(admitted) => Some(Some(admitted.clone())),
        Event::Rejected(_) | Event::Unanswered(_) => Some(None),
        _ => None,
    })
    .unwrap()
    .expect("an answer in time")
}

/// The SIM is in another module from now on, and carries on.
pub(crate) fn steal(nas: &mut Nas, session: SessionRef, sim: &Sim) {
    let stolen = Sim { imeisv: Some(fleetward_testkit::fleet::imeisv("00440901", 77, 1)), ..sim.clone() };
    nas.moved(session, stolen);
    nas.traffic(session, 700, 300);
    nas.interim(session).unwrap();
}

/// Takes turns until every accounting record is acknowledged.
pub(crate) fn settle(nas: &mut Nas) {
    let end = Instant::now() + LIMIT;
    while nas.unanswered() > 0 {
        assert!(Instant::now() < end, "accounting is not acknowledged: {:?}", nas.stats());
        nas.turn(Duration::from_millis(20)).unwrap();
    }
}

/// Waits for the Disconnect of this session and for its Stop to be acknowledged; the cause.
pub(crate) fn closed(nas: &mut Nas, session: SessionRef) -> u32 {
    let mut asked = false;
    let cause = nas.wait_for(LIMIT, |event| match event {
        Event::Disconnected(of, _) if *of == session => {
            asked = true;
            None
        }
        Event::Closed(of, cause) if *of == session => Some(*cause),
        _ => None,
    });
    let cause = cause.unwrap().expect("the session ends in time");
    assert!(asked, "the session ended without a Disconnect");
    cause
}

#[expect(clippy::disallowed_methods, reason = "a gateway has a clock of its own")]
pub(crate) fn clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(since.as_millis()).unwrap())
    })
}

/// Runs to the end, within the limit.
pub(crate) fn finish(mut command: Command) -> Ran {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let end = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() >= end {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Ran { code: status.code().unwrap_or(-1), out: out.join().unwrap(), err: err.join().unwrap() }
}

fn drain(from: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.unwrap().read_to_string(&mut text).unwrap();
        text
    })
}

/// A port below those that the kernel hands out, so that no outgoing connection takes it meanwhile.
pub(crate) fn free_port() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 200) as u16 * 100;
    loop {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 22_000;
        let at = SocketAddr::from(([127, 0, 0, 1], port));
        if UdpSocket::bind(at).is_ok() && TcpListener::bind(at).is_ok() {
            return at;
        }
    }
}

/// Every file below a folder with its content, to see that nothing has changed.
pub(crate) fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else if !path.ends_with("fleetward.db-shm") {
            // (Which is shared memory: SQLite makes it anew from the write-ahead log.)
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// The same files with the same content.
#[track_caller]
pub(crate) fn assert_unchanged(before: &[(PathBuf, Vec<u8>)], after: &[(PathBuf, Vec<u8>)]) {
    let names = |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(before), names(after));
    for ((path, before), (_, after)) in before.iter().zip(after) {
        assert!(before == after, "{} was changed", path.display());
    }
}

//! A Fleetward as an operator has it: a folder with files, the binary serving in a namespace, the command line beside it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fleetward_testkit::daemons::{Lab, Namespace, READY};
use fleetward_testkit::process::Process;
use serde_json::Value;

/// The secret of every gateway here, and of their Disconnects.
pub(crate) const SECRET: &str = "a-secret-for-tests-only";
/// The password of every login here.
pub(crate) const PASSWORD: &str = "correct-horse-battery";
/// How long something may take that takes a fraction of a second on an idle machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// What is in the folder.
pub(crate) struct Setup<'a> {
    /// The lines under `radius:`, indented.
    pub(crate) radius: &'a str,
    /// Rules and models: path and text.
    pub(crate) files: &'a [(&'a str, &'a str)],
    /// Logins that have [`PASSWORD`].
    pub(crate) logins: &'a [&'a str],
    /// The inventory, CSV.
    pub(crate) devices: &'a str,
}

/// A running server and its command line. Dropping it kills the server.
pub(crate) struct Fleetward {
    process: Process,
    namespace: Namespace,
    config: PathBuf,
}

impl Fleetward {
    /// Writes the files, has them checked, serves, imports the inventory.
    pub(crate) fn start(lab: &Lab, namespace: &Namespace, setup: &Setup<'_>) -> Self {
        let folder = lab.subfolder("fleetward").unwrap();
        let config = folder.join("fleetward.yaml");
        fs::write(&config, format!("radius:\n{}", setup.radius)).unwrap();
        for name in ["secrets", "models", "rules"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        private(&folder.join("secrets/gateway"), SECRET);
        let logins: Vec<String> = setup.logins.iter().map(|login| format!("{login}:{PASSWORD}")).collect();
        private(&folder.join("secrets/logins"), &logins.join("\n"));
        for (path, text) in setup.files {
            fs::write(folder.join(path), text).unwrap();
        }
        finish(command(namespace, &config).arg("check"));
        let mut serve = command(namespace, &config);
        let mut process = Process::start(serve.arg("serve"), folder.join("serve.log")).unwrap();
        process.wait_for_line("ready", READY).unwrap_or_else(|error| panic!("{error}"));
        let devices = folder.join("devices.csv");
        fs::write(&devices, setup.devices).unwrap();
        let server = Self { process, namespace: namespace.clone(), config };
        let imported = server.ask(&["devices", "import", &devices.display().to_string()]);
        assert_eq!(imported["added"], setup.devices.lines().count() - 1, "{imported}");
        server
    }

    /// What the command line says, as JSON.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        let text = finish(command(&self.namespace, &self.config).args(["--format", "json"]).args(arguments));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Asks for a list again and again until one of its rows is right; returns that row.
    pub(crate) fn wait_for(&self, limit: Duration, arguments: &[&str], is_right: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + limit;
        loop {
            let rows = self.ask(arguments);
            if let Some(row) = rows.as_array().and_then(|rows| rows.iter().find(|row| is_right(row))) {
                return row.clone();
            }
            assert!(
                Instant::now() < end,
                "not in time: {arguments:?} says {rows:#}\nthe server's log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The only Disconnect, once it is verified: with the notes of its history, which must name the Stop, and the ACK
    /// unless the Stop overtook it (it comes to another port).
    pub(crate) fn wait_for_verified_disconnect(&self, limit: Duration) -> Value {
        let verified = |row: &Value| row["action"]["kind"] == "disconnect" && row["state"] == "verified";
        let response = self.wait_for(limit, &["responses", "list"], verified);
        let states: Vec<&str> = steps(&response, "state").collect();
        assert_eq!(states.last(), Some(&"verified"), "{response:#}");
        assert!(states.contains(&"sent") && states.iter().all(|state| *state != "failed"), "{response:#}");
        let answered = |note: &str| note.contains("ACK") || note.contains("before the NAS's answer was seen");
        assert!(steps(&response, "note").any(answered), "neither ACK nor overtaken in {response:#}");
        assert!(steps(&response, "note").any(|note| note.contains("Stop seen")), "no Stop in {response:#}");
        response
    }

    /// What the server has written.
    pub(crate) fn log(&self) -> String {
        self.process.output()
    }

    /// Asks it to end, as systemd would; whatever it received is then in the journal, which has to be sound.
    pub(crate) fn stop(mut self) {
        let status = self.process.terminate(SOON).unwrap_or_else(|error| panic!("{error}"));
        assert!(status.success(), "{status}: {}", self.log());
        finish(command(&self.namespace, &self.config).args(["journal", "verify"]));
    }
}

/// One field of every step of a response.
fn steps<'a>(response: &'a Value, field: &'a str) -> impl Iterator<Item = &'a str> {
    response["history"].as_array().into_iter().flatten().filter_map(move |step| step[field].as_str())
}

fn command(namespace: &Namespace, config: &Path) -> Command {
    let mut command = namespace.command(env!("CARGO_BIN_EXE_fleetward"));
    for variable in ["FLEETWARD_SERVER", "FLEETWARD_CA", "FLEETWARD_TOKEN"] {
        command.env_remove(variable);
    }
    command.env("FLEETWARD_CONFIG", config);
    command
}

/// What it wrote to standard output; it must have succeeded.
fn finish(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}{said}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

fn private(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

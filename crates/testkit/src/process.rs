//! A program under test: start it, wait for it, measure it, kill it.
//!
//! Output goes to a file, so that a program that writes much never blocks, and so that it can be shown when a test
//! fails. A running program dies with its handle.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Why a program is not running as it should.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started or observed.
    #[error("{program}")]
    Io {
        /// Which.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended or took too long before it was ready; its last output says why.
    #[error("{program}: {what}; its output ends:\n{output}")]
    NotReady {
        /// Which.
        program: String,
        /// What was waited for.
        what: String,
        /// The last lines it wrote.
        output: String,
    },
}

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; everything it writes goes to `log` (appended).
    pub fn start(command: &mut Command, log: impl Into<PathBuf>) -> Result<Self, ProcessError> {
        let (log, name) = (log.into(), command.get_program().to_string_lossy().into_owned());
        let failed = |source| ProcessError::Io { program: name.clone(), source };
        let file = File::options().create(true).append(true).open(&log).map_err(failed)?;
        let other = file.try_clone().map_err(failed)?;
        let child = command.stdin(Stdio::null()).stdout(file).stderr(other).spawn().map_err(failed)?;
        Ok(Self { name, child, log })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written so far.
    pub fn output(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Waits until a line of its output contains `text`; returns that line.
    pub fn wait_for_line(&mut self, text: &str, limit: Duration) -> Result<String, ProcessError> {
        let mut found = None;
        self.wait_until(&format!("no line with {text:?}"), limit, |output| {
            found = output.lines().find(|line| line.contains(text)).map(ToOwned::to_owned);
            found.is_some()
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Waits until somebody accepts TCP connections there.
    pub fn wait_for_port(&mut self, at: SocketAddr, limit: Duration) -> Result<(), ProcessError> {
        let wait = Duration::from_millis(200);
        self.wait_until(&format!("nothing listens on {at}"), limit, |_| TcpStream::connect_timeout(&at, wait).is_ok())
    }

    /// Waits until `ready` says so of its output.
    pub fn wait_until(
        &mut self,
        what: &str,
        limit: Duration,
        mut ready: impl FnMut(&str) -> bool,
    ) -> Result<(), ProcessError> {
        let end = Instant::now() + limit;
        loop {
            if ready(&self.output()) {
                return Ok(());
            }
            let ended = self.try_wait()?;
            if ended.is_some() || Instant::now() >= end {
                let what = ended.map_or_else(|| what.to_owned(), |status| format!("{what}, it ended ({status})"));
                return Err(ProcessError::NotReady { program: self.name.clone(), what, output: tail(&self.output()) });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its exit status, if it has ended.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        self.child.try_wait().map_err(|source| ProcessError::Io { program: self.name.clone(), source })
    }

    /// Waits for its end.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus, ProcessError> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= end {
                let (program, output) = (self.name.clone(), tail(&self.output()));
                return Err(ProcessError::NotReady { program, what: "it does not end".into(), output });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// `kill -9`, and reaps it.
    pub fn kill(&mut self) {
        // It may be gone already, which is what we want.
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Asks it to end (SIGTERM) and waits; kills it after `limit`.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus, ProcessError> {
        let pid = i32::try_from(self.pid()).map_or(Pid::from_raw(0), Pid::from_raw);
        if pid.as_raw() > 0 {
            kill(pid, Signal::SIGTERM).ok();
        }
        let ended = self.wait(limit);
        if ended.is_err() {
            self.kill();
        }
        ended
    }

    /// User and system time it has used so far, all threads.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        cpu_time(self.pid())
    }

    /// Its resident memory, octets.
    pub fn resident(&self) -> io::Result<u64> {
        resident(self.pid())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// User and system time of a running process, all threads (proc(5), fields 14 and 15 in ticks of 10 ms).
pub fn cpu_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may contain anything; the fields after it do not.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Ok(Duration::from_millis((user + system) * 10)),
        _ => Err(io::Error::other("unexpected /proc/<pid>/stat")),
    }
}

/// Resident memory of a running process, octets (VmRSS of proc(5)).
pub fn resident(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other("no VmRSS in /proc/<pid>/status"))
}

/// Where a daemon is, or `None` after saying aloud that a test is skipped and how to install it.
///
/// # Panics
///
/// Where it is missing and `FLEETWARD_REQUIRE_DAEMONS=1` says that this is a failure.
pub fn require_daemon(program: &str, package: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        skip(&format!("{program} is missing; install it with: apt install {package}"));
    }
    found
}

/// Says aloud that a test is skipped, and why: past the test harness, which hides the output of tests that pass.
///
/// # Panics
///
/// Where `FLEETWARD_REQUIRE_DAEMONS=1` says that skipping is a failure.
pub fn skip(why: &str) {
    let required = std::env::var_os("FLEETWARD_REQUIRE_DAEMONS").is_some_and(|value| value == "1");
    assert!(!required, "FLEETWARD_REQUIRE_DAEMONS=1, but {why}");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Nothing can be done if standard error is closed.
    writeln!(io::stderr(), "SKIPPED: {test}: {why}").ok();
}

/// In `PATH` or where Debian puts daemons.
fn find(program: &str) -> Option<PathBuf> {
    if program.starts_with('/') {
        return Path::new(program).exists().then(|| program.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let daemons = ["/usr/sbin", "/sbin", "/usr/lib/ipsec"].map(PathBuf::from);
    std::env::split_paths(&path).chain(daemons).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The last lines, enough to see why.
pub(crate) fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_watches_measures_and_kills() {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "echo ready; while :; do :; done"]);
        let mut process = Process::start(&mut shell, folder.path().join("log")).unwrap();
        assert_eq!(process.wait_for_line("ready", Duration::from_secs(10)).unwrap(), "ready");
        let end = Instant::now() + Duration::from_secs(10);
        while process.cpu_time().unwrap() == Duration::ZERO && Instant::now() < end {
            std::thread::yield_now();
        }
        assert!(process.cpu_time().unwrap() > Duration::ZERO && process.resident().unwrap() > 4096);
        process.kill();
        assert!(process.try_wait().unwrap().is_some());
    }

    #[test]
    fn says_why_a_program_is_not_ready() {
        let folder = tempfile::tempdir().unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "echo port in use; exit 3"]);
        let mut process = Process::start(&mut shell, folder.path().join("log")).unwrap();
        let error = process.wait_for_line("ready", Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("port in use") && error.contains('3'), "{error}");
    }
}

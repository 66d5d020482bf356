//! The `nft` program: checks and loads text, lists the few small things that are read back.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use super::Features;

/// Why `nft` did not do it.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// It could not be run.
    #[error("run {program}")]
    Run {
        /// Which program.
        program: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It refused the text; what was loaded before is still in force.
    #[error("nft refused it: {said}")]
    Refused {
        /// Its first lines.
        said: String,
    },
}

/// Runs `nft` here, or in another network namespace.
#[derive(Debug, Clone)]
pub struct Kernel {
    command: Vec<String>,
}

impl Default for Kernel {
    fn default() -> Self {
        Self { command: vec!["nft".into()] }
    }
}

impl Kernel {
    /// With this command in place of `nft`: `ip netns exec NAME nft`.
    pub fn with(command: &[&str]) -> Self {
        Self { command: command.iter().map(ToString::to_string).collect() }
    }

    /// What there is.
    pub fn probe(&self) -> Features {
        Features::ask(|snippet| self.check(snippet).is_ok())
    }

    /// Whether the text would be taken; changes nothing.
    pub fn check(&self, text: &str) -> Result<(), KernelError> {
        self.run(&["-c", "-f", "-"], text).map(drop)
    }

    /// Loads a whole text in one transaction: afterwards it is in force, or what was before still is.
    pub fn load(&self, text: &str) -> Result<(), KernelError> {
        self.run(&["-f", "-"], text).map(drop)
    }

    /// Takes everything of ours back, the server's layer too if `server`. Nothing happens where nothing is.
    pub fn off(&self, server: bool) -> Result<(), KernelError> {
        let tables = ["inet fleetward", "bridge fleetward", "inet fleetward_server"];
        let tables = &tables[..if server { 3 } else { 2 }];
        let text: Vec<String> = tables.iter().map(|it| format!("table {it}\ndelete table {it}\n")).collect();
        self.load(&text.concat())
    }

    /// The digest of the rules that are in force (see [`super::digest_of`]); `None`: none of ours are.
    pub fn loaded(&self) -> Option<String> {
        let listed = self.run(&["-t", "list", "table", "inet", "fleetward"], "").ok()?;
        let comment = listed.lines().find_map(|line| line.trim().strip_prefix("comment \"rules "))?;
        Some(comment.trim_end_matches('"').to_owned())
    }

    /// This table is there.
    pub fn has_table(&self, words: &str) -> bool {
        self.run(&["list", "tables"], "").is_ok_and(|it| it.lines().any(|line| line == format!("table {words}")))
    }

    /// Named counters of our tables: table, name, packets, octets.
    pub fn counters(&self) -> Vec<(String, String, u64, u64)> {
        let Ok(json) = self.run(&["-j", "list", "counters"], "") else { return Vec::new() };
        let Ok(value) = serde_json::from_str::<serde_json::Value>(&json) else { return Vec::new() };
        let counters = value["nftables"].as_array().into_iter().flatten().filter_map(|it| it.get("counter"));
        let counters = counters.filter(|it| it["table"].as_str().is_some_and(|table| table.starts_with(super::TABLE)));
        let read = |it: &serde_json::Value| {
            Some((
                format!("{} {}", it["family"].as_str()?, it["table"].as_str()?),
                it["name"].as_str()?.to_owned(),
                it["packets"].as_u64()?,
                it["bytes"].as_u64()?,
            ))
        };
        counters.filter_map(read).collect()
    }

    /// Elements of a small set with the packets that each counted: what proves a quarantine. `None` where the set is not there.
    pub fn counted(&self, set: super::Set) -> Option<Vec<(String, u64)>> {
        let mut words = vec!["-j", "list", "set"];
        words.extend(set.table.words().split(' '));
        words.push(set.name);
        let json = self.run(&words, "").ok()?;
        let value: serde_json::Value = serde_json::from_str(&json).ok()?;
        let listed = value["nftables"].as_array()?.iter().find_map(|it| it.get("set"))?;
        let elements = listed["elem"].as_array().into_iter().flatten();
        let read = |it: &serde_json::Value| match it {
            serde_json::Value::String(text) => Some((text.clone(), 0)),
            other => {
                let text = other["elem"]["val"].as_str()?.to_owned();
                Some((text, other["elem"]["counter"]["packets"].as_u64().unwrap_or(0)))
            }
        };
        Some(elements.filter_map(read).collect())
    }

    fn run(&self, arguments: &[&str], input: &str) -> Result<String, KernelError> {
        let failed = |source| KernelError::Run { program: self.command.join(" "), source };
        let (program, before) = self.command.split_first().map_or(("nft", &[][..]), |(first, rest)| (first, rest));
        let mut child = Command::new(program)
            .args(before)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // `nft` reads all before it writes, so this cannot wait for each other. It may end early on an error: that shows below.
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).or_else(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => Ok(()),
                _ => Err(failed(error)),
            })?;
        }
        let output = child.wait_with_output().map_err(failed)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().filter(|it| !it.trim().is_empty()).take(3).collect();
        Err(KernelError::Refused { said: said.join("; ") })
    }
}

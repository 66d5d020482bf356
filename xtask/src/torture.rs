//! Nothing lost, nothing twice: the server is killed (SIGKILL) at random while gateways send accounting with
//! retransmits, and again while its disk is full; then what was acknowledged is held against the journal, the
//! sessions' totals, the findings and the responses.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use fleetward_fleet::{Body, DeviceState, Offset, SessionStatus, wire};
use fleetward_journal::Reader;
use fleetward_testkit::load;
use fleetward_testkit::nas::Status;
use fleetward_testkit::torture::{Ledger, Recorder};
use serde::Serialize;

use crate::rig::{Gateway, Rig, clock};

/// Kill the server at random, fill its disk, and count what was lost or doubled.
#[derive(Debug, Args)]
pub(crate) struct Torture {
    /// How often it is killed.
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// How often it is killed while its disk is full or filling (needs root for a small tmpfs; skipped aloud without).
    #[arg(long, default_value_t = 5)]
    kills_on_full_disk: u32,
    /// Decides when it is killed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

/// What was counted.
#[derive(Debug, Default, Serialize)]
struct Counts {
    kills: u32,
    acknowledged: u64,
    lost: u64,
    doubled: u64,
    wrong_totals: u64,
    findings: u64,
    findings_doubled: u64,
    responses: u64,
    responses_doubled: u64,
    retransmits: u64,
    journal_records: u64,
    refused_while_full: u64,
    disk_full_tested: bool,
}

impl Torture {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let folder = tempfile::tempdir()?;
        println!("torture: {} kills while gateways send", self.kills);
        let mut counts = self.killed(folder.path())?;
        let full = tempfile::tempdir()?;
        match Tmpfs::mount(&full.path().join("data")) {
            Ok(disk) => {
                println!("torture: a full disk, and {} kills", self.kills_on_full_disk);
                counts.add(&self.filled(full.path(), &disk)?);
                counts.disk_full_tested = true;
            }
            Err(error) => println!("torture: SKIPPED the full disk: {error:#} (run as root)"),
        }
        println!(
            "torture: {} kills, {} acknowledged, {} lost, {} doubled, {} wrong totals, {} findings ({} doubled), {} responses ({} doubled)",
            counts.kills,
            counts.acknowledged,
            counts.lost,
            counts.doubled,
            counts.wrong_totals,
            counts.findings,
            counts.findings_doubled,
            counts.responses,
            counts.responses_doubled
        );
        if self.json {
            println!("{}", serde_json::to_string(&counts)?);
        }
        let wrong =
            counts.lost + counts.doubled + counts.wrong_totals + counts.findings_doubled + counts.responses_doubled;
        Ok(if wrong == 0 && counts.acknowledged > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn killed(&self, folder: &Path) -> anyhow::Result<Counts> {
        let (mut rig, recorder) = prepare(folder)?;
        let mut server = rig.start()?;
        rig.import(devices(&recorder), 50_000)?;
        let recording = recorder.start()?;
        let mut dice = Dice(self.seed);
        for kill in 1..=self.kills {
            std::thread::sleep(Duration::from_millis(150 + dice.below(700)));
            server.kill();
            server = rig.start().with_context(|| format!("it did not come back after kill {kill}"))?;
        }
        std::thread::sleep(Duration::from_secs(1));
        let ledger = recording.stop()?;
        let mut counts = check(&rig, &ledger)?;
        counts.kills = self.kills;
        server.terminate(Duration::from_secs(30))?;
        compare(&rig, &ledger, &mut counts)?;
        Ok(counts)
    }

    fn filled(&self, folder: &Path, disk: &Tmpfs) -> anyhow::Result<Counts> {
        let (mut rig, recorder) = prepare(folder)?;
        let mut server = rig.start()?;
        rig.import(devices(&recorder), 50_000)?;
        let recording = recorder.start()?;
        let mut dice = Dice(self.seed + 1);
        let mut refused = 0;
        for round in 0..self.kills_on_full_disk.max(1) {
            std::thread::sleep(Duration::from_millis(500));
            disk.fill()?;
            // Full means that acknowledgements stop, sooner or later: the journal's preallocated segment runs out.
            let stopped = wait_for_silence(&recording, Duration::from_secs(40));
            refused += u64::from(stopped);
            if round < self.kills_on_full_disk {
                std::thread::sleep(Duration::from_millis(dice.below(300)));
                server.kill();
            }
            disk.empty()?;
            if round < self.kills_on_full_disk {
                server = rig.start().with_context(|| format!("it did not come back after round {round}"))?;
            }
            let before = recording.acknowledged();
            let end = Instant::now() + Duration::from_secs(20);
            while recording.acknowledged() == before && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(50));
            }
            ensure!(recording.acknowledged() > before, "it did not recover when there was space again");
        }
        // Once more without a kill: it recovers by itself.
        disk.fill()?;
        refused += u64::from(wait_for_silence(&recording, Duration::from_secs(40)));
        disk.empty()?;
        let before = recording.acknowledged();
        std::thread::sleep(Duration::from_secs(3));
        ensure!(recording.acknowledged() > before, "it did not recover by itself when there was space again");
        let ledger = recording.stop()?;
        let mut counts = check(&rig, &ledger)?;
        counts.kills = self.kills_on_full_disk;
        counts.refused_while_full = refused;
        server.terminate(Duration::from_secs(30))?;
        compare(&rig, &ledger, &mut counts)?;
        Ok(counts)
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.wrong_totals += other.wrong_totals;
        self.findings += other.findings;
        self.findings_doubled += other.findings_doubled;
        self.responses += other.responses;
        self.responses_doubled += other.responses_doubled;
        self.retransmits += other.retransmits;
        self.journal_records += other.journal_records;
        self.refused_while_full += other.refused_while_full;
    }
}

fn prepare(folder: &Path) -> anyhow::Result<(Rig, Recorder)> {
    let names = Recorder::new(([127, 0, 0, 1], 0).into(), Rig::secret(), Arc::new(clock)).gateways;
    let gateways: Vec<Gateway> =
        names.iter().map(|(name, address)| Gateway { name: name.clone(), address: *address }).collect();
    let rig = Rig::build(folder, &gateways, load::PROFILE, "2 s")?;
    let recorder = Recorder::new(rig.acct, Rig::secret(), Arc::new(clock));
    Ok((rig, recorder))
}

/// The recorder's devices; every fifth is in stock, so that there is something to find and to answer.
fn devices(recorder: &Recorder) -> impl Iterator<Item = fleetward_fleet::Device> + use<> {
    recorder.devices().into_iter().enumerate().map(|(index, mut device)| {
        if index % 5 == 0 {
            device.state = DeviceState::Stock;
        }
        device
    })
}

fn wait_for_silence(recording: &fleetward_testkit::torture::Recording, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    let mut last = recording.acknowledged();
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1500));
        let now = recording.acknowledged();
        if now == last {
            return true;
        }
        last = now;
    }
    false
}

type Key = (Box<str>, Box<str>, SessionStatus, u64, u64, i64);

/// Asks the running server for findings and responses.
fn check(rig: &Rig, ledger: &Ledger) -> anyhow::Result<Counts> {
    // The last outputs are on their way to the database.
    std::thread::sleep(Duration::from_secs(1));
    let findings = rig.ask(&["findings", "list", "--limit", "100000"])?;
    let responses = rig.ask(&["responses", "list", "--limit", "100000"])?;
    let sessions = rig.ask(&["sessions", "list", "--all", "--limit", "1000000"])?;
    let mut counts =
        Counts { acknowledged: ledger.acknowledged.len() as u64, retransmits: ledger.retransmits, ..Counts::default() };
    (counts.findings, counts.findings_doubled) = repeated(&findings, &["rule", "device", "session", "first_seen"]);
    (counts.responses, counts.responses_doubled) = repeated(&responses, &["finding", "action", "device"]);
    counts.wrong_totals = wrong_totals(ledger, &sessions);
    Ok(counts)
}

/// How many rows there are, and how many have what another one has.
fn repeated(rows: &serde_json::Value, fields: &[&str]) -> (u64, u64) {
    let rows = rows.as_array().cloned().unwrap_or_default();
    let mut seen: HashMap<Vec<String>, &serde_json::Value> = HashMap::new();
    let mut doubled = 0;
    for row in &rows {
        let key = fields.iter().map(|field| row[*field].to_string()).collect();
        if let Some(first) = seen.insert(key, row) {
            println!("torture: twice: {first} and {row}");
            doubled += 1;
        }
    }
    (rows.len() as u64, doubled)
}

/// Sessions whose octets are not those of their newest acknowledged record (or more: a record may be stored and its
/// answer lost).
fn wrong_totals(ledger: &Ledger, sessions: &serde_json::Value) -> u64 {
    // Gateways number their sessions for themselves: only both together name one.
    let mut expected: HashMap<(&str, &str), (u64, u64)> = HashMap::new();
    for (nas, record) in &ledger.acknowledged {
        let entry = expected.entry((nas, &record.session_id)).or_default();
        *entry = (entry.0.max(record.bytes_up), entry.1.max(record.bytes_down));
    }
    let mut possible: HashMap<(&str, &str), Vec<(u64, u64)>> = HashMap::new();
    for (nas, record) in &ledger.open {
        possible.entry((nas, &record.session_id)).or_default().push((record.bytes_up, record.bytes_down));
    }
    let mut wrong = 0;
    for session in sessions.as_array().into_iter().flatten() {
        let key = (session["nas"].as_str().unwrap_or_default(), session["id"].as_str().unwrap_or_default());
        let Some(want) = expected.get(&key).map(|octets| (key, octets)) else { continue };
        let got = (session["bytes_up"].as_u64().unwrap_or(0), session["bytes_down"].as_u64().unwrap_or(0));
        let stored_unanswered = possible.get(&want.0).is_some_and(|more| more.contains(&got));
        if got != *want.1 && !stored_unanswered {
            println!("torture: session {:?} has {got:?}, expected {:?}", want.0, want.1);
            wrong += 1;
        }
    }
    wrong
}

/// Holds what was acknowledged against the journal.
fn compare(rig: &Rig, ledger: &Ledger, counts: &mut Counts) -> anyhow::Result<()> {
    let mut stored: HashMap<Key, u64> = HashMap::new();
    for record in Reader::open(&rig.data().join("journal"), Offset(0))? {
        let record = record?;
        counts.journal_records += 1;
        if let Ok(observation) = wire::from_wire(&record.bytes)
            && let Body::Session(session) = observation.body
        {
            let key = (
                session.key.nas,
                session.key.id,
                session.status,
                session.bytes_up,
                session.bytes_down,
                observation.event_time.secs(),
            );
            *stored.entry(key).or_default() += 1;
        }
    }
    counts.doubled = stored.values().map(|times| times - 1).sum();
    for (nas, record) in &ledger.acknowledged {
        let status = match record.status {
            Status::Start => SessionStatus::Start,
            Status::Interim => SessionStatus::Interim,
            Status::Stop => SessionStatus::Stop,
        };
        let key = (
            nas.clone(),
            record.session_id.clone(),
            status,
            record.bytes_up,
            record.bytes_down,
            record.event_time.secs(),
        );
        if !stored.contains_key(&key) {
            println!("torture: lost {key:?}");
            counts.lost += 1;
        }
    }
    Ok(())
}

/// A small disk of our own.
struct Tmpfs {
    at: std::path::PathBuf,
}

impl Tmpfs {
    fn mount(at: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(at)?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m,mode=0700", "fleetward-torture"])
            .arg(at)
            .output()
            .context("cannot run mount")?;
        ensure!(output.status.success(), "no tmpfs: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(Self { at: at.to_owned() })
    }

    /// Leaves no room.
    fn fill(&self) -> anyhow::Result<()> {
        use std::io::Write;
        let mut file = std::fs::File::create(self.at.join("filler"))?;
        let block = vec![0; 64 << 10];
        while file.write_all(&block).is_ok() {}
        while file.write_all(&block[..512]).is_ok() {}
        Ok(())
    }

    fn empty(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.at.join("filler"))?)
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.at).status());
    }
}

/// `SplitMix64`: enough to choose moments.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

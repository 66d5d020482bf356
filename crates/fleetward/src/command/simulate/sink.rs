//! Where simulated records go: a file of JSON lines, a table, a journal.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, ensure};
use fleetward_fleet::{Body, Imei, Imeisv, Imsi, Observation, SessionStatus, Timestamp, wire};
use fleetward_journal::{Config, Entry, Journal};
use fleetward_simulate::World;

use crate::backtest::SESSION_COLUMNS;
use crate::command::secret::there_already;

/// Records of a batch.
const BATCH: usize = 4096;
/// What the system calls the files that a program is given open.
const GIVEN: [&str; 4] = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd"];

/// Refuses a file that is there already: it may hold what nobody can make again. A pipe or a device is written into, and so is
/// what this program was given open, as `/dev/stdout`, whatever it leads to.
pub(super) fn refuse_existing(file: &Path) -> anyhow::Result<()> {
    let is_given = GIVEN.iter().any(|name| file.starts_with(name));
    ensure!(is_given || !file.is_file(), there_already(file));
    Ok(())
}

/// The same of a text that is always the same: where it is there already, nothing is lost.
pub(super) fn refuse_another(file: &Path, text: &str) -> anyhow::Result<()> {
    if std::fs::read(file).is_ok_and(|held| held == text.as_bytes()) { Ok(()) } else { refuse_existing(file) }
}

/// Observations, one JSON object a line. Says how many.
pub(super) fn jsonl(world: &mut World, file: &Path) -> anyhow::Result<u64> {
    let mut out = create(file)?;
    let mut count = 0;
    for observation in world {
        serde_json::to_writer(&mut out, &observation)?;
        out.write_all(b"\n")?;
        count += 1;
    }
    out.flush()?;
    Ok(count)
}

/// Accounting records as a table.
pub(super) fn csv(world: &mut World, file: &Path) -> anyhow::Result<u64> {
    let mut out = csv::Writer::from_writer(create(file)?);
    out.write_record(SESSION_COLUMNS)?;
    let members: Vec<_> = world.members().to_vec();
    let by_id: std::collections::HashMap<_, _> = members.iter().map(|member| (member.id, member)).collect();
    let mut count = 0;
    for observation in world {
        let (Body::Session(session), Some(member)) = (&observation.body, by_id.get(&observation.device)) else {
            continue;
        };
        let status = match session.status {
            SessionStatus::Start => "start",
            SessionStatus::Interim => "interim",
            SessionStatus::Stop => "stop",
        };
        let text = |value: Option<String>| value.unwrap_or_default();
        let attach = &session.attach;
        out.write_record([
            observation.event_time.to_string(),
            observation.observed_at.to_string(),
            member.device.name.to_string(),
            text(member.device.imsi.map(Imsi::reveal)),
            session.key.nas.to_string(),
            session.key.id.to_string(),
            status.to_owned(),
            session.bytes_up.to_string(),
            session.bytes_down.to_string(),
            text(session.session_secs.map(|secs| secs.to_string())),
            text(session.terminate_cause.map(|cause| cause.to_string())),
            text(attach.imeisv.map(Imeisv::reveal)),
            text(attach.network.map(|network| network.to_string())),
            text(attach.apn.as_deref().map(str::to_owned)),
            text(attach.rat.map(|rat| rat.0.to_string())),
            text(session.ip.map(|ip| ip.to_string())),
            text(member.device.model.as_deref().map(str::to_owned)),
            text(session.packets_up.map(|packets| packets.to_string())),
            text(session.packets_down.map(|packets| packets.to_string())),
            member.device.groups.join(";"),
        ])?;
        count += 1;
    }
    out.flush()?;
    Ok(count)
}

/// The devices as `devices import` reads them.
pub(super) fn inventory(world: &World, file: &Path) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_writer(create(file)?);
    out.write_record(["name", "imsi", "imei", "model", "groups"])?;
    for device in world.members().iter().map(|member| &member.device) {
        let sim = device.imsi.map(Imsi::reveal).unwrap_or_default();
        let module = device.imei.map(Imei::reveal).unwrap_or_default();
        let cells = [&*device.name, &sim, &module, device.model.as_deref().unwrap_or_default()];
        out.write_record(cells.into_iter().chain([&*device.groups.join(" ")]))?;
    }
    out.flush()?;
    Ok(())
}

/// A journal in a new folder.
pub(super) fn journal(world: &mut World, folder: &Path) -> anyhow::Result<u64> {
    let is_new = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    ensure!(is_new, "{} is not empty; a simulation never goes into a journal that exists", folder.display());
    // The journal's clock is that of the simulation, so that retention by age means simulated age.
    let now = Arc::new(AtomicI64::new(world.config().start.0));
    let clock = now.clone();
    let config = Config::new(folder);
    let (journal, _) =
        Journal::open(config, Arc::new(move || Timestamp(clock.load(Ordering::Relaxed))), |_: Vec<_>| {})
            .with_context(|| format!("cannot open a journal in {}", folder.display()))?;
    let mut count = 0;
    loop {
        let batch: Vec<Entry<()>> = world.by_ref().take(BATCH).map(|observation| entry(&observation)).collect();
        let Some(last) = batch.last() else { break };
        now.store(last.observed_at.0, Ordering::Relaxed);
        count += batch.len() as u64;
        journal.append_wait(batch).context("the journal did not take the records")?;
    }
    Ok(count)
}

fn entry(observation: &Observation) -> Entry<()> {
    let mut bytes = Vec::with_capacity(256);
    wire::to_wire(observation, &mut bytes);
    // Without a key: what was sent twice is in the journal twice, as from two gateways that both believe they should.
    Entry { key: 0, event_time: observation.event_time, observed_at: observation.observed_at, bytes, item: () }
}

fn create(file: &Path) -> anyhow::Result<BufWriter<File>> {
    refuse_existing(file)?;
    Ok(BufWriter::new(File::create(file).with_context(|| format!("cannot write {}", file.display()))?))
}

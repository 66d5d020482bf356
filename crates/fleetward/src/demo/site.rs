//! The part of the demo that is seen as packets: a site whose frames are played into a pipe, as a mirror port would bring them.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use fleetward_fleet::{Device, Timestamp};
use fleetward_testkit::site::{self, Member, Played};

use crate::clock;

/// Devices of the site.
const MEMBERS: u8 = 5;
/// When one of them is taken over.
const TAKEOVER: Duration = Duration::from_secs(15);
/// Without an end, so much is made beforehand.
const LONGEST: Duration = Duration::from_mins(30);
/// The pipe's name in the demo's folder.
pub(super) const PIPE: &str = "packets";

/// The `capture:` section that listens to it.
pub(super) fn config() -> String {
    let (mac, ip) = site::ROUTER;
    format!(
        "capture:\n  local: [192.0.2.0/24]\n  routers: ['{mac}']\n  resolvers: [{ip}]\n  clocks: [{ip}]\n  \
         sources: [{{ name: site, file: {PIPE} }}]\n"
    )
}

/// The site's devices, for the inventory.
pub(super) fn devices() -> Vec<Device> {
    let device = |member: Member| Device {
        mac: Some(member.mac),
        model: Some(site::MODEL.into()),
        ..Device::named(member.name)
    };
    site::members(MEMBERS).into_iter().map(device).collect()
}

/// Makes the pipe; before the server starts, which opens its end.
pub(super) fn make_pipe(folder: &Path) -> anyhow::Result<()> {
    let mode = nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR;
    nix::unistd::mkfifo(&folder.join(PIPE), mode).context("no pipe for the demo's packets")
}

/// The site, playing.
pub(super) struct Site {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    /// Who is taken over, and when.
    pub(super) infected: (Box<str>, Timestamp),
}

impl Site {
    /// Plays everyday life, and the take-over where the demo lasts long enough to show it.
    pub(super) fn start(folder: &Path, length: Option<Duration>, seed: u64) -> anyhow::Result<Self> {
        let members = site::members(MEMBERS);
        let length = length.unwrap_or(LONGEST).min(LONGEST);
        let victim = &members[usize::from(MEMBERS) / 2];
        let mut played = site::everyday(&members, length, seed);
        played.extend(site::takeover(victim, TAKEOVER));
        played.sort_by_key(|played| played.at);
        let began = clock::now();
        let infected = (victim.name.clone(), began + TAKEOVER);
        let stop = Arc::new(AtomicBool::new(false));
        let (pipe, stopped) = (folder.join(PIPE), Arc::clone(&stop));
        let thread =
            std::thread::Builder::new().name("site".into()).spawn(move || play(&pipe, &played, began, &stopped))?;
        Ok(Self { stop, thread: Some(thread), infected })
    }

    /// Ends it; a pipe that nobody reads any more is no error.
    pub(super) fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Ok(Err(error))) = self.thread.take().map(JoinHandle::join)
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            tracing::error!(%error, "the demo's packets ended early");
        }
    }
}

/// Writes a capture (pcap, microseconds) as time goes by.
fn play(pipe: &PathBuf, played: &[Played], began: Timestamp, stop: &AtomicBool) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, OpenOptions::new().write(true).open(pipe)?);
    let start = Instant::now();
    out.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0])?;
    for Played { at, frame } in played {
        while let Some(early) = at.checked_sub(start.elapsed()).filter(|early| !early.is_zero()) {
            if stop.load(Ordering::Relaxed) {
                return out.flush();
            }
            out.flush()?;
            std::thread::sleep(early.min(Duration::from_millis(100)));
        }
        let microseconds = began.0.unsigned_abs() * 1000 + u64::try_from(at.as_micros()).unwrap_or(0);
        let length = u32::try_from(frame.len()).unwrap_or(0).to_le_bytes();
        let [seconds, rest] =
            [microseconds / 1_000_000, microseconds % 1_000_000].map(|it| u32::try_from(it).unwrap_or(0));
        out.write_all(&seconds.to_le_bytes())?;
        out.write_all(&rest.to_le_bytes())?;
        out.write_all(&length)?;
        out.write_all(&length)?;
        out.write_all(frame)?;
    }
    out.flush()
}

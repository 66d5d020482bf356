//! The files: writes frames, begins and deletes segments, and gets over a disk that is full or failed.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use fleetward_fleet::Offset;

use crate::cursor::{Cursor, Step};
use crate::disk::{Disk, forget_cache, is_full};
use crate::format::FrameBuilder;
use crate::journal::Clock;
use crate::recover::{Found, Sealed};
use crate::segment::{self, Active};
use crate::shared::Shared;
use crate::subjects;
use crate::{Config, OpenError, Refused, Retention};

/// How often retention by age looks.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The files of the journal, as the writer sees them.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    clock: Clock,
    shared: Arc<Shared>,
    subjects: subjects::Shared,
    segment_bytes: u64,
    retention: Retention,
    probe_every: Duration,
    sealed: Vec<Sealed>,
    active: Option<Active>,
    next: Offset,
    state: State,
    looked: Instant,
}

enum State {
    Fine,
    /// Writing failed. `roll_back`: the end of the active segment holds something half.
    Refusing {
        probe_at: Instant,
        roll_back: bool,
    },
    /// What was acknowledged cannot be read back. Never again in this process.
    Broken,
}

impl Log {
    /// Takes over what was found. A full disk is no error here: the journal refuses until there is room.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        config: Config,
        clock: Clock,
        (shared, subjects): (Arc<Shared>, subjects::Shared),
        mut found: Found,
    ) -> Result<Self, OpenError> {
        let sealed = std::mem::take(&mut found.sealed);
        let next = found.next();
        let active = found.into_active(&*disk)?;
        let mut log = Self {
            disk,
            dir: config.dir,
            clock,
            shared,
            subjects,
            segment_bytes: config.segment_bytes,
            retention: config.retention,
            probe_every: config.probe_every,
            sealed,
            active,
            next,
            state: State::Fine,
            looked: Instant::now(),
        };
        log.shared.set_next(next);
        if log.active.is_none() {
            match log.begin_segment(0) {
                Err(error) if !is_full(&error) => return Err(OpenError::io(&log.dir)(error)),
                Err(error) => {
                    log.failed(&error, false);
                }
                Ok(()) => {}
            }
        }
        // Nothing is deleted yet: nobody has said which records a snapshot still needs.
        log.count();
        Ok(log)
    }

    /// The offset that the next record gets.
    pub(crate) fn next(&self) -> Offset {
        self.next
    }

    pub(crate) fn segments(&self) -> usize {
        self.sealed.len() + usize::from(self.active.is_some())
    }

    /// When to call [`Log::idle`] although nothing came.
    pub(crate) fn wake_at(&self) -> Instant {
        match self.state {
            State::Refusing { probe_at, .. } => probe_at,
            State::Fine | State::Broken => self.looked + LOOK_EVERY,
        }
    }

    /// Work that is due by time: a probe for room, retention by age.
    pub(crate) fn idle(&mut self) {
        self.probe();
        if self.looked.elapsed() >= LOOK_EVERY && matches!(self.state, State::Fine) {
            self.looked = Instant::now();
            self.begin_by_age();
            self.retain();
        }
    }

    /// Whether a write may be tried.
    pub(crate) fn ready(&mut self) -> Result<(), Refused> {
        self.probe();
        match self.state {
            State::Fine if self.shared.orphaned.load(Relaxed) => Err(Refused::Broken),
            State::Fine => Ok(()),
            State::Refusing { .. } => Err(Refused::Full),
            State::Broken => Err(Refused::Broken),
        }
    }

    /// Writes one group and waits for the disk. On an error nothing of it is stored.
    pub(crate) fn write(&mut self, frame: &mut FrameBuilder) -> Result<(), Refused> {
        if !self.active.as_ref().is_some_and(|it| it.has_room(frame.size())) {
            if let Err(error) = self.begin_segment(frame.size()) {
                return Err(self.failed(&error, false));
            }
            self.retain();
        }
        let Some(active) = &mut self.active else { return Err(Refused::Full) };
        let records = u64::from(frame.count());
        let bytes = frame.finish(self.next, active.header.salt);
        let written = self.disk.write_at(&active.file, bytes, active.end);
        let begun = Instant::now();
        let stored = written.and_then(|()| self.disk.sync(&active.file));
        if let Err(error) = stored {
            return Err(self.failed(&error, true));
        }
        if let Some(subjects) = &self.subjects {
            subjects.stored(active.end, self.next, bytes);
        }
        active.end += bytes.len() as u64;
        active.size = active.size.max(active.end);
        self.next.0 += records;
        self.shared.set_next(self.next);
        let counted = &self.shared.counted;
        counted.sync_nanos.fetch_add(begun.elapsed().as_nanos() as u64, Relaxed);
        counted.groups.fetch_add(1, Relaxed);
        counted.appended.fetch_add(records, Relaxed);
        counted.appended_bytes.fetch_add(bytes.len() as u64, Relaxed);
        Ok(())
    }

    /// Begins a segment with room for `need` bytes; the one before is sealed.
    fn begin_segment(&mut self, need: usize) -> io::Result<()> {
        let begun = (self.clock)();
        let need = need as u64 + crate::format::SEGMENT_HEADER as u64;
        let created = Active::create(&*self.disk, &self.dir, (self.next, begun), (self.segment_bytes.max(need), need))?;
        let header = created.header;
        let before = self.active.replace(created);
        if let Some(before) = before.filter(Active::has_records) {
            before.trim();
            self.seal(&before);
        }
        if let Some(subjects) = &self.subjects {
            subjects.begun(header);
        }
        self.count();
        Ok(())
    }

    fn seal(&mut self, active: &Active) {
        self.sealed.push(Sealed { first: active.header.first, begun: active.header.begun, bytes: active.end });
    }

    /// With retention by age, a quiet journal must not keep its only segment for ever.
    fn begin_by_age(&mut self) {
        let (Some(max_age), Some(active)) = (self.retention.max_age, &self.active) else { return };
        let age = (self.clock)().since(active.header.begun);
        if active.has_records()
            && age > max_age / 4
            && let Err(error) = self.begin_segment(0)
        {
            self.failed(&error, false);
        }
    }

    /// Deletes what the retention no longer wants, oldest first.
    fn retain(&mut self) {
        let now = (self.clock)();
        let keep_from = self.shared.keep_from.load(Relaxed);
        while let Some(&oldest) = self.sealed.first() {
            let active = self.active.as_ref().map(|it| (it.header.first, it.header.begun));
            let Some((following, begun)) = self.sealed.get(1).map(|it| (it.first, it.begun)).or(active) else { break };
            let total: u64 =
                self.sealed.iter().map(|it| it.bytes).sum::<u64>() + self.active.as_ref().map_or(0, |it| it.size);
            let too_old = self.retention.max_age.is_some_and(|age| now.since(begun) > age);
            let too_much = self.retention.max_bytes.is_some_and(|most| total > most);
            if !(too_old || too_much) || following.0 > keep_from {
                break;
            }
            let path = segment::path(&self.dir, oldest.first);
            // One by one, so that a crash cannot leave a hole.
            let deleted = std::fs::remove_file(&path).and_then(|()| self.disk.sync_dir(&self.dir));
            if let Err(error) = deleted {
                tracing::warn!(file = %path.display(), %error, "cannot delete an old segment");
                break;
            }
            self.sealed.remove(0);
            if let Some(subjects) = &self.subjects {
                subjects.deleted(oldest.first);
            }
        }
        self.count();
    }

    fn count(&self) {
        let oldest = self.sealed.first().map(|it| it.first).or(self.active.as_ref().map(|it| it.header.first));
        self.shared.set_oldest(oldest.unwrap_or(self.next));
        let sealed: u64 = self.sealed.iter().map(|it| it.bytes).sum();
        let active = self.active.as_ref().map_or(0, |it| it.size);
        self.shared.counted.kept_bytes.store(sealed + active, Relaxed);
        self.shared.counted.segments.store(self.segments() as u64, Relaxed);
    }

    /// Notes a failure, undoes what was written of the group, and says how to refuse it.
    fn failed(&mut self, error: &io::Error, roll_back: bool) -> Refused {
        let what = if is_full(error) { "no room for the journal" } else { "the journal's disk failed" };
        let reason = format!("{what} in {}: {error}; free some space there, it recovers by itself", self.dir.display());
        tracing::error!("{reason}");
        self.shared.set_trouble(Some(reason));
        self.state = State::Refusing { probe_at: Instant::now() + self.probe_every, roll_back };
        if roll_back {
            self.roll_back();
        }
        if matches!(self.state, State::Broken) { Refused::Broken } else { Refused::Full }
    }

    /// Where writing failed a while ago: tries to begin a new segment, which needs room.
    fn probe(&mut self) {
        let State::Refusing { probe_at, roll_back } = self.state else { return };
        if Instant::now() < probe_at {
            return;
        }
        self.state = State::Refusing { probe_at: Instant::now() + self.probe_every, roll_back };
        if roll_back && !self.roll_back() {
            return;
        }
        match self.begin_segment(0) {
            Ok(()) => {
                self.state = State::Fine;
                if !self.shared.orphaned.load(Relaxed) {
                    self.shared.set_trouble(None);
                }
                tracing::info!("the journal accepts records again");
                self.retain();
            }
            Err(error) => tracing::debug!(%error, "still no room for the journal"),
        }
    }

    /// Cuts the active segment where its last synced frame ends and gives it up: after a failed sync the kernel may
    /// hold pages that look written and are not. What was acknowledged is read back from the disk to be sure.
    fn roll_back(&mut self) -> bool {
        let Some(active) = &self.active else { return true };
        if let Err(error) = self.disk.truncate(&active.file, active.end) {
            tracing::error!(%error, "cannot undo a failed write to the journal; trying again");
            return false;
        }
        forget_cache(&active.file);
        if let Err(error) = read_back(active) {
            let reason =
                format!("stored records cannot be read back: {error}; check the disk, then restart the server");
            tracing::error!("{reason}");
            self.shared.set_trouble(Some(reason));
            self.state = State::Broken;
            return false;
        }
        if let Some(active) = self.active.take().filter(Active::has_records) {
            self.seal(&active);
        }
        if let State::Refusing { roll_back, .. } = &mut self.state {
            *roll_back = false;
        }
        true
    }
}

/// Reads the segment up to its end.
fn read_back(active: &Active) -> Result<(), crate::ReadError> {
    let mut cursor = Cursor::open(&active.path, active.header.first)?;
    while cursor.at < active.end {
        if cursor.step()? != Step::Frame {
            return Err(crate::ReadError::corrupt(&active.path, cursor.at, "a stored group is not as it was written"));
        }
    }
    Ok(())
}

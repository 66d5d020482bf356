//! What the journal's writer tells the index, and the thread that writes indexes of sealed segments.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::Builder;

use fleetward_fleet::Offset;

use super::runs::Runs;
use super::state::{Growing, Sealed};
use super::{SubjectOf, Subjects, build, file};
use crate::cursor::Cursor;
use crate::format::{FRAME_HEADER, SegmentHeader};
use crate::{ReadError, segment};

impl Subjects {
    /// For the journal that writes: the last segment is read, the others when somebody asks or by and by.
    pub(crate) fn for_writer(dir: &Path, subject_of: SubjectOf) -> Result<Arc<Self>, ReadError> {
        let new = Self::new(dir, subject_of, true);
        let segments = segment::list(dir).map_err(ReadError::io(dir))?;
        if let Some((&last, before)) = segments.split_last() {
            let mut state = new.state.lock();
            for &first in before {
                let header = Cursor::open(&segment::path(dir, first), first)?.header;
                state.sealed.insert(first.0, Sealed { header, held: None, done: false });
            }
            let mut cursor = Cursor::open(&segment::path(dir, last), last)?;
            let mut runs = Runs::default();
            build::index(&mut cursor, subject_of, &mut runs)?;
            state.active = Some(Growing { header: cursor.header, runs, cursor: None });
        }
        let new = Arc::new(new);
        new.work();
        Ok(new)
    }

    /// A segment was begun; the one before is sealed.
    pub(crate) fn begun(self: &Arc<Self>, header: SegmentHeader) {
        self.state.lock().begin(header);
        self.work();
    }

    /// A group was stored in the segment that is written. `bytes`: its frame; `used`: without padding.
    pub(crate) fn stored(&self, at: u64, first: Offset, frame: &[u8]) {
        let mut state = self.state.lock();
        let Some(active) = &mut state.active else { return };
        let body = u32::from_le_bytes(frame[8..12].try_into().unwrap_or_default()) as usize;
        let records = frame.get(FRAME_HEADER..FRAME_HEADER + body).unwrap_or_default();
        let at = at + FRAME_HEADER as u64;
        build::postings(active.header.first, first, (at, records), self.subject_of, &mut active.runs);
    }

    /// Retention deleted the segment.
    pub(crate) fn deleted(&self, first: Offset) {
        self.state.lock().sealed.remove(&first.0);
        self.cache.forget(first);
        match std::fs::remove_file(file::path(&self.dir, first)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(segment = first.0, %error, "cannot delete the index of a deleted segment");
            }
            _ => {}
        }
    }

    /// Lets the indexer end. What it has not written is built when it is asked for.
    pub(crate) fn close(&self) {
        self.stop.store(true, Relaxed);
        let indexer = self.indexer.lock().take();
        if indexer.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the journal's indexer panicked");
        }
    }

    /// Starts the indexer, unless it is at work.
    fn work(self: &Arc<Self>) {
        let mut indexer = self.indexer.lock();
        if indexer.as_ref().is_some_and(|thread| !thread.is_finished()) || !self.state.lock().has_work() {
            return;
        }
        let own = self.clone();
        match Builder::new().name("journal-index".into()).spawn(move || own.index_all()) {
            Ok(thread) => *indexer = Some(thread),
            Err(error) => tracing::warn!(%error, "no thread for the journal's index; it is built when asked for"),
        }
    }

    fn index_all(&self) {
        while !self.stop.load(Relaxed) {
            let Some((header, held)) = self.state.lock().next_work() else { return };
            let written = match held {
                Some(runs) => file::write(&self.dir, &header, &runs.to_sorted()).map_err(ReadError::io(&self.dir)),
                None if file::IndexFile::open(&self.dir, &header).is_some() => Ok(()),
                None => build::whole(self, header.first).and_then(|(header, runs)| {
                    file::write(&self.dir, &header, &runs.to_sorted()).map_err(ReadError::io(&self.dir))
                }),
            };
            if let Err(error) = written {
                tracing::warn!(segment = header.first.0, %error, "cannot write an index of the journal");
                continue; // it stays in memory, or is built when asked for
            }
            self.state.lock().written(header.first);
            if !self.state.lock().sealed.contains_key(&header.first.0) {
                self.deleted(header.first); // retention was quicker
            }
        }
    }
}

impl super::State {
    fn has_work(&self) -> bool {
        self.sealed.values().any(|sealed| !sealed.done)
    }

    /// The newest that the indexer has not looked at.
    fn next_work(&mut self) -> Option<(SegmentHeader, Option<Arc<Runs>>)> {
        let sealed = self.sealed.values_mut().rev().find(|sealed| !sealed.done)?;
        sealed.done = true;
        Some((sealed.header, sealed.held.clone()))
    }

    fn written(&mut self, first: Offset) {
        if let Some(sealed) = self.sealed.get_mut(&first.0) {
            sealed.held = None;
        }
    }
}

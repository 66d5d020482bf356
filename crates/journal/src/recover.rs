//! What a start finds: where the journal ends, which keys it holds, whether it is sound.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use fleetward_fleet::{Offset, Timestamp};

use crate::cursor::{Cursor, Step, Tail};
use crate::dedup::Dedup;
use crate::disk::Disk;
use crate::segment::{self, Active};
use crate::{OpenError, ReadError};

/// A sealed segment, as retention needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) first: Offset,
    pub(crate) begun: Timestamp,
    pub(crate) bytes: u64,
}

/// What was found.
pub(crate) struct Found {
    pub(crate) sealed: Vec<Sealed>,
    /// The last segment and what follows its last whole frame; `None` in a new journal.
    last: Option<(Cursor, Tail)>,
}

impl Found {
    /// The offset that the next record gets.
    pub(crate) fn next(&self) -> Offset {
        self.last.as_ref().map_or(Offset(0), |(cursor, _)| cursor.next)
    }

    /// Bytes of a half-written group at the end.
    pub(crate) fn torn(&self) -> u64 {
        match self.last {
            Some((_, Tail::Torn(bytes))) => bytes,
            _ => 0,
        }
    }

    /// Opens the last segment for writing, cutting off what is half-written.
    pub(crate) fn into_active(self, disk: &dyn Disk) -> Result<Option<Active>, OpenError> {
        let Some((cursor, tail)) = self.last else { return Ok(None) };
        let io = |path: &Path| OpenError::io(path);
        let path: PathBuf = cursor.path;
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(io(&path))?;
        let mut size = file.metadata().map_err(io(&path))?.len();
        if matches!(tail, Tail::Torn(_)) {
            disk.truncate(&file, cursor.at).map_err(io(&path))?;
            // Without room for the rest the next group begins a new segment.
            if disk.allocate(&file, size).is_err() {
                size = cursor.at;
            }
        }
        Ok(Some(Active { file, path, header: cursor.header, end: cursor.at, size }))
    }
}

/// Reads the segments that hold the last `2 * keys` records, fills `dedup`, and finds the end. Changes nothing.
pub(crate) fn find(dir: &Path, keys: usize, dedup: &mut Dedup) -> Result<Found, OpenError> {
    let segments = segment::list(dir).map_err(OpenError::io(dir))?;
    let Some(&last) = segments.last() else { return Ok(Found { sealed: Vec::new(), last: None }) };
    let horizon = last.0.saturating_sub(2 * keys as u64);
    let begin = segments.iter().rposition(|first| first.0 <= horizon).unwrap_or(0);
    let mut sealed = Vec::with_capacity(segments.len());
    let mut end = None;
    for (at, &first) in segments.iter().enumerate() {
        let path = segment::path(dir, first);
        let mut cursor = Cursor::open(&path, first)?;
        let following = segments.get(at + 1).copied();
        let step = if at >= begin { read_keys(&mut cursor, dedup)? } else { Step::End };
        if let Some(following) = following {
            if at >= begin {
                check_whole(&cursor, step, following)?;
            }
            let bytes = path.metadata().map_err(OpenError::io(&path))?.len();
            sealed.push(Sealed { first, begun: cursor.header.begun, bytes });
        } else {
            end = Some(cursor);
        }
    }
    let Some(cursor) = end else { return Ok(Found { sealed, last: None }) };
    let tail = cursor.tail()?;
    if let Tail::Continues(_) = tail {
        return Err(ReadError::corrupt(
            &cursor.path,
            cursor.at,
            "a group is not as it was written, and whole ones follow",
        )
        .into());
    }
    Ok(Found { sealed, last: Some((cursor, tail)) })
}

fn read_keys(cursor: &mut Cursor, dedup: &mut Dedup) -> Result<Step, ReadError> {
    loop {
        let step = cursor.step()?;
        if step != Step::Frame {
            return Ok(step);
        }
        while let Some(record) = cursor.record() {
            dedup.insert(record.key);
        }
    }
}

/// A segment with a successor must end where that begins.
fn check_whole(cursor: &Cursor, step: Step, following: Offset) -> Result<(), ReadError> {
    match step {
        Step::End if cursor.next == following => Ok(()),
        Step::Bad(_) => {
            Err(ReadError::corrupt(&cursor.path, cursor.at, "a group is not as it was written, and later files follow"))
        }
        _ => Err(ReadError::corrupt(&cursor.path, cursor.at, "records are missing before the next file")),
    }
}

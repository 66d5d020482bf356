//! Reads everything and says what is wrong.

use std::path::{Path, PathBuf};

use fleetward_fleet::{Offset, Timestamp};

use crate::cursor::{Cursor, Step, Tail};
use crate::{ReadError, segment};

/// What [`verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Segment files.
    pub segments: usize,
    /// Records that can be read.
    pub records: u64,
    /// Bytes that hold records (without preallocated space).
    pub bytes: u64,
    /// The first record's place and time.
    pub first: Option<(Offset, Timestamp)>,
    /// The last record's place and time.
    pub last: Option<(Offset, Timestamp)>,
    /// Bytes of a half-written group at the end: normal after a crash, cut off by the next start.
    pub torn_bytes: u64,
    /// Everything that is wrong; empty for a sound journal.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which segment.
    pub file: PathBuf,
    /// Where in it.
    pub at: u64,
    /// What.
    pub what: String,
}

/// Reads every record in `dir` and checks it; changes nothing. Fails only where the directory itself cannot be read.
/// After damage it goes on with the next segment. On a journal that is being written, the end may look half-written.
pub fn verify(dir: &Path) -> Result<Report, ReadError> {
    let segments = segment::list(dir).map_err(ReadError::io(dir))?;
    let mut report = Report { segments: segments.len(), ..Report::default() };
    for (at, &first) in segments.iter().enumerate() {
        let file = segment::path(dir, first);
        let following = segments.get(at + 1).copied();
        if let Err(error) = check(&file, first, following, &mut report) {
            let (at, what) = match error {
                ReadError::Corrupt { at, what, .. } => (at, what.to_owned()),
                other => (0, other.to_string()),
            };
            report.problems.push(Problem { file, at, what });
        }
    }
    Ok(report)
}

fn check(file: &Path, first: Offset, following: Option<Offset>, report: &mut Report) -> Result<(), ReadError> {
    let mut cursor = Cursor::open(file, first)?;
    let end = loop {
        let step = cursor.step()?;
        if step != Step::Frame {
            break step;
        }
        while let Some(record) = cursor.record() {
            let place = (record.offset, record.event_time);
            report.first.get_or_insert(place);
            report.last = Some(place);
            report.records += 1;
        }
    };
    report.bytes += cursor.at - u64::from(cursor.header.length);
    let wrong = |what| Err(ReadError::corrupt(file, cursor.at, what));
    match (end, cursor.tail()?, following) {
        (_, Tail::Continues(_), _) => wrong("a group is not as it was written, and whole ones follow"),
        (Step::End, _, Some(following)) if following == cursor.next => Ok(()),
        (Step::Bad(_), _, Some(_)) => wrong("a group is not as it was written, and later files follow"),
        (_, _, Some(_)) => wrong("records are missing before the next file"),
        (_, Tail::Torn(bytes), None) => {
            report.torn_bytes = bytes;
            Ok(())
        }
        (_, Tail::Clean, None) => Ok(()),
    }
}

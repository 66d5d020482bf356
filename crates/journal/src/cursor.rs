//! Walks the frames of one segment, and looks at what follows the last whole one.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use fleetward_fleet::Offset;

use crate::ReadError;
use crate::format::{
    ALIGN, FRAME_HEADER, Frame, FrameHeader, Invalid, RecordRef, SEGMENT_HEADER, SegmentHeader, record,
};

/// How much is read at once.
const WINDOW: usize = 256 << 10;
/// The grain in which zeros are looked for.
const BLOCK: usize = 4096;
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Where a [`Cursor`] stands after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// On a whole frame.
    Frame,
    /// Where nothing is written (yet).
    End,
    /// On something that is no frame (yet).
    Bad(Invalid),
}

/// What follows the last whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Zeros, or nothing.
    Clean,
    /// A half-written frame of about this many bytes, and then nothing.
    Torn(u64),
    /// A whole frame, here: something before it is damaged.
    Continues(u64),
}

/// Walks one segment. Holds one frame in memory.
#[derive(Debug)]
pub(crate) struct Cursor {
    file: File,
    pub(crate) path: PathBuf,
    pub(crate) header: SegmentHeader,
    /// Where the next frame begins.
    pub(crate) at: u64,
    /// The offset that its first record must have.
    pub(crate) next: Offset,
    window: Vec<u8>,
    /// How much of `window` was read, and from where in the file.
    window_len: usize,
    window_at: u64,
    /// In `window`: the records of the current frame that were not given out.
    rest: std::ops::Range<usize>,
    rest_next: Offset,
}

impl Cursor {
    /// Opens the segment that begins with `first` and checks its header.
    pub(crate) fn open(path: &Path, first: Offset) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(ReadError::io(path))?;
        let mut bytes = [0; SEGMENT_HEADER];
        let found = read_at(&file, &mut bytes, 0).map_err(ReadError::io(path))?;
        let header = match SegmentHeader::from_bytes(&bytes) {
            Ok(header) => header,
            Err(Invalid::Newer(version)) => return Err(ReadError::Newer { file: path.to_owned(), version }),
            Err(_) if found < SEGMENT_HEADER => return Err(ReadError::corrupt(path, 0, "it is too short")),
            Err(_) => return Err(ReadError::corrupt(path, 0, "the header is wrong")),
        };
        if header.first != first {
            return Err(ReadError::corrupt(path, 16, "the first offset differs from the file's name"));
        }
        let at = u64::from(header.length);
        Ok(Self {
            file,
            path: path.to_owned(),
            header,
            at,
            next: first,
            window: Vec::new(),
            window_len: 0,
            window_at: 0,
            rest: 0..0,
            rest_next: first,
        })
    }

    /// Goes to the next frame. What is not whole is read again once from the file: a writer may have finished it.
    pub(crate) fn step(&mut self) -> Result<Step, ReadError> {
        let step = self.try_step()?;
        if step == Step::Frame {
            return Ok(step);
        }
        self.window_len = 0;
        self.try_step()
    }

    fn try_step(&mut self) -> Result<Step, ReadError> {
        self.rest = 0..0;
        self.fill(FRAME_HEADER)?;
        let header = match FrameHeader::from_bytes(self.filled()) {
            Ok(header) => header,
            Err(Invalid::Empty) => return Ok(Step::End),
            Err(invalid) => return Ok(Step::Bad(invalid)),
        };
        if self.at + header.used() as u64 > self.length()? {
            return Ok(Step::Bad(Invalid::Length));
        }
        self.fill(header.used())?;
        match Frame::parse(self.filled(), self.header.salt) {
            Ok(frame) if frame.header.first != self.next => return Ok(Step::Bad(Invalid::Records)),
            Ok(_) => {}
            Err(Invalid::Newer(version)) => return Err(ReadError::Newer { file: self.path.clone(), version }),
            Err(invalid) => return Ok(Step::Bad(invalid)),
        }
        let begin = (self.at - self.window_at) as usize;
        self.rest = begin + header.header()..begin + header.used();
        self.rest_next = header.first;
        self.at += header.total() as u64;
        self.next = header.next();
        Ok(Step::Frame)
    }

    /// The next record of the current frame.
    pub(crate) fn record(&mut self) -> Option<RecordRef<'_>> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = &self.window[self.rest.clone()];
        let (found, after) = record(bytes, self.rest_next).ok()?;
        self.rest.start = self.rest.end - after.len();
        self.rest_next.0 += 1;
        Some(found)
    }

    /// Where in the file the records of the current frame begin that were not given out, and their bytes.
    pub(crate) fn rest(&self) -> (u64, &[u8]) {
        (self.window_at + self.rest.start as u64, &self.window[self.rest.clone()])
    }

    /// The offset of the first of them.
    pub(crate) fn rest_first(&self) -> Offset {
        self.rest_next
    }

    /// Passes over records of the current frame up to `wanted`; `false` where it is not in this frame.
    pub(crate) fn seek_in_frame(&mut self, wanted: Offset) -> bool {
        if self.rest.is_empty() || wanted >= self.next {
            self.rest = 0..0;
            return false;
        }
        while self.rest_next < wanted && self.record().is_some() {}
        !self.rest.is_empty()
    }

    /// Looks at everything from `self.at` to the end of the file.
    pub(crate) fn tail(&self) -> Result<Tail, ReadError> {
        let length = self.length()?;
        let mut chunk = vec![0; WINDOW];
        let (mut at, mut last) = (self.at, None);
        while at < length {
            let found = read_at(&self.file, &mut chunk, at).map_err(ReadError::io(&self.path))?;
            if found == 0 {
                break;
            }
            for (number, block) in chunk[..found].chunks(BLOCK).enumerate() {
                // Nearly everything here is zeros: compare whole blocks first.
                if *block == ZEROS[..block.len()] {
                    continue;
                }
                let begin = at + (number * BLOCK) as u64;
                last = block.iter().rposition(|&byte| byte != 0).map(|place| begin + place as u64);
                for place in (0..block.len()).step_by(ALIGN as usize) {
                    let here = begin + place as u64;
                    if here > self.at && block[place..].starts_with(b"FLWG") && self.is_frame(here, length)? {
                        return Ok(Tail::Continues(here));
                    }
                }
            }
            at += found as u64;
        }
        Ok(last.map_or(Tail::Clean, |last| Tail::Torn(last + 1 - self.at)))
    }

    fn is_frame(&self, at: u64, length: u64) -> Result<bool, ReadError> {
        let mut head = [0; FRAME_HEADER];
        read_at(&self.file, &mut head, at).map_err(ReadError::io(&self.path))?;
        let Ok(header) = FrameHeader::from_bytes(&head) else { return Ok(false) };
        if at + header.used() as u64 > length || header.first < self.next {
            return Ok(false);
        }
        let mut bytes = vec![0; header.used()];
        read_at(&self.file, &mut bytes, at).map_err(ReadError::io(&self.path))?;
        Ok(!matches!(
            Frame::parse(&bytes, self.header.salt),
            Err(Invalid::Empty | Invalid::Magic | Invalid::Length | Invalid::Checksum)
        ))
    }

    fn length(&self) -> Result<u64, ReadError> {
        Ok(self.file.metadata().map_err(ReadError::io(&self.path))?.len())
    }

    /// What of the window lies at `self.at` and after.
    fn filled(&self) -> &[u8] {
        let from = self.at.saturating_sub(self.window_at) as usize;
        self.window[..self.window_len].get(from..).unwrap_or_default()
    }

    /// Makes the window hold at least `wanted` bytes from `self.at` on, where the file has them.
    fn fill(&mut self, wanted: usize) -> Result<(), ReadError> {
        if self.filled().len() >= wanted {
            return Ok(());
        }
        let size = wanted.max(WINDOW);
        // Grows for an unusually large frame, and gives that back.
        if self.window.len() < size || self.window.len() > 4 * size {
            self.window = vec![0; size];
        }
        self.window_len = 0;
        self.window_len = read_at(&self.file, &mut self.window, self.at).map_err(ReadError::io(&self.path))?;
        self.window_at = self.at;
        Ok(())
    }
}

/// Reads until the buffer is full or the file ends.
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut found = 0;
    while found < buffer.len() {
        match file.read_at(&mut buffer[found..], at + found as u64) {
            Ok(0) => break,
            Ok(more) => found += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

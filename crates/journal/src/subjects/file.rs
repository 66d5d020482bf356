//! The index of a sealed segment on disk: one sorted run in blocks, each with its checksum.
//!
//! Subjects are hashes, so they lie evenly: the block of one is guessed by proportion, and one read of 4 KiB finds it.
//!
//! Header, 64 bytes: `FLWIDX` and a zero and a line feed; the segment's first offset and salt (an index of another file of that name does not
//! fit); how many postings; zeros; CRC32C of the 60 bytes before. Then blocks of 4 KiB: CRC32C of the rest, how many postings,
//! postings, zeros. The file follows from the segment: what is damaged is thrown away and built anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use fleetward_fleet::Offset;

use super::posting::{POSTING, Posting};
use crate::format::SegmentHeader;

const MAGIC: [u8; 8] = *b"FLWIDX\0\n";
const HEADER: usize = 64;
const BLOCK: usize = 4096;
/// Postings of a block.
const FULL: usize = (BLOCK - 8) / POSTING;

/// The path of the index of the segment whose first record has this offset.
pub(super) fn path(dir: &Path, first: Offset) -> PathBuf {
    dir.join(format!("{:020}.idx", first.0))
}

/// An open index.
#[derive(Debug)]
pub(super) struct IndexFile {
    file: File,
    postings: u64,
}

/// Writes the index under its name, whole or not at all. Not synced: it can be built again.
pub(super) fn write(dir: &Path, header: &SegmentHeader, sorted: &[Posting]) -> io::Result<()> {
    let unfinished = dir.join(format!("{:020}.idx.new", header.first.0));
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    let mut out = BufWriter::with_capacity(1 << 18, file);
    out.write_all(&head(header, sorted.len() as u64))?;
    for postings in sorted.chunks(FULL) {
        out.write_all(&block(postings))?;
    }
    out.flush()?;
    drop(out);
    fs::rename(&unfinished, path(dir, header.first))
}

fn head(header: &SegmentHeader, postings: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&header.first.0.to_le_bytes());
    bytes[16..24].copy_from_slice(&header.salt.to_le_bytes());
    bytes[24..32].copy_from_slice(&postings.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..60]);
    bytes[60..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn block(postings: &[Posting]) -> [u8; BLOCK] {
    let mut bytes = [0; BLOCK];
    bytes[4..8].copy_from_slice(&(postings.len() as u32).to_le_bytes());
    for (slot, posting) in bytes[8..].chunks_exact_mut(POSTING).zip(postings) {
        slot.copy_from_slice(&posting.to_bytes());
    }
    let crc = crc32c::crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

impl IndexFile {
    /// Opens the index of this segment; `None` where there is none that fits.
    pub(super) fn open(dir: &Path, header: &SegmentHeader) -> Option<Self> {
        let file = File::open(path(dir, header.first)).ok()?;
        let mut bytes = [0; HEADER];
        file.read_exact_at(&mut bytes, 0).ok()?;
        let postings = u64::from_le_bytes(bytes[24..32].try_into().ok()?);
        let length = file.metadata().ok()?.len();
        let fits = bytes == head(header, postings) && length == (HEADER + blocks(postings) as usize * BLOCK) as u64;
        fits.then_some(Self { file, postings })
    }

    /// The subject's postings, in order of their places; `None` where the file is damaged.
    pub(super) fn find(&self, subject: u64) -> Option<Vec<Posting>> {
        let mut found = Vec::new();
        let Some(mut at) = self.first_block_of(subject)? else { return Some(found) };
        while at < blocks(self.postings) {
            let postings = self.block(at)?;
            found.extend(postings.iter().filter(|it| it.subject == subject));
            if postings.last().is_none_or(|last| last.subject > subject) {
                break;
            }
            at += 1;
        }
        Some(found)
    }

    /// The first block that may hold the subject: by proportion, then by halving. `None` inside: none does.
    #[expect(clippy::option_option, reason = "damaged, or not there")]
    fn first_block_of(&self, subject: u64) -> Option<Option<u64>> {
        let (mut low, mut high) = (0, blocks(self.postings));
        let mut guess = ((u128::from(subject) * u128::from(high)) >> 64) as u64;
        let mut near = 1;
        while low < high {
            let postings = self.block(guess)?;
            let (first, last) = (postings.first()?.subject, postings.last()?.subject);
            if last < subject {
                low = guess + 1;
            } else if first < subject || guess == low {
                return Some(Some(guess));
            } else {
                high = guess;
            }
            // The guess is seldom off by more than a block or two; if it is, halve.
            guess = match near {
                0 => low + (high - low) / 2,
                _ if last < subject => low,
                _ => high.saturating_sub(1),
            };
            near = if near < 4 && near > 0 { near + 1 } else { 0 };
        }
        Some((low < blocks(self.postings)).then_some(low))
    }

    fn block(&self, at: u64) -> Option<Vec<Posting>> {
        let mut bytes = [0; BLOCK];
        self.file.read_exact_at(&mut bytes, HEADER as u64 + at * BLOCK as u64).ok()?;
        let crc = u32::from_le_bytes(bytes[..4].try_into().ok()?);
        let count = u32::from_le_bytes(bytes[4..8].try_into().ok()?) as usize;
        if crc != crc32c::crc32c(&bytes[4..]) || count == 0 || count > FULL {
            return None;
        }
        let slots = bytes[8..].chunks_exact(POSTING).take(count);
        slots.map(|slot| Some(Posting::from_bytes(slot.try_into().ok()?))).collect()
    }
}

fn blocks(postings: u64) -> u64 {
    postings.div_ceil(FULL as u64)
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::Timestamp;

    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader { length: 64, first: Offset(9), begun: Timestamp(0), salt: 5 }
    }

    fn postings(count: u32, subject: impl Fn(u32) -> u64) -> Vec<Posting> {
        let mut all: Vec<_> =
            (0..count).map(|ordinal| Posting { subject: subject(ordinal), ordinal, at: ordinal, crc: 1 }).collect();
        all.sort_unstable();
        all
    }

    fn check(all: &[Posting]) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &header(), all).unwrap();
        let file = IndexFile::open(dir.path(), &header()).unwrap();
        for wanted in all.iter().map(|it| it.subject).chain([0, 1, u64::MAX]) {
            let expected: Vec<_> = all.iter().filter(|it| it.subject == wanted).copied().collect();
            assert_eq!(file.find(wanted).unwrap(), expected, "{wanted}");
        }
    }

    #[test]
    fn every_subject_is_found_however_they_lie() {
        check(&[]);
        check(&postings(1, |_| 77));
        check(&postings(1500, |ordinal| u64::from(ordinal).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        check(&postings(1500, |ordinal| u64::from(ordinal / 700))); // all at one end, one over several blocks
        check(&postings(900, |ordinal| u64::MAX - u64::from(ordinal % 3)));
    }

    #[test]
    fn what_is_damaged_or_of_another_segment_is_no_index() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &header(), &postings(10, u64::from)).unwrap();
        assert!(IndexFile::open(dir.path(), &SegmentHeader { salt: 6, ..header() }).is_none());
        let file = OpenOptions::new().write(true).open(path(dir.path(), Offset(9))).unwrap();
        file.write_all_at(b"x", 200).unwrap();
        assert_eq!(IndexFile::open(dir.path(), &header()).unwrap().find(3), None);
        file.set_len(100).unwrap();
        assert!(IndexFile::open(dir.path(), &header()).is_none());
    }
}

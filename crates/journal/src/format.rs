//! The bytes on disk.
//!
//! All numbers are little-endian. A journal is a directory of segment files, each named by the offset of its first record
//! (20 decimal digits and `.seg`). A segment is a header, frames without gaps, and zeros up to its preallocated size.
//!
//! **Segment header**, 64 bytes:
//!
//! | at | bytes | |
//! | --- | --- | --- |
//! | 0 | 8 | `FLWJRNL` and a line feed |
//! | 8 | 2 | format version, 1 |
//! | 10 | 2 | flags; an unknown one in the upper 8 bits makes the segment unreadable, in the lower 8 it may be ignored |
//! | 12 | 4 | length of this header; frames begin there |
//! | 16 | 8 | offset of the first record |
//! | 24 | 8 | when the segment was begun, milliseconds since 1970 |
//! | 32 | 8 | salt: random, part of every frame's checksum |
//! | 40 | 20 | zero, for later |
//! | 60 | 4 | CRC32C of the 60 bytes before |
//!
//! **Frame**: one group of records, written and synced together. 32 bytes of header, then records, then zeros up to the
//! next multiple of 8:
//!
//! | at | bytes | |
//! | --- | --- | --- |
//! | 0 | 4 | `FLWG` |
//! | 4 | 4 | CRC32C of the segment's salt, then of everything from byte 8 to the end of the records |
//! | 8 | 4 | length of the records, without padding |
//! | 12 | 4 | how many records |
//! | 16 | 8 | offset of the first record |
//! | 24 | 2 | length of this header, at least 32; readers skip what they do not know |
//! | 26 | 2 | flags, as above |
//! | 28 | 4 | zero, for later |
//!
//! **Record**: 40 bytes of header, then the payload:
//!
//! | at | bytes | |
//! | --- | --- | --- |
//! | 0 | 2 | length of this header, at least 40; readers skip what they do not know |
//! | 2 | 2 | flags, as above |
//! | 4 | 4 | length of the payload |
//! | 8 | 16 | key |
//! | 24 | 8 | event time, milliseconds since 1970 |
//! | 32 | 8 | observed at, milliseconds since 1970 |
//!
//! Why a salt: without it, a payload from outside could hold the bytes of a valid frame and, after a torn write, pass for
//! one. Why one checksum a group: a group is durable as a whole or not at all.

use fleetward_fleet::{Offset, Timestamp};

/// Length of a segment header.
pub(crate) const SEGMENT_HEADER: usize = 64;
/// Length of a frame header that this version writes.
pub const FRAME_HEADER: usize = 32;
/// Length of a record header that this version writes.
pub(crate) const RECORD_HEADER: usize = 40;
/// Frames begin at multiples of this.
pub(crate) const ALIGN: u64 = 8;
/// No frame is longer: what a reader must be ready to hold.
pub(crate) const MAX_FRAME: usize = 64 << 20;

const SEGMENT_MAGIC: [u8; 8] = *b"FLWJRNL\n";
const FRAME_MAGIC: [u8; 4] = *b"FLWG";
const VERSION: u16 = 1;
/// Flags that a reader must understand.
const MUST_KNOW: u16 = 0xff00;

/// Why bytes are no frame (or segment header).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Nothing was written here: zeros, or the end.
    #[error("nothing is written here")]
    Empty,
    /// It does not begin as it should.
    #[error("it does not begin with the mark of a group")]
    Magic,
    /// It is longer than what is there, or a length in it cannot be.
    #[error("a length is wrong or the file ends too early")]
    Length,
    /// The checksum differs.
    #[error("the checksum is wrong")]
    Checksum,
    /// The checksum is right, but the records in it make no sense.
    #[error("the checksum is right, but the records are not")]
    Records,
    /// A newer version wrote it.
    #[error("a newer version wrote it")]
    Newer(u16),
}

/// One record, borrowed from its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its place.
    pub offset: Offset,
    /// Its key; 0 where it had none.
    pub key: u128,
    /// When it happened.
    pub event_time: Timestamp,
    /// When we learnt it.
    pub observed_at: Timestamp,
    /// The payload.
    pub bytes: &'a [u8],
}

impl RecordRef<'_> {
    /// The same with its own copy of the payload.
    pub fn to_record(&self) -> crate::Record {
        crate::Record {
            offset: self.offset,
            key: self.key,
            event_time: self.event_time,
            observed_at: self.observed_at,
            bytes: self.bytes.to_vec(),
        }
    }
}

/// A segment's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) length: u32,
    pub(crate) first: Offset,
    pub(crate) begun: Timestamp,
    pub(crate) salt: u64,
}

impl SegmentHeader {
    pub(crate) fn to_bytes(self) -> [u8; SEGMENT_HEADER] {
        let mut bytes = [0; SEGMENT_HEADER];
        bytes[..8].copy_from_slice(&SEGMENT_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(SEGMENT_HEADER as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.begun.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.salt.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; SEGMENT_HEADER]) -> Result<Self, Invalid> {
        if bytes[..8] != SEGMENT_MAGIC {
            return Err(Invalid::Magic);
        }
        let version = u16_at(bytes, 8);
        if version != VERSION {
            return Err(Invalid::Newer(version));
        }
        if crc32c::crc32c(&bytes[..60]) != u32_at(bytes, 60) {
            return Err(Invalid::Checksum);
        }
        known(u16_at(bytes, 10))?;
        let length = u32_at(bytes, 12);
        if (length as usize) < SEGMENT_HEADER || length > 1 << 16 || !u64::from(length).is_multiple_of(ALIGN) {
            return Err(Invalid::Length);
        }
        Ok(Self {
            length,
            first: Offset(u64_at(bytes, 16)),
            begun: Timestamp(u64_at(bytes, 24).cast_signed()),
            salt: u64_at(bytes, 32),
        })
    }
}

/// A frame's header, its lengths checked, its checksum not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    crc: u32,
    pub(crate) count: u32,
    pub(crate) first: Offset,
    header: usize,
    body: usize,
}

impl FrameHeader {
    /// Reads the first [`FRAME_HEADER`] bytes of a frame.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Invalid> {
        let Some(bytes) = bytes.first_chunk::<FRAME_HEADER>() else {
            return Err(if bytes.iter().all(|&byte| byte == 0) { Invalid::Empty } else { Invalid::Length });
        };
        if bytes[..4] != FRAME_MAGIC {
            return Err(if bytes.iter().all(|&byte| byte == 0) { Invalid::Empty } else { Invalid::Magic });
        }
        let header = usize::from(u16_at(bytes, 24));
        let body = u32_at(bytes, 8) as usize;
        let count = u32_at(bytes, 12);
        let possible =
            header >= FRAME_HEADER && body <= MAX_FRAME && (count as usize) <= body / RECORD_HEADER && count > 0;
        if !possible {
            return Err(Invalid::Length);
        }
        let first = Offset(u64_at(bytes, 16));
        if first.0.checked_add(u64::from(count)).is_none() {
            return Err(Invalid::Length);
        }
        Ok(Self { crc: u32_at(bytes, 4), count, first, header, body })
    }

    /// Bytes of header.
    pub(crate) fn header(&self) -> usize {
        self.header
    }

    /// Bytes of header and records.
    pub(crate) fn used(&self) -> usize {
        self.header + self.body
    }

    /// Bytes up to the next frame.
    pub(crate) fn total(&self) -> usize {
        self.used().next_multiple_of(ALIGN as usize)
    }

    /// The offset after its last record.
    pub(crate) fn next(&self) -> Offset {
        Offset(self.first.0 + u64::from(self.count))
    }
}

/// A frame whose checksum and records were checked.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    pub(crate) header: FrameHeader,
    bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the frame that begins `bytes`, in a segment with this salt. Reads any bytes without a panic, in time
    /// proportional to their length.
    pub fn parse(bytes: &'a [u8], salt: u64) -> Result<Self, Invalid> {
        let header = FrameHeader::from_bytes(bytes)?;
        let bytes = bytes.get(..header.used()).ok_or(Invalid::Length)?;
        if checksum(salt, bytes) != header.crc {
            return Err(Invalid::Checksum);
        }
        known(u16_at(bytes, 26))?;
        let frame = Self { header, bytes };
        let mut rest = &bytes[header.header..];
        for _ in 0..header.count {
            (_, rest) = record(rest, header.first)?;
        }
        if rest.is_empty() { Ok(frame) } else { Err(Invalid::Records) }
    }

    /// Its records, in order.
    pub fn records(&self) -> impl Iterator<Item = RecordRef<'a>> + use<'a> {
        let mut rest = &self.bytes[self.header.header..];
        (self.header.first.0..self.header.next().0).map_while(move |offset| {
            let (found, after) = record(rest, Offset(offset)).ok()?;
            rest = after;
            Some(found)
        })
    }
}

/// Reads the record that begins `bytes`; gives it and what follows.
pub(crate) fn record(bytes: &[u8], offset: Offset) -> Result<(RecordRef<'_>, &[u8]), Invalid> {
    if bytes.len() < RECORD_HEADER {
        return Err(Invalid::Records);
    }
    let header = usize::from(u16_at(bytes, 0));
    known(u16_at(bytes, 2))?;
    let length = u32_at(bytes, 4) as usize;
    if header < RECORD_HEADER || bytes.len() < header || bytes.len() - header < length {
        return Err(Invalid::Records);
    }
    let found = RecordRef {
        offset,
        key: u128::from(u64_at(bytes, 8)) | u128::from(u64_at(bytes, 16)) << 64,
        event_time: Timestamp(u64_at(bytes, 24).cast_signed()),
        observed_at: Timestamp(u64_at(bytes, 32).cast_signed()),
        bytes: &bytes[header..header + length],
    };
    Ok((found, &bytes[header + length..]))
}

/// Bytes that a record with this payload takes.
pub(crate) fn record_size(payload: usize) -> usize {
    RECORD_HEADER + payload
}

/// Builds a frame in a buffer that is used again and again.
#[derive(Debug, Default)]
pub(crate) struct FrameBuilder {
    bytes: Vec<u8>,
    count: u32,
}

impl FrameBuilder {
    /// Forgets the last frame and begins one.
    pub(crate) fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.resize(FRAME_HEADER, 0);
        self.count = 0;
    }

    pub(crate) fn push(&mut self, key: u128, event_time: Timestamp, observed_at: Timestamp, payload: &[u8]) {
        let mut header = [0; RECORD_HEADER];
        header[..2].copy_from_slice(&(RECORD_HEADER as u16).to_le_bytes());
        header[4..8].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        header[8..24].copy_from_slice(&key.to_le_bytes());
        header[24..32].copy_from_slice(&event_time.0.to_le_bytes());
        header[32..].copy_from_slice(&observed_at.0.to_le_bytes());
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(payload);
        self.count += 1;
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Bytes of the frame so far, with padding.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len().next_multiple_of(ALIGN as usize)
    }

    /// The finished frame, padded.
    pub(crate) fn finish(&mut self, first: Offset, salt: u64) -> &[u8] {
        let used = self.bytes.len();
        self.bytes[..4].copy_from_slice(&FRAME_MAGIC);
        self.bytes[8..12].copy_from_slice(&((used - FRAME_HEADER) as u32).to_le_bytes());
        self.bytes[12..16].copy_from_slice(&self.count.to_le_bytes());
        self.bytes[16..24].copy_from_slice(&first.0.to_le_bytes());
        self.bytes[24..26].copy_from_slice(&(FRAME_HEADER as u16).to_le_bytes());
        let crc = checksum(salt, &self.bytes);
        self.bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        self.bytes.resize(used.next_multiple_of(ALIGN as usize), 0);
        &self.bytes
    }

    /// Gives memory back after an unusually large frame.
    pub(crate) fn shrink(&mut self) {
        const KEEP: usize = 4 << 20;
        if self.bytes.capacity() > KEEP {
            self.bytes = Vec::new();
        }
    }
}

fn checksum(salt: u64, frame: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), &frame[8..])
}

fn known(flags: u16) -> Result<(), Invalid> {
    if flags & MUST_KNOW == 0 { Ok(()) } else { Err(Invalid::Newer(flags)) }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes[at..].first_chunk().map_or(0, |it| u16::from_le_bytes(*it))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |it| u32::from_le_bytes(*it))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |it| u64::from_le_bytes(*it))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: u64 = 0x0123_4567_89ab_cdef;

    fn two_records() -> Vec<u8> {
        let mut builder = FrameBuilder::default();
        builder.begin();
        builder.push(7, Timestamp(1), Timestamp(2), b"abc");
        builder.push(u128::MAX, Timestamp(-3), Timestamp(4), b"");
        builder.finish(Offset(41), SALT).to_vec()
    }

    #[test]
    fn a_frame_comes_back_as_it_went_in() {
        let bytes = two_records();
        let frame = Frame::parse(&bytes, SALT).expect("our own frame");
        let records: Vec<_> = frame.records().collect();
        assert_eq!(frame.header.total(), bytes.len());
        assert_eq!((records[0].offset, records[0].key, records[0].bytes), (Offset(41), 7, &b"abc"[..]));
        assert_eq!((records[1].offset, records[1].key, records[1].event_time), (Offset(42), u128::MAX, Timestamp(-3)));
        assert_eq!(Frame::parse(&bytes, SALT + 1).err(), Some(Invalid::Checksum));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = two_records();
        let used = FrameHeader::from_bytes(&bytes).expect("our own frame").used();
        for bit in 0..used * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::parse(&damaged, SALT).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_longer_record_header_of_a_later_version_is_skipped() {
        let mut bytes = vec![0; RECORD_HEADER + 8];
        bytes[0] = (RECORD_HEADER + 8) as u8;
        bytes[4] = 2;
        bytes.extend_from_slice(b"ok");
        let (found, rest) = record(&bytes, Offset(0)).expect("readable");
        assert_eq!((found.bytes, rest), (&b"ok"[..], &b""[..]));
        bytes[3] = 1;
        assert_eq!(record(&bytes, Offset(0)).err(), Some(Invalid::Newer(0x100)));
    }

    #[test]
    fn a_segment_header_comes_back_and_newer_ones_are_named() {
        let header = SegmentHeader { length: 64, first: Offset(9), begun: Timestamp(5), salt: SALT };
        let mut bytes = header.to_bytes();
        assert_eq!(SegmentHeader::from_bytes(&bytes), Ok(header));
        bytes[20] ^= 1;
        assert_eq!(SegmentHeader::from_bytes(&bytes), Err(Invalid::Checksum));
        bytes[8] = 2;
        assert_eq!(SegmentHeader::from_bytes(&bytes), Err(Invalid::Newer(2)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), salt: u64) {
            let _ = Frame::parse(&bytes, salt);
            if bytes.len() > 4 { bytes[..4].copy_from_slice(&FRAME_MAGIC); }
            let _ = Frame::parse(&bytes, salt);
        }
    }
}

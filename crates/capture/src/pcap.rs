//! The classic capture file (draft-ietf-opsawg-pcap), both orders of bytes, micro- and nanoseconds.

use fleetward_packet::Time;

use crate::batch::{BATCH, Entry};
use crate::error::Damage;

/// Largest packet that is believed. Wireshark writes at most 262,144 octets for networks; jumbo reassembly stays below this.
pub(crate) const LARGEST: u32 = 16 << 20;

/// Octets of the header of the file.
pub(crate) const HEADER: usize = 24;

/// Walks the records of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pcap {
    big_endian: bool,
    /// What one unit of the fraction is, in nanoseconds.
    unit: i64,
    /// Octets of a record's header: 16, or 24 in Kuznetzov's variant (magic `a1b2cd34`).
    record: usize,
    link: u16,
}

impl Pcap {
    /// Whether the first octets are of such a file.
    pub(crate) fn is(head: &[u8]) -> bool {
        head.first_chunk().is_some_and(|magic| Self::of_magic(*magic).is_some())
    }

    fn of_magic(magic: [u8; 4]) -> Option<Self> {
        let of = |number, big_endian| match number {
            0xa1b2_c3d4 => Some(Self { big_endian, unit: 1_000, record: 16, link: 0 }),
            0xa1b2_3c4d => Some(Self { big_endian, unit: 1, record: 16, link: 0 }),
            0xa1b2_cd34 => Some(Self { big_endian, unit: 1_000, record: 24, link: 0 }),
            _ => None,
        };
        of(u32::from_be_bytes(magic), true).or_else(|| of(u32::from_le_bytes(magic), false))
    }

    /// Reads the header of the file.
    pub(crate) fn open(head: &[u8; HEADER]) -> Result<Option<Self>, Damage> {
        let [m0, m1, m2, m3, rest @ ..] = *head;
        let Some(mut this) = Self::of_magic([m0, m1, m2, m3]) else { return Ok(None) };
        let short = |at: usize| {
            let pair = [rest[at], rest[at + 1]];
            if this.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
        };
        let (major, minor) = (short(0), short(2));
        if major != 2 {
            return Err(Damage::Version(major, minor));
        }
        // The upper half of the last field says how long a frame check sequence is; it lies behind what IP states.
        this.link = if this.big_endian { short(18) } else { short(16) };
        Ok(Some(this))
    }

    /// Notes records of `bytes` until a batch is full or the bytes end within one, and says how many octets they are. Damage is said
    /// only where no record stands before it.
    #[inline]
    pub(crate) fn walk(self, bytes: &[u8], entries: &mut Vec<Entry>) -> Result<usize, Damage> {
        if self.big_endian { self.walk_with::<true>(bytes, entries) } else { self.walk_with::<false>(bytes, entries) }
    }

    fn walk_with<const BIG: bool>(self, bytes: &[u8], entries: &mut Vec<Entry>) -> Result<usize, Damage> {
        let number = |octets: [u8; 4]| if BIG { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) };
        let mut at = 0;
        while entries.len() < BATCH {
            let Some(head) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>) else { break };
            let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3] = *head;
            let length = number([c0, c1, c2, c3]);
            if length > LARGEST {
                if entries.is_empty() {
                    return Err(Damage::TooLong { length: length.into(), most: LARGEST });
                }
                break;
            }
            let start = at + self.record;
            let end = start + length as usize;
            if end > bytes.len() {
                break;
            }
            let seconds = i64::from(number([s0, s1, s2, s3]));
            let fraction = i64::from(number([f0, f1, f2, f3]));
            let time = Time(seconds * 1_000_000_000 + fraction * self.unit);
            let wire = number([w0, w1, w2, w3]).max(length);
            entries.push(Entry { time, start: start as u32, length, wire, link: self.link });
            at = end;
        }
        Ok(at)
    }
}

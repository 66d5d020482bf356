//! Why a capture could not be read, or not to its end.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a capture could not be read. What came before stays valid.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system did not open it.
    #[error("cannot open {}", file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// Reading failed in the middle: the disk, or damaged compression.
    #[error("cannot read {place}")]
    Read {
        /// Where.
        place: Place,
        /// What was said.
        #[source]
        source: io::Error,
    },
    /// Its first bytes are of nothing that we read.
    #[error("{} is no capture that can be read here: {found}", file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
        /// What it looks like, and the way out.
        found: &'static str,
    },
    /// The bytes there contradict the format.
    #[error("{place} is damaged: {damage}")]
    Damaged {
        /// Where.
        place: Place,
        /// How.
        damage: Damage,
    },
    /// It unpacks to far more than any capture does, so it is a trap.
    #[error("{place}: unpacked, it is more than {ratio} times as large as it is packed; no capture is")]
    Bomb {
        /// Where.
        place: Place,
        /// The limit.
        ratio: u64,
    },
}

/// A place in a file, and what was read before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Byte from its beginning; of what it unpacks to, where it is compressed.
    pub at: u64,
    /// It is compressed.
    pub unpacked: bool,
    /// Packets that were read before this place.
    pub packets: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unpacked = if self.unpacked { " (unpacked)" } else { "" };
        let s = if self.packets == 1 { "" } else { "s" };
        write!(f, "{} at byte {}{unpacked}, after {} packet{s},", self.file.display(), self.at, self.packets)
    }
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A length that no capture has.
    #[error("a record of {length} octets; {most} are the most")]
    TooLong {
        /// Octets.
        length: u64,
        /// The limit.
        most: u32,
    },
    /// pcapng: a block whose length cannot be.
    #[error("a block of {length} octets")]
    BlockLength {
        /// Octets.
        length: u32,
    },
    /// pcapng: the length at a block's end is another than at its beginning (draft-ietf-opsawg-pcapng §3.1).
    #[error("a block begins with length {first} and ends with {last}")]
    Unequal {
        /// At its beginning.
        first: u32,
        /// At its end.
        last: u32,
    },
    /// pcapng: a packet of an interface that was never described.
    #[error("a packet of interface {interface}, of which only {known} are described")]
    Interface {
        /// Its number.
        interface: u32,
        /// How many are described.
        known: usize,
    },
    /// pcapng: more interfaces than one section can sensibly have.
    #[error("more than {0} interfaces in one section")]
    TooManyInterfaces(usize),
    /// pcapng: neither order of bytes.
    #[error("a section whose byte-order mark is {0:#010x}")]
    ByteOrder(u32),
    /// A version of the format that is not known.
    #[error("version {0}.{1} of the format, which is not known")]
    Version(u16, u16),
}

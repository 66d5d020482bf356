//! Packets as a source hands them out: many at once, none copied.

use fleetward_packet::Time;

/// One packet, as it was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What its bytes begin with: a number of the LINKTYPE_ registry (tcpdump.org); 1 is Ethernet.
    pub link: u16,
    /// When it was seen, by the capture's clock.
    pub time: Time,
    /// What was kept of it.
    pub bytes: &'a [u8],
    /// How many octets it had on the wire; never less than `bytes` has.
    pub wire: u32,
}

/// Some packets in the order of the capture, borrowed from their source until the next batch.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    bytes: &'a [u8],
    entries: &'a [Entry],
}

/// Where a packet lies in the bytes of its batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) time: Time,
    /// From here …
    pub(crate) start: u32,
    /// … so many octets.
    pub(crate) length: u32,
    pub(crate) wire: u32,
    pub(crate) link: u16,
}

/// Most packets of a batch: their entries stay in the nearest cache, and a call per packet becomes rare.
pub(crate) const BATCH: usize = 512;

impl<'a> Batch<'a> {
    pub(crate) fn new(bytes: &'a [u8], entries: &'a [Entry]) -> Self {
        Self { bytes, entries }
    }

    /// How many packets.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// One after the other.
    pub fn iter(&self) -> Packets<'a> {
        Packets { bytes: self.bytes, entries: self.entries.iter() }
    }
}

/// The packets of a [`Batch`].
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    bytes: &'a [u8],
    entries: std::slice::Iter<'a, Entry>,
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    #[inline]
    fn next(&mut self) -> Option<Packet<'a>> {
        let entry = self.entries.next()?;
        let start = entry.start as usize;
        let bytes = self.bytes.get(start..start + entry.length as usize)?;
        Some(Packet { link: entry.link, time: entry.time, bytes, wire: entry.wire })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl ExactSizeIterator for Packets<'_> {}

impl<'a> IntoIterator for &Batch<'a> {
    type Item = Packet<'a>;
    type IntoIter = Packets<'a>;

    fn into_iter(self) -> Packets<'a> {
        self.iter()
    }
}

//! One line of the index: whose record, which, where.

/// Bytes of a [`Posting`] on disk.
pub(super) const POSTING: usize = 20;

/// Where one record of one subject lies. Sorted by subject, then by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Posting {
    pub(super) subject: u64,
    /// Its offset, counted from the segment's first.
    pub(super) ordinal: u32,
    /// The byte of the segment file where it begins.
    pub(super) at: u32,
    /// CRC32C of its header and payload, so that one record can be read without its whole group.
    pub(super) crc: u32,
}

impl Posting {
    pub(super) fn to_bytes(self) -> [u8; POSTING] {
        let mut bytes = [0; POSTING];
        bytes[..8].copy_from_slice(&self.subject.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.at.to_le_bytes());
        bytes[16..].copy_from_slice(&self.crc.to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; POSTING]) -> Self {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let subject = u64::from(word(0)) | u64::from(word(4)) << 32;
        Self { subject, ordinal: word(8), at: word(12), crc: word(16) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_back() {
        let posting = Posting { subject: 0x0123_4567_89ab_cdef, ordinal: 7, at: 64, crc: u32::MAX };
        assert_eq!(Posting::from_bytes(&posting.to_bytes()), posting);
    }
}

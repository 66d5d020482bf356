//! Octets in the order of the network, as TLS (RFC 8446 §3) and SSH (RFC 4251 §5) have them; every length is checked.

/// Octets that are yet to be read. What is not there is `None`, and nothing is taken then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next so many.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|it| it[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.number(2).map(|it| it as u16)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.number(4)
    }

    /// A length of so many octets (at most four), and what is so long.
    pub(super) fn vector(&mut self, octets: usize) -> Option<&'a [u8]> {
        let mut after = *self;
        let length = usize::try_from(after.number(octets)?).ok()?;
        let taken = after.take(length)?;
        *self = after;
        Some(taken)
    }

    /// A string of SSH: a vector with a length of four octets.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        self.vector(4)
    }

    fn number(&mut self, octets: usize) -> Option<u32> {
        self.take(octets).map(|it| it.iter().fold(0, |sum, octet| sum << 8 | u32::from(*octet)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_vectors() {
        let mut at = Cursor(&[1, 0, 2, 0, 0, 0, 3, 0, 2, 9, 9, 0, 5, 1]);
        assert_eq!((at.u8(), at.u16(), at.u32(), at.vector(2)), (Some(1), Some(2), Some(3), Some(&[9, 9][..])));
        assert_eq!((at.vector(2), at.0), (None, &[0, 5, 1][..]), "it is shorter than it says");
    }
}

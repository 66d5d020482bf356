//! OPC UA's binary encoding (OPC 10000-6 §5.2), what is needed of it.

/// What is left to read.
#[derive(Debug)]
pub(super) struct Octets<'a>(pub(super) &'a [u8]);

impl<'a> Octets<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn word(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A string or octets; none (-1) are empty.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        match self.word()? {
            u32::MAX => Some(&[]),
            length => self.take(length as usize),
        }
    }

    pub(super) fn text(&mut self) -> Option<String> {
        self.bytes().map(|it| String::from_utf8_lossy(it).into_owned())
    }

    /// How many elements follow; more than could be there are refused.
    pub(super) fn count(&mut self) -> Option<usize> {
        match self.word()? {
            u32::MAX => Some(0),
            count => Some(count as usize).filter(|it| *it <= self.0.len()),
        }
    }

    /// A node id of the short forms, by its number.
    pub(super) fn node(&mut self) -> Option<u16> {
        match *self.take(1)?.first()? {
            0 => self.take(1).map(|it| u16::from(it[0])),
            1 => self.take(3).map(|it| u16::from_le_bytes([it[1], it[2]])),
            _ => None,
        }
    }

    /// The header of a response (OPC 10000-4 §7.34), with its result.
    pub(super) fn header(&mut self) -> Option<u32> {
        self.take(8 + 4)?;
        let result = self.word()?;
        // No diagnostics were asked for.
        (self.take(1)? == [0]).then_some(())?;
        for _ in 0..self.count()? {
            self.bytes()?;
        }
        self.node()?;
        self.take(1)?;
        Some(result)
    }
}

/// As the encoding has texts.
pub(super) fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

/// The header of a request (OPC 10000-4 §7.33) of that type, empty but for it.
pub(super) fn request(kind: u16) -> Vec<u8> {
    let node = [&[1, 0][..], &kind.to_le_bytes()].concat();
    [&node[..], &[0; 2 + 8 + 4 + 4], &[0xFF; 4], &[0; 4 + 3]].concat()
}

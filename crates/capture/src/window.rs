//! A window that moves over a stream of bytes: what is read, and not yet consumed, lies in one piece.

use std::io::{self, BufRead, Read};

/// Bytes asked of the operating system at once. It stays in the second-level cache, so that what was just read is near when
/// it is parsed.
const STEP: usize = 256 << 10;

/// See the module.
pub(crate) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Of the stream, where `start` is.
    offset: u64,
}

impl Window {
    pub(crate) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, buffer: vec![0; STEP], start: 0, end: 0, offset: 0 }
    }

    /// What was read and not consumed.
    pub(crate) fn ahead(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Offset of the first of [`Self::ahead`].
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Moves on.
    pub(crate) fn consume(&mut self, octets: usize) {
        let octets = octets.min(self.end - self.start);
        self.start += octets;
        self.offset += octets as u64;
    }

    /// Reads on, making room first. It grows where what is left fills it: callers bound the records that they wait for.
    ///
    /// `false` at the end of the stream.
    pub(crate) fn fill(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(octets) => {
                    self.end += octets;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let octets = self.fill_buf()?.read(buffer)?;
        self.consume(octets);
        Ok(octets)
    }
}

impl BufRead for Window {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // Decompression waits: it cannot stop within a block.
        while self.ahead().is_empty() {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.ahead())
    }

    fn consume(&mut self, octets: usize) {
        Self::consume(self, octets);
    }
}

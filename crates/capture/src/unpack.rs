//! Compressed captures: gzip and Zstandard, as streams, with a bound against bombs.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::window::Window;

/// How many times as large as its packed form a capture may be. Packets carry times that differ, so real ones stay below 100;
/// deflate ends at 1,032.
pub(crate) const MOST_RATIO: u64 = 1000;

/// Below so many octets the ratio does not matter.
const HARMLESS: u64 = 64 << 20;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// RFC 1952
    Gzip,
    /// RFC 8878
    Zstandard,
}

impl Packing {
    /// By its first four octets. A skippable frame (RFC 8878 §3.1.2) can come first.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstandard),
            _ => None,
        }
    }

    /// What `packed` unpacks to. The end of `packed` within a frame is [`io::ErrorKind::UnexpectedEof`], a bomb is
    /// [`io::ErrorKind::FileTooLarge`].
    pub(crate) fn unpack(self, packed: Window) -> Box<dyn Read + Send> {
        match self {
            Self::Gzip => Box::new(Bounded { inner: MultiGzDecoder::new(packed), octets: 0 }),
            Self::Zstandard => Box::new(Bounded { inner: Zstandard::new(packed), octets: 0 }),
        }
    }
}

/// Something that unpacks, and knows how much it took.
trait Unpacks: Read {
    fn taken(&self) -> u64;
}

impl Unpacks for MultiGzDecoder<Window> {
    fn taken(&self) -> u64 {
        self.get_ref().offset()
    }
}

/// Gives up on bombs.
struct Bounded<R> {
    inner: R,
    octets: u64,
}

impl<R: Unpacks> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let octets = self.inner.read(buffer)?;
        self.octets += octets as u64;
        if self.octets > HARMLESS && self.octets / self.inner.taken().max(1) > MOST_RATIO {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(octets)
    }
}

/// All frames of a stream (RFC 8878 §3.1), one after the other.
struct Zstandard {
    packed: Window,
    decoder: FrameDecoder,
    within: bool,
}

impl Zstandard {
    fn new(packed: Window) -> Self {
        Self { packed, decoder: FrameDecoder::new(), within: false }
    }

    /// Begins the next frame, passing over those that are to be skipped; `false` at the end.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.packed.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.packed) {
                Ok(()) => {
                    self.within = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.packed).take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(self.fault(error)),
            }
        }
        Ok(false)
    }

    /// What went wrong: the stream ended, or it is damaged.
    fn fault(&mut self, error: FrameDecoderError) -> io::Error {
        match self.packed.fill_buf() {
            Ok([]) => io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => io::Error::new(io::ErrorKind::InvalidData, error),
            Err(error) => error,
        }
    }
}

impl Read for Zstandard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within && !self.begin()? {
                return Ok(0);
            }
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            if self.decoder.is_finished() {
                self.within = false;
                let promised = self.decoder.get_checksum_from_data();
                if promised.is_some() && promised != self.decoder.get_calculated_checksum() {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the checksum of a Zstandard frame is wrong",
                    ));
                }
                continue;
            }
            let decoded = self.decoder.decode_blocks(&mut self.packed, BlockDecodingStrategy::UptoBlocks(1));
            if let Err(error) = decoded {
                return Err(self.fault(error));
            }
        }
    }
}

impl Unpacks for Zstandard {
    fn taken(&self) -> u64 {
        self.packed.offset()
    }
}

/// The way out for compressions that are not read here, by the first octets.
pub(crate) fn other(head: &[u8]) -> Option<&'static str> {
    const OTHERS: &[(&[u8], &str)] = &[
        (b"\xfd7zXZ", "it is packed by xz; unpack it first (`xz -d`)"),
        (b"BZh", "it is packed by bzip2; unpack it first (`bunzip2`)"),
        (b"PK\x03\x04", "it is a zip archive; unpack it first"),
        (b"\x04\x22\x4d\x18", "it is packed by lz4; unpack it first (`lz4 -d`)"),
    ];
    OTHERS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, found)| *found)
}

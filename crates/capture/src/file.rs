//! A capture file, whatever its format and compression: both are told by its first bytes, never by its name.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use fleetward_packet::Time;

use crate::batch::{Batch, Entry, Packet};
use crate::error::{Error, Place};
use crate::pcap::{HEADER, Pcap};
use crate::pcapng::Pcapng;
use crate::pipe;
use crate::unpack::{self, MOST_RATIO, Packing};
use crate::window::Window;

/// A capture file that is being read.
pub struct File {
    path: PathBuf,
    unpacked: bool,
    window: Window,
    /// Nothing until the first octets came.
    walker: Option<Walker>,
    entries: Vec<Entry>,
    /// Octets of the window that the last batch lies in.
    lent: usize,
    summary: Summary,
}

enum Walker {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// What was read so far.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Packets.
    pub packets: u64,
    /// Octets of them on the wire.
    pub octets: u64,
    /// Time of the first packet of the file.
    pub first: Option<Time>,
    /// Time of the last packet of the file.
    pub last: Option<Time>,
    /// Packets that the capturing system says it lost, where the format tells (pcapng).
    pub dropped: u64,
    /// The file ends within a record (or within its compression): the byte where that begins. What came before is complete.
    pub cut: Option<u64>,
}

/// Reads all of a file, packet by packet.
pub fn read(path: impl AsRef<Path>, mut each: impl FnMut(Packet<'_>)) -> Result<Summary, Error> {
    let mut file = File::open(path)?;
    while let Some(batch) = file.batch()? {
        batch.iter().for_each(&mut each);
    }
    Ok(file.summary)
}

impl File {
    /// Opens a capture: pcap or pcapng, plain, or packed by gzip or Zstandard. `-` is the standard input.
    ///
    /// A pipe (or the standard input) is read as it comes: see [`Self::batch`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_path_buf();
        match pipe::open(&path) {
            Ok(reader) => Self::from_reader(path, reader),
            Err(source) => Err(Error::Open { file: path, source }),
        }
    }

    /// Reads from anything; `path` is its name in errors. Where the reader says [`io::ErrorKind::WouldBlock`], a batch is empty.
    pub fn from_reader(path: PathBuf, reader: Box<dyn Read + Send>) -> Result<Self, Error> {
        let mut this = Self {
            path,
            unpacked: false,
            window: Window::new(reader),
            walker: None,
            entries: Vec::new(),
            lent: 0,
            summary: Summary::default(),
        };
        match this.begin() {
            Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::WouldBlock => Ok(this),
            begun => begun.map(|()| this),
        }
    }

    /// Tells the format by the first octets. May be called again where these are not all there.
    fn begin(&mut self) -> Result<(), Error> {
        if !self.unpacked {
            let place = self.place();
            let head = head(&mut self.window, 4).map_err(|source| Error::Read { place, source })?;
            let packing = Packing::of(head);
            if let Some(packing) = packing {
                self.unpacked = true;
                let packed = std::mem::replace(&mut self.window, Window::new(Box::new(io::empty())));
                self.window = Window::new(packing.unpack(packed));
            }
        }
        let place = self.place();
        let head = head(&mut self.window, HEADER);
        let head = head.map_err(|source| failed(place.clone(), source))?;
        self.walker = Some(if Pcapng::is(head) {
            Walker::Pcapng(Pcapng::default())
        } else {
            match head.first_chunk().map_or(Ok(None), Pcap::open) {
                Ok(Some(pcap)) => {
                    self.window.consume(HEADER);
                    Walker::Pcap(pcap)
                }
                Ok(None) => return Err(Error::Unknown { found: what_it_is(head), file: place.file }),
                Err(damage) => return Err(Error::Damaged { place, damage }),
            }
        });
        Ok(())
    }

    /// The next packets; nothing at the end. A batch is empty only where a pipe had nothing for 200 ms.
    ///
    /// After an error it says the same error again.
    pub fn batch(&mut self) -> Result<Option<Batch<'_>>, Error> {
        self.window.consume(std::mem::take(&mut self.lent));
        self.entries.clear();
        loop {
            let walked = match &mut self.walker {
                Some(Walker::Pcap(pcap)) => pcap.walk(self.window.ahead(), &mut self.entries),
                Some(Walker::Pcapng(pcapng)) => pcapng.walk(self.window.ahead(), &mut self.entries),
                None => match self.begin() {
                    Ok(()) => continue,
                    Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::WouldBlock => {
                        return Ok(Some(Batch::new(&[], &[])));
                    }
                    Err(error) => return Err(error),
                },
            };
            let walked = walked.map_err(|damage| Error::Damaged { place: self.place(), damage })?;
            if !self.entries.is_empty() {
                self.lent = walked;
                self.count();
                return Ok(Some(Batch::new(self.window.ahead(), &self.entries)));
            }
            if walked > 0 {
                self.window.consume(walked);
                continue;
            }
            match self.window.fill() {
                Ok(true) => {}
                Ok(false) => {
                    self.summary.cut = (!self.window.ahead().is_empty()).then(|| self.window.offset());
                    return Ok(None);
                }
                Err(source) if source.kind() == io::ErrorKind::WouldBlock => return Ok(Some(Batch::new(&[], &[]))),
                // Packed by a program that was killed, or copied while it was written.
                Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                    self.summary.cut = Some(self.window.offset());
                    return Ok(None);
                }
                Err(source) => return Err(failed(self.place(), source)),
            }
        }
    }

    /// What was handed out so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn place(&self) -> Place {
        let (file, at) = (self.path.clone(), self.window.offset());
        Place { file, at, unpacked: self.unpacked, packets: self.summary.packets }
    }

    fn count(&mut self) {
        let summary = &mut self.summary;
        summary.packets += self.entries.len() as u64;
        summary.octets += self.entries.iter().map(|it| u64::from(it.wire)).sum::<u64>();
        summary.first = summary.first.or(self.entries.first().map(|it| it.time));
        summary.last = self.entries.last().map(|it| it.time);
        if let Some(Walker::Pcapng(pcapng)) = &self.walker {
            summary.dropped = pcapng.dropped();
        }
    }
}

/// Reads until `octets` are there or the stream ends.
fn head(window: &mut Window, octets: usize) -> io::Result<&[u8]> {
    while window.ahead().len() < octets && window.fill()? {}
    Ok(window.ahead())
}

/// Reading (or unpacking) said no.
fn failed(place: Place, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::FileTooLarge => Error::Bomb { place, ratio: MOST_RATIO },
        _ => Error::Read { place, source },
    }
}

/// What else a file is that people hand in, by its first octets, and the way out.
fn what_it_is(head: &[u8]) -> &'static str {
    const OTHERS: &[(&[u8], &str)] = &[
        (b"snoop\0\0\0", "it is of snoop; convert it (`editcap -F pcapng`)"),
        (b"GMBU", "it is of Microsoft Network Monitor; convert it (`editcap -F pcapng`)"),
        (b"RTSS", "it is of Microsoft Network Monitor; convert it (`editcap -F pcapng`)"),
        (b"version https://git-lfs", "it is only a pointer of git-lfs; fetch the file itself (`git lfs pull`)"),
    ];
    let other = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, found)| *found);
    match other.or_else(|| unpack::other(head)) {
        Some(found) => found,
        None if head.is_empty() => "it is empty",
        None if Pcap::is(head) => "it ends within its header",
        None => "expected pcap or pcapng, plain or packed by gzip or zstd",
    }
}

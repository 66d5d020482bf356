//! A live interface: every frame that passes it, from a ring that the kernel fills.
//!
//! Needs the capability `CAP_NET_RAW` and nothing else. There is no filter: what a fleet does is the question, so everything is of interest.

mod frames;
mod ring;

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use self::frames::Kind;
use self::ring::{Ring, Shape};
use crate::batch::{Batch, Entry};

/// An interface that is listened to.
pub struct Live {
    name: String,
    ring: Ring,
    kind: Kind,
    entries: Vec<Entry>,
    /// The current block was handed out with the last batch.
    lent: bool,
    counted: Counted,
}

/// How to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveOptions {
    /// Also frames that are for others: wanted at a mirror port, needless on the gateway itself.
    pub promiscuous: bool,
    /// Octets of the ring, rounded up to whole blocks of 1 MiB; at 1 Gbit/s 32 MiB are a quarter of a second.
    pub ring: usize,
    /// Share the frames with other listeners of this group number (`PACKET_FANOUT`), each conversation at one of them.
    pub fan_out: Option<u16>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { promiscuous: true, ring: 32 << 20, fan_out: None }
    }
}

/// What the kernel counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Frames that passed, lost ones included.
    pub packets: u64,
    /// Frames that found no room in the ring, and are not among what was handed out.
    pub drops: u64,
}

/// Why an interface could not be listened to.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// There is no such interface.
    #[error("there is no interface {name:?}")]
    NoInterface {
        /// As it was asked for.
        name: String,
    },
    /// `CAP_NET_RAW` is missing.
    #[error("listening to {name:?} needs the capability CAP_NET_RAW")]
    NotAllowed {
        /// The interface.
        name: String,
    },
    /// Its frames are of a kind that is not read.
    #[error("{name:?} is of hardware type {hardware}, whose frames are not read here; Ethernet and raw IP are")]
    Hardware {
        /// The interface.
        name: String,
        /// `ARPHRD_…`
        hardware: u16,
    },
    /// It went down, or away.
    #[error("{name:?} is down")]
    Down {
        /// The interface.
        name: String,
    },
    /// The operating system said no.
    #[error("cannot listen to {name:?}: {step} failed")]
    System {
        /// The interface.
        name: String,
        /// What was tried.
        step: &'static str,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

/// Octets of a block: room for a frame of 64 KiB (segments that the card put together), and for thousands of small ones.
const BLOCK: u32 = 1 << 20;

/// A block that is not full waits so many milliseconds for more.
const PATIENCE: u32 = 50;

impl Live {
    /// Begins to listen.
    pub fn open(name: &str, options: LiveOptions) -> Result<Self, LiveError> {
        let failed = |step| {
            move |source: io::Error| match source.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EPERM | Errno::EACCES) => LiveError::NotAllowed { name: name.to_owned() },
                Some(Errno::ENETDOWN | Errno::ENODEV | Errno::ENXIO) => LiveError::Down { name: name.to_owned() },
                _ => LiveError::System { name: name.to_owned(), step, source },
            }
        };
        let index = if_nametoindex(name).map_err(|_| LiveError::NoInterface { name: name.to_owned() })?;
        let blocks = u32::try_from(options.ring.div_ceil(BLOCK as usize)).unwrap_or(u32::MAX).clamp(2, 4096);
        let shape = Shape { block: BLOCK, blocks, patience: PATIENCE };
        let ring = Ring::new(shape).map_err(failed("the ring of packets"))?;
        let hardware = ring.bind(index).map_err(failed("binding to the interface"))?;
        let link = match hardware {
            // Ethernet, loopback
            1 | 772 => 1,
            // Tunnels without a link layer: none, PPP, raw IP, IP in IP, IPv6 in IPv6, SIT, GRE
            65534 | 512 | 519 | 768 | 769 | 776 | 778 => 101,
            _ => return Err(LiveError::Hardware { name: name.to_owned(), hardware }),
        };
        if options.promiscuous {
            ring.promiscuous(index).map_err(failed("promiscuous mode"))?;
        }
        if let Some(group) = options.fan_out {
            ring.fan_out(group).map_err(failed("joining the fan-out group"))?;
        }
        let kind = Kind { link, loopback: hardware == 772 };
        let counted = Counted::default();
        Ok(Self { name: name.to_owned(), ring, kind, entries: Vec::new(), lent: false, counted })
    }

    /// What came; an empty batch where nothing did for `wait`. The frames before this batch are given back to the kernel.
    pub fn batch(&mut self, wait: Duration) -> Result<Batch<'_>, LiveError> {
        if std::mem::take(&mut self.lent) {
            self.ring.release();
        }
        self.entries.clear();
        if self.ring.block().is_none() {
            self.wait(wait)?;
        }
        let Some(block) = self.ring.block() else { return Ok(Batch::new(&[], &[])) };
        self.lent = true;
        frames::frames(block, self.kind, &mut self.entries);
        Ok(Batch::new(block, &self.entries))
    }

    /// Until there is a block, or something is wrong, or the time is over.
    fn wait(&self, wait: Duration) -> Result<(), LiveError> {
        let mut sockets = [PollFd::new(self.ring.socket(), PollFlags::POLLIN | PollFlags::POLLERR)];
        let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
        match poll(&mut sockets, timeout) {
            Ok(0) | Err(Errno::EINTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => {
                return Err(LiveError::System { name: self.name.clone(), step: "waiting", source: error.into() });
            }
        }
        let wrong = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
        if sockets[0].revents().is_some_and(|it| it.intersects(wrong)) {
            return Err(LiveError::Down { name: self.name.clone() });
        }
        Ok(())
    }

    /// What the kernel counted since the beginning.
    pub fn counted(&mut self) -> Counted {
        if let Ok(more) = self.ring.statistics() {
            self.counted.packets += u64::from(more.packets);
            self.counted.drops += u64::from(more.drops);
        }
        self.counted
    }

    /// The interface.
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use nix::sched::{CloneFlags, unshare};

    use super::*;

    #[test]
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn a_vlan_tag_that_the_kernel_took_out_is_put_back() {
        let done = std::thread::spawn(|| {
            if let Err(error) = unshare(CloneFlags::CLONE_NEWNET) {
                println!("SKIPPED: no network namespace here ({error}); run as root");
                return;
            }
            for line in ["link add near type veth peer name far", "link set near up", "link set far up"] {
                let ip = std::process::Command::new("ip").args(line.split(' ')).status();
                assert!(ip.is_ok_and(|status| status.success()), "ip {line}");
            }
            let near = Live::open("near", LiveOptions::default()).expect("root may listen");
            let mut far = Live::open("far", LiveOptions::default()).expect("root may listen");
            let plain = [[2; 12].as_slice(), &[0x08, 0x00], &[9; 50]].concat();
            let tagged = [[2; 12].as_slice(), &[0x81, 0x00, 0x20, 0x2a, 0x08, 0x00], &[9; 50]].concat();
            near.ring.send(&tagged).expect("sent");
            near.ring.send(&plain).expect("sent");
            let mut seen = Vec::new();
            for _ in 0..6 {
                let batch = far.batch(Duration::from_millis(50)).expect("it stays up");
                seen.extend(batch.iter().filter(|it| it.bytes[0] == 2).map(|it| (it.bytes.to_vec(), it.wire as usize)));
            }
            assert_eq!(seen, [(tagged.clone(), tagged.len()), (plain.clone(), plain.len())]);
        });
        done.join().expect("the thread ends well");
    }
}

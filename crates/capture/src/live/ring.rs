//! The ring of blocks that the kernel fills with frames (`AF_PACKET`, `TPACKET_V3`): the one module of this crate that is unsafe.
//!
//! What must hold, and where it does:
//!
//! * The memory is mapped once and unmapped when the ring is dropped; nothing that borrows from it outlives `&mut self`.
//! * A block is ours from the moment its status says `TP_STATUS_USER` (read with acquire) until we write `TP_STATUS_KERNEL`
//!   (with release); in between the kernel does not touch it (`packet_mmap.rst` of the kernel), so `&mut [u8]` over its
//!   frames is sound. The status word itself is only ever touched as an atomic and lies outside that slice.
//! * Numbers that the kernel wrote into a block are bounds-checked like any others, outside this module.
#![allow(
    unsafe_code,
    reason = "design.md, section 6: one small module a crate; its tests pass under the address sanitizer"
)]

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where a block's status stands in its descriptor (`struct tpacket_block_desc`).
const STATUS: usize = mem::offset_of!(libc::tpacket_block_desc, hdr);

/// Where a block's own fields behind the status begin.
const FIELDS: usize = STATUS + 4;

/// How the ring is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Octets of a block: a power of two, at least a page.
    pub(super) block: u32,
    /// How many.
    pub(super) blocks: u32,
    /// A block that is not full is handed over after so many milliseconds.
    pub(super) patience: u32,
}

/// A socket with its ring.
pub(super) struct Ring {
    blocks: Blocks,
    socket: OwnedFd,
}

/// Blocks in memory that is shared with the kernel.
struct Blocks {
    memory: NonNull<u8>,
    block: usize,
    count: usize,
    current: usize,
}

// SAFETY: the memory is reached through this value alone, and the kernel does not care which thread reads.
unsafe impl Send for Blocks {}

/// What the kernel counted since the last question.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Statistics {
    pub(super) packets: u32,
    /// Of these, what found no room.
    pub(super) drops: u32,
}

impl Ring {
    /// Opens a socket that receives nothing yet, and its ring.
    pub(super) fn new(shape: Shape) -> io::Result<Self> {
        // SAFETY: no pointers; a new descriptor or an error.
        let socket = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        checked(socket)?;
        // SAFETY: the descriptor is new, open and nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(socket) };
        set(socket.as_fd(), libc::PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V3 as libc::c_int))?;
        // Room before a frame, to put back the VLAN tag that the kernel took out.
        set(socket.as_fd(), libc::PACKET_RESERVE, &4_u32)?;
        let frame = 2048;
        let request = libc::tpacket_req3 {
            tp_block_size: shape.block,
            tp_block_nr: shape.blocks,
            tp_frame_size: frame,
            tp_frame_nr: shape.block / frame * shape.blocks,
            tp_retire_blk_tov: shape.patience,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        set(socket.as_fd(), libc::PACKET_RX_RING, &request)?;
        let (block, count) = (shape.block as usize, shape.blocks as usize);
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping of a size that the kernel has just agreed to, at an address of its choice.
        let memory =
            unsafe { libc::mmap(ptr::null_mut(), block * count, access, libc::MAP_SHARED, socket.as_raw_fd(), 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { blocks: Blocks { memory, block, count, current: 0 }, socket })
    }

    /// Receives every frame of this interface from now on, and says what hardware it is (`ARPHRD_…`).
    pub(super) fn bind(&self, interface: u32) -> io::Result<u16> {
        // SAFETY: all zeros is a value of this structure of integers.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = interface.cast_signed();
        let mut length = size_of_val(&address) as libc::socklen_t;
        let socket = self.socket.as_raw_fd();
        // SAFETY: pointer and length are of the same living value, which is what this family expects.
        checked(unsafe { libc::bind(socket, (&raw const address).cast(), length) })?;
        // SAFETY: as before, and the kernel writes at most `length` octets.
        checked(unsafe { libc::getsockname(socket, (&raw mut address).cast(), &raw mut length) })?;
        Ok(address.sll_hatype)
    }

    /// Also frames that are for others.
    pub(super) fn promiscuous(&self, interface: u32) -> io::Result<()> {
        let (index, kind) = (interface.cast_signed(), libc::PACKET_MR_PROMISC as u16);
        let request = libc::packet_mreq { mr_ifindex: index, mr_type: kind, mr_alen: 0, mr_address: [0; 8] };
        set(self.socket.as_fd(), libc::PACKET_ADD_MEMBERSHIP, &request)
    }

    /// Shares the frames with the other sockets of this group, each conversation at one of them.
    pub(super) fn fan_out(&self, group: u16) -> io::Result<()> {
        let kind = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_DEFRAG;
        set(self.socket.as_fd(), libc::PACKET_FANOUT, &(u32::from(group) | kind << 16))
    }

    /// What was counted since the last call.
    pub(super) fn statistics(&self) -> io::Result<Statistics> {
        let mut value = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
        let mut length = size_of_val(&value) as libc::socklen_t;
        let (level, option) = (libc::SOL_PACKET, libc::PACKET_STATISTICS);
        let socket = self.socket.as_raw_fd();
        // SAFETY: the kernel writes at most `length` octets into a structure of integers of that size.
        checked(unsafe { libc::getsockopt(socket, level, option, (&raw mut value).cast(), &raw mut length) })?;
        Ok(Statistics { packets: value.tp_packets, drops: value.tp_drops })
    }

    /// The frames that wait in the current block, if the kernel has handed it over: its fields behind the status, then frames.
    pub(super) fn block(&mut self) -> Option<&mut [u8]> {
        self.blocks.block()
    }

    /// Gives the current block back and moves on.
    pub(super) fn release(&mut self) {
        self.blocks.release();
    }

    /// Sends a frame on the interface.
    #[cfg(test)]
    pub(super) fn send(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: pointer and length are of one living slice.
        let sent = unsafe { libc::send(self.socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let octets = self.blocks.block * self.blocks.count;
        // SAFETY: this is the mapping of `new`, and nothing borrows from it any more.
        let _unmapped = unsafe { libc::munmap(self.blocks.memory.as_ptr().cast(), octets) };
    }
}

/// Octets that [`Ring::block`] leaves out at a block's beginning: what the kernel's offsets count from lies before its slice.
pub(super) const BEFORE: usize = FIELDS;

impl Blocks {
    fn start(&self) -> NonNull<u8> {
        // SAFETY: `current < count`, and the memory has `block * count` octets.
        unsafe { self.memory.add(self.current * self.block) }
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: within the block, aligned (a block is at least a page, aligned to its size), and touched only as an atomic.
        unsafe { AtomicU32::from_ptr(self.start().as_ptr().add(STATUS).cast()) }
    }

    fn block(&mut self) -> Option<&mut [u8]> {
        if self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the block is ours (see the module); the slice begins behind the status and ends with the block.
        Some(unsafe { std::slice::from_raw_parts_mut(self.start().as_ptr().add(FIELDS), self.block - FIELDS) })
    }

    fn release(&mut self) {
        self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.current = (self.current + 1) % self.count;
    }
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn set<T>(socket: BorrowedFd<'_>, option: libc::c_int, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: pointer and length are of the same living value; the kernel only reads.
    checked(unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, (&raw const *value).cast(), length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays the kernel: fills every second block from another thread, and checks that what we wrote came back.
    #[test]
    fn blocks_go_to_and_fro() {
        const BLOCK: usize = 4096;
        let mut memory = vec![0_u64; 4 * BLOCK / 8];
        let base = NonNull::new(memory.as_mut_ptr().cast::<u8>()).expect("a vector is somewhere");
        let mut blocks = Blocks { memory: base, block: BLOCK, count: 4, current: 0 };
        let kernel = Blocks { memory: base, block: BLOCK, count: 4, current: 0 };
        let rounds = 40_u8;
        let writer = std::thread::spawn(move || {
            let mut kernel = kernel;
            for round in 0..rounds {
                while kernel.status().load(Ordering::Acquire) != libc::TP_STATUS_KERNEL {
                    std::thread::yield_now();
                }
                // SAFETY: the status says that the block is the kernel's, which is this thread.
                unsafe { kernel.start().as_ptr().add(BLOCK - 1).write(round) };
                kernel.status().store(libc::TP_STATUS_USER, Ordering::Release);
                kernel.current = (kernel.current + 1) % kernel.count;
            }
        });
        for round in 0..rounds {
            let block = loop {
                match blocks.block() {
                    Some(block) => break block,
                    None => std::thread::yield_now(),
                }
            };
            assert_eq!(block.len(), BLOCK - FIELDS);
            assert_eq!(block.last(), Some(&round));
            block[FIELDS] = 7;
            blocks.release();
        }
        writer.join().expect("the writer ends");
        drop(memory);
    }
}

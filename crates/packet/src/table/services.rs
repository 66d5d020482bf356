//! Who was called before: a conversation whose beginning was missed is turned the way its ends were turned when one was seen.

use crate::frame::{Address, Packet};

use super::entry::beginning;

/// Ends that are remembered; a newer one may take the place of an older.
const KEPT: usize = 8192;
const SYN: u8 = 2;
const ACK: u8 = 16;

/// Marks of ends (address, port, protocol) that were called.
#[derive(Debug)]
pub(super) struct Services {
    marks: Box<[u64]>,
    seed: u64,
}

impl Services {
    pub(super) fn new(seed: u64) -> Self {
        Self { marks: vec![0; KEPT].into(), seed: seed | 1 }
    }

    /// Whether the sender of a first packet is the client, and whether that is certain.
    pub(super) fn beginning(&mut self, packet: &Packet<'_>) -> (bool, bool) {
        let (from_client, begun) = beginning(packet);
        if packet.protocol != 6 {
            return (from_client, begun);
        }
        if begun || packet.flags & (SYN | ACK) == SYN | ACK {
            let (address, port) =
                if from_client { (packet.target, packet.target_port) } else { (packet.source, packet.source_port) };
            let mark = self.mark(address, port);
            self.marks[mark as usize % KEPT] = mark;
            return (from_client, begun);
        }
        let knows = |address, port| {
            let mark = self.mark(address, port);
            self.marks[mark as usize % KEPT] == mark
        };
        match (knows(packet.source, packet.source_port), knows(packet.target, packet.target_port)) {
            (true, false) => (false, false),
            (false, true) => (true, false),
            _ => (from_client, false),
        }
    }

    /// Two multiplications by odd numbers, one of them secret: who chooses ports gains a wrong direction at most.
    fn mark(&self, address: Address, port: u16) -> u64 {
        let [high, low] = [(address >> 64) as u64, (address & u128::from(u64::MAX)) as u64];
        let mixed = (low ^ high.rotate_left(23) ^ u64::from(port) << 40).wrapping_mul(self.seed | 1);
        (mixed ^ mixed >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7 | 1
    }
}

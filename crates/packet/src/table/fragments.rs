//! Parts of packets: the first part carries the ports, the others borrow them. Nothing is put together again: what is spoken begins in
//! the first part, and amounts need no order.

use hashbrown::HashMap;

use crate::Time;
use crate::frame::{Address, Packet};

/// Packets in parts that are remembered.
const KEPT: usize = 8192;
/// How long (RFC 8200 §4.5 gives 60 s to the last part).
const LIFE: i64 = 60_000_000_000;

#[derive(Debug, Default)]
pub(super) struct Fragments {
    ports: HashMap<(Address, Address, u32, u8), Part>,
    pub(super) overlapping: u64,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    source_port: u16,
    target_port: u16,
    /// Octets seen so far from the beginning on, without a gap.
    end: u32,
    until: i64,
}

impl Fragments {
    /// Gives a later part the ports of the first. `false`: the first was not seen.
    pub(super) fn join(&mut self, packet: &mut Packet<'_>, time: Time) -> bool {
        let Some(fragment) = packet.fragment else { return true };
        let key = (packet.source, packet.target, fragment.id, packet.protocol);
        let size = u32::try_from(packet.payload.len()).unwrap_or(u32::MAX);
        if fragment.offset == 0 {
            if self.ports.len() >= KEPT {
                self.ports.retain(|_, part| part.until > time.0);
            }
            if self.ports.len() < KEPT {
                let (source_port, target_port) = (packet.source_port, packet.target_port);
                let end = packet.length.saturating_sub(20).max(size);
                let part = Part { source_port, target_port, end, until: time.0.saturating_add(LIFE) };
                if self
                    .ports
                    .insert(key, part)
                    .is_some_and(|old| old.until > time.0 && old.end > 0 && !is_same(&old, packet))
                {
                    self.overlapping += 1;
                }
            }
            return true;
        }
        // Nothing of a later part is read.
        packet.payload = &[];
        let Some(part) = self.ports.get_mut(&key).filter(|part| part.until > time.0) else { return false };
        (packet.source_port, packet.target_port) = (part.source_port, part.target_port);
        if u32::from(fragment.offset) < part.end & !7 {
            self.overlapping += 1;
        }
        true
    }
}

/// A retransmission says the same.
fn is_same(part: &Part, packet: &Packet<'_>) -> bool {
    (part.source_port, part.target_port) == (packet.source_port, packet.target_port)
}

//! By how much a conversation grew since it was told of last.

use fleetward_packet::{Flow, Time};

/// Conversations that are remembered; of two on one place the later counts, and the other's next growth is that since its beginning.
const PLACES: usize = 16_384;

#[derive(Debug, Default, Clone, Copy)]
struct Told {
    id: u64,
    packets: u64,
    bytes: [u64; 2],
    time: Time,
}

#[derive(Debug, Default)]
pub(super) struct Growths(Vec<Told>);

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    pub(super) packets: u64,
    pub(super) bytes: [u64; 2],
    pub(super) seconds: f64,
}

impl Growths {
    pub(super) fn grew(&mut self, flow: &Flow) -> Growth {
        if self.0.is_empty() {
            self.0 = vec![Told { id: u64::MAX, ..Told::default() }; PLACES];
        }
        let growth = self.closed(flow);
        let packets = flow.packets[0] + flow.packets[1];
        self.0[place(flow)] = Told { id: flow.id, packets, bytes: flow.bytes, time: flow.last };
        growth
    }

    pub(super) fn closed(&self, flow: &Flow) -> Growth {
        let before = self.0.get(place(flow)).filter(|told| told.id == flow.id && told.time >= flow.first).copied();
        let before = before.unwrap_or(Told { time: flow.first, ..Told::default() });
        let packets = flow.packets[0] + flow.packets[1];
        Growth {
            packets: packets.saturating_sub(before.packets),
            bytes: [0, 1].map(|way| flow.bytes[way].saturating_sub(before.bytes[way])),
            seconds: flow.last.seconds_since(before.time),
        }
    }
}

fn place(flow: &Flow) -> usize {
    (flow.id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50) as usize
}

//! What flows in a slot: octets, and the packets that carry them.

use std::ops::AddAssign;

/// Octets of a full segment with its headers: what fits when the network wraps packets into GTP (TS 29.281) on links of
/// 1,500 octets, as TS 23.060 Annex C recommends (an MTU of 1,358 octets).
const SEGMENT: f64 = 1358.0;

/// A receiver acknowledges at least every second full segment (RFC 5681 §4.2; RFC 9000 §13.2.2).
const ACKNOWLEDGED: f64 = 2.0 * SEGMENT;

/// Packets each way of a transfer beside its full segments: set-up, a last segment that is not full, the end.
const AROUND: f64 = 4.0;

/// Octets and packets of a slot, from and to the device.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    pub(crate) up: f64,
    pub(crate) down: f64,
    /// Packets from the device.
    pub(crate) sent: f64,
    /// Packets to the device.
    pub(crate) received: f64,
}

impl Load {
    /// A stream with acknowledgements, as TCP and QUIC have it.
    pub(crate) fn stream(up: f64, down: f64) -> Self {
        Self { up, down, sent: up / SEGMENT + down / ACKNOWLEDGED, received: down / SEGMENT + up / ACKNOWLEDGED }
    }

    /// `count` transfers over streams.
    pub(crate) fn of_transfers(octets: Self, count: u32) -> Self {
        let around = f64::from(count) * AROUND;
        let stream = Self::stream(octets.up, octets.down);
        Self { sent: stream.sent + around, received: stream.received + around, ..stream }
    }

    /// A share of it.
    pub(crate) fn part(self, share: f64) -> Self {
        Self { up: self.up * share, down: self.down * share, sent: self.sent * share, received: self.received * share }
    }

    /// Without what is negative: a factor below one takes away.
    pub(crate) fn at_least_nothing(self) -> Self {
        Self {
            up: self.up.max(0.0),
            down: self.down.max(0.0),
            sent: self.sent.max(0.0),
            received: self.received.max(0.0),
        }
    }

    /// Counters as a gateway keeps them: whole, 32 bits.
    pub(crate) fn packets(self) -> (u32, u32) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter of 32 bits wraps")]
        let counter = |packets: f64| packets.ceil() as u64 as u32;
        (counter(self.sent), counter(self.received))
    }
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        self.up += other.up;
        self.down += other.down;
        self.sent += other.sent;
        self.received += other.received;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_answered_and_a_transfer_needs_packets_around_it() {
        let upload = Load::stream(1_358_000.0, 26_000.0);
        assert!((upload.sent - 1009.0).abs() < 1.0 && (upload.received - 519.0).abs() < 1.0, "{upload:?}");
        let message = Load::of_transfers(Load { up: 200.0, ..Load::default() }, 1);
        assert_eq!(message.packets(), (5, 5));
    }
}

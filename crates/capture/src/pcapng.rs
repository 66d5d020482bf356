//! The newer capture file (draft-ietf-opsawg-pcapng): sections, interfaces with clocks of their own, blocks.

use fleetward_packet::Time;

use crate::batch::{BATCH, Entry};
use crate::error::Damage;
use crate::pcap::LARGEST;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// Interfaces of one section. Captures have a few; containers on one host have made it hundreds.
const MOST_INTERFACES: usize = 65_536;

/// Walks the blocks of one file.
#[derive(Debug, Default)]
pub(crate) struct Pcapng {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// Of the last packet: a simple packet has none of its own.
    last: Time,
    /// Packets that the capturing system says it lost, in sections before this one.
    dropped_before: u64,
}

#[derive(Debug)]
struct Interface {
    link: u16,
    /// Octets kept of a packet, 0 for all.
    snap: u32,
    resolution: Resolution,
    /// Nanoseconds to add to each time.
    offset: i64,
    dropped: u64,
}

/// What a unit of an interface's clock is.
#[derive(Debug, Clone, Copy)]
enum Resolution {
    /// So many nanoseconds.
    Nanoseconds(u32),
    /// So many units in a second, which are no whole nanoseconds.
    PerSecond(u64),
}

/// Reads numbers in a section's order.
#[derive(Clone, Copy)]
struct Order {
    big: bool,
}

impl Order {
    fn short(self, bytes: &[u8], at: usize) -> Option<u16> {
        let pair = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    }

    fn long(self, bytes: &[u8], at: usize) -> Option<u32> {
        let four = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }
}

impl Pcapng {
    /// Whether the first octets are of such a file.
    pub(crate) fn is(head: &[u8]) -> bool {
        head.starts_with(&SECTION.to_be_bytes())
    }

    /// Packets that the capturing system says it lost.
    pub(crate) fn dropped(&self) -> u64 {
        self.interfaces.iter().map(|it| it.dropped).fold(self.dropped_before, u64::saturating_add)
    }

    /// See [`crate::pcap::Pcap::walk`].
    pub(crate) fn walk(&mut self, bytes: &[u8], entries: &mut Vec<Entry>) -> Result<usize, Damage> {
        let mut at = 0;
        while entries.len() < BATCH {
            match self.block(&bytes[at..], at, entries) {
                Ok(Some(length)) => at += length,
                Ok(None) => break,
                // What was found before it is handed out first; the next walk begins here and meets it again.
                Err(_) if at > 0 => break,
                Err(damage) => return Err(damage),
            }
        }
        Ok(at)
    }

    /// Takes the block at the beginning of `bytes`, which is at `base`, and says how long it is; nothing where it is not all there.
    fn block(&mut self, bytes: &[u8], base: usize, entries: &mut Vec<Entry>) -> Result<Option<usize>, Damage> {
        let Some(head) = bytes.first_chunk::<12>() else { return Ok(None) };
        let [k0, k1, k2, k3, l0, l1, l2, l3, mark @ ..] = *head;
        let section = [k0, k1, k2, k3] == SECTION.to_be_bytes();
        let big = match (section, u32::from_be_bytes(mark)) {
            (false, _) => self.big_endian,
            (true, 0x1a2b_3c4d) => true,
            (true, 0x4d3c_2b1a) => false,
            (true, other) => return Err(Damage::ByteOrder(other)),
        };
        let order = Order { big };
        let number = |four| if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
        let (kind, length) = (number([k0, k1, k2, k3]), number([l0, l1, l2, l3]));
        if length > LARGEST + 4096 {
            return Err(Damage::TooLong { length: length.into(), most: LARGEST });
        }
        if length < 12 || length % 4 != 0 {
            return Err(Damage::BlockLength { length });
        }
        let Some(block) = bytes.get(..length as usize) else { return Ok(None) };
        let end = block.len() - 4;
        let last = order.long(block, end).unwrap_or_default();
        if last != length {
            return Err(Damage::Unequal { first: length, last });
        }
        let body = &block[8..end];
        let short = Damage::BlockLength { length };
        match kind {
            ENHANCED_PACKET => self.enhanced(body, base + 8, order, entries).ok_or(short)??,
            INTERFACE => self.interface(body, order).ok_or(short)??,
            SECTION => self.section(body, order).ok_or(short)??,
            SIMPLE_PACKET => self.simple(body, base + 8, order, entries).ok_or(short)??,
            OLD_PACKET => self.old(body, base + 8, order, entries).ok_or(short)??,
            STATISTICS => self.statistics(body, order).ok_or(short)?,
            // Names, secrets, journals: not about packets.
            _ => {}
        }
        Ok(Some(block.len()))
    }

    /// §4.1
    fn section(&mut self, body: &[u8], order: Order) -> Option<Result<(), Damage>> {
        let (major, minor) = (order.short(body, 4)?, order.short(body, 6)?);
        if major != 1 {
            return Some(Err(Damage::Version(major, minor)));
        }
        self.dropped_before = self.dropped();
        self.interfaces.clear();
        self.big_endian = order.big;
        Some(Ok(()))
    }

    /// §4.2
    fn interface(&mut self, body: &[u8], order: Order) -> Option<Result<(), Damage>> {
        let (link, snap) = (order.short(body, 0)?, order.long(body, 4)?);
        if self.interfaces.len() >= MOST_INTERFACES {
            return Some(Err(Damage::TooManyInterfaces(MOST_INTERFACES)));
        }
        let mut interface = Interface { link, snap, resolution: Resolution::Nanoseconds(1_000), offset: 0, dropped: 0 };
        for (code, value) in options(body.get(8..)?, order) {
            match (code, value) {
                (9, [resolution, ..]) => interface.resolution = Resolution::of(*resolution),
                (14, value) => {
                    let seconds = value.first_chunk().map_or(0, |eight| {
                        if order.big { i64::from_be_bytes(*eight) } else { i64::from_le_bytes(*eight) }
                    });
                    interface.offset = seconds.saturating_mul(1_000_000_000);
                }
                _ => {}
            }
        }
        self.interfaces.push(interface);
        Some(Ok(()))
    }

    fn interface_of(&self, number: u32) -> Result<&Interface, Damage> {
        let unknown = Damage::Interface { interface: number, known: self.interfaces.len() };
        self.interfaces.get(number as usize).ok_or(unknown)
    }

    /// §4.3
    #[inline]
    fn enhanced(
        &mut self,
        body: &[u8],
        base: usize,
        order: Order,
        entries: &mut Vec<Entry>,
    ) -> Option<Result<(), Damage>> {
        let number = order.long(body, 0)?;
        let ticks = u64::from(order.long(body, 4)?) << 32 | u64::from(order.long(body, 8)?);
        self.packet(number, ticks, body, 20, base, order, entries)
    }

    /// Appendix A of the draft: written until 2010 or so.
    fn old(&mut self, body: &[u8], base: usize, order: Order, entries: &mut Vec<Entry>) -> Option<Result<(), Damage>> {
        let number = order.short(body, 0)?.into();
        let ticks = u64::from(order.long(body, 4)?) << 32 | u64::from(order.long(body, 8)?);
        self.packet(number, ticks, body, 20, base, order, entries)
    }

    /// A packet whose lengths stand before `start`.
    #[expect(clippy::too_many_arguments, reason = "what two kinds of blocks have in common")]
    fn packet(
        &mut self,
        number: u32,
        ticks: u64,
        body: &[u8],
        start: usize,
        base: usize,
        order: Order,
        entries: &mut Vec<Entry>,
    ) -> Option<Result<(), Damage>> {
        let (length, wire) = (order.long(body, start - 8)?, order.long(body, start - 4)?);
        body.get(start..)?.get(..length as usize)?;
        let interface = match self.interface_of(number) {
            Ok(interface) => interface,
            Err(damage) => return Some(Err(damage)),
        };
        let time = Time(interface.resolution.nanoseconds(ticks).saturating_add(interface.offset));
        let link = interface.link;
        self.last = time;
        entries.push(Entry { time, start: (base + start) as u32, length, wire: wire.max(length), link });
        Some(Ok(()))
    }

    /// §4.4: no time, no length but the one on the wire, always of the first interface.
    fn simple(
        &mut self,
        body: &[u8],
        base: usize,
        order: Order,
        entries: &mut Vec<Entry>,
    ) -> Option<Result<(), Damage>> {
        let wire = order.long(body, 0)?;
        let interface = match self.interface_of(0) {
            Ok(interface) => interface,
            Err(damage) => return Some(Err(damage)),
        };
        let kept = if interface.snap == 0 { wire } else { wire.min(interface.snap) };
        let length = kept.min(u32::try_from(body.len() - 4).unwrap_or(u32::MAX));
        entries.push(Entry { time: self.last, start: (base + 4) as u32, length, wire, link: interface.link });
        Some(Ok(()))
    }

    /// §4.6: what the capturing system lost, as it counted.
    fn statistics(&mut self, body: &[u8], order: Order) -> Option<()> {
        let number = order.long(body, 0)?;
        let dropped = options(body.get(12..)?, order)
            .filter(|(code, _)| *code == 5)
            .filter_map(|(_, value)| value.first_chunk())
            .map(|eight| if order.big { u64::from_be_bytes(*eight) } else { u64::from_le_bytes(*eight) })
            .last();
        if let (Some(interface), Some(dropped)) = (self.interfaces.get_mut(number as usize), dropped) {
            interface.dropped = dropped;
        }
        Some(())
    }
}

impl Resolution {
    /// §4.2, `if_tsresol`: with its highest bit, a power of 2, else of 10.
    fn of(octet: u8) -> Self {
        let exponent = u32::from(octet & 0x7f);
        let per_second = if octet & 0x80 == 0 { 10_u64.checked_pow(exponent) } else { 2_u64.checked_pow(exponent) };
        let per_second = per_second.unwrap_or(u64::MAX);
        match 1_000_000_000_u64.checked_rem(per_second) {
            Some(0) => Self::Nanoseconds(u32::try_from(1_000_000_000 / per_second).unwrap_or(u32::MAX)),
            _ => Self::PerSecond(per_second),
        }
    }

    fn nanoseconds(self, ticks: u64) -> i64 {
        match self {
            Self::Nanoseconds(unit) => {
                i64::try_from(ticks).map_or(i64::MAX, |ticks| ticks.saturating_mul(i64::from(unit)))
            }
            Self::PerSecond(per_second) => {
                let wide = u128::from(ticks) * 1_000_000_000 / u128::from(per_second.max(1));
                i64::try_from(wide).unwrap_or(i64::MAX)
            }
        }
    }
}

/// §3.5: code, length, value padded to four octets; ends with code 0, or with the bytes.
fn options(mut bytes: &[u8], order: Order) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (code, length) = (order.short(bytes, 0)?, usize::from(order.short(bytes, 2)?));
        if code == 0 {
            return None;
        }
        let value = bytes.get(4..4 + length)?;
        bytes = bytes.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    })
}

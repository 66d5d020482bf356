//! The buckets of a sliding window as octets: the newest bucket, which of the thirteen hold something, and what they hold,
//! the newest first. Numbers are as wide as the largest needs.
//!
//! A window that is exact (a lifetime, a billing cycle) is a ring with one bucket.

use super::octets::{fits, number_at, put_number, put_u16, put_u32, u16_at, u32_at};
use crate::window::{Aggregate, BUCKETS, Span, WindowSpec, inverted};

/// Octets before the numbers: the newest bucket, and a bit for each bucket, bit `n` for the one `n` before it.
pub(super) const HEAD: usize = 6;
/// All thirteen.
pub(super) const ALL: u16 = (1 << BUCKETS) - 1;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    Done,
    /// One more number of this width has to fit; what the ring holds is unchanged but for what fell out.
    Full,
    /// It takes [`crate::window::WindowState::add`], likewise.
    Hard,
}

/// Adds an event in place.
pub(super) fn add(bytes: &mut [u8], width: u8, spec: WindowSpec, bucket: u32, value: u64) -> Added {
    let (value, largest) = joined(spec.aggregate, value);
    let join = |held: u64| if largest { held.max(value) } else { held.saturating_add(value) };
    let (mut newest, mut mask) = (u32_at(bytes, 0), u16_at(bytes, 4));
    if bucket > newest {
        // A later cycle begins anew.
        let steps = if spec.span() == Span::Sliding { (bucket - newest).min(BUCKETS as u32) } else { BUCKETS as u32 };
        mask = (u32::from(mask) << steps) as u16 & ALL;
        newest = bucket;
        put_u32(bytes, 0, newest);
        put_u16(bytes, 4, mask);
    }
    let back = newest - bucket;
    if back >= BUCKETS as u32 || back > 0 && spec.span() != Span::Sliding {
        return Added::Done;
    }
    // Nearly every event belongs to the newest bucket; counting bits costs more than asking.
    let place = if back == 0 { 0 } else { (mask & ((1 << back) - 1)).count_ones() as usize };
    let at = HEAD + (place << width);
    if mask >> back & 1 == 1 {
        let sum = join(number_at(bytes, at, width));
        if !fits(sum, width) {
            return Added::Hard;
        }
        put_number(bytes, at, width, sum);
        return Added::Done;
    }
    let end = HEAD + ((mask.count_ones() as usize) << width);
    if !fits(value, width) {
        return Added::Hard;
    }
    if end + (1 << width) > bytes.len() {
        return Added::Full;
    }
    bytes.copy_within(at..end, at + (1 << width));
    put_number(bytes, at, width, value);
    put_u16(bytes, 4, mask | 1 << back);
    Added::Done
}

/// What the window that ends in bucket `newest` holds; of the smallest value its inverse.
pub(super) fn amount(bytes: &[u8], width: u8, spec: WindowSpec, newest: u32) -> u64 {
    let passed = newest.saturating_sub(u32_at(bytes, 0));
    if passed >= BUCKETS as u32 || passed > 0 && spec.span() != Span::Sliding {
        return 0;
    }
    let covered = (u16_at(bytes, 4) & (ALL >> passed)).count_ones() as usize;
    let numbers = &bytes[HEAD..HEAD + (covered << width)];
    let largest = matches!(spec.aggregate, Aggregate::Max | Aggregate::Min);
    // Thirteen numbers of up to 32 bits cannot overflow.
    match width {
        0 => all(numbers.iter().map(|it| u64::from(*it)), largest, u64::wrapping_add),
        1 => all(numbers.chunks_exact(2).map(|it| u64::from(u16_at(it, 0))), largest, u64::wrapping_add),
        2 => all(numbers.chunks_exact(4).map(|it| u64::from(u32_at(it, 0))), largest, u64::wrapping_add),
        _ => all(numbers.chunks_exact(8).map(|it| number_at(it, 0, 3)), largest, u64::saturating_add),
    }
}

/// No window over this ring holds more, seen from its width alone; what [`amount`] says of a sum, a count or a maximum.
#[inline]
pub(super) fn most(bytes: &[u8], width: u8, aggregate: Aggregate) -> Option<u64> {
    let one = if width < 3 { (1_u64 << (8 << width)) - 1 } else { return None };
    match aggregate {
        Aggregate::Sum | Aggregate::Count => Some(one * (bytes.len().saturating_sub(HEAD) >> width) as u64),
        Aggregate::Max => Some(one),
        _ => None,
    }
}

#[inline]
fn all(numbers: impl Iterator<Item = u64>, largest: bool, add: impl Fn(u64, u64) -> u64) -> u64 {
    if largest { numbers.max().unwrap_or(0) } else { numbers.fold(0, add) }
}

/// Each bucket that holds something, with what it holds, the newest first.
pub(super) fn buckets(bytes: &[u8], width: u8) -> impl Iterator<Item = (u32, u64)> {
    let (newest, mask) = (u32_at(bytes, 0), u16_at(bytes, 4));
    let backs = (0..BUCKETS as u32).filter(move |back| mask >> back & 1 == 1);
    backs.enumerate().filter_map(move |(place, back)| {
        Some((newest.checked_sub(back)?, number_at(bytes, HEAD + (place << width), width)))
    })
}

/// Of these buckets, the newest first, none twice, none thirteen or more before the first.
pub(super) fn of(buckets: &[(u32, u64)], width: u8) -> Vec<u8> {
    let newest = buckets.first().map_or(0, |(bucket, _)| *bucket);
    let mut bytes = vec![0; HEAD + (buckets.len() << width)];
    let mut mask = 0;
    for (place, (bucket, value)) in buckets.iter().enumerate() {
        mask |= 1 << (newest - bucket);
        put_number(&mut bytes, HEAD + (place << width), width, *value);
    }
    put_u32(&mut bytes, 0, newest);
    put_u16(&mut bytes, 4, mask);
    bytes
}

/// Whether these octets are a ring.
pub(super) fn is_sound(bytes: &[u8], width: u8) -> bool {
    bytes.len() >= HEAD
        && (bytes.len() - HEAD).is_multiple_of(1 << width)
        && u16_at(bytes, 4) & !ALL == 0
        && HEAD + ((u16_at(bytes, 4).count_ones() as usize) << width) <= bytes.len()
}

/// What an event adds, and whether the larger of it and what is there stays, rather than their sum.
#[inline]
fn joined(aggregate: Aggregate, value: u64) -> (u64, bool) {
    match aggregate {
        Aggregate::Count => (1, false),
        Aggregate::Max => (value, true),
        Aggregate::Min => (inverted(value), true),
        _ => (value, false),
    }
}

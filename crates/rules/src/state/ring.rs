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

/// Adds an event in place. `false`: there is no room for it; what the ring holds is unchanged but for what fell out.
pub(super) fn add(bytes: &mut [u8], width: u8, spec: WindowSpec, bucket: u32, value: u64) -> bool {
    let (value, join) = joined(spec.aggregate, value);
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
        return true;
    }
    let place = (mask & ((1 << back) - 1)).count_ones() as usize;
    let at = HEAD + (place << width);
    if mask >> back & 1 == 1 {
        let sum = join(number_at(bytes, at, width), value);
        if fits(sum, width) {
            put_number(bytes, at, width, sum);
        }
        return fits(sum, width);
    }
    let end = HEAD + ((mask.count_ones() as usize) << width);
    if !fits(value, width) || end + (1 << width) > bytes.len() {
        return false;
    }
    bytes.copy_within(at..end, at + (1 << width));
    put_number(bytes, at, width, value);
    put_u16(bytes, 4, mask | 1 << back);
    true
}

/// What the window that ends in bucket `newest` holds; of the smallest value its inverse.
pub(super) fn amount(bytes: &[u8], width: u8, spec: WindowSpec, newest: u32) -> u64 {
    let passed = newest.saturating_sub(u32_at(bytes, 0));
    if passed >= BUCKETS as u32 || passed > 0 && spec.span() != Span::Sliding {
        return 0;
    }
    let covered = (u16_at(bytes, 4) & (ALL >> passed)).count_ones() as usize;
    let numbers = (0..covered).map(|place| number_at(bytes, HEAD + (place << width), width));
    match spec.aggregate {
        Aggregate::Max | Aggregate::Min => numbers.max().unwrap_or(0),
        _ => numbers.fold(0, u64::saturating_add),
    }
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

/// What an event adds, and how it joins what is there.
fn joined(aggregate: Aggregate, value: u64) -> (u64, fn(u64, u64) -> u64) {
    match aggregate {
        Aggregate::Count => (1, u64::saturating_add),
        Aggregate::Max => (value, u64::max),
        Aggregate::Min => (inverted(value), u64::max),
        _ => (value, u64::saturating_add),
    }
}

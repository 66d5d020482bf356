//! The buckets of a sliding window as octets: the newest bucket, which of the thirteen hold something, and what they hold,
//! the newest first. Numbers are as wide as the largest needs.
//!
//! A window that is exact (a lifetime, a billing cycle) is a ring with one bucket.

use super::octets::{number_at, put_number, put_u16, put_u32, u16_at, u32_at};
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
#[inline]
pub(super) fn add(bytes: &mut [u8], width: u8, spec: WindowSpec, bucket: u32, value: u64) -> Added {
    let Some((head, numbers)) = bytes.split_first_chunk_mut::<HEAD>() else { return Added::Hard };
    let (mut newest, mut mask) = (u32_at(head, 0), u16_at(head, 4));
    if bucket > newest {
        // A later cycle begins anew.
        let steps = if spec.span() == Span::Sliding { (bucket - newest).min(BUCKETS as u32) } else { BUCKETS as u32 };
        mask = (u32::from(mask) << steps) as u16 & ALL;
        newest = bucket;
        put_u32(head, 0, newest);
        put_u16(head, 4, mask);
    }
    let back = newest - bucket;
    if back >= BUCKETS as u32 || back > 0 && spec.span() != Span::Sliding {
        return Added::Done;
    }
    let there = mask >> back & 1 == 1;
    // Nearly every event belongs to the newest bucket; counting bits costs more than asking.
    let place = if back == 0 { 0 } else { (mask & ((1 << back) - 1)).count_ones() as usize };
    let added = match width {
        0 => put::<1>(numbers, (mask, place), there, spec.aggregate, value),
        1 => put::<2>(numbers, (mask, place), there, spec.aggregate, value),
        2 => put::<4>(numbers, (mask, place), there, spec.aggregate, value),
        _ => put::<8>(numbers, (mask, place), there, spec.aggregate, value),
    };
    if !there && added == Added::Done {
        put_u16(head, 4, mask | 1 << back);
    }
    added
}

/// Adds an event to a sliding sum whose buckets are `length` milliseconds long, for a third of what [`add`] takes, where it
/// belongs to the newest bucket or opens one, as nearly every event does, and there is room. Otherwise nothing is changed and
/// the answer is `false`.
#[inline]
pub(super) fn add_newest(bytes: &mut [u8], width: u8, length: u32, time: i64, value: u64) -> bool {
    let Some((head, numbers)) = bytes.split_first_chunk_mut::<HEAD>() else { return false };
    let (mut newest, mut mask) = (u32_at(head, 0), u16_at(head, 4));
    // Below 2^60 whatever the bucket; a time before it is large without its sign.
    let into = time.wrapping_sub(i64::from(newest) * i64::from(length)).cast_unsigned();
    if into >= u64::from(length) {
        let Some(steps) = u32::try_from(into).ok().and_then(|into| into.checked_div(length)) else { return false };
        let Some(later) = newest.checked_add(steps) else { return false };
        mask = (u32::from(mask) << steps.min(BUCKETS as u32)) as u16 & ALL;
        newest = later;
    }
    let is_added = match width {
        0 => put_newest::<1>(numbers, mask, value),
        1 => put_newest::<2>(numbers, mask, value),
        2 => put_newest::<4>(numbers, mask, value),
        _ => put_newest::<8>(numbers, mask, value),
    };
    if is_added {
        put_u32(head, 0, newest);
        put_u16(head, 4, mask | 1);
    }
    is_added
}

/// Adds a value to the number of the newest bucket, or puts it before the others.
#[inline]
fn put_newest<const WIDTH: usize>(numbers: &mut [u8], mask: u16, value: u64) -> bool {
    let (numbers, _) = numbers.as_chunks_mut::<WIDTH>();
    let is_there = mask & 1 == 1;
    let Some(first) = numbers.first() else { return false };
    let sum = if is_there { wide(*first).saturating_add(value) } else { value };
    if WIDTH < 8 && sum >> (8 * WIDTH) != 0 {
        return false;
    }
    if !is_there {
        let count = mask.count_ones() as usize;
        if count >= numbers.len() {
            return false;
        }
        numbers.copy_within(..count, 1);
    }
    if let (Some(first), Some(narrow)) = (numbers.first_mut(), sum.to_le_bytes().first_chunk()) {
        *first = *narrow;
    }
    true
}

/// Joins a value to the number at a place, if one is `there`, or puts it between the others.
#[inline]
fn put<const WIDTH: usize>(
    numbers: &mut [u8],
    (mask, place): (u16, usize),
    there: bool,
    aggregate: Aggregate,
    value: u64,
) -> Added {
    let (value, largest) = joined(aggregate, value);
    let (numbers, _) = numbers.as_chunks_mut::<WIDTH>();
    let held = if there { numbers.get(place).map_or(0, |number| wide(*number)) } else { 0 };
    let value = if largest { held.max(value) } else { held.saturating_add(value) };
    if WIDTH < 8 && value >> (8 * WIDTH) != 0 {
        return Added::Hard;
    }
    if !there {
        let count = mask.count_ones() as usize;
        if count >= numbers.len() {
            return Added::Full;
        }
        numbers.copy_within(place..count, place + 1);
    }
    let Some((number, narrow)) = numbers.get_mut(place).zip(value.to_le_bytes().first_chunk::<WIDTH>().copied()) else {
        return Added::Hard;
    };
    *number = narrow;
    Added::Done
}

/// A number of so many octets.
#[inline]
fn wide<const WIDTH: usize>(number: [u8; WIDTH]) -> u64 {
    let mut wide = [0; 8];
    wide[..WIDTH].copy_from_slice(&number);
    u64::from_le_bytes(wide)
}

/// What the window that ends in bucket `newest` holds; of the smallest value its inverse.
pub(super) fn amount(bytes: &[u8], width: u8, spec: WindowSpec, newest: u32) -> u64 {
    let passed = newest.saturating_sub(u32_at(bytes, 0));
    if passed >= BUCKETS as u32 || passed > 0 && spec.span() != Span::Sliding {
        return 0;
    }
    let covered = (u16_at(bytes, 4) & (ALL >> passed)).count_ones() as usize;
    let numbers = &bytes[HEAD..];
    let largest = matches!(spec.aggregate, Aggregate::Max | Aggregate::Min);
    // Thirteen numbers of up to 32 bits cannot overflow.
    match width {
        0 => all::<1>(numbers, covered, largest),
        1 => all::<2>(numbers, covered, largest),
        2 => all::<4>(numbers, covered, largest),
        _ => all::<8>(numbers, covered, largest),
    }
}

/// The sum of all that it holds.
#[inline]
pub(super) fn all_of(bytes: &[u8], width: u8) -> u64 {
    let covered = u16_at(bytes, 4).count_ones() as usize;
    let numbers = &bytes[HEAD..];
    match width {
        0 => all::<1>(numbers, covered, false),
        1 => all::<2>(numbers, covered, false),
        2 => all::<4>(numbers, covered, false),
        _ => all::<8>(numbers, covered, false),
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
fn all<const WIDTH: usize>(numbers: &[u8], covered: usize, largest: bool) -> u64 {
    let numbers = numbers.as_chunks::<WIDTH>().0.iter().take(covered).map(|number| wide(*number));
    match (largest, WIDTH) {
        (true, _) => numbers.max().unwrap_or(0),
        (false, 8) => numbers.fold(0, u64::saturating_add),
        (false, _) => numbers.fold(0, u64::wrapping_add),
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

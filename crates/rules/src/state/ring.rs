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
    let place = if back == 0 { 0 } else { ones(mask & ((1 << back) - 1)) };
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

/// Adds an event to a sliding sum whose buckets are `length` milliseconds long and says what it holds then, for a third of what
/// [`add`] and [`amount`] take, where the event belongs to the newest bucket or opens one, as nearly every event does, and there
/// is room. Otherwise nothing is changed and the answer is `None`.
///
/// Only sums from `least` on are told apart: where a look says that it holds less, it may be any number below `least`.
#[inline]
pub(super) fn sum(bytes: &mut [u8], width: u8, length: u32, time: i64, value: u64, least: u64) -> Option<u64> {
    let (head, numbers) = bytes.split_first_chunk_mut::<HEAD>()?;
    let (mut newest, mut mask) = (u32_at(head, 0), u16_at(head, 4));
    // Below 2^60 whatever the bucket; a time before it is large without its sign.
    let into = time.wrapping_sub(i64::from(newest) * i64::from(length)).cast_unsigned();
    if into >= u64::from(length) {
        let steps = u32::try_from(into).ok()?.checked_div(length)?;
        newest = newest.checked_add(steps)?;
        mask = (u32::from(mask) << steps.min(BUCKETS as u32)) as u16 & ALL;
    }
    let sum = match width {
        0 => sum_of::<1>(numbers, mask, value, least),
        1 => sum_of::<2>(numbers, mask, value, least),
        2 => sum_of::<4>(numbers, mask, value, least),
        _ => sum_of::<8>(numbers, mask, value, least),
    }?;
    put_u32(head, 0, newest);
    put_u16(head, 4, mask | 1);
    Some(sum)
}

/// Adds a value to the number of the newest bucket, or puts it before the others.
#[inline]
fn sum_of<const WIDTH: usize>(numbers: &mut [u8], mask: u16, value: u64, least: u64) -> Option<u64> {
    let (numbers, _) = numbers.as_chunks_mut::<WIDTH>();
    let count = ones(mask);
    if mask & 1 == 0 {
        // All move on by one, and are summed as they do.
        let (mut sum, mut moving) = (0_u64, narrow::<WIDTH>(value)?);
        for number in numbers.get_mut(..=count)? {
            sum = plus::<WIDTH>(sum, wide(moving));
            std::mem::swap(number, &mut moving);
        }
        return Some(sum);
    }
    let held = numbers.get_mut(..count)?;
    let first = held.first_mut()?;
    *first = narrow::<WIDTH>(wide(*first).saturating_add(value))?;
    // From their width alone it is known of most that they are below what anybody asks.
    if WIDTH < 4 {
        let most = (count as u64) << (8 * WIDTH);
        if most <= least {
            return Some(most - 1);
        }
    }
    Some(held.iter().fold(0, |sum, number| plus::<WIDTH>(sum, wide(*number))))
}

/// The sum of one of thirteen numbers of so many octets and those before it. Of up to 32 bits, they cannot overflow.
#[inline]
fn plus<const WIDTH: usize>(sum: u64, number: u64) -> u64 {
    if WIDTH < 8 { sum.wrapping_add(number) } else { sum.saturating_add(number) }
}

/// A number in so many octets, if it fits.
#[inline]
fn narrow<const WIDTH: usize>(number: u64) -> Option<[u8; WIDTH]> {
    if WIDTH < 8 && number >> (8 * WIDTH) != 0 { None } else { number.to_le_bytes().first_chunk().copied() }
}

/// How many of the thirteen there are. By a table: counting bits takes fifteen steps where a processor of 2003 must do.
#[inline]
fn ones(mask: u16) -> usize {
    const ONES: [u8; 128] = {
        let (mut ones, mut bits) = ([0; 128], 0_u8);
        while bits < 128 {
            ones[bits as usize] = bits.count_ones() as u8;
            bits += 1;
        }
        ones
    };
    usize::from(ONES[usize::from(mask & 0x7F)]) + usize::from(ONES[usize::from(mask >> 7 & 0x7F)])
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
        let count = ones(mask);
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
    let covered = ones(u16_at(bytes, 4) & (ALL >> passed));
    let numbers = &bytes[HEAD..];
    let largest = matches!(spec.aggregate, Aggregate::Max | Aggregate::Min);
    match width {
        0 => all::<1>(numbers, covered, largest),
        1 => all::<2>(numbers, covered, largest),
        2 => all::<4>(numbers, covered, largest),
        _ => all::<8>(numbers, covered, largest),
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
    if largest { numbers.max().unwrap_or(0) } else { numbers.fold(0, plus::<WIDTH>) }
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

/// The first bucket, in octets that are zero.
pub(super) fn begin(bytes: &mut [u8], bucket: u32, width: u8, value: u64) {
    put_u32(bytes, 0, bucket);
    put_u16(bytes, 4, 1);
    put_number(bytes, HEAD, width, value);
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
pub(super) fn joined(aggregate: Aggregate, value: u64) -> (u64, bool) {
    match aggregate {
        Aggregate::Count => (1, false),
        Aggregate::Max => (value, true),
        Aggregate::Min => (inverted(value), true),
        _ => (value, false),
    }
}

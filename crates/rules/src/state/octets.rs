//! Numbers in a row of octets, little-endian.

/// Octets of a time: 48 bits of milliseconds with sign, 4400 years to either side.
pub(super) const TIME: usize = 6;

#[inline]
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two octets"))
}

#[inline]
pub(super) fn put_u16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four octets"))
}

#[inline]
pub(super) fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[inline]
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight octets"))
}

#[inline]
pub(super) fn put_u64(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

#[inline]
pub(super) fn time_at(bytes: &[u8], at: usize) -> i64 {
    let low = u64::from(u32_at(bytes, at)) | u64::from(u16_at(bytes, at + 4)) << 32;
    (low << 16).cast_signed() >> 16
}

#[inline]
pub(super) fn put_time(bytes: &mut [u8], at: usize, value: i64) {
    let value = value.clamp(-(1 << 47), (1 << 47) - 1);
    bytes[at..at + TIME].copy_from_slice(&value.to_le_bytes()[..TIME]);
}

/// A number of 1, 2, 4 or 8 octets; `width` is its binary logarithm.
#[inline]
pub(super) fn number_at(bytes: &[u8], at: usize, width: u8) -> u64 {
    match width {
        0 => u64::from(bytes[at]),
        1 => u64::from(u16_at(bytes, at)),
        2 => u64::from(u32_at(bytes, at)),
        _ => u64_at(bytes, at),
    }
}

/// It must fit: see [`fits`].
#[inline]
pub(super) fn put_number(bytes: &mut [u8], at: usize, width: u8, value: u64) {
    match width {
        0 => bytes[at] = value as u8,
        1 => put_u16(bytes, at, value as u16),
        2 => put_u32(bytes, at, value as u32),
        _ => put_u64(bytes, at, value),
    }
}

/// Whether a number has room in `width`.
#[inline]
pub(super) fn fits(value: u64, width: u8) -> bool {
    width >= 3 || value >> (8 << width) == 0
}

/// The narrowest width that a number has room in.
#[inline]
pub(super) fn width_of(value: u64) -> u8 {
    (0..3).find(|width| fits(value, *width)).unwrap_or(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was() {
        let mut bytes = [0; 16];
        for time in [0, 1, -1, 1_795_000_000_123, -(1 << 47), (1 << 47) - 1] {
            put_time(&mut bytes, 3, time);
            assert_eq!(time_at(&bytes, 3), time);
        }
        put_time(&mut bytes, 3, i64::MAX);
        assert_eq!(time_at(&bytes, 3), (1 << 47) - 1);
        for value in [0, 255, 256, 65_535, 65_536, u64::from(u32::MAX), 1 << 32, u64::MAX] {
            let width = width_of(value);
            assert!(fits(value, width) && (width == 0 || !fits(value, width - 1)));
            put_number(&mut bytes, 5, width, value);
            assert_eq!(number_at(&bytes, 5, width), value);
        }
    }
}

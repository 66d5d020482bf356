//! Volumes on a logarithmic scale, in integers, so that every machine computes the same.

/// Units of one octave (a factor of two).
pub(crate) const OCTAVE: i32 = 256;

/// Bytes below which differences mean nothing: added before the logarithm.
const DAMPING: u64 = 256;

/// log2(bytes + 256) in 1/256 octaves, within 0.01 octave of the truth and monotone.
pub(crate) fn from_bytes(bytes: u64) -> u16 {
    let damped = bytes.saturating_add(DAMPING);
    let whole = damped.ilog2();
    // The 16 bits after the leading one: the fraction f in log2(1 + f) = f + 0.344 f (1 - f).
    let fraction = ((u128::from(damped) << 16 >> whole) & 0xffff) as u64;
    let bent = fraction + ((fraction * (65_536 - fraction) / 65_536) * 22_544 / 65_536);
    (whole * 256) as u16 + (bent >> 8).min(255) as u16
}

/// The bytes whose [`from_bytes`] is about `octaves`; for explanations.
pub(crate) fn to_bytes(octaves: f64) -> u64 {
    let bytes = libm::exp2(octaves / f64::from(OCTAVE)) - DAMPING as f64;
    if bytes <= 0.0 { 0 } else { bytes as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_close_to_the_logarithm_and_monotone() {
        let mut before = 0;
        for step in 0..4_000_u32 {
            let bytes = libm::exp2(f64::from(step) / 100.0) as u64;
            let octaves = from_bytes(bytes);
            let truth = libm::log2((bytes + 256) as f64) * 256.0;
            assert!((f64::from(octaves) - truth).abs() < 4.0, "{bytes}: {octaves} against {truth}");
            assert!(octaves >= before);
            before = octaves;
        }
    }

    #[test]
    fn comes_back_within_two_percent() {
        for bytes in [1_000_u64, 80_000, 5_000_000, 900_000_000_000] {
            let back = to_bytes(f64::from(from_bytes(bytes)));
            assert!(back.abs_diff(bytes) * 50 <= bytes, "{bytes} came back as {back}");
        }
        assert_eq!(to_bytes(f64::from(from_bytes(0))), 0);
        assert_eq!(from_bytes(u64::MAX), 63 * 256 + 255);
    }
}

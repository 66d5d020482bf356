//! Stochastic rounding without randomness.

/// Fair but reproducible dice: a hash of the device's state and the hour, so that a replay rounds the same way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice(u32);

impl Dice {
    /// From whatever distinguishes this throw.
    pub(crate) fn of(a: u32, b: u32) -> Self {
        Self(mix(a ^ mix(b ^ 0x9e37_79b9)))
    }

    /// An independent throw.
    pub(crate) fn again(self) -> Self {
        Self(mix(self.0 ^ 0x85eb_ca6b))
    }

    /// True in `part` of `whole` throws.
    pub(crate) fn hits(self, part: u32, whole: u32) -> bool {
        self.0 % whole < part
    }
}

/// Moves `value` by 1/`rate` of the way to `target`, rounding up or down by chance, so that small steps are not lost.
pub(crate) fn towards(value: u8, target: i32, rate: u32, dice: Dice) -> u8 {
    approach(i32::from(value), target, rate, dice).clamp(0, 255) as u8
}

/// [`towards`] for 16 bits.
pub(crate) fn towards16(value: u16, target: i32, rate: u32, dice: Dice) -> u16 {
    approach(i32::from(value), target, rate, dice).clamp(0, 65_535) as u16
}

fn approach(value: i32, target: i32, rate: u32, dice: Dice) -> i32 {
    let way = target - value;
    let rate = rate.max(1);
    let (whole, rest) = (way.unsigned_abs() / rate, way.unsigned_abs() % rate);
    value + way.signum() * (whole + u32::from(dice.hits(rest, rate))) as i32
}

fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_fair() {
        // 1/16 of the way from 100 to 104 is a quarter of a step: in the mean over many throws it must be one.
        let sum: u32 = (0..40_000).map(|n| u32::from(towards(100, 104, 16, Dice::of(7, n)))).sum();
        let mean = f64::from(sum) / 40_000.0;
        assert!((mean - 100.25).abs() < 0.01, "{mean}");
    }

    #[test]
    fn arrives_and_stays() {
        let value = (0..2_000).fold(0, |value, n| towards(value, 255, 8, Dice::of(1, n)));
        assert_eq!(value, 255);
        assert_eq!(towards16(65_535, 65_535, 1, Dice::of(0, 0)), 65_535);
    }
}

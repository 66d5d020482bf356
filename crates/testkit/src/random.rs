//! Repeatable chance: a small generator whose sequence never changes between versions (PCG-XSH-RR 64/32 by O'Neill).

use std::time::Duration;

/// A seeded source of chance. Not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Self { state: seed.wrapping_add(INCREMENT) };
        random.next_u32();
        random
    }

    pub(crate) fn next_u32(&mut self) -> u32 {
        let old = self.state;
        self.state = old.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT);
        let mixed = (((old >> 18) ^ old) >> 27) as u32;
        mixed.rotate_right((old >> 59) as u32)
    }

    /// Uniform in `0..bound`; 0 where `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u64::from(self.next_u32()) * bound as u64) >> 32) as usize
    }

    /// Uniform in `from..=to`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + ((u128::from(self.next_u32()) * u128::from(to.saturating_sub(from) + 1)) >> 32) as u64
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        f64::from(self.next_u32()) < probability * f64::from(u32::MAX)
    }

    /// Uniform between half and one and a half of `mean`.
    pub(crate) fn around(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(0.5 + f64::from(self.next_u32()) / f64::from(u32::MAX))
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// A source of its own: what is drawn from one of the two shifts nothing in the other.
    pub(crate) fn split(&mut self) -> Self {
        Self::new(u64::from(self.next_u32()) << 32 | u64::from(self.next_u32()))
    }

    /// One of `from`, the same as long as it is among them, whoever else is.
    pub(crate) fn favour(&mut self, from: impl Iterator<Item = usize>) -> Option<usize> {
        let draw = self.split().state;
        from.min_by_key(|index| Self::new(draw ^ *index as u64).next_u32())
    }

    /// Sixteen octets: an authenticator whose unpredictability nobody relies on.
    pub(crate) fn octets(&mut self) -> [u8; 16] {
        let mut octets = [0; 16];
        for four in octets.chunks_exact_mut(4) {
            four.copy_from_slice(&self.next_u32().to_be_bytes());
        }
        octets
    }
}

const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
const INCREMENT: u64 = 1_442_695_040_888_963_407;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_pinned() {
        let mut random = Random::new(42);
        let first: Vec<u32> = (0..3).map(|_| random.next_u32()).collect();
        assert_eq!(first, [3_270_867_926, 1_795_671_209, 1_924_641_435]);
        assert!((0..1000).all(|_| random.below(7) < 7 && (3..=5).contains(&random.between(3, 5))));
    }

    #[test]
    fn who_is_favoured_does_not_depend_on_who_else_is_there() {
        let favoured = |among: &[usize], seed| Random::new(seed).favour(among.iter().copied());
        let all: Vec<usize> = (0..100).collect();
        let each: Vec<usize> = (0..50).map(|seed| favoured(&all, seed).unwrap()).collect();
        for (seed, one) in each.iter().enumerate() {
            assert_eq!(favoured(&[1, *one, 98], seed as u64), Some(*one));
        }
        let different: std::collections::HashSet<_> = each.iter().collect();
        assert!(different.len() > 30, "{different:?}");
        assert_eq!(favoured(&[], 1), None);
    }
}

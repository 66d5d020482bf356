//! How many different ones, in bounded memory: exact to 64, then by `HyperLogLog` (Flajolet et al. 2007) with 128 registers (9 % error).

const EXACT: usize = 64;
const REGISTERS: usize = 128;

/// Counts different hashes.
#[derive(Debug, Clone)]
pub(super) enum Distinct {
    Few(Vec<u32>),
    Many(Box<[u8; REGISTERS]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Distinct {
    /// Adds one; how many there are now.
    pub(super) fn add(&mut self, hash: u64) -> u64 {
        if let Self::Few(few) = self {
            let short = (hash >> 32) as u32;
            if few.contains(&short) {
                return few.len() as u64;
            }
            if few.len() < EXACT {
                few.push(short);
                return few.len() as u64;
            }
            let mut registers = Box::new([0; REGISTERS]);
            for short in few.iter() {
                note(&mut registers, u64::from(*short) << 32 | u64::from(short.wrapping_mul(0x9e37_79b1)));
            }
            *self = Self::Many(registers);
        }
        if let Self::Many(registers) = self {
            let short = (hash >> 32) as u32;
            note(registers, u64::from(short) << 32 | u64::from(short.wrapping_mul(0x9e37_79b1)));
        }
        self.count()
    }

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Few(few) => few.len() as u64,
            Self::Many(registers) => estimate(registers),
        }
    }
}

fn note(registers: &mut [u8; REGISTERS], hash: u64) {
    let at = (hash >> 57) as usize;
    let rank = (hash << 7).leading_zeros().min(56) as u8 + 1;
    registers[at] = registers[at].max(rank);
}

#[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "an estimate")]
fn estimate(registers: &[u8; REGISTERS]) -> u64 {
    let m = REGISTERS as f64;
    let sum: f64 = registers.iter().map(|rank| 1.0 / (1u64 << rank.min(&63)) as f64).sum();
    let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
    #[expect(clippy::naive_bytecount, reason = "some hundred octets, now and then")]
    let empty = registers.iter().filter(|rank| **rank == 0).count();
    let small = raw <= 2.5 * m && empty > 0;
    (if small { m * (m / empty as f64).ln() } else { raw }).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_exactly_then_closely() {
        let mut distinct = Distinct::default();
        let hash = |n: u64| {
            let mixed = (n ^ 0x5555).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        };
        for n in 0..50 {
            distinct.add(hash(n));
            distinct.add(hash(n));
        }
        assert_eq!(distinct.count(), 50);
        for n in 0..10_000 {
            distinct.add(hash(n));
        }
        assert!((7_000..13_000).contains(&distinct.count()), "{}", distinct.count());
    }
}

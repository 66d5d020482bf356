//! Whether a key came before, in fixed memory: a count-min sketch of one bit deep and two generations.
//!
//! It can take a newcomer for a known one (at 4 bits of 2^22 a key, a million keys a generation: about one in five),
//! never the other way round within one generation. Used only while a table of keys is full.

use std::time::Duration;

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

/// Bits of one generation: 512 KiB.
const BITS: u64 = 1 << 22;
const ROWS: u32 = 4;

/// The two newest generations.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doorkeeper {
    now: Vec<u64>,
    before: Vec<u64>,
    since: Option<Timestamp>,
}

impl Doorkeeper {
    /// Notes the key; whether it was noted before, at most two times `length` ago.
    pub(crate) fn saw_before(&mut self, id: u64, at: Timestamp, length: Duration) -> bool {
        match self.since {
            Some(since) if at.since(since) < length => {}
            Some(_) => {
                self.before = std::mem::replace(&mut self.now, empty());
                self.since = Some(at);
            }
            None => {
                (self.now, self.before, self.since) = (empty(), empty(), Some(at));
            }
        }
        let bits = bits(id);
        let known = |generation: &[u64]| bits.iter().all(|bit| generation[*bit / 64] & (1 << (bit % 64)) != 0);
        let seen = known(&self.now) || known(&self.before);
        for bit in bits {
            self.now[bit / 64] |= 1 << (bit % 64);
        }
        seen
    }

    /// It has the size that it must have.
    pub(crate) fn is_sound(&self) -> bool {
        let full = (BITS / 64) as usize;
        self.since.is_none() || (self.now.len() == full && self.before.len() == full)
    }
}

fn empty() -> Vec<u64> {
    vec![0; (BITS / 64) as usize]
}

fn bits(id: u64) -> [usize; ROWS as usize] {
    let (a, b) = (spread(id), spread(id ^ 0x9E37_79B9_7F4A_7C15) | 1);
    std::array::from_fn(|row| (a.wrapping_add(b.wrapping_mul(row as u64)) % BITS) as usize)
}

/// Every bit of the result depends on every bit of `id` (the finaliser of `SplitMix64`).
pub(super) fn spread(id: u64) -> u64 {
    let mut x = id.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

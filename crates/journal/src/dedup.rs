//! Which keys were stored lately.

use hashbrown::HashSet;

/// Two generations of keys. When the younger is full it becomes the older, and the older is forgotten: at least
/// `limit` and at most `2 * limit` most recent keys are known, in bounded memory and without a sweep.
pub(crate) struct Dedup {
    limit: usize,
    young: HashSet<u128>,
    old: HashSet<u128>,
}

impl Dedup {
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        // Both at full size from the start: growing would stop the writer for tens of milliseconds.
        Self { limit, young: HashSet::with_capacity(limit), old: HashSet::with_capacity(limit) }
    }

    pub(crate) fn contains(&self, key: u128) -> bool {
        self.young.contains(&key) || self.old.contains(&key)
    }

    /// Remembers a key that is stored; 0 is none.
    pub(crate) fn insert(&mut self, key: u128) {
        if key == 0 {
            return;
        }
        if self.young.len() >= self.limit {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key);
    }

    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_at_least_the_last_limit_keys_and_not_many_more() {
        let mut dedup = Dedup::new(10);
        for key in 1..=1000 {
            dedup.insert(key);
            assert!((1..=10_u128).all(|back| key < back || dedup.contains(key + 1 - back)));
            assert!(dedup.len() <= 20);
        }
        assert!(!dedup.contains(980));
        assert!(!dedup.contains(0));
    }
}

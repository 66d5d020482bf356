//! The index of the segment that is being written: sorted runs in memory, merged as they grow.
//!
//! Adding costs a push and, over time, a few merges; a look-up costs one binary search a run and a glance at the tail.

use super::posting::Posting;

/// Postings that wait unsorted.
const TAIL: usize = 512;

/// The postings of one segment.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Each sorted; each at least twice as long as the next.
    sorted: Vec<Vec<Posting>>,
    tail: Vec<Posting>,
}

impl Runs {
    /// Of postings in order.
    pub(super) fn of(sorted: Vec<Posting>) -> Self {
        Self { sorted: vec![sorted], tail: Vec::new() }
    }

    pub(super) fn push(&mut self, posting: Posting) {
        self.tail.push(posting);
        if self.tail.len() < TAIL {
            return;
        }
        let mut run = std::mem::take(&mut self.tail);
        run.sort_unstable();
        while let Some(last) = self.sorted.pop() {
            if last.len() >= 2 * run.len() {
                self.sorted.push(last);
                break;
            }
            run = merge(&last, &run);
        }
        self.sorted.push(run);
    }

    /// The subject's postings, in order of their places.
    pub(super) fn find(&self, subject: u64) -> Vec<Posting> {
        let mut found: Vec<Posting> = self.tail.iter().filter(|it| it.subject == subject).copied().collect();
        for run in &self.sorted {
            let from = run.partition_point(|it| it.subject < subject);
            found.extend(run[from..].iter().take_while(|it| it.subject == subject));
        }
        found.sort_unstable();
        found
    }

    /// All of them, sorted.
    pub(super) fn to_sorted(&self) -> Vec<Posting> {
        let mut all: Vec<Posting> = self.sorted.iter().flatten().chain(&self.tail).copied().collect();
        all.sort_unstable();
        all
    }

    pub(super) fn bytes(&self) -> usize {
        let held: usize = self.sorted.iter().map(Vec::capacity).sum();
        (held + self.tail.capacity()) * size_of::<Posting>()
    }
}

fn merge(left: &[Posting], right: &[Posting]) -> Vec<Posting> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left, right);
    while let (Some(l), Some(r)) = (left.first(), right.first()) {
        if l <= r {
            merged.push(*l);
            left = &left[1..];
        } else {
            merged.push(*r);
            right = &right[1..];
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_found_in_order() {
        let mut runs = Runs::default();
        let subject = |ordinal: u32| u64::from(ordinal.wrapping_mul(2_654_435_761) % 97);
        for ordinal in 0..5000 {
            runs.push(Posting { subject: subject(ordinal), ordinal, at: ordinal, crc: 0 });
        }
        assert!(runs.sorted.len() < 8);
        for wanted in 0..97 {
            let found: Vec<u32> = runs.find(wanted).iter().map(|it| it.ordinal).collect();
            let expected: Vec<u32> = (0..5000).filter(|ordinal| subject(*ordinal) == wanted).collect();
            assert_eq!(found, expected);
        }
        assert!(runs.to_sorted().is_sorted());
        assert_eq!(runs.to_sorted().len(), 5000);
    }
}

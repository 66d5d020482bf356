//! A number for each profile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A profile's number in the packet's mark (while it is judged) and the connection's mark (while it lives); never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(pub u32);

impl Mark {
    /// Set in a connection's mark that passed only because its profile is in audit: going to enforce ends those, and only those.
    pub const AUDITED: u32 = 0x8000_0000;
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08x}", self.0)
    }
}

/// The numbers of these models. They follow from the names, so that connections keep their meaning over a reload.
pub fn marks<'a>(models: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, Mark> {
    let (mut taken, mut marks) = (BTreeSet::new(), BTreeMap::new());
    let sorted: BTreeSet<&str> = models.into_iter().collect();
    for model in sorted {
        let mut number = hash(model);
        while !taken.insert(number) {
            number = FIRST | (number + 1) & MASK;
        }
        marks.insert(model, Mark(number));
    }
    marks
}

/// FNV-1a, folded: names are the operator's own, so nobody gains by a collision (which is resolved anyway).
fn hash(text: &str) -> u32 {
    let wide = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    FIRST | (wide ^ (wide >> 24)) & MASK
}

/// Ours are `0x0fxxxxxx`: told from the small marks that people give by hand.
const FIRST: u32 = 0x0f00_0000;
const MASK: u32 = 0x00ff_ffff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable_and_distinct() {
        let names: Vec<String> = (0..20_000).map(|n| format!("model-{n}")).collect();
        let all = marks(names.iter().map(String::as_str));
        assert_eq!(all.values().collect::<BTreeSet<_>>().len(), names.len());
        assert!(all.values().all(|mark| mark.0 & Mark::AUDITED == 0 && mark.0 != 0));
        assert_eq!(marks(["camera", "meter"])["meter"], marks(["meter"])["meter"]);
        assert_eq!(marks(["camera"])["camera"].to_string(), marks(["camera", "plug"])["camera"].to_string());
    }
}

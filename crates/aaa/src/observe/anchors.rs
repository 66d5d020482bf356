//! Which second the same content was given before, for records without Event-Timestamp. See [`super`].

use hashbrown::HashMap;
use parking_lot::Mutex;

/// A retransmission's computed second may differ from the first one's by the delay's rounding and the packet's way.
const TOLERANCE_SECS: u64 = 2;
/// Contents per generation; two are kept. 65,536 take about 2.5 MB and last a minute at 1,000 such records a second.
const GENERATION: usize = 65_536;

/// A bounded memory: content → second.
#[derive(Debug, Default)]
pub(crate) struct Anchors(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<u64, i64>,
    old: HashMap<u64, i64>,
}

impl Anchors {
    /// The second that this content was given when it was seen within the tolerance before, else `secs`.
    pub(crate) fn second(&self, content: u64, secs: i64) -> i64 {
        let mut memory = self.0.lock();
        let known = memory.young.get(&content).or_else(|| memory.old.get(&content)).copied();
        let second = known.filter(|known| known.abs_diff(secs) <= TOLERANCE_SECS).unwrap_or(secs);
        if memory.young.len() >= GENERATION {
            memory.old = std::mem::take(&mut memory.young);
        }
        memory.young.insert(content, second);
        second
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let memory = self.0.lock();
        memory.young.len() + memory.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retransmission_keeps_its_second_and_a_new_event_does_not() {
        let anchors = Anchors::default();
        assert_eq!(anchors.second(1, 100), 100);
        assert_eq!(anchors.second(1, 101), 100);
        assert_eq!(anchors.second(1, 99), 100);
        assert_eq!(anchors.second(2, 101), 101);
        // The same session id after a reboot of the NAS.
        assert_eq!(anchors.second(1, 160), 160);
    }

    #[test]
    fn bounded() {
        let anchors = Anchors::default();
        for n in 0..1_000_000 {
            anchors.second(n, 0);
        }
        assert!(anchors.len() <= 2 * GENERATION);
    }
}

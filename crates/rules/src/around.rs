//! What a rule may ask about others than the device: silent sources, the devices around it.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetward_fleet::{Plmn, SourceState, Timestamp};
use serde::{Deserialize, Serialize};

/// What the second stage knows of the devices around one. Only it sets [`crate::Facts::around`].
pub trait Around: std::fmt::Debug {
    /// The share (0 to 1) of the devices last seen in this network, or in this area of it ([`crate::Facts::area`]), that are
    /// silent now; `None`: too few to say.
    fn outage_share(&self, network: Plmn, area: Option<u16>) -> Option<f64>;

    /// Whether the model of the event's device (the fleet, where it has none) first showed this value of this field
    /// ([`crate::RuleSet::value_of`]) at most a day ago, so that the sixth device still counts. `None`: the memory is
    /// younger than a week, and everything would be new.
    fn is_new(&self, field: u8, value: u64) -> Option<bool>;
}

/// Most sources whose gaps are kept. They are chosen by the operator.
const MAX_SOURCES: usize = 256;
/// Gaps of one source that are kept, newest last.
const MAX_GAPS: usize = 16;

/// When sources were silent. Our own blindness is no silence of a device: `silence()` leaves it out.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps(BTreeMap<Box<str>, Vec<Gap>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Gap {
    since: Timestamp,
    until: Option<Timestamp>,
}

impl Gaps {
    /// A source fell silent or came back, as of `at`.
    pub fn note(&mut self, state: &SourceState, at: Timestamp) {
        if !self.0.contains_key(&state.name) && (state.silent_since.is_none() || self.0.len() >= MAX_SOURCES) {
            return;
        }
        let gaps = self.0.entry(state.name.clone()).or_default();
        match (state.silent_since, gaps.last_mut()) {
            (None, Some(gap)) => gap.until = gap.until.or(Some(at.max(gap.since))),
            (Some(since), Some(gap)) if gap.until.is_none_or(|until| until >= since) => {
                gap.since = gap.since.min(since);
                gap.until = None;
            }
            (Some(since), _) => {
                if gaps.len() == MAX_GAPS {
                    gaps.remove(0);
                }
                gaps.push(Gap { since, until: None });
            }
            (None, None) => {}
        }
    }

    /// None is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nothing comes from this source now.
    pub fn is_silent(&self, source: &str) -> bool {
        self.0.get(source).and_then(|gaps| gaps.last()).is_some_and(|gap| gap.until.is_none())
    }

    /// How much of the time between two moments the source was silent.
    pub fn within(&self, source: &str, from: Timestamp, to: Timestamp) -> Duration {
        let gaps = self.0.get(source).map(Vec::as_slice).unwrap_or_default();
        gaps.iter().map(|gap| gap.until.unwrap_or(to).min(to).since(gap.since.max(from))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(silent_since: Option<i64>) -> SourceState {
        SourceState { name: "pgw-1".into(), silent_since: silent_since.map(Timestamp::from_secs) }
    }

    #[test]
    fn a_gap_is_counted_once_and_only_where_it_overlaps() {
        let at = Timestamp::from_secs;
        let mut gaps = Gaps::default();
        gaps.note(&state(None), at(5));
        assert!(gaps.is_empty(), "a source that never fell silent is not kept");
        gaps.note(&state(Some(100)), at(110));
        gaps.note(&state(Some(100)), at(120));
        assert!(gaps.is_silent("pgw-1") && !gaps.is_silent("pgw-2"));
        assert_eq!(gaps.within("pgw-1", at(0), at(150)), Duration::from_secs(50));
        gaps.note(&state(None), at(200));
        assert!(!gaps.is_silent("pgw-1"));
        assert_eq!(gaps.within("pgw-1", at(150), at(900)), Duration::from_secs(50));
        assert_eq!(gaps.within("pgw-1", at(300), at(900)), Duration::ZERO);
        gaps.note(&state(Some(800)), at(810));
        assert_eq!(gaps.within("pgw-1", at(0), at(900)), Duration::from_secs(200));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut gaps = Gaps::default();
        for n in 0..1000 {
            gaps.note(&state(Some(n * 10)), Timestamp::from_secs(n * 10));
            gaps.note(&state(None), Timestamp::from_secs(n * 10 + 5));
        }
        assert_eq!(gaps.0["pgw-1"].len(), MAX_GAPS);
    }
}

//! A thing is told once while it lasts; after a silence it is armed again.

use fleetward_fleet::SignKind;
use fleetward_packet::Time;

/// Episodes that are remembered for a device; the longest silent gives way.
const MAX_EPISODES: usize = 64;
/// Of one kind, a device begins at most so many in an hour; the last of them says that more are held.
const MAX_AN_HOUR: u8 = 8;
const HOUR: i64 = 3_600_000_000_000;

#[derive(Debug, Clone, Copy)]
struct Episode {
    kind: SignKind,
    key: u64,
    last: Time,
}

/// What is being told of a device.
#[derive(Debug, Default)]
pub(super) struct Episodes {
    list: Vec<Episode>,
    hour: i64,
    begun: [u8; SignKind::ALL.len()],
    /// Begun, but held because there were too many.
    pub(super) held: u64,
}

/// Whether to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Tell,
    /// Tell, and say that more of the kind in this hour are held.
    TellLast,
    Hold,
}

impl Episodes {
    /// It happens: is this the beginning? `silence`: nanoseconds after which it is a new one.
    pub(super) fn happens(&mut self, kind: SignKind, key: u64, time: Time, silence: i64) -> Turn {
        if let Some(at) = self.list.iter().position(|it| it.kind == kind && it.key == key) {
            let episode = &mut self.list[at];
            let again = time.0.saturating_sub(episode.last.0) > silence;
            episode.last = episode.last.max(time);
            return if again { self.begin(kind, time) } else { Turn::Hold };
        }
        let episode = Episode { kind, key, last: time };
        if self.list.len() < MAX_EPISODES {
            self.list.push(episode);
        } else if let Some(oldest) = self.list.iter_mut().min_by_key(|it| it.last) {
            *oldest = episode;
        }
        self.begin(kind, time)
    }

    fn begin(&mut self, kind: SignKind, time: Time) -> Turn {
        let hour = time.0.div_euclid(HOUR);
        if hour != self.hour {
            self.hour = hour;
            self.begun = [0; SignKind::ALL.len()];
        }
        let begun = &mut self.begun[kind as usize];
        *begun = begun.saturating_add(1);
        match (*begun).cmp(&MAX_AN_HOUR) {
            std::cmp::Ordering::Less => Turn::Tell,
            std::cmp::Ordering::Equal => Turn::TellLast,
            std::cmp::Ordering::Greater => {
                self.held += 1;
                Turn::Hold
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_once_and_again_after_silence() {
        let mut episodes = Episodes::default();
        let mut at = |seconds: i64| episodes.happens(SignKind::Scan, 1, Time(seconds * 1_000_000_000), 60_000_000_000);
        assert_eq!([at(0), at(50), at(100), at(161)], [Turn::Tell, Turn::Hold, Turn::Hold, Turn::Tell]);
    }

    #[test]
    fn many_of_a_kind_are_held() {
        let mut episodes = Episodes::default();
        let turns: Vec<Turn> =
            (0..20).map(|key| episodes.happens(SignKind::UnlistedPeer, key, Time(0), HOUR)).collect();
        assert_eq!(turns.iter().filter(|it| **it == Turn::Tell).count(), 7);
        assert_eq!((turns[7], turns[8], episodes.held), (Turn::TellLast, Turn::Hold, 12));
    }
}

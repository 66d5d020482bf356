//! The life of one finding: `ok -> pending -> firing -> clearing -> ok`, with a cooldown behind it.
//!
//! A pure step: where the episode is, what the event says, where it is then and what is to be told. One finding an
//! episode; its start (event time of the first match) is part of its id, so a replay makes the same one.

use std::time::Duration;

use fleetward_fleet::{Offset, Timestamp};

use crate::state::{Episode, Phase};

/// Records kept as evidence.
const MAX_EVIDENCE: usize = 16;
/// An open finding is told again at the latest after this long, if the condition still holds.
const TELL_AGAIN: Duration = Duration::from_hours(1);
/// Without its `clear` ever holding, an episode ends this long after the condition last held.
const FORGOTTEN: Duration = Duration::from_hours(31 * 24);

/// A rule's times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// The condition must hold this long.
    pub(crate) hold: Duration,
    /// The way back must hold this long.
    pub(crate) clear_hold: Duration,
    /// The cooldown.
    pub(crate) every: Duration,
    /// Another value is another episode.
    pub(crate) per_value: bool,
    /// The rule says when it is over; otherwise it is over when the condition has not held for the cooldown.
    pub(crate) has_clear: bool,
}

/// What one event says about a rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    /// Of the event.
    pub(crate) at: Timestamp,
    /// The subject's newest event time.
    pub(crate) now: Timestamp,
    /// `None`: the event does not tell.
    pub(crate) holds: Option<bool>,
    pub(crate) clear: Option<bool>,
    pub(crate) out_of_scope: bool,
    pub(crate) value: u64,
    pub(crate) session: u64,
    pub(crate) evidence: Option<Offset>,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Started,
    Again {
        respond: bool,
    },
    /// The episode as it ended.
    Cleared(Episode),
}

/// One step. Returns the episode as it is from now on, and what is to be told, in order.
pub(crate) fn step(rule: u32, held: Option<Episode>, said: Said, times: Times) -> (Option<Episode>, Vec<Told>) {
    let Some(episode) = held else {
        let said = Said { value: folded(said.value), ..said };
        return if said.holds == Some(true) { begin(rule, said, times) } else { (None, Vec::new()) };
    };
    match (episode.phase, said.holds == Some(true)) {
        (Phase::Pending, holds) => pending(episode, holds, said, times),
        (Phase::Firing | Phase::Clearing, true) => again(rule, episode, said, times),
        (Phase::Cooling, true) => relapse(rule, episode, said, times),
        (Phase::Firing, false) => firing(episode, said, times),
        (Phase::Clearing, false) => clearing(episode, said, times),
        (Phase::Cooling, false) => {
            let over = said.now.since(episode.start) >= times.every;
            (if over { None } else { Some(episode) }, Vec::new())
        }
    }
}

/// An episode's value is the hash of the newest, folded to 32 bits, with that of the one before above it: a device that goes
/// to and fro between two values shows each of them once.
fn folded(value: u64) -> u64 {
    match value.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 {
        // Zero means that there is none.
        0 if value != 0 => 1,
        folded => folded,
    }
}

fn is_new(value: u64, held: u64) -> bool {
    let value = folded(value);
    value != 0 && value != held & 0xFFFF_FFFF && value != held >> 32
}

/// What is said, with the value that was held as the one before.
fn beside(said: Said, held: u64) -> Said {
    Said { value: folded(said.value) | (held & 0xFFFF_FFFF) << 32, ..said }
}

fn begin(rule: u32, said: Said, times: Times) -> (Option<Episode>, Vec<Told>) {
    let fires = times.hold.is_zero();
    let episode = Episode {
        rule,
        phase: if fires { Phase::Firing } else { Phase::Pending },
        start: said.at,
        last: said.at,
        since: said.now,
        told: said.now,
        count: 1,
        value: said.value,
        session: if fires { said.session } else { 0 },
        evidence: said.evidence.into_iter().collect(),
    };
    (Some(episode), if fires { vec![Told::Started] } else { Vec::new() })
}

fn pending(mut episode: Episode, holds: bool, said: Said, times: Times) -> (Option<Episode>, Vec<Told>) {
    if said.out_of_scope || said.holds == Some(false) || said.now.since(episode.last) >= times.every + times.hold {
        return (None, Vec::new());
    }
    if !holds {
        return (Some(episode), Vec::new());
    }
    note(&mut episode, said);
    if said.now.since(episode.start) < times.hold {
        return (Some(episode), Vec::new());
    }
    enter(&mut episode, Phase::Firing, said);
    episode.told = said.now;
    episode.session = said.session;
    (Some(episode), vec![Told::Started])
}

fn again(rule: u32, mut episode: Episode, said: Said, times: Times) -> (Option<Episode>, Vec<Told>) {
    if times.per_value && is_new(said.value, episode.value) {
        let (next, told) = begin(rule, beside(said, episode.value), times);
        return (next, std::iter::once(Told::Cleared(episode)).chain(told).collect());
    }
    if episode.phase == Phase::Clearing {
        enter(&mut episode, Phase::Firing, said);
    }
    note(&mut episode, said);
    let respond = said.session != 0 && said.session != episode.session;
    if respond {
        episode.session = said.session;
    }
    let due = respond || episode.count.is_power_of_two() || said.now.since(episode.told) >= TELL_AGAIN;
    if due {
        episode.told = said.now;
    }
    (Some(episode), if due { vec![Told::Again { respond }] } else { Vec::new() })
}

fn relapse(rule: u32, mut episode: Episode, said: Said, times: Times) -> (Option<Episode>, Vec<Told>) {
    let said = Said { value: folded(said.value), ..said };
    if said.now.since(episode.start) >= times.every {
        return begin(rule, said, times);
    }
    if times.per_value && is_new(said.value, episode.value) {
        return begin(rule, beside(said, episode.value), times);
    }
    enter(&mut episode, Phase::Firing, said);
    note(&mut episode, said);
    let respond = said.session != 0 && said.session != episode.session;
    episode.session = if said.session == 0 { episode.session } else { said.session };
    episode.told = said.now;
    (Some(episode), vec![Told::Again { respond }])
}

fn firing(mut episode: Episode, said: Said, times: Times) -> (Option<Episode>, Vec<Told>) {
    let quiet = said.now.since(episode.last);
    if said.out_of_scope || quiet >= if times.has_clear { FORGOTTEN } else { times.every } {
        return end(episode, said, times);
    }
    if times.has_clear && said.clear == Some(true) {
        if times.clear_hold.is_zero() {
            return end(episode, said, times);
        }
        enter(&mut episode, Phase::Clearing, said);
    }
    (Some(episode), Vec::new())
}

fn clearing(mut episode: Episode, said: Said, times: Times) -> (Option<Episode>, Vec<Told>) {
    if said.clear == Some(false) && !said.out_of_scope {
        enter(&mut episode, Phase::Firing, said);
        return (Some(episode), Vec::new());
    }
    if said.out_of_scope || said.now.since(episode.since) >= times.clear_hold {
        return end(episode, said, times);
    }
    (Some(episode), Vec::new())
}

fn end(mut episode: Episode, said: Said, times: Times) -> (Option<Episode>, Vec<Told>) {
    let told = vec![Told::Cleared(episode.clone())];
    if said.now.since(episode.start) >= times.every {
        return (None, told);
    }
    enter(&mut episode, Phase::Cooling, said);
    (Some(episode), told)
}

fn enter(episode: &mut Episode, phase: Phase, said: Said) {
    episode.phase = phase;
    episode.since = said.now;
}

/// The condition held once more.
fn note(episode: &mut Episode, said: Said) {
    episode.last = episode.last.max(said.at);
    if let Some(offset) = said.evidence {
        episode.count += 1;
        if episode.evidence.len() < MAX_EVIDENCE && episode.evidence.last() != Some(&offset) {
            episode.evidence.push(offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn times() -> Times {
        Times {
            hold: Duration::ZERO,
            clear_hold: Duration::from_mins(30),
            every: Duration::from_hours(24),
            per_value: false,
            has_clear: true,
        }
    }

    fn said(minute: i64, holds: Option<bool>, clear: Option<bool>) -> Said {
        let at = Timestamp(minute * MINUTE);
        Said { at, now: at, holds, clear, out_of_scope: false, value: 0, session: 0, evidence: Some(Offset(1)) }
    }

    #[test]
    fn one_finding_an_episode_and_a_relapse_reopens_it() {
        let (episode, told) = step(1, None, said(0, Some(true), None), times());
        assert_eq!(told, [Told::Started]);
        let (episode, told) = step(1, episode, said(10, Some(false), Some(true)), times());
        assert!(told.is_empty());
        let (episode, told) = step(1, episode, said(20, Some(false), Some(false)), times());
        assert!(told.is_empty(), "back to firing");
        let (episode, _) = step(1, episode, said(30, Some(false), Some(true)), times());
        let (episode, told) = step(1, episode, said(60, None, None), times());
        assert!(matches!(told.as_slice(), [Told::Cleared(_)]));
        let (episode, told) = step(1, episode, said(70, Some(true), None), times());
        assert_eq!(told, [Told::Again { respond: false }]);
        assert_eq!(episode.map(|episode| episode.start), Some(Timestamp(0)));
    }

    #[test]
    fn pending_waits_and_forgets() {
        let times = Times { hold: Duration::from_mins(30), ..times() };
        let (episode, told) = step(1, None, said(0, Some(true), None), times);
        assert!(told.is_empty());
        let (gone, _) = step(1, episode.clone(), said(10, Some(false), None), times);
        assert_eq!(gone, None);
        let (kept, _) = step(1, episode, said(10, None, None), times);
        let (_, told) = step(1, kept, said(30, Some(true), None), times);
        assert_eq!(told, [Told::Started]);
    }

    #[test]
    fn another_session_is_responded_to_again() {
        let (episode, _) = step(1, None, Said { session: 7, ..said(0, Some(true), None) }, times());
        let (episode, told) = step(1, episode, Said { session: 7, ..said(1, Some(true), None) }, times());
        assert_eq!(told, [Told::Again { respond: false }]);
        let (_, told) = step(1, episode, Said { session: 8, ..said(2, Some(true), None) }, times());
        assert_eq!(told, [Told::Again { respond: true }]);
    }

    #[test]
    fn another_value_is_another_episode() {
        let times = Times { per_value: true, ..times() };
        let (episode, _) = step(1, None, Said { value: 1, ..said(0, Some(true), None) }, times);
        let (_, told) = step(1, episode, Said { value: 2, ..said(1, Some(true), None) }, times);
        assert!(matches!(told.as_slice(), [Told::Cleared(_), Told::Started]));
    }

    #[test]
    fn to_and_fro_between_two_values_shows_each_once() {
        let times = Times { per_value: true, has_clear: false, ..times() };
        let values = [(0xA_0000_0001, 1), (0xB, 1), (0xA_0000_0001, 0), (0xB, 0), (0xC, 1), (0xB, 0)];
        let mut held = None;
        for (minute, (value, started)) in (1..).zip(values) {
            let (next, told) = step(1, held, Said { value, ..said(minute, Some(true), None) }, times);
            assert_eq!(told.iter().filter(|told| **told == Told::Started).count(), started, "{value:x}: {told:?}");
            held = next;
        }
    }
}

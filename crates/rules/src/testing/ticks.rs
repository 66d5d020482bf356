//! The time between two events of an example: the ticks of the clock that a server has in its journal.

use std::iter::successors;

/// A server's ticks, in seconds.
const EVERY: i64 = 5;
/// The longer nothing happens, the rarer they are, so that a month between two events costs little: a tick comes after at most this
/// part of the time since the event.
const PART: i64 = 360;
/// ... in an example of so many events. In one of more it is larger, so that what an event costs has a bound.
const USUAL: i64 = 16;
const LARGEST_PART: i64 = 12;

/// When there are ticks after `from` and before `to`, in seconds, in an example of so many events.
pub(super) fn between(from: i64, to: i64, events: usize) -> impl Iterator<Item = i64> {
    let events = i64::try_from(events).unwrap_or(i64::MAX).max(USUAL);
    let part = (PART * USUAL / events).max(LARGEST_PART);
    let next = move |at: &i64| Some(at + EVERY.max((at - from) / part));
    successors(Some(from + EVERY), next).take_while(move |at| *at < to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_ticks_every_five_seconds_and_what_an_event_costs_has_a_bound() {
        assert_eq!(between(100, 120, 2).collect::<Vec<_>>(), [105, 110, 115]);
        assert_eq!(between(100, 100, 2).count(), 0);
        let of_hours = |hours: i64, events: usize| between(0, hours * 3600, events).count();
        assert_eq!(of_hours(1, 2), 628);
        assert!((1800..2000).contains(&of_hours(30, 2)), "{}", of_hours(30, 2));
        assert!(of_hours(31 * 24, 2) < 3500, "{}", of_hours(31 * 24, 2));
        assert!(of_hours(31 * 24, 100_000) < 150, "{}", of_hours(31 * 24, 100_000));
    }
}

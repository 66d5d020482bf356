//! When a scheduled audit runs. Pure: the schedule, the run before and the time in, the next run out; all in UTC.

use std::time::Duration;

use fleetward_fleet::Timestamp;

/// A day.
const DAY: i64 = 86_400_000;
/// A minute.
const MINUTE: i64 = 60_000;
/// A run without an end begins so soon after its time, or not at all.
pub(crate) const LATEST: Duration = Duration::from_mins(10);

/// Days of the week, by bits; Monday is the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days(u8);

impl Days {
    /// Every day.
    pub(crate) const ALL: Self = Self(0x7f);

    /// These, Monday being 0.
    pub(crate) fn of(days: impl IntoIterator<Item = u8>) -> Self {
        Self(days.into_iter().fold(0, |all, day| all | 1 << (day % 7)))
    }

    /// Whether the day since 1970-01-01 (a Thursday) is one of them.
    fn has(self, day: i64) -> bool {
        self.0 >> (day + 3).rem_euclid(7) & 1 == 1
    }
}

/// A schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// So long after the beginning of the run before; the first one at once.
    Every(Duration),
    /// At a minute of the day, on these days, and not beyond the minute `until`, which may be on the next day.
    At {
        /// Minutes since midnight.
        minute: u16,
        /// On which days it begins.
        days: Days,
        /// Its window's end, in minutes since midnight.
        until: Option<u16>,
    },
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Its time; it is due from then on.
    pub(crate) at: Timestamp,
    /// When it has to have ended.
    pub(crate) until: Option<Timestamp>,
}

/// The run before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Before {
    /// Its time.
    pub(crate) at: Timestamp,
    /// It came to an end of its own: it is not taken up again.
    pub(crate) is_over: bool,
}

impl When {
    /// The run that is due, or the next one. What was cut, or missed, is due as long as its window is open.
    pub(crate) fn next(self, before: Option<Before>, now: Timestamp) -> Turn {
        match self {
            Self::Every(span) => {
                // A clock that was set back makes nobody wait for longer than the span.
                let at = before.filter(|it| it.is_over).map_or(now, |it| (it.at + span).clamp(now, now + span));
                Turn { at, until: None }
            }
            Self::At { .. } => {
                let today = now.0.div_euclid(DAY);
                let is_over = |turn: &Turn| before.is_some_and(|it| it.is_over && it.at == turn.at);
                let turns = (today - 1..=today + 7).filter_map(|day| self.on(day));
                let mut open = turns.filter(|(_, closes)| *closes > now).map(|(turn, _)| turn);
                // Of eight days and more, one that is not over is among the first two.
                open.find(|turn| !is_over(turn)).unwrap_or(Turn { at: now + LATEST, until: None })
            }
        }
    }

    /// The same for somebody who looked at `looked` and was busy until now: what came due meanwhile is late and not missed,
    /// unless its window has closed.
    pub(crate) fn next_after(self, before: Option<Before>, looked: Timestamp, now: Timestamp) -> Turn {
        let turn = self.next(before, looked);
        if turn.until.is_some_and(|until| until <= now) { self.next(before, now) } else { turn }
    }

    /// The last run whose window opened after `since` and closed before anybody began it.
    pub(crate) fn missed(self, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let today = now.0.div_euclid(DAY);
        let mut closed = (today - 8..=today).rev().filter_map(|day| self.on(day)).filter(|(_, closes)| *closes <= now);
        closed.next().map(|(turn, _)| turn.at).filter(|at| *at > since)
    }

    /// The run that begins on this day, and when it is too late for it.
    fn on(self, day: i64) -> Option<(Turn, Timestamp)> {
        let Self::At { minute, days, until } = self else { return None };
        let at = Timestamp(day * DAY + i64::from(minute) * MINUTE);
        let window =
            |until: u16| at + Duration::from_mins((i64::from(until) - i64::from(minute)).rem_euclid(1440) as u64);
        let until = until.map(window);
        days.has(day).then_some((Turn { at, until }, until.unwrap_or(at + LATEST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-{text}:00Z").parse().unwrap()
    }

    /// Nightly from 02:30 to 05:00; `2026-11-26` is a Thursday.
    const NIGHTLY: When = When::At { minute: 150, days: Days::ALL, until: Some(300) };

    fn over(text: &str) -> Before {
        Before { at: at(text), is_over: true }
    }

    fn cut(text: &str) -> Before {
        Before { at: at(text), is_over: false }
    }

    #[test]
    fn the_next_night_and_not_the_same_one_twice() {
        let next = |before, now| NIGHTLY.next(before, at(now)).at;
        assert_eq!(next(None, "26T01:00"), at("26T02:30"));
        assert_eq!(next(None, "26T02:30"), at("26T02:30"), "it is due");
        assert_eq!(next(Some(over("26T02:30")), "26T02:40"), at("27T02:30"));
        assert_eq!(next(Some(over("25T02:30")), "26T05:00"), at("27T02:30"), "the window is closed");
        assert_eq!(NIGHTLY.next(None, at("26T02:30")).until, Some(at("26T05:00")));
    }

    #[test]
    fn what_was_missed_or_cut_is_due_while_its_window_is_open() {
        let next = |before, now| NIGHTLY.next(before, at(now)).at;
        assert_eq!(next(Some(over("25T02:30")), "26T04:59"), at("26T02:30"), "missed");
        assert_eq!(next(Some(cut("26T02:30")), "26T04:59"), at("26T02:30"), "cut");
        assert_eq!(next(Some(cut("26T02:30")), "26T05:00"), at("27T02:30"), "cut, and too late");
        let endless = When::At { minute: 150, days: Days::ALL, until: None };
        assert_eq!(endless.next(Some(over("25T02:30")), at("26T02:39")).at, at("26T02:30"));
        assert_eq!(endless.next(Some(over("25T02:30")), at("26T02:40")).at, at("27T02:30"), "by day nobody wants it");
    }

    #[test]
    fn a_window_goes_over_midnight() {
        let late = When::At { minute: 23 * 60, days: Days::of([3]), until: Some(60) };
        let turn = Turn { at: at("26T23:00"), until: Some(at("27T01:00")) };
        assert_eq!(late.next(None, at("27T00:59")), turn, "it began on Thursday");
        assert_eq!(late.next(None, at("20T02:00")), turn);
        assert_eq!(late.next(Some(over("19T23:00")), at("26T22:00")), turn);
        assert_eq!(late.next(None, "2026-11-27T01:00:00Z".parse().unwrap()).at.to_string(), "2026-12-03T23:00:00.000Z");
    }

    #[test]
    fn days_are_days_of_the_week() {
        let weekdays = When::At { minute: 0, days: Days::of([0, 4]), until: None };
        assert_eq!(weekdays.next(None, at("24T12:00")).at, at("27T00:00"), "Friday");
        assert_eq!(weekdays.next(Some(over("27T00:00")), at("27T00:01")).at, at("30T00:00"), "Monday");
    }

    #[test]
    fn every_so_often_from_its_beginning() {
        let hourly = When::Every(Duration::from_hours(1));
        let next = |before, now| hourly.next(before, at(now)).at;
        assert_eq!(next(None, "26T12:00"), at("26T12:00"), "the first one at once");
        assert_eq!(next(Some(over("26T11:30")), "26T12:00"), at("26T12:30"));
        assert_eq!(next(Some(over("26T01:00")), "26T12:00"), at("26T12:00"), "overdue");
        assert_eq!(next(Some(cut("26T11:59")), "26T12:00"), at("26T12:00"), "cut");
        assert_eq!(next(Some(over("29T00:00")), "26T12:00"), at("26T13:00"), "the clock was set back");
    }

    #[test]
    fn what_came_due_while_another_ran_is_late_and_not_missed() {
        let endless = When::At { minute: 150, days: Days::ALL, until: None };
        let after = |when: When, now| when.next_after(Some(over("25T02:30")), at("26T02:29"), at(now)).at;
        assert_eq!(after(endless, "26T09:00"), at("26T02:30"));
        assert_eq!(after(NIGHTLY, "26T04:59"), at("26T02:30"));
        assert_eq!(after(NIGHTLY, "26T05:00"), at("27T02:30"), "its window closed");
        let ran = endless.next_after(Some(over("26T02:30")), at("26T02:30"), at("26T09:00"));
        assert_eq!(ran.at, at("27T02:30"), "not twice");
    }

    #[test]
    fn a_night_without_a_server_is_missed_once() {
        assert_eq!(NIGHTLY.missed(at("25T02:30"), at("26T09:00")), Some(at("26T02:30")));
        assert_eq!(NIGHTLY.missed(at("26T02:30"), at("26T09:00")), None, "that one ran");
        assert_eq!(NIGHTLY.missed(at("25T02:30"), at("26T04:00")), None, "it can run yet");
        assert_eq!(NIGHTLY.missed(at("20T02:30"), at("26T09:00")), Some(at("26T02:30")), "the last of them");
        assert_eq!(When::Every(Duration::from_hours(1)).missed(at("20T02:30"), at("26T09:00")), None);
    }
}

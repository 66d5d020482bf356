//! One record against the sessions of its device.

use std::time::Duration;

use fleetward_fleet::{Session, SessionStatus, Timestamp};
use serde::{Deserialize, Serialize};

use super::closed::ClosedSession;
use super::counter::Delta;
use super::open::{NO_SECS, OpenSession};
use super::row::Row;
use crate::intern::Symbol;
use crate::{EndCause, Limits};

/// The sessions of one device.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sessions {
    pub(crate) open: Row<OpenSession>,
    /// Behind one pointer: most devices have one long session.
    ended: Option<Box<Past>>,
}

/// What is known of sessions that are over.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Past {
    /// Oldest end first.
    closed: Vec<ClosedSession>,
    /// A record of an unknown session from before this may belong to one that was forgotten.
    forgotten_until: Option<Timestamp>,
}

/// What a record is held against beside the sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The record's NAS.
    pub(crate) nas: Symbol,
    /// Its event time, corrected where the clock is plainly wrong.
    pub(crate) at: Timestamp,
    /// When the NAS last said that all its sessions are over.
    pub(crate) nas_reset: Option<Timestamp>,
    pub(crate) limits: &'a Limits,
}

/// What one record changed.
#[derive(Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one record")]
pub(crate) struct Step {
    pub(crate) delta: Delta,
    /// It says something that no record before it said; a retransmit does not, and rules never see it.
    pub(crate) is_news: bool,
    /// It began a session (or brought a lost one back).
    pub(crate) opened: bool,
    /// ... that was not there before.
    pub(crate) is_new: bool,
    /// Its session carried traffic between two records that both came after a newer session had begun.
    pub(crate) overlaps: bool,
    /// It may belong to a session that was forgotten.
    pub(crate) is_stale: bool,
    /// Sessions that ended before it: an older one under the same id, one that made room.
    pub(crate) before: Vec<Ended>,
    /// Its own session, ended by it (or by a reset of the NAS that came before it).
    pub(crate) after: Vec<Ended>,
    /// Octets of its session so far, both directions.
    pub(crate) total: u64,
    /// Since when `delta` was gathered: the session's previous record, or its beginning. `None`: not known.
    pub(crate) since: Option<Timestamp>,
}

/// A session that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) nas: Symbol,
    pub(crate) id: Box<str>,
    pub(crate) at: Timestamp,
    pub(crate) cause: EndCause,
    /// It was in the list of open ones until now; `false` where its end is only confirmed.
    pub(crate) was_open: bool,
}

/// A Start or interim this long after everything else of a session under its id cannot be an echo of it: delays that NASes
/// state are exact to a second or so, and retransmission goes on for half a minute (RFC 5080 §2.2.1).
const ECHO: Duration = Duration::from_mins(5);

impl Sessions {
    /// Those that are over and still remembered, oldest end first.
    pub(crate) fn closed(&self) -> &[ClosedSession] {
        self.ended.as_ref().map_or(&[], |past| &past.closed)
    }

    fn past(&mut self) -> &mut Past {
        self.ended.get_or_insert_default()
    }

    /// Counts one accounting record.
    pub(crate) fn record(&mut self, record: &Session, context: &Context<'_>) -> Step {
        let mut step = Step::default();
        if let Some(index) = self.open_index(context.nas, &record.key.id) {
            let session = &self.open[index];
            // Only of a record from before it: those that are over lie elsewhere in memory.
            let older = if context.at < session.opened_at { self.closed_index(record, context) } else { None };
            if let Some(older) = older.filter(|&c| context.at <= self.closed()[c].ended_at) {
                self.late(older, record, context, true, &mut step);
            } else if is_restart(session, record, context.at) {
                self.end(index, session.last_event, EndCause::Superseded, context.limits, &mut step.before);
                self.begin(record, context, &mut step);
            } else {
                let beside_newer = self.is_overtaken(index);
                self.go_on(index, record, context, &mut step);
                step.overlaps = beside_newer && step.delta.up + step.delta.down > 0;
            }
            return step;
        }
        match self.closed_index(record, context) {
            Some(index) if is_reused(&self.closed()[index], record, context.at) => {
                self.begin(record, context, &mut step);
            }
            Some(index) if is_alive_again(&self.closed()[index], record, context.at) => {
                self.revive(index, record, context, &mut step);
            }
            Some(index) => self.late(index, record, context, false, &mut step),
            None if self
                .ended
                .as_ref()
                .and_then(|past| past.forgotten_until)
                .is_some_and(|until| context.at <= until) =>
            {
                step.is_stale = true;
            }
            None => self.begin(record, context, &mut step),
        }
        step
    }

    /// Asks for what the session points to.
    pub(crate) fn prefetch_texts(&self) {
        if let Some(session) = self.open.last() {
            session.texts.prefetch();
        }
    }

    /// The NAS began anew at `at`: what it had and has not spoken of since is over.
    pub(crate) fn nas_reset(&mut self, nas: Symbol, at: Timestamp, limits: &Limits) -> Vec<Ended> {
        let mut ended = Vec::new();
        while let Some(index) = self.open.iter().position(|s| s.nas == nas && s.last_event <= at) {
            self.end(index, at, EndCause::NasReset, limits, &mut ended);
        }
        ended
    }

    /// The NAS does not know the session.
    pub(crate) fn vanished(&mut self, nas: Symbol, id: &str, at: Timestamp, limits: &Limits) -> Option<Ended> {
        let index = self.open_index(nas, id).filter(|&i| self.open[i].opened_at <= at)?;
        let mut ended = Vec::new();
        self.end(index, at, EndCause::Vanished, limits, &mut ended);
        ended.pop()
    }

    /// Ends what was silent for too long and forgets what ended long ago. `asked`: the interim interval of the profile.
    pub(crate) fn expire(&mut self, now: Timestamp, asked: Option<Duration>, limits: &Limits) -> Vec<Ended> {
        let mut ended = Vec::new();
        while let Some(index) = self.open.iter().position(|s| s.last_event + patience(s, asked, limits) < now) {
            let at = self.open[index].last_event;
            self.end(index, at, EndCause::Lost, limits, &mut ended);
        }
        while let Some(index) = self.closed().iter().position(|c| c.ended_at + memory(c, limits) < now) {
            self.forget(index);
        }
        ended
    }

    /// Ends all: the device is no longer ours to follow.
    pub(crate) fn end_all(&mut self, at: Timestamp, limits: &Limits) -> Vec<Ended> {
        let mut ended = Vec::new();
        while !self.open.is_empty() {
            self.end(0, at, EndCause::Forgotten, limits, &mut ended);
        }
        ended
    }

    /// The newest record of this session came after a newer session of the device had begun.
    fn is_overtaken(&self, index: usize) -> bool {
        let session = &self.open[index];
        let overtakes =
            |other: &OpenSession| other.opened_at > session.opened_at && session.last_event > other.opened_at;
        self.open.iter().any(overtakes)
    }

    fn open_index(&self, nas: Symbol, id: &str) -> Option<usize> {
        self.open.iter().position(|s| s.nas == nas && s.texts.id() == id)
    }

    /// The newest session under the record's id that is over.
    fn closed_index(&self, record: &Session, context: &Context<'_>) -> Option<usize> {
        self.closed().iter().rposition(|c| c.nas == context.nas && *c.id == *record.key.id)
    }

    /// A record of an open session.
    fn go_on(&mut self, index: usize, record: &Session, context: &Context<'_>, step: &mut Step) {
        let session = &mut self.open[index];
        step.since = Some(session.last_event);
        let secs = record.session_secs.unwrap_or(NO_SECS);
        let advanced =
            context.at > session.last_event && (secs == NO_SECS || session.secs == NO_SECS || secs >= session.secs);
        step.delta = count(&mut session.counters, record, advanced && record.status != SessionStatus::Start);
        step.is_news = match record.status {
            SessionStatus::Start => !session.marks.is_started(),
            // The same Acct-Session-Time again is the same interim again, whatever its delay did to its event time.
            SessionStatus::Interim => !step.delta.is_zero() || (advanced && (secs == NO_SECS || secs != session.secs)),
            SessionStatus::Stop => true,
        };
        session.learn(record, context.at >= session.last_event);
        session.marks.started(record.status == SessionStatus::Start);
        session.marks.interim(record.status == SessionStatus::Interim);
        if record.status == SessionStatus::Start {
            session.opened_at = session.opened_at.min(context.at);
        }
        if advanced {
            let pause = context.at.since(session.last_event).as_secs();
            session.pause = session.pause.max(u32::try_from(pause).unwrap_or(u32::MAX));
            if secs != NO_SECS {
                session.secs = secs;
            }
        }
        session.last_event = session.last_event.max(context.at);
        step.total = session.counters.up().saturating_add(session.counters.down());
        if record.status == SessionStatus::Stop {
            self.end(index, context.at, EndCause::Stop(record.terminate_cause), context.limits, &mut step.after);
        }
    }

    /// The first record that we see of a session.
    fn begin(&mut self, record: &Session, context: &Context<'_>, step: &mut Step) {
        let session = OpenSession::begin(record, context.nas, context.at);
        step.is_new = true;
        step.since = record.session_secs.map(|secs| context.at - Duration::from_secs(u64::from(secs)));
        self.open_with(session, record, context, step);
    }

    /// A record of a session that we believed over.
    fn revive(&mut self, index: usize, record: &Session, context: &Context<'_>, step: &mut Step) {
        let closed = self.past().closed.remove(index);
        step.since = Some(closed.last_event);
        let mut session = OpenSession::begin(record, context.nas, context.at);
        session.opened_at = closed.opened_at;
        session.counters.go_on_from(closed.counters);
        session.marks.started(closed.started);
        self.open_with(session, record, context, step);
    }

    fn open_with(&mut self, mut session: OpenSession, record: &Session, context: &Context<'_>, step: &mut Step) {
        step.delta = count(&mut session.counters, record, false);
        step.is_news = true;
        step.opened = true;
        step.total = session.counters.up().saturating_add(session.counters.down());
        session.marks.started(record.status == SessionStatus::Start);
        session.marks.interim(record.status == SessionStatus::Interim);
        if self.open.len() >= context.limits.open_per_device.max(1) {
            let quietest = (0..self.open.len()).min_by_key(|&i| self.open[i].last_event);
            let at = context.at;
            self.end(quietest.unwrap_or(0), at, EndCause::Forgotten, context.limits, &mut step.before);
        }
        self.open.push(session);
        let last = self.open.len() - 1;
        if record.status == SessionStatus::Stop {
            self.end(last, context.at, EndCause::Stop(record.terminate_cause), context.limits, &mut step.after);
        } else if let Some(reset) = context.nas_reset.filter(|&reset| context.at < reset) {
            self.end(last, reset, EndCause::NasReset, context.limits, &mut step.after);
        }
    }

    /// A record of a session that is over: its counters may be higher than what we saw, and that is all that it adds.
    fn late(&mut self, index: usize, record: &Session, context: &Context<'_>, is_used_again: bool, step: &mut Step) {
        let closed = &mut self.past().closed[index];
        step.since = Some(closed.last_event);
        step.delta = count(&mut closed.counters, record, false);
        step.total = closed.counters.up().saturating_add(closed.counters.down());
        step.is_news = !step.delta.is_zero();
        closed.last_event = closed.last_event.max(context.at);
        closed.started |= record.status == SessionStatus::Start;
        if record.status == SessionStatus::Stop && !matches!(closed.cause, EndCause::Stop(_)) {
            step.is_news = true;
            // Not while another session goes by the same id: that one has not ended.
            let was_lost = !closed.cause.is_proof() && !is_used_again;
            closed.cause = EndCause::Stop(record.terminate_cause);
            closed.ended_at = closed.ended_at.max(context.at);
            if was_lost {
                // We only supposed its end; now the NAS says so, and somebody may be waiting for that proof.
                step.after.push(Ended {
                    nas: closed.nas,
                    id: closed.id.clone(),
                    at: context.at,
                    cause: closed.cause,
                    was_open: false,
                });
            }
        }
    }

    fn end(&mut self, index: usize, at: Timestamp, cause: EndCause, limits: &Limits, ended: &mut Vec<Ended>) {
        let session = self.open.remove(index);
        let at = at.max(session.opened_at);
        ended.push(Ended { nas: session.nas, id: session.texts.id().into(), at, cause, was_open: true });
        while self.closed().len() >= limits.closed_per_device.max(1) {
            // One that the network said is over will not speak again; one that we gave up may.
            let proven = self.closed().iter().position(|c| c.cause.is_proof());
            self.forget(proven.unwrap_or(0));
        }
        let closed = &mut self.past().closed;
        closed.reserve_exact(1);
        closed.push(ClosedSession::of(&session, at.max(session.last_event), cause));
    }

    fn forget(&mut self, index: usize) {
        let past = self.past();
        let forgotten = past.closed.remove(index);
        past.forgotten_until = past.forgotten_until.max(Some(forgotten.ended_at.max(forgotten.last_event)));
        past.closed.shrink_to_fit();
    }
}

/// Octets that a record without counters (0 and 0, which a Start may have and some interims do) cannot take away.
fn count(counters: &mut super::Counters, record: &Session, advanced: bool) -> Delta {
    let stated = record.bytes_up != 0 || record.bytes_down != 0;
    let mut delta = counters.count(record.bytes_up, record.bytes_down, record.has_gigawords, advanced && stated);
    delta.packets = counters.count_packets([record.packets_up, record.packets_down], advanced && stated);
    delta
}

/// A Start under the id of an open session, later than any echo: the Stop in between was lost.
fn is_restart(session: &OpenSession, record: &Session, at: Timestamp) -> bool {
    record.status == SessionStatus::Start && session.marks.is_started() && at > session.last_event + ECHO
}

/// The NAS uses the id of a closed session again.
fn is_reused(closed: &ClosedSession, record: &Session, at: Timestamp) -> bool {
    let clearly_after = at > closed.ended_at.max(closed.last_event) + ECHO;
    match record.status {
        SessionStatus::Start => at > closed.ended_at && (closed.started || clearly_after),
        // Its Start was lost; lower counters say that it is not the old one going on.
        SessionStatus::Interim | SessionStatus::Stop => {
            clearly_after && closed.counters.is_above(record.bytes_up, record.bytes_down)
        }
    }
}

/// An interim after the end: we ended it wrongly, or its NAS did.
fn is_alive_again(closed: &ClosedSession, record: &Session, at: Timestamp) -> bool {
    let after = match closed.cause {
        EndCause::Lost | EndCause::Forgotten => at > closed.last_event,
        EndCause::NasReset | EndCause::Vanished => at > closed.ended_at,
        EndCause::Stop(_) | EndCause::Superseded => at > closed.ended_at + ECHO,
    };
    after && record.status == SessionStatus::Interim
}

/// How long a closed session is remembered: longer where we only supposed its end, because it may speak again.
fn memory(closed: &ClosedSession, limits: &Limits) -> Duration {
    if closed.cause.is_proof() { limits.closed_for } else { limits.closed_for.max(limits.silent_session) }
}

/// How long a session may be silent: three interim intervals, as asked for or as the NAS keeps them, whichever is longer.
fn patience(session: &OpenSession, asked: Option<Duration>, limits: &Limits) -> Duration {
    if asked.is_none() && !session.marks.has_interims() {
        return limits.silent_session;
    }
    let kept = Duration::from_secs(u64::from(session.pause));
    (asked.unwrap_or(limits.interim).max(kept) * 3).min(limits.silent_session)
}

//! How many questions may be out at once, how long one waits, and how fast they follow each other: what a host's
//! answers say about the rate it bears.

use std::time::Duration;

use crate::fact::PortState;
use crate::pace::Limits;

/// Below this share of answers the host does not keep up.
const ENOUGH: f64 = 0.8;

/// Questions a second while a host has never answered: nothing tells whether it bears more.
const BLIND: f64 = 5_000.0;

/// The same of an open canary. A path that loses one in five whatever the rate is not asked more slowly for it.
const ENOUGH_OPEN: f64 = 0.6;

/// Canaries that say something: fewer may have been lost by chance.
const SAYING: u32 = 8;

/// Of open ports, so many may be taken for silent ones.
const MISSED: f64 = 1e-4;

/// See the module.
#[derive(Debug)]
pub(super) struct Pulse {
    limits: Limits,
    most: f64,
    window: f64,
    is_starting: bool,
    smooth: Option<(Duration, Duration)>,
    base: Duration,
    samples: u32,
    ease: u32,
    /// Questions a second, once an answer was missed.
    spread: Option<f64>,
    next: Duration,
    began: Duration,
    answered: u32,
    lost: u32,
    /// Heard and lost: in this turn, and of this canary in all.
    canaries: (u32, u32),
    all_canaries: (u32, u32),
}

impl Pulse {
    pub(super) fn new(limits: Limits, window: u32) -> Self {
        let most = f64::from(window.max(1));
        Self {
            limits,
            most,
            window: most.min(32.0),
            is_starting: true,
            smooth: None,
            base: Duration::MAX,
            samples: 0,
            ease: 1,
            spread: None,
            next: Duration::ZERO,
            began: Duration::ZERO,
            answered: 0,
            lost: 0,
            canaries: (0, 0),
            all_canaries: (0, 0),
        }
    }

    /// Questions out at once.
    #[expect(clippy::cast_sign_loss, reason = "the window is at least one")]
    pub(super) fn window(&self) -> usize {
        self.window as usize
    }

    /// How long an answer is waited for (as RFC 6298 does it, with a floor by temperament).
    pub(super) fn rto(&self) -> Duration {
        let wait = self.smooth.map_or(Duration::from_secs(1), |(mean, spread)| mean * 2 + spread * 4);
        wait.clamp(self.limits.shortest_wait, self.limits.patience)
    }

    /// When the next question may leave.
    pub(super) fn due(&self, now: Duration) -> Duration {
        self.next.max(now)
    }

    /// A question left.
    pub(super) fn sent(&mut self, now: Duration) {
        let interval = self.interval();
        // Timers wake late by a millisecond or two; what was missed meanwhile may be sent at once, but no more.
        let late = Duration::from_millis(2);
        let credit = if interval < late { late } else { Duration::ZERO };
        self.next = self.next.max(now.saturating_sub(credit)) + interval;
    }

    pub(super) fn answered(&mut self, took: Option<Duration>) {
        self.answered += 1;
        if self.is_starting {
            self.window = (self.window + 1.0).min(self.most);
        }
        let Some(took) = took else { return };
        self.samples += 1;
        let (mean, spread) = self.smooth.unwrap_or((took, took / 2));
        let spread = (spread * 3 + mean.abs_diff(took)) / 4;
        let mean = (mean * 7 + took) / 8;
        self.smooth = Some((mean, spread));
        if self.samples >= 8 {
            self.base = self.base.min(mean);
        }
    }

    pub(super) fn lost(&mut self) {
        self.lost += 1;
    }

    /// The fate of a canary.
    pub(super) fn canary(&mut self, has_answered: bool) {
        if has_answered {
            self.canaries.0 += 1;
            self.all_canaries.0 += 1;
            // It speaks for the questions that were sent since the one before.
            if self.is_starting {
                self.window = (self.window + f64::from(self.canary_every())).min(self.most);
            }
        } else {
            self.canaries.1 += 1;
            self.all_canaries.1 += 1;
        }
    }

    /// Questions between two canaries.
    #[expect(clippy::cast_sign_loss, reason = "the window is at least one")]
    pub(super) fn canary_every(&self) -> u32 {
        ((self.window / 6.0) as u32).clamp(32, 500)
    }

    /// Another port is the canary from now on: what the one before said of the rate is void.
    pub(super) fn begin_canary(&mut self) {
        (self.canaries, self.all_canaries) = ((0, 0), (0, 0));
        (self.is_starting, self.spread) = (true, None);
    }

    /// How many questions an open port leaves unanswered for sure only once in [`MISSED`], by what the canary lost.
    #[expect(clippy::cast_sign_loss, reason = "a number of tries")]
    pub(super) fn tries(&self) -> u32 {
        match self.all_canaries {
            (100.., 0) => 2,
            (_, 0) => 3,
            (heard, lost) => {
                let share = f64::from(lost + 1) / f64::from(heard + lost + 2);
                (MISSED.ln() / share.ln()).ceil().clamp(3.0, 16.0) as u32
            }
        }
    }

    /// Whether answers of all kinds did not keep up.
    pub(super) fn is_limited(&self) -> bool {
        !self.is_starting
    }

    /// Whether a port that is known to answer was ever not heard.
    pub(super) fn has_lost_canaries(&self) -> bool {
        self.all_canaries.1 > 0
    }

    /// Draws the conclusions, once in the time of an answer.
    pub(super) fn turn(&mut self, now: Duration, canary: Option<PortState>) {
        let span = now.saturating_sub(self.began);
        let seen = self.answered + self.lost;
        if span < self.rto() || seen == 0 && self.canaries == (0, 0) {
            return;
        }
        let (good, bad) = self.canaries;
        let share = |good: u32, all: u32| f64::from(good) / f64::from(all.max(1));
        let ours = share(self.answered, seen);
        let theirs = (good + bad >= SAYING).then(|| share(good, good + bad));
        let enough = if canary == Some(PortState::Open) { ENOUGH_OPEN } else { ENOUGH };
        match theirs {
            _ if ours >= ENOUGH => self.window = (self.window * 2.0).min(self.most),
            Some(kept) if kept >= enough => self.window = (self.window * 2.0).min(self.most),
            None if canary.is_some() => return,
            None => {
                let blind = (BLIND * self.rto().as_secs_f64()).clamp(1.0, self.most);
                self.window = if self.window > blind { blind } else { (self.window * 2.0).min(blind) };
            }
            _ => {
                self.is_starting = false;
                let a_second = f64::from(self.answered) / span.as_secs_f64();
                let kept = 0.35 * a_second * self.rto().as_secs_f64();
                self.window = kept.max(self.window / 16.0).clamp(1.0, self.window.max(1.0));
            }
        }
        // Spread over the time, because a burst says more of the host's queue than of its rate.
        let a_second = f64::from(self.answered) / span.as_secs_f64();
        self.spread = (!self.is_starting).then(|| 1.3 * (a_second + self.window / self.rto().as_secs_f64()));
        self.ease();
        (self.began, self.answered, self.lost) = (now, 0, 0);
        if theirs.is_some() {
            self.canaries = (0, 0);
        }
    }

    /// A device that takes ever longer is asked more slowly, until it has recovered.
    fn ease(&mut self) {
        let Some((mean, _)) = self.smooth else { return };
        if !self.limits.eases || self.base == Duration::MAX {
            return;
        }
        if mean > self.base * 4 + Duration::from_millis(50) {
            self.ease = (self.ease * 2).min(32);
        } else if mean < self.base * 2 + Duration::from_millis(20) {
            self.ease = (self.ease / 2).max(1);
        }
    }

    fn interval(&self) -> Duration {
        let limit = self.limits.gap() * self.ease;
        self.spread.map_or(limit, |rate| limit.max(Duration::from_secs_f64(1.0 / rate.max(1.0))))
    }
}

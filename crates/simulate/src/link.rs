//! The session layer: starts, interims by time and by volume, stops with a cause; and what becomes of their records on
//! the way (lost, late, out of order, twice).

use fleetward_fleet::SessionStatus;

use crate::calendar::SLOT;
use crate::class::Connection;
use crate::event::{Attached, Event, Record, What};
use crate::load::Load;
use crate::random::Random;

/// A gateway sends an interim when a session has carried this much since the last record (a volume trigger of 10 MB is
/// usual for charging records, TS 32.251).
const VOLUME_TRIGGER: u64 = 10_000_000;

/// Acct-Terminate-Cause (RFC 2866 §5.10).
pub(crate) mod cause {
    pub(crate) const USER_REQUEST: u8 = 1;
    pub(crate) const LOST_CARRIER: u8 = 2;
    pub(crate) const IDLE_TIMEOUT: u8 = 4;
    pub(crate) const SESSION_TIMEOUT: u8 = 5;
}

/// A device's data connection.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    open: Option<Open>,
    /// No new session before.
    pub(crate) retry: i64,
    serial: u32,
}

#[derive(Debug, Clone)]
struct Open {
    serial: u32,
    opened: i64,
    carried: Load,
    unreported: f64,
    next_interim: i64,
    busy_until: i64,
    ends: i64,
    at: Attached,
}

/// Where events go: of one unit, in the order in which they are made.
pub(crate) struct Outlet<'a> {
    pub(crate) unit: u32,
    pub(crate) number: &'a mut u32,
    pub(crate) events: &'a mut Vec<Event>,
    pub(crate) random: &'a mut Random,
    /// Records get lost and come late.
    pub(crate) lossy: bool,
}

/// One slot of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) slot: i64,
    pub(crate) connection: Connection,
    pub(crate) traffic: Load,
    /// When the traffic begins and ends, seconds into the slot.
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) at: Attached,
    /// What changed module, network or access point: the time between the old session and the new one.
    pub(crate) gap: i64,
}

impl Link {
    /// `serial`: of its first session; copies of an identity count from elsewhere.
    pub(crate) fn new(serial: u32) -> Self {
        Self { open: None, retry: i64::MIN, serial }
    }

    /// A slot with a network.
    pub(crate) fn run(&mut self, step: &Step, out: &mut Outlet<'_>) {
        let end = step.slot + SLOT;
        if self.open.as_ref().is_some_and(|open| !open.at.is_same(&step.at)) {
            let at = step.slot + out.random.below(60).cast_signed();
            self.close(at, cause::USER_REQUEST, out);
            self.retry = at + step.gap.max(5);
        }
        let busy = step.traffic.up + step.traffic.down > 0.0;
        let mut begin = step.slot + if busy { step.first.clamp(0, SLOT - 1) } else { 0 };
        if self.open.is_none() {
            let wanted = busy || matches!(step.connection, Connection::Always { .. });
            begin = begin.max(self.retry);
            if !wanted || begin >= end {
                return;
            }
            self.start(begin, step, out);
        }
        self.carry(begin, step, busy, out);
        self.perhaps_end(step, out);
    }

    fn start(&mut self, at: i64, step: &Step, out: &mut Outlet<'_>) {
        let (interim, lasts) = match step.connection {
            Connection::Always { hours, interim } => (interim, hours * 3600.0 * out.random.between(0.9, 1.1)),
            Connection::WhenNeeded { interim, .. } => (interim, 86_400.0),
        };
        self.serial = self.serial.wrapping_add(1);
        let open = Open {
            serial: self.serial,
            opened: at,
            carried: Load::default(),
            unreported: 0.0,
            next_interim: at + interim,
            busy_until: at,
            ends: at + lasts as i64,
            at: step.at,
        };
        out.record(at, open.record(SessionStatus::Start, at, None));
        self.open = Some(open);
    }

    fn carry(&mut self, begin: i64, step: &Step, busy: bool, out: &mut Outlet<'_>) {
        let end = step.slot + SLOT;
        let Some(open) = &mut self.open else { return };
        open.at.cell = step.at.cell;
        let interim = match step.connection {
            Connection::Always { interim, .. } | Connection::WhenNeeded { interim, .. } => interim,
        };
        if busy {
            open.busy_until = open.busy_until.max((step.slot + step.last).clamp(begin, end));
        }
        // When the session ends in this slot its traffic is over by then.
        let until = end.min(open.over(step.connection)).max(begin + 1);
        let (mut at, whole) = (begin, (until - begin).max(1) as f64);
        while open.next_interim < until {
            let due = open.next_interim.max(begin);
            open.add(step.traffic, (due - at) as f64 / whole);
            at = due;
            open.unreported = 0.0;
            open.next_interim = due + interim;
            out.record(due, open.record(SessionStatus::Interim, due, None));
        }
        open.add(step.traffic, (until - at) as f64 / whole);
        if open.unreported >= VOLUME_TRIGGER as f64 {
            open.unreported = 0.0;
            open.next_interim = until - 1 + interim;
            out.record(until - 1, open.record(SessionStatus::Interim, until - 1, None));
        }
    }

    fn perhaps_end(&mut self, step: &Step, out: &mut Outlet<'_>) {
        let end = step.slot + SLOT;
        let Some(open) = &self.open else { return };
        let over = open.over(step.connection);
        if over >= end {
            return;
        }
        let timeout = over == open.ends;
        self.close(over.max(step.slot), if timeout { cause::SESSION_TIMEOUT } else { cause::IDLE_TIMEOUT }, out);
        if timeout {
            self.retry = over.max(step.slot) + 2 + out.random.below(20).cast_signed();
        }
    }

    /// The network is gone, or the power. Some gateways notice and send a Stop.
    pub(crate) fn cut(&mut self, at: i64, noticed: f64, out: &mut Outlet<'_>) {
        if out.random.chance(noticed) {
            self.close(at + 30, cause::LOST_CARRIER, out);
        } else {
            self.open = None;
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn close(&mut self, at: i64, cause: u8, out: &mut Outlet<'_>) {
        if let Some(open) = self.open.take() {
            let record = open.record(SessionStatus::Stop, at.max(open.opened), Some(cause));
            out.record(at.max(open.opened), record);
        }
    }

    /// A short session of a storm.
    pub(crate) fn flash(&mut self, from: i64, lasts: i64, traffic: Load, at: Attached, out: &mut Outlet<'_>) {
        self.serial = self.serial.wrapping_add(1);
        let record = Record {
            status: SessionStatus::Start,
            serial: self.serial,
            up: 0,
            down: 0,
            secs: 0,
            cause: None,
            at,
            packets: (0, 0),
        };
        out.record(from, record);
        let (up, down, packets) = (traffic.up as u64, traffic.down as u64, traffic.packets());
        let (secs, cause) = (lasts.max(1) as u32, Some(cause::LOST_CARRIER));
        out.record(
            from + lasts.max(1),
            Record { status: SessionStatus::Stop, up, down, packets, secs, cause, ..record },
        );
    }
}

impl Open {
    /// When it ends if nothing more happens.
    fn over(&self, connection: Connection) -> i64 {
        match connection {
            Connection::Always { .. } => self.ends,
            Connection::WhenNeeded { idle, .. } => self.ends.min(self.busy_until + idle),
        }
    }

    fn add(&mut self, traffic: Load, share: f64) {
        self.carried += traffic.part(share);
        self.unreported += (traffic.up + traffic.down) * share;
    }

    fn record(&self, status: SessionStatus, at: i64, cause: Option<u8>) -> Record {
        Record {
            status,
            serial: self.serial,
            up: self.carried.up as u64,
            down: self.carried.down as u64,
            packets: self.carried.packets(),
            secs: (at - self.opened).clamp(0, i64::from(u32::MAX)) as u32,
            cause,
            at: self.at,
        }
    }
}

impl Attached {
    /// The same session can go on: another cell is no reason to end it.
    fn is_same(&self, other: &Self) -> bool {
        Self { cell: 0, ..*self } == Self { cell: 0, ..*other }
    }
}

impl Outlet<'_> {
    /// A record on its way to us.
    fn record(&mut self, at: i64, record: Record) {
        // Between the event and the journal: a part of a second, as on a good day, equal for what happens at one moment.
        let fate = self.random.unit();
        let mut arrives = at * 1000 + 20 + (at.wrapping_mul(31) + i64::from(self.unit) * 17) % 512;
        if self.lossy {
            let lost = if record.status == SessionStatus::Stop { 0.006 } else { 0.002 };
            if fate < lost {
                return;
            }
            if fate < 0.010 {
                // Kept in a queue somewhere: minutes, seldom hours. Interims overtake each other.
                arrives += (self.random.log_normal(240.0, 1.3).min(6.0 * 3600.0) * 1000.0) as i64;
            } else if fate < 0.014 {
                let again = arrives + 3000 + self.random.below(9000).cast_signed();
                self.push(again, at * 1000, What::Record(record));
            }
        }
        self.push(arrives, at * 1000, What::Record(record));
    }

    pub(crate) fn push(&mut self, observed: i64, happened: i64, what: What) {
        let number = *self.number;
        *self.number = number.wrapping_add(1);
        self.events.push(Event { observed, happened, unit: self.unit, number, what });
    }
}

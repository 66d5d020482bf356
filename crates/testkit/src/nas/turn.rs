//! The gateway's loop: what is due, what has arrived, what happened.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::pool::{Answer, Content};
use super::{Admitted, Event, Live, Nas, SessionRef, State, Status};

impl Nas {
    /// Receives and retransmits, waits up to `wait` for something to happen, and says what did.
    pub fn turn(&mut self, wait: Duration) -> io::Result<Vec<Event>> {
        let mut events = self.timers()?;
        if events.is_empty() {
            wait_readable(&[self], wait)?;
        }
        self.receive(&mut events)?;
        Ok(events)
    }

    /// Takes turns until `wanted` picks something out of an event, at most `limit` long.
    pub fn wait_for<T>(
        &mut self,
        limit: Duration,
        mut wanted: impl FnMut(&Event) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            for event in self.turn(Duration::from_millis(20))? {
                if let Some(found) = wanted(&event) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.auth.fds().chain(self.acct.fds()).chain(std::iter::once(self.dae.as_fd()))
    }

    /// What is due by the clock: retransmits and the Stops that Disconnects led to.
    fn timers(&mut self) -> io::Result<Vec<Event>> {
        let now = Instant::now();
        let mut events = Vec::new();
        let due = |(s, live): (&SessionRef, &Live)| live.stop_due.filter(|(at, _)| *at <= now).map(|(_, c)| (*s, c));
        for (session, cause) in self.sessions.iter().filter_map(due).collect::<Vec<_>>() {
            self.detach(session, cause)?;
        }
        for session in self.auth.retransmit(now, self.timing, &mut self.random, &mut self.stats)? {
            self.sessions.remove(&session);
            events.push(Event::Unanswered(session));
        }
        let (head, secret, at) = (&self.head, self.secret.reveal(), (self.clock)());
        let again = |content: &Content, id| content.to_wire(head, id, at, secret);
        self.acct.send_again(now, self.timing, &mut self.random, &mut self.stats, again)?;
        Ok(events)
    }

    fn receive(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        for answer in self.auth.receive(self.secret.reveal(), &mut self.stats)? {
            self.admission(&answer, events)?;
        }
        for answer in self.acct.receive(self.secret.reveal(), &mut self.stats)? {
            self.acknowledged(answer, events);
        }
        self.listen(events)
    }

    fn admission(&mut self, answer: &Answer, events: &mut Vec<Event>) -> io::Result<()> {
        let Content::Access { session } = answer.content else { return Ok(()) };
        let Some(live) = self.sessions.get_mut(&session).filter(|live| live.state == State::Asking) else {
            return Ok(());
        };
        let Some(accept) = answer.accept() else {
            self.sessions.remove(&session);
            events.push(Event::Rejected(session));
            return Ok(());
        };
        live.class = accept.first(25).map(Into::into);
        let number = |kind| accept.number(kind);
        // 255.255.255.254 and .255 leave the choice to the gateway and the device (RFC 2865 §5.8).
        let ip = number(8).filter(|ip| *ip < 0xFFFF_FFFE).map(Ipv4Addr::from);
        live.ip = ip.unwrap_or(live.ip);
        events.push(Event::Admitted(Admitted {
            session,
            ip,
            timeout_secs: number(27),
            interim_secs: number(85),
            has_message_authenticator: accept.has_mac(),
        }));
        self.open(session)
    }

    fn acknowledged(&mut self, answer: Answer, events: &mut Vec<Event>) {
        match answer.content {
            Content::Record { session, record } => {
                let stopped = (record.status == Status::Stop).then_some(record.cause.unwrap_or(0));
                events.push(Event::Acknowledged(session, record));
                if let Some(cause) = stopped
                    && self.sessions.remove(&session).is_some()
                {
                    events.push(Event::Closed(session, cause));
                }
            }
            Content::Reset { on, .. } => events.push(Event::ResetAcknowledged(on)),
            Content::Access { .. } => {}
        }
    }
}

/// One turn of several gateways at once; says which of them each event belongs to.
pub fn turn_all(gateways: &mut [Nas], wait: Duration) -> io::Result<Vec<(usize, Event)>> {
    let mut all = Vec::new();
    for (index, nas) in gateways.iter_mut().enumerate() {
        all.extend(nas.timers()?.into_iter().map(|event| (index, event)));
    }
    if all.is_empty() {
        wait_readable(&gateways.iter().collect::<Vec<_>>(), wait)?;
    }
    for (index, nas) in gateways.iter_mut().enumerate() {
        let mut events = Vec::new();
        nas.receive(&mut events)?;
        all.extend(events.into_iter().map(|event| (index, event)));
    }
    Ok(all)
}

fn wait_readable(gateways: &[&Nas], wait: Duration) -> io::Result<()> {
    let mut fds: Vec<PollFd<'_>> =
        gateways.iter().flat_map(|nas| nas.fds()).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
    match poll(&mut fds, timeout) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

//! The UDP ports of one host: each in its protocol, a few at once, and those that said nothing once more.
//!
//! Most systems send few ICMP errors a second (Linux one, after a burst of six: `icmp_ratelimit` in icmp(7)), so where
//! some ports were called closed, the silent ones are asked again at that rate. What then says nothing is unknown.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::Progress;
use crate::door::Door;
use crate::fact::{OpenPort, PortState, Service, Transport};
use crate::scope::Target;
use crate::speak::{At, udp_once};

/// Between two questions to a host that sends one ICMP error a second.
const ICMP: Duration = Duration::from_millis(1_100);

/// How often somebody looks whether the audit should end.
const LOOK: Duration = Duration::from_millis(100);

/// What a host's UDP ports said.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct UdpScan {
    /// What answered, ascending.
    pub open: Vec<OpenPort>,
    /// How many are closed.
    pub closed: u32,
    /// How many were asked twice and said nothing.
    pub unknown: u32,
    /// Those that answered, open or closed.
    pub settled: Vec<u16>,
    /// Those that were not asked to the end.
    pub left: Vec<u16>,
}

/// Asks these UDP ports of one host. The caller knows that somebody is there.
pub async fn scan(door: &Door, target: Target, ports: &[u16], progress: &dyn Progress) -> UdpScan {
    let mut scan = UdpScan { left: ports.to_vec(), ..UdpScan::default() };
    scan.pass(door, target, Duration::ZERO, progress).await;
    let spacing = if scan.closed > 0 { ICMP } else { Duration::ZERO };
    if scan.pass(door, target, spacing, progress).await {
        scan.unknown = scan.left.len() as u32;
        scan.left.clear();
    }
    scan.open.sort_by_key(|open| open.port);
    scan
}

impl UdpScan {
    /// Asks what is left; whether it came to its end. Those that say nothing stay.
    async fn pass(&mut self, door: &Door, target: Target, spacing: Duration, progress: &dyn Progress) -> bool {
        let mut waiting: VecDeque<u16> = self.left.iter().copied().collect();
        let mut asking = JoinSet::new();
        let mut next = Instant::now();
        while !(waiting.is_empty() && asking.is_empty()) {
            if progress.is_cancelled() {
                return false;
            }
            if asking.len() < door.limits().at_once as usize
                && Instant::now() >= next
                && let Some(port) = waiting.pop_front()
            {
                next = Instant::now() + spacing;
                asking.spawn(ask(door.clone(), target, port));
                continue;
            }
            // A speaker that breaks said nothing, and nobody waits longer than a moment to see that the audit should end.
            if let Ok(Some(Ok((port, state, service)))) = timeout(LOOK, asking.join_next()).await {
                self.settle(port, state, service);
            } else if asking.is_empty() {
                sleep_until(next.min(Instant::now() + LOOK)).await;
            }
        }
        true
    }

    fn settle(&mut self, port: u16, state: PortState, service: Option<Service>) {
        match state {
            PortState::Open => self.open.push(OpenPort { transport: Transport::Udp, port, service }),
            PortState::Closed => self.closed += 1,
            PortState::Unknown => return,
        }
        self.settled.push(port);
        self.left.retain(|it| *it != port);
    }
}

async fn ask(door: Door, target: Target, port: u16) -> (u16, PortState, Option<Service>) {
    let (state, service) = udp_once(At { door: &door, target, port }).await;
    (port, state, service)
}

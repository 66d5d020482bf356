//! The UDP ports of one host: each in its protocol, a few at once, and those that said nothing once more.
//!
//! Most systems send few ICMP errors a second (Linux one, after a burst of six: `icmp_ratelimit` in icmp(7)), so where
//! some ports were called closed, the silent ones are asked again at that rate. What then says nothing is unknown.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Progress;
use crate::door::Door;
use crate::fact::{OpenPort, PortState, Service, Transport};
use crate::scope::Target;
use crate::speak::{At, udp_once};

/// Between two questions to a host that sends one ICMP error a second.
const ICMP: Duration = Duration::from_millis(1_100);

/// What a host's UDP ports said.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct UdpScan {
    /// What answered, ascending.
    pub open: Vec<OpenPort>,
    /// How many are closed.
    pub closed: u32,
    /// How many were asked twice and said nothing.
    pub unknown: u32,
    /// Those that were not asked to the end.
    pub left: Vec<u16>,
}

/// Asks these UDP ports of one host. The caller knows that somebody is there.
pub async fn scan(door: &Door, target: Target, ports: &[u16], progress: &dyn Progress) -> UdpScan {
    let mut scan = UdpScan::default();
    let at_once = door.limits().at_once as usize;
    let silent = ask(door, target, ports, at_once, Duration::ZERO, &mut scan, progress).await;
    let spacing = if scan.closed > 0 { ICMP } else { Duration::ZERO };
    let silent = ask(door, target, &silent, at_once, spacing, &mut scan, progress).await;
    scan.unknown = silent.len() as u32;
    scan.open.sort_by_key(|open| open.port);
    scan
}

/// One pass; returns those that said nothing.
async fn ask(
    door: &Door,
    target: Target,
    ports: &[u16],
    at_once: usize,
    spacing: Duration,
    scan: &mut UdpScan,
    progress: &dyn Progress,
) -> Vec<u16> {
    let mut waiting: VecDeque<u16> = ports.iter().copied().collect();
    let mut working: JoinSet<(u16, PortState, Option<Service>)> = JoinSet::new();
    let (mut silent, mut next) = (Vec::new(), Instant::now());
    loop {
        while working.len() < at_once
            && !progress.is_cancelled()
            && let Some(port) = waiting.pop_front()
        {
            sleep_until(next).await;
            next = Instant::now() + spacing;
            let door = door.clone();
            working.spawn(async move {
                let (state, service) = udp_once(At { door: &door, target, port }).await;
                (port, state, service)
            });
        }
        match working.join_next().await {
            Some(Ok((port, PortState::Open, service))) => {
                scan.open.push(OpenPort { transport: Transport::Udp, port, service });
            }
            Some(Ok((_, PortState::Closed, _))) => scan.closed += 1,
            Some(Ok((port, PortState::Unknown, _))) => silent.push(port),
            // A speaker that panicked said nothing.
            Some(Err(_)) => {}
            None => break,
        }
    }
    // Only a cancelled audit leaves some.
    scan.left.extend(waiting);
    if progress.is_cancelled() {
        scan.left.append(&mut silent);
    }
    silent
}

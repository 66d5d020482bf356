//! One host: its ports, what speaks there, whether a known password opens it.

use std::io;

use super::{Plan, Subject, services};
use crate::door::Door;
use crate::fact::{Host, OpenPort, Outcome, Transport};
use crate::ports::{self, PortScan, PortSet, Progress};
use crate::scope::Target;

/// A host with the ports that were not asked to the end.
pub(super) type Audited = (Host, PortSet);

/// One host, with what a stage needs.
pub(super) struct Visit<'a> {
    pub door: &'a Door,
    pub plan: &'a Plan,
    pub target: Target,
    pub progress: &'a dyn Progress,
}

pub(super) async fn audit(door: &Door, plan: &Plan, subject: Subject, progress: &dyn Progress) -> io::Result<Audited> {
    let visit = Visit { door, plan, target: subject.target, progress };
    let (mut host, mut left) = begin(plan, subject);
    if left.is_empty() && host.outcome != Outcome::Cut {
        return Ok((host, left));
    }
    if progress.is_cancelled() {
        host.outcome = Outcome::Cut;
        return Ok((host, left));
    }
    if left.is_empty() {
        host.outcome = Outcome::Done;
    } else {
        left = visit.ask(&mut host, &left).await?;
    }
    if host.outcome == Outcome::Done {
        services::look(&visit, &mut host).await;
    }
    progress.host(visit.target);
    Ok((host, left))
}

/// What is known of the host already, and what is left to ask.
fn begin(plan: &Plan, subject: Subject) -> Audited {
    let address = subject.target.address();
    let before = plan.resume.as_ref();
    if let Some(host) = before.and_then(|report| report.hosts.iter().find(|host| host.address == address)) {
        let left = before.and_then(|report| report.left.get(&address)).and_then(|text| text.parse().ok());
        return (host.clone(), left.unwrap_or_else(|| PortSet::new([], [])));
    }
    let (device, model) = (subject.device, subject.model);
    let (open, outcome) = (Vec::new(), Outcome::Silent);
    let host = Host { address, device, model, outcome, open, asked: 0, closed: 0, unknown: 0, settled: "".into() };
    (host, plan.ports.clone())
}

impl Visit<'_> {
    /// Asks the ports; returns those that were not asked to the end.
    async fn ask(&self, host: &mut Host, ports: &PortSet) -> io::Result<PortSet> {
        let (tcp, mut udp) = (ports.clone().with_udp(&[]), ports.udp().to_vec());
        if self.may_be_nobody(host, &tcp) {
            let scan = self.scan(&tcp.usual()).await?;
            if scan.outcome == Outcome::Silent {
                udp = self.ask_udp(host, &udp).await;
                if !is_known(host) {
                    host.outcome = if udp.is_empty() { Outcome::Silent } else { Outcome::Cut };
                    host.unknown += scan.unknown;
                    host.asked = host.unknown;
                    let left = if udp.is_empty() { PortSet::new([], []) } else { tcp.with_udp(&udp) };
                    return Ok(left);
                }
            }
        }
        let mut left = PortSet::new([], []);
        host.outcome = Outcome::Done;
        if !tcp.is_empty() {
            let scan = self.scan(&tcp).await?;
            left = keep(host, scan);
        }
        if matches!(host.outcome, Outcome::Done | Outcome::Silent) {
            udp = self.ask_udp(host, &udp).await;
            host.outcome = match host.outcome {
                _ if !udp.is_empty() => Outcome::Cut,
                Outcome::Silent if is_known(host) => Outcome::Done,
                outcome => outcome,
            };
        }
        host.asked = host.closed + host.unknown + host.open.len() as u32;
        host.open.sort_by_key(|open| (open.transport, open.port));
        Ok(left.with_udp(&udp))
    }

    /// Asks UDP ports in their protocols; returns those that were not asked.
    async fn ask_udp(&self, host: &mut Host, ports: &[u16]) -> Vec<u16> {
        let scan = ports::udp::scan(self.door, self.target, ports, self.progress).await;
        host.closed += scan.closed;
        host.unknown += scan.unknown;
        host.open.extend(scan.open);
        settle(host, &PortSet::new([], scan.settled));
        scan.left
    }

    /// Nobody answered until now, and a few ports tell whether somebody is there.
    fn may_be_nobody(&self, host: &Host, tcp: &PortSet) -> bool {
        let usual = tcp.usual();
        !self.plan.even_silent && !is_known(host) && !usual.is_empty() && usual.len() < tcp.len()
    }

    async fn scan(&self, ports: &PortSet) -> io::Result<PortScan> {
        ports::scan(self.door, self.target, ports, self.plan.engine, self.progress).await
    }
}

/// It answered something.
fn is_known(host: &Host) -> bool {
    !host.open.is_empty() || host.closed > 0
}

/// Puts what the scan learnt to the host; returns what it left.
fn keep(host: &mut Host, scan: PortScan) -> PortSet {
    host.outcome = scan.outcome;
    host.closed += scan.closed;
    host.unknown += scan.unknown;
    host.open.extend(scan.open.iter().map(|port| OpenPort { transport: Transport::Tcp, port: *port, service: None }));
    settle(host, &scan.settled);
    scan.left
}

/// Adds ports that answered to those that did before.
fn settle(host: &mut Host, ports: &PortSet) {
    let before = host.settled.parse().unwrap_or_else(|_| PortSet::new([], []));
    host.settled = before.and(ports).to_string().into();
}

//! Load: many requests a second for little CPU, every answer verified.
//!
//! One thread keeps a window of requests open on each of several connected sockets (closed loop), sends and receives
//! in batches (`sendmmsg`, `recvmmsg`), and may be paced. Packets are copies of one realistic template in which only
//! what differs is written: a request costs a copy and its digests.

mod histogram;
mod lane;
mod template;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use fleetward_fleet::{Device, Secret};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};

use crate::{Clock, fleet};
use histogram::Histogram;
use lane::Lane;
use template::Plan;

/// What to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Per SIM a Start and then this many interims, over and over (later rounds are interims only); the sessions stay
    /// open. About 394 octets, 35 attributes.
    Accounting {
        /// Interims after each Start.
        interims: u32,
    },
    /// PAP with Message-Authenticator, about 334 octets.
    Admission,
}

/// A load to be generated.
#[derive(Clone)]
pub struct Load {
    /// Where to.
    pub server: SocketAddr,
    /// Shared with it.
    pub secret: Secret,
    /// What.
    pub kind: Kind,
    /// How many distinct SIMs, at most ten million; rounded down to a multiple of 2000 above that.
    pub sims: u32,
    /// The index of the first SIM.
    pub first_sim: u32,
    /// Connected sockets.
    pub sockets: usize,
    /// Requests under way per socket, at most 256.
    pub window: usize,
    /// Requests a second over all sockets; `None`: as fast as answers come.
    pub rate: Option<f64>,
    /// Stop after this many requests.
    pub requests: Option<u64>,
    /// Stop after this long. Without either bound: ten seconds.
    pub duration: Option<Duration>,
    /// This part of the accounting records is sent a second time, as retransmits are: new Identifier and delay.
    pub replay_duplicates: f64,
    /// Send from this address.
    pub source: IpAddr,
    /// NAS-Identifier.
    pub nas_name: String,
    /// Makes session ids differ between runs.
    pub run: u32,
    /// Send again after this long.
    pub retransmit_after: Duration,
    /// Answers to admissions must carry a Message-Authenticator (FreeRADIUS before 3.2.3 sends none).
    pub require_message_authenticator: bool,
    /// For Event-Timestamp.
    pub clock: Clock,
}

/// What came of it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct LoadReport {
    /// Requests answered, with proof; duplicates not counted.
    pub requests: u64,
    /// Of these, Access-Rejects.
    pub rejected: u64,
    /// Duplicates sent and answered.
    pub duplicates: u64,
    /// Requests sent again because no answer came in time.
    pub retransmits: u64,
    /// Requests without an answer at the end.
    pub lost: u64,
    /// Answers that were malformed, unproven or unexpected (a late answer to a retransmitted request is one).
    pub bad: u64,
    /// From the first request to the last answer, seconds.
    pub elapsed_s: f64,
    /// Answered requests a second.
    pub per_s: f64,
    /// Median time from first sending to the answer, microseconds (within 2 %).
    pub p50_us: u64,
    /// 99 of 100 were faster.
    pub p99_us: u64,
    /// The slowest.
    pub max_us: u64,
    /// CPU time of the generator itself, seconds.
    pub cpu_s: f64,
}

impl Load {
    /// Accounting over 8 sockets with 64 under way on each, unpaced, one interim in flight per nine of ten requests.
    pub fn accounting(server: SocketAddr, secret: Secret, clock: Clock) -> Self {
        Self {
            server,
            secret,
            kind: Kind::Accounting { interims: 9 },
            sims: 10_000,
            first_sim: 0,
            sockets: 8,
            window: 64,
            rate: None,
            requests: None,
            duration: None,
            replay_duplicates: 0.0,
            source: Ipv4Addr::LOCALHOST.into(),
            nas_name: "load-gateway".into(),
            run: 0,
            retransmit_after: Duration::from_secs(3),
            require_message_authenticator: true,
            clock,
        }
    }

    /// Admissions, otherwise as [`Load::accounting`].
    pub fn admission(server: SocketAddr, secret: Secret, clock: Clock) -> Self {
        Self { kind: Kind::Admission, ..Self::accounting(server, secret, clock) }
    }

    /// Runs on the calling thread until a bound is reached and the last answers are in (or given up after two
    /// retransmit times).
    pub fn run(&self) -> io::Result<LoadReport> {
        Run::new(self)?.finish()
    }
}

/// The device whose SIM has this index, active, as the inventory should know it under load.
pub fn device(index: u32) -> Device {
    let mut device = Device::named(format!("load-{index:08}"));
    device.imsi = Some(fleet::imsi(index));
    device.imei = Some(imeisv(index).imei());
    device.model = Some(MODEL.into());
    device.ip = Some(fleet::address(index));
    device
}

/// The module of the SIM with this index: ten types, a million serials each.
pub(crate) fn imeisv(index: u32) -> fleetward_fleet::Imeisv {
    fleet::imeisv(&format!("0011060{}", index / 1_000_000 % 10), index, 1)
}

/// The model of all devices under load.
pub const MODEL: &str = "load";

/// The profile of [`MODEL`].
pub const PROFILE: &str = "\
model: load
title: A device of the load generator
tacs: ['00110600', '00110601', '00110602', '00110603', '00110604', '00110605', '00110606', '00110607', '00110608', '00110609']
countries: [DE]
networks: ['26299']
apns: [fleet.example]
rats: [eutran]
volume: { per_hour: 1 GB, per_day: 10 GB }
simultaneous: allow
";

struct Run<'a> {
    load: &'a Load,
    plan: Plan,
    lanes: Vec<Lane>,
    histogram: Histogram,
    report: LoadReport,
    began: Instant,
    last_answer: Instant,
}

impl<'a> Run<'a> {
    fn new(load: &'a Load) -> io::Result<Self> {
        let lanes = (0..load.sockets.max(1)).map(|_| Lane::connect(load)).collect::<io::Result<_>>()?;
        let now = Instant::now();
        let (histogram, report) = (Histogram::default(), LoadReport::default());
        Ok(Self { load, plan: Plan::new(load), lanes, histogram, report, began: now, last_answer: now })
    }

    fn finish(mut self) -> io::Result<LoadReport> {
        let cpu = thread_cpu()?;
        let duration = match (self.load.requests, self.load.duration) {
            (None, None) => Some(Duration::from_secs(10)),
            (_, duration) => duration,
        };
        let mut next_check = self.began + CHECK_EVERY;
        let mut ended = None;
        loop {
            let now = Instant::now();
            let done = self.load.requests.is_some_and(|most| self.plan.sent() >= most)
                || duration.is_some_and(|most| now - self.began >= most);
            if done {
                let ended = *ended.get_or_insert(now);
                let idle = self.lanes.iter().all(Lane::is_idle);
                if idle || now - ended > self.load.retransmit_after * 2 + CHECK_EVERY {
                    break;
                }
            } else {
                self.send(now)?;
            }
            if now >= next_check {
                next_check = now + CHECK_EVERY;
                for lane in &mut self.lanes {
                    self.report.retransmits += lane.retransmit(now, self.load.retransmit_after)?;
                }
            }
            self.receive()?;
        }
        Ok(self.sum_up(thread_cpu()?.saturating_sub(cpu)))
    }

    fn send(&mut self, now: Instant) -> io::Result<()> {
        let allowed = self.load.rate.map(|rate| ((now - self.began).as_secs_f64() * rate) as u64);
        let bound = allowed.unwrap_or(u64::MAX).min(self.load.requests.unwrap_or(u64::MAX));
        let at = (self.load.clock)();
        for lane in &mut self.lanes {
            lane.fill(&mut self.plan, bound, at, now)?;
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<()> {
        let readable: Vec<bool> = {
            let mut fds: Vec<_> =
                self.lanes.iter().map(|lane| PollFd::new(lane.socket.as_fd(), PollFlags::POLLIN)).collect();
            let wait = if self.load.rate.is_some() { 1_u16 } else { 20 };
            match poll(&mut fds, PollTimeout::from(wait)) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            fds.iter().map(|fd| fd.any().unwrap_or(false)).collect()
        };
        for (lane, _) in self.lanes.iter_mut().zip(readable).filter(|(_, readable)| *readable) {
            if lane.drain(self.load, &mut self.histogram, &mut self.report)? {
                self.last_answer = Instant::now();
            }
        }
        Ok(())
    }

    fn sum_up(mut self, cpu: Duration) -> LoadReport {
        let elapsed = (self.last_answer - self.began).as_secs_f64();
        self.report.lost = self.lanes.iter().map(|lane| lane.under_way() as u64).sum();
        self.report.elapsed_s = elapsed;
        self.report.per_s = if elapsed > 0.0 { self.report.requests as f64 / elapsed } else { 0.0 };
        self.report.p50_us = self.histogram.quantile(0.5);
        self.report.p99_us = self.histogram.quantile(0.99);
        self.report.max_us = self.histogram.max();
        self.report.cpu_s = cpu.as_secs_f64();
        self.report
    }
}

fn thread_cpu() -> io::Result<Duration> {
    Ok(Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?))
}

const CHECK_EVERY: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::{Habits, Mirror, clock, habits, secret};

    #[test]
    fn every_request_is_answered_once() {
        let server = Mirror::start(habits());
        for load in [
            Load { replay_duplicates: 0.1, ..Load::accounting(server.addr, secret(), clock()) },
            Load::admission(server.addr, secret(), clock()),
        ] {
            let load = Load { requests: Some(3000), sims: 500, window: 16, ..load };
            let report = load.run().unwrap();
            assert_eq!((report.requests, report.lost, report.bad), (3000, 0, 0), "{report:?}");
            let expected = if load.kind == Kind::Admission { 0..=0 } else { 200..=400 };
            assert!(expected.contains(&report.duplicates), "{report:?}");
            assert!(report.p50_us > 0 && report.p99_us >= report.p50_us && report.cpu_s > 0.0);
        }
    }

    #[test]
    fn what_is_lost_is_sent_again() {
        let server = Mirror::start(Habits { deaf: 0.2, ..habits() });
        let load = Load {
            requests: Some(300),
            retransmit_after: Duration::from_millis(150),
            ..Load::accounting(server.addr, secret(), clock())
        };
        let report = load.run().unwrap();
        assert!(report.retransmits > 20 && report.requests + report.lost == 300, "{report:?}");
    }

    #[test]
    fn keeps_the_pace() {
        let server = Mirror::start(habits());
        let bounds = (Some(2000.0), Some(Duration::from_millis(500)));
        let load = Load { rate: bounds.0, duration: bounds.1, ..Load::accounting(server.addr, secret(), clock()) };
        let report = load.run().unwrap();
        assert!((100..=1000).contains(&report.requests), "{report:?}");
    }

    #[test]
    fn the_inventory_fits_the_packets() {
        let profile = fleetward_fleet::Profile::from_yaml(PROFILE).unwrap();
        assert_eq!(profile.tacs.len(), 10);
        assert!(profile.tacs.contains(&device(9_999_999).imei.unwrap().tac()));
        assert_ne!(device(1).imei, device(1_000_001).imei);
    }
}

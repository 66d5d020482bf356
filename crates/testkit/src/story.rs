//! The fleet's day over a few gateways, with misuse mixed in and the ground truth kept.
//!
//! [`Story::bind`] opens the gateways' sockets, so that a server can be configured for them; [`Story::start`] plays on
//! a thread of its own until it is stopped. Everything goes over the wire as real RADIUS.
//!
//! # Invariants
//!
//! * **The truth is physical**: which SIM, which module, which country, how many octets. No rule of a detector is known
//!   here, and what is benign stays within the profile (`fleet::MODELS`).
//! * **One device, one misuse**: a device that was misused does not return to a normal life in the same story.

mod acts;
mod nuisance;
mod stage;
mod truth;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use fleetward_fleet::{Imsi, Secret, Timestamp};

use crate::Clock;
use crate::fleet::Fleet;
use crate::nas::{Entry, Nas};
use stage::Stage;
pub use truth::{Expect, Injection, Misuse, Nuisance, Truth};

/// What is to happen, and how fast.
#[derive(Debug, Clone)]
pub struct Script {
    /// Decides everything that chance decides.
    pub seed: u64,
    /// The fleet attaches within this time.
    pub ramp: Duration,
    /// Mean time between the interims of a session.
    pub interim: Duration,
    /// Mean length of a session.
    pub session: Duration,
    /// Mean time between two sessions of a device; a gateway that reboots is away for a quarter of it.
    pub pause: Duration,
    /// When the first misuse happens.
    pub first_misuse: Duration,
    /// Mean time between misuses.
    pub misuse_every: Duration,
    /// Mean time between benign nuisances.
    pub nuisance_every: Duration,
    /// A misuse that nobody stops ends by itself after this long.
    pub patience: Duration,
    /// The misuses: first in this order, then by chance; none twice on one device.
    pub acts: Vec<Act>,
    /// The nuisances: first in this order, then by chance.
    pub nuisances: Vec<Nuisance>,
    /// A device whose moves are announced to the server before the story begins; it is never misused.
    pub announced: Option<Box<str>>,
}

/// One misuse and whom it may hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// What.
    pub misuse: Misuse,
    /// On a safety-critical device (only) or on others (only).
    pub critical: bool,
}

impl Script {
    /// For a demo of a minute or more: every kind of misuse within the first minute.
    pub fn demo(seed: u64) -> Self {
        let act = |misuse| Act { misuse, critical: false };
        let mut acts: Vec<Act> = Misuse::ALL.into_iter().map(act).collect();
        acts.insert(5, Act { misuse: Misuse::OtherModule, critical: true });
        Self {
            seed,
            ramp: Duration::from_secs(5),
            interim: Duration::from_secs(3),
            session: Duration::from_secs(90),
            pause: Duration::from_secs(8),
            first_misuse: Duration::from_secs(8),
            misuse_every: Duration::from_secs(4),
            nuisance_every: Duration::from_secs(2),
            patience: Duration::from_mins(1),
            acts,
            nuisances: Nuisance::ALL.to_vec(),
            announced: None,
        }
    }
}

/// A gateway to be made.
#[derive(Debug, Clone)]
pub struct GatewaySpec {
    /// NAS-Identifier.
    pub name: String,
    /// Its own loopback address, so that a server can tell gateways apart.
    pub ip: IpAddr,
    /// Where it listens for Disconnect; 0: any port.
    pub dae_port: u16,
    /// Shared with the server.
    pub secret: Secret,
    /// Whether it asks before it opens a session.
    pub entry: Entry,
}

/// A gateway as the server's configuration should know it.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// NAS-Identifier.
    pub name: String,
    /// Its packets come from here.
    pub ip: IpAddr,
    /// Disconnect and CoA go there.
    pub dae: SocketAddr,
    /// Whether it asks before it opens a session.
    pub entry: Entry,
}

/// Something happened. Names are those of the inventory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A session began.
    Opened(Scene),
    /// A session ended and its Stop is acknowledged (Acct-Terminate-Cause).
    Closed(Scene, u32),
    /// A SIM was not admitted.
    Rejected(Scene),
    /// Nobody answered an Access-Request.
    Unanswered(Scene),
    /// A valid Disconnect-Request arrived for a session.
    Disconnected(Scene),
    /// A misuse begins.
    Injected(Injection),
    /// A misuse shows for the first time in a packet (sent just now).
    Shown(Injection),
    /// A misuse is over, one way or another.
    Ended(Injection),
    /// Something harmless but unusual.
    Disturbed(Timestamp, Nuisance, Option<Box<str>>),
}

/// Who and where.
#[derive(Debug, Clone)]
pub struct Scene {
    /// When.
    pub at: Timestamp,
    /// The device.
    pub device: Box<str>,
    /// Its SIM.
    pub imsi: Imsi,
    /// The gateway.
    pub nas: Box<str>,
    /// Acct-Session-Id; empty where there never was a session.
    pub session_id: Box<str>,
    /// The misuse ([`Injection::id`]) that this device is part of.
    pub injection: Option<u32>,
}

/// A story whose gateways are bound and that has not begun.
#[derive(Debug)]
pub struct Story {
    script: Script,
    fleet: Fleet,
    nases: Vec<Nas>,
    entries: Vec<Entry>,
    clock: Clock2,
}

/// A clock that can be debug-printed.
struct Clock2(Clock);

impl std::fmt::Debug for Clock2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("clock")
    }
}

impl Story {
    /// Opens the gateways. At least one must ask; misuses that need a legacy gateway are left out without one.
    pub fn bind(script: Script, fleet: Fleet, gateways: &[GatewaySpec], clock: Clock) -> io::Result<Self> {
        if !gateways.iter().any(|gateway| gateway.entry == Entry::Asks) {
            return Err(io::Error::other("a story needs a gateway that asks"));
        }
        let bind = |g: &GatewaySpec| Nas::bind(&g.name, g.ip, g.dae_port, g.secret.clone(), clock.clone());
        let nases = gateways.iter().map(bind).collect::<io::Result<_>>()?;
        let entries = gateways.iter().map(|gateway| gateway.entry).collect();
        Ok(Self { script, fleet, nases, entries, clock: Clock2(clock) })
    }

    /// The gateways as bound.
    pub fn gateways(&self) -> io::Result<Vec<Gateway>> {
        let describe = |(nas, entry): (&Nas, &Entry)| {
            let dae = nas.dae_addr()?;
            Ok(Gateway { name: nas.name().into(), ip: dae.ip(), dae, entry: *entry })
        };
        self.nases.iter().zip(&self.entries).map(describe).collect()
    }

    /// The gateways themselves, to set their timing or obedience before the start.
    pub fn nases_mut(&mut self) -> &mut [Nas] {
        &mut self.nases
    }

    /// Plays against a server that listens there, until stopped.
    pub fn start(mut self, auth: SocketAddr, acct: SocketAddr) -> io::Result<Running> {
        self.nases.iter_mut().for_each(|nas| nas.aim(auth, acct));
        let (sender, events) = unbounded();
        let stop = Arc::new(AtomicBool::new(false));
        let mut stage = Stage::new(self.script, self.fleet, self.nases, self.entries, self.clock.0, sender);
        let flag = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("story".into()).spawn(move || stage.play(&flag))?;
        Ok(Running { events, stop, thread })
    }
}

/// A story that is being played.
#[derive(Debug)]
pub struct Running {
    /// What happens, as it happens; unbounded, so read it.
    pub events: Receiver<Event>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Truth>>,
}

impl Running {
    /// Lets no new misuse begin and ends at once. The sessions stay open: the server sees gateways fall silent.
    pub fn stop(self) -> io::Result<Truth> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the story panicked")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::ROUTER_TAC;
    use crate::mirror::{Habits, Mirror, clock, secret};
    use std::time::Instant;

    fn gateways() -> [GatewaySpec; 3] {
        [(1, Entry::Asks), (2, Entry::Asks), (3, Entry::Unasked)].map(|(n, entry)| GatewaySpec {
            name: format!("gw-{n}"),
            ip: [127, 0, 0, 1].into(),
            dae_port: 0,
            secret: secret(),
            entry,
        })
    }

    fn is_odd(seen: &crate::mirror::Seen) -> bool {
        let foreign = !["26299", "26298", "23299", "20899", "20499", "26099"].contains(&seen.network.as_str());
        seen.imeisv.starts_with(ROUTER_TAC) || foreign
    }

    /// What happened to whom first, in this order.
    fn first(interim: Duration) -> [Vec<String>; 2] {
        let ms = Duration::from_millis;
        let (first_misuse, every) = (ms(3000), ms(100));
        let (misuse_every, nuisance_every) = (every, every);
        // Without reboots: which sessions are back after one is a matter of milliseconds.
        let nuisances = Nuisance::ALL.into_iter().filter(|nuisance| *nuisance != Nuisance::Reboot).collect();
        let script =
            Script { ramp: ms(200), interim, first_misuse, misuse_every, nuisance_every, nuisances, ..Script::demo(7) };
        let story = Story::bind(script, Fleet::new(7, 60), &gateways(), clock()).unwrap();
        let dae = story.gateways().unwrap().into_iter().map(|g| (g.name, g.dae)).collect();
        let server = Mirror::start(Habits { deaf: 0.0, rejects: |_| false, disconnects: |_| false, dae });
        let running = story.start(server.addr, server.addr).unwrap();
        let (mut misused, mut disturbed) = (Vec::new(), Vec::new());
        while misused.len() < 5 || disturbed.len() < 5 {
            match running.events.recv_timeout(Duration::from_mins(1)).unwrap() {
                Event::Injected(injection) => misused.push(format!("{:?} {}", injection.misuse, injection.device)),
                Event::Disturbed(_, nuisance, device) => disturbed.push(format!("{nuisance:?} {device:?}")),
                _ => {}
            }
        }
        running.stop().unwrap();
        misused.truncate(5);
        disturbed.truncate(5);
        [misused, disturbed]
    }

    #[test]
    fn the_same_seed_tells_the_same_story() {
        // However much else is drawn before.
        assert_eq!(first(Duration::from_millis(100)), first(Duration::from_millis(450)));
    }

    /// The mirror knows only two of the misuses: modules and countries. The truth must show exactly that.
    #[test]
    fn a_story_tells_the_truth() {
        let ms = Duration::from_millis;
        let script = Script {
            ramp: ms(200),
            interim: ms(150),
            session: ms(1500),
            pause: ms(400),
            first_misuse: ms(600),
            misuse_every: ms(120),
            nuisance_every: ms(60),
            patience: ms(1500),
            ..Script::demo(3)
        };
        let story = Story::bind(script, Fleet::new(3, 120), &gateways(), clock()).unwrap();
        let dae = story.gateways().unwrap().into_iter().map(|g| (g.name, g.dae)).collect();
        let disconnects = |seen: &crate::mirror::Seen| matches!(seen.status, 1 | 3) && is_odd(seen);
        let server = Mirror::start(Habits { deaf: 0.0, rejects: is_odd, disconnects, dae });
        let running = story.start(server.addr, server.addr).unwrap();
        let end = Instant::now() + Duration::from_secs(6);
        let mut events = Vec::new();
        while Instant::now() < end {
            events.extend(running.events.recv_timeout(ms(50)));
        }
        let rest = running.events.clone();
        let truth = running.stop().unwrap();
        events.extend(rest.try_iter());

        assert_eq!((truth.wrongly_rejected, truth.wrongly_disconnected, truth.bad_answers), (0, 0, 0), "{truth:#?}");
        assert!(truth.opened > 120 && truth.closed > 20, "{truth:#?}");
        for misuse in Misuse::ALL {
            let of = |i: &&Injection| i.misuse == misuse && i.at + ms(2500) < truth.injections.last().unwrap().at;
            let ended: Vec<&Injection> = truth.injections.iter().filter(of).collect();
            assert!(!ended.is_empty(), "no {misuse:?} in {truth:#?}");
            let known = matches!(
                misuse,
                Misuse::OtherModule | Misuse::ForeignCountry | Misuse::OtherModuleAttaches | Misuse::ForeignAttaches
            );
            for injection in ended {
                assert!(injection.ended_at.is_some() || injection.expects == Expect::Approval, "{injection:?}");
                let stopped = injection.disconnected || injection.rejected;
                assert_eq!(stopped, known, "{injection:?}");
                assert_eq!(injection.to_stop.is_some(), known, "{injection:?}");
                assert!(!known || injection.expects == Expect::Approval || injection.is_as_expected(), "{injection:?}");
            }
        }
        for nuisance in Nuisance::ALL {
            assert!(truth.nuisances.iter().any(|(_, n)| *n == nuisance), "{nuisance:?}");
        }
        let rejoined = server.all().iter().filter(|seen| seen.status == 7).count();
        assert!(rejoined >= 1, "no Accounting-On");
        let shown = events.iter().filter(|event| matches!(event, Event::Shown(_))).count();
        assert_eq!(shown, truth.injections.iter().filter(|i| i.shown_at.is_some()).count());
    }
}

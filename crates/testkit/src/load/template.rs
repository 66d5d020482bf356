//! Packets as copies of a template, and the order in which SIMs send them.

use std::net::Ipv4Addr;

use fleetward_fleet::{Rat, Timestamp};

use super::{Kind, Load, imeisv};
use crate::fleet;
use crate::nas::{Letterhead, Record, Sim, Status, access_request, accounting_request};
use crate::random::Random;
use crate::wire::{View, hide_password, sign, sign_access};

/// One request of the plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    /// Index of the SIM.
    sim: u32,
    /// Which record of this SIM, 0 is the Start.
    step: u32,
    /// Event-Timestamp.
    at: Timestamp,
    /// The second sending of a record.
    pub(super) duplicate: bool,
}

/// Templates, and what is next.
pub(super) struct Plan {
    kind: Kind,
    secret: Vec<u8>,
    run: u32,
    first_sim: u32,
    sims: u64,
    /// SIMs take turns in groups of this size, so that a SIM's records are far apart and stay in order.
    group: u64,
    next: u64,
    replay: Option<Request>,
    replay_part: f64,
    random: Random,
    start: Template,
    interim: Template,
    access: Template,
}

impl Plan {
    pub(super) fn new(load: &Load) -> Self {
        let head = Letterhead { name: load.nas_name.as_str().into(), address: Ipv4Addr::new(192, 0, 2, 1) };
        let record = |status| Record {
            status,
            session_id: session_id(0, 0).as_str().into(),
            sim: sim(),
            ip: fleet::address(0),
            bytes_up: 0,
            bytes_down: 0,
            packets: None,
            session_secs: 0,
            event_time: Timestamp(0),
            cause: None,
            class: None,
        };
        let secret = load.secret.reveal();
        let accounting = |status| Template::of(accounting_request(&head, &record(status), 0, 0).finish_signed(secret));
        let access =
            access_request(&head, &sim(), &session_id(0, 0), 0, [0; 16], secret).finish_access([0; 16], secret);
        let sims = u64::from(load.sims.clamp(1, 10_000_000));
        let group = sims.min(GROUP);
        Self {
            kind: load.kind,
            secret: secret.to_vec(),
            run: load.run,
            first_sim: load.first_sim,
            sims: sims - sims % group,
            group,
            next: 0,
            replay: None,
            replay_part: load.replay_duplicates,
            random: Random::new(u64::from(load.run) << 32 | u64::from(load.first_sim)),
            start: accounting(Status::Start),
            interim: accounting(Status::Interim),
            access: Template::of(access),
        }
    }

    /// Requests handed out, duplicates not counted.
    pub(super) fn sent(&self) -> u64 {
        self.next
    }

    /// The next request, if fewer than `bound` were handed out.
    pub(super) fn next(&mut self, bound: u64, at: Timestamp) -> Option<Request> {
        if let Some(request) = self.replay.take() {
            return Some(request);
        }
        if self.next >= bound {
            return None;
        }
        let number = self.next;
        self.next += 1;
        let Kind::Accounting { interims } = self.kind else {
            return Some(Request { sim: (number % self.sims) as u32, step: 0, at, duplicate: false });
        };
        let steps = u64::from(interims) + 1;
        let (block, within) = (number / (self.group * steps), number % (self.group * steps));
        let blocks = self.sims / self.group;
        let sim = (block % blocks) * self.group + within % self.group;
        let step = (block / blocks) * steps + within / self.group;
        let request = Request { sim: sim as u32, step: step as u32, at, duplicate: false };
        if self.replay_part > 0.0 && self.random.chance(self.replay_part) {
            self.replay = Some(Request { duplicate: true, ..request });
        }
        Some(request)
    }

    /// Writes the request for this identifier; returns its length and authenticator.
    pub(super) fn write(&mut self, request: Request, identifier: u8, into: &mut [u8]) -> (usize, [u8; 16]) {
        let index = self.first_sim + request.sim;
        let authenticator = self.random.octets();
        let template = match (self.kind, request.step) {
            (Kind::Admission, _) => &self.access,
            (Kind::Accounting { .. }, 0) => &self.start,
            (Kind::Accounting { .. }, _) => &self.interim,
        };
        let packet = &mut into[..template.bytes.len()];
        packet.copy_from_slice(&template.bytes);
        packet[1] = identifier;
        template.about_sim(packet, index, self.run);
        if self.kind == Kind::Admission {
            packet[4..20].copy_from_slice(&authenticator);
            let hidden = hide_password(b"none", &authenticator, &self.secret);
            template.set(packet, template.password, &hidden);
            sign_access(packet, template.mac, &self.secret);
        } else {
            template.about_traffic(packet, request);
            sign(packet, &self.secret);
        }
        let mut signed = [0; 16];
        signed.copy_from_slice(&packet[4..20]);
        (packet.len(), signed)
    }
}

/// A finished packet and where in it the values are that differ; 0 where it has no such value.
struct Template {
    bytes: Vec<u8>,
    user_name: usize,
    password: usize,
    calling: usize,
    session: usize,
    ip: usize,
    event: usize,
    delay: usize,
    up: usize,
    down: usize,
    packets_up: usize,
    packets_down: usize,
    secs: usize,
    mac: usize,
    imsi: usize,
    imeisv: usize,
}

impl Template {
    fn of(bytes: Vec<u8>) -> Self {
        let view = View::parse(&bytes).expect("we wrote it");
        let place = |value: Option<&[u8]>| value.map_or(0, |v| v.as_ptr() as usize - bytes.as_ptr() as usize);
        let at = |kind| place(view.first(kind));
        let tgpp = |kind| place(view.tgpp(kind));
        Self {
            user_name: at(1),
            password: at(2),
            calling: at(31),
            session: at(44),
            ip: at(8),
            event: at(55),
            delay: at(41),
            up: at(42),
            down: at(43),
            packets_up: at(47),
            packets_down: at(48),
            secs: at(46),
            mac: at(80),
            imsi: tgpp(1),
            imeisv: tgpp(20),
            bytes,
        }
    }

    #[expect(clippy::unused_self, reason = "reads better beside the places it is given")]
    fn set(&self, packet: &mut [u8], at: usize, value: &[u8]) {
        if at > 0 {
            packet[at..at + value.len()].copy_from_slice(value);
        }
    }

    fn about_sim(&self, packet: &mut [u8], index: u32, run: u32) {
        // The last ten digits of the IMSI and eight of the number are the index (see `fleet::imsi`, `fleet::msisdn`).
        digits(packet, self.imsi + 5, 10, index);
        digits(packet, self.user_name + 5, 8, index);
        digits(packet, self.calling + 5, 8, index);
        hex(packet, self.session, run);
        hex(packet, self.session + 8, index);
        self.set(packet, self.ip, &fleet::address(index).octets());
        digits(packet, self.imeisv + 7, 1, index / 1_000_000 % 10);
        digits(packet, self.imeisv + 8, 6, index % 1_000_000);
    }

    fn about_traffic(&self, packet: &mut [u8], request: Request) {
        let step = request.step;
        let number = |packet: &mut [u8], at, value: u32| self.set(packet, at, &value.to_be_bytes());
        number(packet, self.event, u32::try_from(request.at.secs()).unwrap_or(0));
        number(packet, self.delay, u32::from(request.duplicate));
        number(packet, self.up, step.wrapping_mul(700));
        number(packet, self.down, step.wrapping_mul(300));
        number(packet, self.packets_up, step);
        number(packet, self.packets_down, step);
        number(packet, self.secs, step.wrapping_mul(60));
    }
}

fn digits(packet: &mut [u8], at: usize, count: usize, mut value: u32) {
    for octet in packet[at..at + count].iter_mut().rev() {
        *octet = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn hex(packet: &mut [u8], at: usize, value: u32) {
    for (place, octet) in packet[at..at + 8].iter_mut().enumerate() {
        *octet = b"0123456789abcdef"[(value >> (28 - place * 4) & 15) as usize];
    }
}

fn session_id(run: u32, index: u32) -> String {
    format!("{run:08x}{index:08x}")
}

fn sim() -> Sim {
    Sim {
        imsi: fleet::imsi(0),
        msisdn: fleet::msisdn(0),
        imeisv: Some(imeisv(0)),
        network: "26299".parse().expect("five digits"),
        apn: fleet::APN.into(),
        rat: Rat(6),
    }
}

const GROUP: u64 = 2000;

#[cfg(test)]
mod tests {
    use super::*;
    use fleetward_fleet::Secret;
    use std::collections::HashMap;
    use std::sync::Arc;

    fn load(kind: Kind) -> Load {
        let clock: crate::Clock = Arc::new(|| Timestamp(1_795_000_000_000));
        Load {
            kind,
            sims: 4000,
            run: 0xABCD,
            ..Load::accounting("127.0.0.1:1".parse().unwrap(), Secret::new("s"), clock)
        }
    }

    #[test]
    fn a_patched_packet_is_what_the_gateway_would_have_written() {
        let mut plan = Plan::new(&load(Kind::Accounting { interims: 2 }));
        plan.next = 2000 + 1234;
        let request = plan.next(u64::MAX, Timestamp(1_795_000_000_000)).unwrap();
        let mut buffer = [0; 512];
        let (length, authenticator) = plan.write(request, 9, &mut buffer);
        let view = View::parse(&buffer[..length]).unwrap();
        assert!(view.is_signed(b"s"));
        assert_eq!((view.identifier(), view.authenticator()), (9, authenticator));
        assert_eq!(view.tgpp(1), Some(fleet::imsi(1234).reveal().as_bytes()));
        assert_eq!(view.text(31), Some(&*fleet::msisdn(1234).reveal()));
        assert_eq!(view.tgpp(20), Some(imeisv(1234).reveal().as_bytes()));
        assert_eq!(view.text(44), Some(&*session_id(0xABCD, 1234)));
        assert_eq!(view.first(8), Some(&fleet::address(1234).octets()[..]));
        assert_eq!((view.number(40), view.number(42)), (Some(3), Some(700)));
    }

    #[test]
    fn every_sim_starts_once_and_its_counters_only_grow() {
        let mut plan = Plan::new(&load(Kind::Accounting { interims: 2 }));
        let mut steps: HashMap<u32, Vec<u32>> = HashMap::new();
        while let Some(request) = plan.next(4000 * 3 + 10, Timestamp(0)) {
            steps.entry(request.sim).or_default().push(request.step);
        }
        assert_eq!(steps.len(), 4000);
        assert_eq!(steps[&0], [0, 1, 2, 3]);
        assert_eq!(steps[&3999], [0, 1, 2]);
    }
}

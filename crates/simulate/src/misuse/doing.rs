//! What a misused device does beside its sessions: conversations, messages, calls, logins, changes of its SIM.

use std::net::{IpAddr, Ipv4Addr};

use fleetward_fleet::{Body, Call, Direction, Flow, Login, Message, SimChange};

use super::document::Effect;
use crate::random::Random;

/// One kind of doing, drawn for one device.
#[derive(Debug, Clone)]
pub(crate) struct Doing {
    /// How often an hour; `None`: once, when the misuse begins.
    pub(crate) per_hour: Option<f64>,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Flow { names: Vec<Box<str>>, addresses: Vec<Ipv4Addr>, flow: Flow },
    Message { peers: Vec<Box<str>>, direction: Direction },
    Call { peers: Vec<Box<str>>, direction: Direction, secs: u32 },
    Login { service: Box<str>, accounts: Vec<Box<str>>, from: Option<IpAddr>, ok: f64 },
    Sim(SimChange),
}

impl Doing {
    /// `None` for an effect that is no doing.
    pub(super) fn of(effect: &Effect, random: &mut Random) -> Option<Self> {
        let (per_hour, what) = match effect {
            Effect::Flows { names, addresses, port, protocol, per_hour, count, up, down } => {
                let addresses = (0..*addresses).map(|_| Ipv4Addr::from(random.bits() as u32)).collect();
                let flow = Flow {
                    port: *port,
                    protocol: Some(*protocol),
                    bytes_up: up.draw(random) as u64,
                    bytes_down: down.draw(random) as u64,
                    count: count.draw(random) as u32,
                    ..Flow::default()
                };
                (Some(per_hour.draw(random)), What::Flow { names: names.clone(), addresses, flow })
            }
            Effect::Messages { peers, direction, per_hour } => {
                (Some(per_hour.draw(random)), What::Message { peers: peers.clone(), direction: *direction })
            }
            Effect::Calls { peers, direction, per_hour, lasts } => {
                let secs = lasts.draw(random) as u32;
                (Some(per_hour.draw(random)), What::Call { peers: peers.clone(), direction: *direction, secs })
            }
            Effect::Logins { service, accounts, from, per_hour, ok } => {
                let (per_hour, ok) = (per_hour.draw(random), ok.draw(random));
                let (service, accounts) = (service.clone(), accounts.clone());
                (Some(per_hour), What::Login { service, accounts, from: *from, ok })
            }
            Effect::SimChange { what, from, to } => {
                (None, What::Sim(SimChange { what: *what, from: from.clone(), to: to.clone() }))
            }
            _ => return None,
        };
        Some(Self { per_hour, what })
    }

    /// One occurrence, as its sensor reports it.
    pub(crate) fn once(&self, random: &mut Random) -> Body {
        match &self.what {
            What::Flow { names, addresses, flow } => {
                let mut flow = flow.clone();
                let pick = random.below((names.len() + addresses.len()).max(1) as u64) as usize;
                flow.name = names.get(pick).cloned();
                flow.address = pick.checked_sub(names.len()).and_then(|at| addresses.get(at)).map(|at| IpAddr::V4(*at));
                Body::Flow(Box::new(flow))
            }
            What::Message { peers, direction } => {
                Body::Message(Box::new(Message { direction: *direction, peer: pick(peers, random), count: 1 }))
            }
            What::Call { peers, direction, secs } => {
                Body::Call(Box::new(Call { direction: *direction, peer: pick(peers, random), secs: *secs }))
            }
            What::Login { service, accounts, from, ok } => Body::Login(Box::new(Login {
                service: service.clone(),
                account: pick(accounts, random),
                ok: random.chance(*ok),
                from: *from,
            })),
            What::Sim(change) => Body::SimChange(Box::new(change.clone())),
        }
    }
}

fn pick(from: &[Box<str>], random: &mut Random) -> Option<Box<str>> {
    from.get(random.below(from.len() as u64) as usize).cloned()
}

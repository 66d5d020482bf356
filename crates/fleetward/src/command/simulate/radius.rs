//! Simulated records as RADIUS accounting to a server.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use fleetward_fleet::{Body, DeviceId, Observation, Rat, Secret, SessionStatus};
use fleetward_simulate::{Member, World};
use fleetward_testkit::nas::{Event, Nas, Record, Sim, Status, Timing};

use crate::clock;
use crate::exit::Failure;

/// Requests under way at most, so that a server that is slow is not flooded.
const UNDER_WAY: usize = 200;

/// A server that has not answered anything for so long is not there, or not for us.
const PATIENCE: Duration = Duration::from_secs(10);

/// How it is sent.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Shared secret for --radius, in a file.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Address that the gateway sends from.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    from: IpAddr,
    /// Records a second at most; 0: as fast as the server answers.
    #[arg(long, default_value_t = 200, value_name = "N")]
    rate: u32,
    /// Send to an address that is not this machine: only to a server of your own.
    #[arg(long)]
    beyond_loopback: bool,
}

impl Options {
    /// Sends all accounting records, stamped with the present. Says how many were acknowledged.
    pub(super) fn send(&self, world: &mut World, server: SocketAddr) -> anyhow::Result<u64> {
        if !server.ip().is_loopback() && !self.beyond_loopback {
            let hint = "--beyond-loopback, if the server is yours and expects a test";
            return Err(Failure::input(format!("{server} is not this machine"), hint).into());
        }
        let file = self.secret_file.as_ref().context("--secret-file is missing")?;
        let secret =
            std::fs::read_to_string(file).with_context(|| format!("cannot read the secret in {}", file.display()))?;
        let mut nas = Nas::bind("simulated", self.from, 0, Secret::new(secret.trim_end()), clock::shared())
            .with_context(|| format!("cannot send from {}", self.from))?;
        nas.aim(server, server);
        nas.set_timing(Timing { first: Duration::from_secs(2), ..Timing::default() });
        let members: HashMap<DeviceId, Member> =
            world.members().iter().map(|member| (member.id, member.clone())).collect();
        let (began, mut sent, mut acknowledged) = (Instant::now(), 0_u64, 0_u64);
        for observation in world {
            let Some(record) = record(&observation, &members) else { continue };
            nas.play(record)?;
            sent += 1;
            acknowledged += answered(&nas.turn(Duration::ZERO)?);
            while nas.unanswered() >= UNDER_WAY || self.is_early(sent, began) {
                acknowledged += answered(&nas.turn(Duration::from_millis(5))?);
                anyone(server, acknowledged, began)?;
            }
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while nas.unanswered() > 0 && Instant::now() < deadline {
            acknowledged += answered(&nas.turn(Duration::from_millis(20))?);
            anyone(server, acknowledged, began)?;
        }
        ensure!(nas.unanswered() == 0, "{} of {sent} records were not acknowledged", nas.unanswered());
        Ok(acknowledged)
    }

    fn is_early(&self, sent: u64, began: Instant) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "records of a run are far below 2^52")]
        let sent = sent as f64;
        self.rate > 0 && began.elapsed().as_secs_f64() * f64::from(self.rate) < sent
    }
}

/// Whether anybody has answered; not to know takes a few retransmissions.
fn anyone(server: SocketAddr, acknowledged: u64, began: Instant) -> Result<(), Failure> {
    if acknowledged > 0 || began.elapsed() < PATIENCE {
        return Ok(());
    }
    let hint =
        "is the server there (`radius.accounting`), is --from one of its clients, and is it that client's secret?";
    Err(Failure::unfinished(format!("nobody answers at {server}"), hint))
}

fn answered(events: &[Event]) -> u64 {
    events.iter().filter(|event| matches!(event, Event::Acknowledged(..))).count() as u64
}

fn record(observation: &Observation, members: &HashMap<DeviceId, Member>) -> Option<Record> {
    let Body::Session(session) = &observation.body else { return None };
    let device = &members.get(&observation.device)?.device;
    let attach = &session.attach;
    Some(Record {
        status: match session.status {
            SessionStatus::Start => Status::Start,
            SessionStatus::Interim => Status::Interim,
            SessionStatus::Stop => Status::Stop,
        },
        session_id: session.key.id.clone(),
        sim: Sim {
            imsi: device.imsi?,
            msisdn: device.msisdn?,
            imeisv: attach.imeisv,
            network: attach.network?,
            apn: attach.apn.clone().unwrap_or_default(),
            rat: attach.rat.unwrap_or(Rat(6)),
        },
        ip: session.ip.unwrap_or(Ipv4Addr::UNSPECIFIED),
        bytes_up: session.bytes_up,
        bytes_down: session.bytes_down,
        packets: session.packets_up.zip(session.packets_down),
        session_secs: session.session_secs.unwrap_or(0),
        event_time: clock::now(),
        cause: session.terminate_cause,
        class: None,
    })
}

//! The work for one request without sockets and without disk, for the benchmarks. Not a part of the API.

use std::sync::Arc;

use fleetward_fleet::{Timestamp, wire};

use crate::clients::{Client, ClientTable};
use crate::config::Logins;
use crate::directory::Directory;
use crate::recorder::{Done, Keyed, Recorder};
use crate::service::{Core, Handled, Port};

/// A core that records nowhere.
pub struct Bench {
    core: Core,
    client: Client,
}

struct Nowhere;

impl Recorder for Nowhere {
    fn record(&self, _batch: Vec<Keyed>, _done: Done) {}

    fn is_healthy(&self) -> bool {
        true
    }
}

impl Bench {
    /// With this inventory and the client that sends the requests.
    pub fn new(directory: Arc<Directory>, client: Client) -> Self {
        let clock = Arc::new(|| Timestamp(0));
        let core = Core::new(directory, ClientTable::default(), Logins::new(), Arc::new(Nowhere), clock);
        Self { core, client }
    }

    /// Believe, read, decide, observe, key, encode for the journal, sign the answer. Returns the octets of both.
    pub fn handle(&self, datagram: &[u8], now: Timestamp, wire_form: &mut Vec<u8>) -> Option<usize> {
        let secret = self.client.secret.reveal();
        let packet = Core::believe(datagram, &self.client, secret, Port::Both).ok()?;
        match self.core.handle(&packet, &self.client, secret, Port::Both, now).ok()? {
            Handled::Answer(reply) => Some(reply.octets.len()),
            Handled::Record(pending) => {
                wire_form.clear();
                wire::to_wire(&pending.record.observation, wire_form);
                Some(pending.reply.octets.len() + wire_form.len())
            }
        }
    }
}

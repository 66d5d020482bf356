//! What is small about a session, in seven octets instead of eleven.

use std::net::Ipv4Addr;

use fleetward_fleet::Rat;
use serde::{Deserialize, Serialize};

/// Address, radio technology and bearer, as far as they are known, and what was seen of the session.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marks {
    ip: [u8; 4],
    rat: u8,
    nsapi: u8,
    is: u8,
}

const IP: u8 = 1;
const RAT: u8 = 2;
const NSAPI: u8 = 4;
const STARTED: u8 = 8;
const INTERIMS: u8 = 16;

impl Marks {
    pub(crate) fn ip(self) -> Option<Ipv4Addr> {
        self.has(IP).then(|| self.ip.into())
    }

    pub(crate) fn rat(self) -> Option<Rat> {
        self.has(RAT).then_some(Rat(self.rat))
    }

    pub(crate) fn nsapi(self) -> Option<u8> {
        self.has(NSAPI).then_some(self.nsapi)
    }

    /// Its Start was seen.
    pub(crate) fn is_started(self) -> bool {
        self.has(STARTED)
    }

    /// At least one interim was seen.
    pub(crate) fn has_interims(self) -> bool {
        self.has(INTERIMS)
    }

    /// Takes over what a record states; what was known stays where it is not `newer`.
    pub(crate) fn learn(&mut self, ip: Option<Ipv4Addr>, rat: Option<Rat>, nsapi: Option<u8>, newer: bool) {
        if let Some(ip) = ip.filter(|_| newer || !self.has(IP)) {
            (self.ip, self.is) = (ip.octets(), self.is | IP);
        }
        if let Some(rat) = rat.filter(|_| newer || !self.has(RAT)) {
            (self.rat, self.is) = (rat.0, self.is | RAT);
        }
        if let Some(nsapi) = nsapi.filter(|_| newer || !self.has(NSAPI)) {
            (self.nsapi, self.is) = (nsapi, self.is | NSAPI);
        }
    }

    pub(crate) fn started(&mut self, seen: bool) {
        self.is |= if seen { STARTED } else { 0 };
    }

    pub(crate) fn interim(&mut self, seen: bool) {
        self.is |= if seen { INTERIMS } else { 0 };
    }

    fn has(self, mark: u8) -> bool {
        self.is & mark != 0
    }
}

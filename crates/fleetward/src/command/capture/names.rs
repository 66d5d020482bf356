//! Whose flows they are: what was named on the command line, or every address of the networks in which devices live.

use std::collections::HashMap;
use std::net::IpAddr;
use std::str::FromStr;

use fleetward_fleet::{Direction, Mac};
use fleetward_packet::{Endpoint, Flow};
use ipnet::IpNet;

/// `MAC=NAME` or `IP=NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    who: Who,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Mac(Mac),
    Ip(IpAddr),
}

/// Most devices that are told apart; a capture of more addresses than this is not one of a site.
const MOST: usize = 65_536;

/// Devices by number, as they appear.
pub(super) struct Names {
    known: Vec<Known>,
    numbers: HashMap<Who, u32>,
    /// Only those that were named.
    only_named: bool,
    local: Vec<IpNet>,
}

/// A device.
pub(super) struct Known {
    pub(super) name: Box<str>,
    /// How it introduced itself, where it did.
    pub(super) introduced: Option<Box<str>>,
}

impl Names {
    pub(super) fn new(named: Vec<Named>, local: Vec<IpNet>) -> Self {
        let mut this = Self { known: Vec::new(), numbers: HashMap::new(), only_named: !named.is_empty(), local };
        for Named { who, name } in named {
            let same = this.known.iter().position(|known| *known.name == *name);
            let number = same.map_or_else(|| this.add(name), |at| at as u32);
            this.numbers.insert(who, number);
        }
        this
    }

    fn add(&mut self, name: String) -> u32 {
        self.known.push(Known { name: name.into(), introduced: None });
        (self.known.len() - 1) as u32
    }

    /// The devices at the ends of a flow, and who began it as they see it: none, one or two.
    pub(super) fn of(&mut self, flow: &Flow) -> [Option<(u32, Direction)>; 2] {
        let mut client = self.find(&flow.client, false);
        let server = self.find(&flow.server, false);
        if !self.only_named && client.is_none() && server.is_none() {
            client = self.find(&flow.client, true);
        }
        [client.map(|it| (it, Direction::Out)), server.map(|it| (it, Direction::In))]
    }

    /// The device at this end. `anyway`: also where it is on no network of devices.
    fn find(&mut self, end: &Endpoint, anyway: bool) -> Option<u32> {
        let by_mac = || self.numbers.get(&Who::Mac(end.mac)).filter(|_| self.only_named);
        if let Some(number) = by_mac().or_else(|| self.numbers.get(&Who::Ip(end.ip))) {
            return Some(*number);
        }
        if self.only_named || !(anyway || self.is_local(end.ip)) {
            return None;
        }
        // A hardware address of an address from afar is the router's.
        let who = if end.mac.is_unknown() || anyway { Who::Ip(end.ip) } else { Who::Mac(end.mac) };
        if let Some(number) = self.numbers.get(&who) {
            return Some(*number);
        }
        if self.known.len() >= MOST {
            return None;
        }
        let number = self.add(match who {
            Who::Mac(mac) => mac.to_string(),
            Who::Ip(ip) => ip.to_string(),
        });
        self.numbers.insert(who, number);
        Some(number)
    }

    fn is_local(&self, ip: IpAddr) -> bool {
        // Who asks for an address has none yet.
        if ip.is_unspecified() {
            return true;
        }
        if !self.local.is_empty() {
            return self.local.iter().any(|net| net.contains(&ip));
        }
        match ip {
            IpAddr::V4(ip) => {
                ip.is_private() || ip.is_link_local() || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64)
            }
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
        }
    }

    /// Somebody said how it is called.
    pub(super) fn introduced(&mut self, end: &Endpoint, text: &str) {
        let number = self.numbers.get(&Who::Mac(end.mac)).or_else(|| self.numbers.get(&Who::Ip(end.ip)));
        if let Some(known) = number.and_then(|number| self.known.get_mut(*number as usize)) {
            known.introduced.get_or_insert_with(|| text.into());
        }
    }

    pub(super) fn get(&self, number: u32) -> Option<&Known> {
        self.known.get(number as usize)
    }
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not like `1c:5f:2b:aa:fd:4e=lamp` or `192.168.1.7=lamp`");
        let (who, name) = text.split_once('=').ok_or_else(wrong)?;
        let ip = || who.parse().map(|ip: IpAddr| Who::Ip(ip.to_canonical()));
        let who = who.parse().map(Who::Mac).or_else(|_| ip()).map_err(|_| wrong())?;
        if name.is_empty() { Err(wrong()) } else { Ok(Self { who, name: name.to_owned() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert!("1C-5F-2B-AA-FD-4E=lamp".parse::<Named>().is_ok());
        assert!("fd00::7=lamp".parse::<Named>().is_ok());
        assert!("lamp=192.168.1.7".parse::<Named>().is_err());
        assert!("192.168.1.7=".parse::<Named>().is_err());
    }
}

//! Words of a command line or a schedule to addresses that may be touched.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};

use fleetward_audit::run::Subject;
use fleetward_audit::scope::{Refused, Scope, Target};
use fleetward_fleet::Device;
use ipnet::IpNet;

use crate::config::Settings;
use crate::exit::Failure;
use crate::server::{has_store, open_store};

/// Addresses of one audit, at most: more is a slip of the keyboard.
const MOST: usize = 65_536;

/// Whom to audit, each once; and whether every one was named alone. An address outside the scope refuses the whole.
pub(crate) fn subjects(words: &[String], scope: &Scope, devices: &[Device]) -> anyhow::Result<(Vec<Subject>, bool)> {
    let mut targets = BTreeSet::new();
    let mut is_single = true;
    for word in words {
        let addresses = addresses(word, devices)?;
        is_single &= addresses.len() == 1;
        for address in addresses {
            targets.insert(scope.admit(address).map_err(|refused| refuse(word, &refused))?);
        }
    }
    if targets.len() > MOST {
        let count = targets.len();
        return Err(Failure::input(format!("{count} addresses are too many"), "name a smaller network").into());
    }
    Ok((named(targets, devices), is_single))
}

/// Every device of the inventory with an address inside the scope.
pub(crate) fn of_devices(scope: &Scope, devices: &[Device]) -> Vec<Subject> {
    let inside = devices.iter().flat_map(at).filter_map(|address| scope.admit(address).ok());
    named(inside.take(MOST).collect(), devices)
}

/// With what the inventory says of each.
fn named(targets: BTreeSet<Target>, devices: &[Device]) -> Vec<Subject> {
    let by_address: HashMap<IpAddr, &Device> =
        devices.iter().rev().flat_map(|device| at(device).map(move |address| (address, device))).collect();
    let subject = |target: Target| {
        let device = by_address.get(&target.address());
        Subject { target, device: device.map(|it| it.name.clone()), model: device.and_then(|it| it.model.clone()) }
    };
    targets.into_iter().map(subject).collect()
}

fn refuse(word: &str, refused: &Refused) -> Failure {
    let hint = match refused {
        Refused::NotListed(_) => "list your networks in `audit.networks` of the configuration, or with --mine",
        Refused::Public(_) => "if it is yours indeed, say so with --public-is-mine",
        Refused::NotAHost(_) => "name the address of a device",
    };
    Failure::input(format!("{word}: {refused}; nothing was sent"), hint)
}

/// A device, model or group of the inventory comes first, then an address, range or network, then a name, which is asked once.
fn addresses(word: &str, devices: &[Device]) -> anyhow::Result<Vec<IpAddr>> {
    let is_meant = |it: &&Device| {
        &*it.name == word || it.model.as_deref() == Some(word) || it.groups.iter().any(|group| &**group == word)
    };
    let named = devices.iter().filter(is_meant);
    let known: Vec<IpAddr> = named.flat_map(at).collect();
    if !known.is_empty() {
        return Ok(known);
    }
    if let Some(addresses) = spelled(word) {
        return addresses;
    }
    let resolved = (word, 0).to_socket_addrs();
    let resolved = resolved.map_err(|error| {
        let hint = "write an address, a range, a network, a name, or a device, model or group of the inventory";
        Failure::input(format!("{word:?} names nothing that is known: {error}"), hint)
    })?;
    Ok(resolved.map(|it| it.ip()).collect())
}

/// An address, range or network; none where the word is a name.
pub(crate) fn spelled(word: &str) -> Option<anyhow::Result<Vec<IpAddr>>> {
    if let Ok(address) = word.parse::<IpAddr>() {
        return Some(Ok(vec![address]));
    }
    if let Ok(network) = word.parse::<IpNet>() {
        return Some(hosts(word, network));
    }
    match word.split_once('-').map(|(from, to)| (from.parse(), to.parse::<Ipv4Addr>())) {
        Some((Ok(from), Ok(to))) => Some(range(word, from, to)),
        _ => None,
    }
}

fn hosts(word: &str, network: IpNet) -> anyhow::Result<Vec<IpAddr>> {
    let bits = network.max_prefix_len() - network.prefix_len();
    if bits > 16 {
        return Err(Failure::input(format!("{word} has too many addresses"), "name at most 65,536").into());
    }
    Ok(network.hosts().collect())
}

fn range(word: &str, from: Ipv4Addr, to: Ipv4Addr) -> anyhow::Result<Vec<IpAddr>> {
    let (from, to) = (u32::from(from), u32::from(to));
    if from > to || (to - from) as usize >= MOST {
        return Err(Failure::input(format!("{word} is no range of at most 65,536 addresses"), "lower one first").into());
    }
    Ok((from..=to).map(|it| Ipv4Addr::from(it).into()).collect())
}

fn at(device: &Device) -> impl Iterator<Item = IpAddr> {
    let single = device.ipv6.filter(|net| net.prefix_len() == 128).map(|net| IpAddr::from(net.addr()));
    device.ip.map(IpAddr::from).into_iter().chain(single)
}

/// The devices of the inventory; none where no server ever ran here.
pub(crate) fn inventory(settings: &Settings) -> anyhow::Result<Vec<Device>> {
    let mut devices = Vec::new();
    if has_store(&settings.data()) {
        open_store(&settings.data())?
            .each_device(|device| devices.push(device))
            .map_err(crate::server::store_failure)?;
    }
    Ok(devices)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(words: &[&str]) -> anyhow::Result<(Vec<Subject>, bool)> {
        let scope = Scope::new(vec!["127.0.0.0/8".parse().unwrap(), "10.9.0.0/24".parse().unwrap()], false);
        let words: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
        subjects(&words, &scope, &[])
    }

    #[test]
    fn words_become_addresses_once() {
        let (found, is_single) = ask(&["10.9.0.1-10.9.0.3", "10.9.0.2", "10.9.0.0/30"]).unwrap();
        assert_eq!((found.len(), is_single), (3, false));
        assert!(ask(&["10.9.0.7"]).unwrap().1);
    }

    #[test]
    fn one_address_outside_refuses_the_whole() {
        for word in
            ["10.9.0.250-10.9.1.2", "10.9.0.0/23", "8.8.8.8", "::1", "224.0.0.1", "10.9.0.9-10.9.0.1", "10.0.0.0/8"]
        {
            assert!(ask(&["10.9.0.1", word]).is_err(), "{word}");
        }
    }
}

//! A seeded fleet: who the devices are, what their models are meant to do, and how much they really do.
//!
//! Everything is fictional and stated in physical terms (octets, seconds, TACs, countries), never in units of a
//! detector. IMSIs lie in 262-99, IMEIs in the test range of TACs that begin with 00 (3GPP TS 23.003 §6).

mod model;

use std::net::Ipv4Addr;
use std::str::FromStr;

use fleetward_fleet::{Device, DeviceState, Iccid, Imeisv, Imsi, Msisdn};

pub use model::{MODELS, Model, ROUTER_TAC};

use crate::nas::Sim;
use crate::random::Random;

/// The access point name of every simulated device.
pub const APN: &str = "fleet.example";

/// The devices of one run.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// In the order of their SIMs.
    pub members: Vec<Member>,
}

/// One device: as the inventory knows it, and as the network sees it.
#[derive(Debug, Clone)]
pub struct Member {
    /// For the inventory.
    pub device: Device,
    /// Its kind.
    pub model: &'static Model,
    /// What a gateway reports about it while all is well.
    pub sim: Sim,
}

impl Fleet {
    /// `size` devices of all five models, at least three of each in stock; equal for equal seeds.
    pub fn new(seed: u64, size: u32) -> Self {
        let mut random = Random::new(seed);
        let mut counts = [0_u32; MODELS.len()];
        let members = (0..size.max(MODELS.len() as u32 * 4))
            .map(|index| {
                let kind = kind_of(index, &mut random);
                counts[kind] += 1;
                member(index, &MODELS[kind], counts[kind], &mut random)
            })
            .collect();
        Self { members }
    }

    /// The inventory.
    pub fn devices(&self) -> Vec<Device> {
        self.members.iter().map(|member| member.device.clone()).collect()
    }

    /// The models' profiles as (file name, YAML).
    pub fn profiles() -> Vec<(&'static str, &'static str)> {
        MODELS.iter().map(|model| (model.file, model.profile)).collect()
    }
}

/// The IMSI of the SIM with this index.
pub fn imsi(index: u32) -> Imsi {
    digits(&format!("26299{index:010}"))
}

/// The telephone number of the SIM with this index.
pub fn msisdn(index: u32) -> Msisdn {
    digits(&format!("88299{index:08}"))
}

/// A module: type (eight digits), serial (the last six digits count) and software version (the last two count).
pub fn imeisv(tac: &str, serial: u32, software: u8) -> Imeisv {
    digits(&format!("{tac}{:06}{:02}", serial % 1_000_000, software % 100))
}

/// The fixed address of the SIM with this index.
pub fn address(index: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0A00_0002 + index % 0x00FF_FFF0)
}

/// An identity whose digits the caller has counted.
fn digits<T: FromStr>(text: &str) -> T {
    match text.parse() {
        Ok(identity) => identity,
        Err(_) => unreachable!("{text:?} does not have the right number of digits"),
    }
}

/// The first devices go round the models, so that each has some; then chance decides by the models' shares.
fn kind_of(index: u32, random: &mut Random) -> usize {
    let round = MODELS.len() as u32;
    if index < round * 4 {
        return (index % round) as usize;
    }
    let mut draw = random.below(MODELS.iter().map(|model| model.share).sum());
    MODELS
        .iter()
        .position(|model| {
            let hit = draw < model.share;
            draw = draw.saturating_sub(model.share);
            hit
        })
        .unwrap_or(0)
}

fn member(index: u32, model: &'static Model, number: u32, random: &mut Random) -> Member {
    let tac = random.pick(model.tacs).copied().unwrap_or(ROUTER_TAC);
    let module = imeisv(tac, index + 1000, 1);
    let mut device = Device::named(format!("{}-{number:04}", model.prefix));
    device.imsi = Some(imsi(index));
    device.iccid = format!("8949099{index:011}").parse::<Iccid>().ok();
    device.msisdn = Some(msisdn(index));
    device.imei = Some(module.imei());
    device.model = Some(model.name.into());
    device.groups = vec![["north", "south"][random.below(2)].into()];
    device.ip = Some(address(index));
    device.critical = model.critical;
    // The second to fourth of each model, and then one in twenty, lie on a shelf.
    if (2..=4).contains(&number) || (number > 4 && random.chance(0.05)) {
        device.state = DeviceState::Stock;
    }
    let sim = Sim {
        imsi: imsi(index),
        msisdn: msisdn(index),
        imeisv: Some(module),
        network: model.networks[0].parse().expect("a network of the table"),
        apn: if random.chance(0.3) { "Fleet.Example.mnc099.mcc262.gprs".into() } else { APN.into() },
        rat: model.rat,
    };
    Member { device, model, sim }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleetward_fleet::Profile;

    #[test]
    fn the_seed_decides_and_names_and_sims_are_unique() {
        let (a, b) = (Fleet::new(7, 300), Fleet::new(7, 300));
        assert_eq!(a.devices(), b.devices());
        assert_ne!(a.devices(), Fleet::new(8, 300).devices());
        let names: std::collections::HashSet<_> = a.members.iter().map(|m| m.device.name.clone()).collect();
        let sims: std::collections::HashSet<_> = a.members.iter().map(|m| m.sim.imsi).collect();
        assert_eq!((names.len(), sims.len()), (300, 300));
        for model in &MODELS {
            let stock = |m: &&Member| m.model.name == model.name && m.device.state == DeviceState::Stock;
            assert!(a.members.iter().filter(stock).count() >= 3, "{}", model.name);
        }
    }

    #[test]
    fn profiles_are_valid_and_their_devices_keep_to_them() {
        for ((file, yaml), model) in Fleet::profiles().into_iter().zip(&MODELS) {
            let profile = Profile::from_yaml(yaml).unwrap_or_else(|e| panic!("{file}: {e}"));
            assert_eq!(*profile.model, *model.name);
            assert_eq!(profile.critical, model.critical);
            let tacs: Vec<String> = profile.tacs.iter().map(ToString::to_string).collect();
            assert!(model.tacs.iter().all(|tac| tacs.contains(&(*tac).to_owned())));
            assert!(!tacs.contains(&ROUTER_TAC.to_owned()));
            let networks: Vec<String> = profile.networks.iter().map(ToString::to_string).collect();
            assert!(model.networks.iter().all(|n| networks.contains(&(*n).to_owned())));
            assert!(model.per_hour * 4 <= profile.volume.per_hour.unwrap_or(u64::MAX), "{file}");
            assert_eq!(profile.volume.per_hour, Some(model.per_hour_limit), "{file}");
            assert!(profile.rats.iter().any(|rat| **rat == *model.rat.name()), "{file}");
        }
    }

    #[test]
    fn ten_million_sims_are_distinct() {
        assert_ne!(imsi(0), imsi(9_999_999));
        assert_eq!(imsi(9_999_999).reveal().len(), 15);
        assert_eq!(address(0), Ipv4Addr::new(10, 0, 0, 2));
    }
}

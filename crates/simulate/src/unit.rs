//! One simulated device: all layers together, a quarter of an hour at a time.

mod happening;
mod place;
mod slot;

use std::net::Ipv4Addr;
use std::str::FromStr;

use fleetward_fleet::{Device, DeviceId, Iccid, Identity, Imeisv, Imsi, Msisdn};

use crate::calendar::{HOUR, SLOT};
use crate::class::{CLASSES, Class, Moves};
use crate::event::Event;
use crate::life::{Life, Span};
use crate::link::Link;
use crate::load::Load;
use crate::misuse::Drawn;
use crate::network::{CELLS, Networks, REGIONS};
use crate::nuisance::Nuisances;
use crate::random::{Layer, Random};
use crate::traffic::Traffic;
use crate::truth::Misuse;

/// What does not change about a device.
#[derive(Debug, Clone)]
pub struct Member {
    /// As the inventory knows it at first.
    pub device: Device,
    /// Its id.
    pub id: DeviceId,
    /// Index into [`CLASSES`].
    pub class: usize,
    pub(crate) identity: Option<Identity>,
    pub(crate) nas: &'static str,
    pub(crate) gigawords: bool,
}

/// What all units of a world share.
pub(crate) struct Shared<'a> {
    pub(crate) networks: &'a Networks,
    pub(crate) nuisances: Nuisances,
    /// Outages that overlap the hour under way.
    pub(crate) outages: &'a [(Option<u64>, i64, i64)],
    /// Seconds that local clocks are ahead of UTC.
    pub(crate) offset: i64,
    pub(crate) apns: &'a [Box<str>],
    /// A sensor of flows is there.
    pub(crate) flows: bool,
}

/// What changes.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    index: u32,
    pub(crate) class: &'static Class,
    pub(crate) life: Life,
    traffic: Traffic,
    device: Random,
    session: Random,
    place: Random,
    misuse: Random,
    link: Link,
    /// The second body's connection.
    copy: Link,
    number: u32,
    imeisv: Imeisv,
    region: u64,
    cell: u64,
    /// Where it is: 0 is home; else a neighbour, until then.
    abroad: (usize, i64),
    border: bool,
    roamer: bool,
    utc_clock: bool,
    /// Octets of an update that are still to come, and what an outage held back.
    download: f64,
    backlog: Load,
    pub(crate) drawn: Option<Box<Drawn>>,
    /// The module in which misuse put the SIM.
    foreign: Option<Imeisv>,
}

impl Unit {
    pub(crate) fn new(seed: u64, index: u32, class: usize, span: Span, nuisances: Nuisances) -> Self {
        let stream = |layer| Random::of(seed, layer, u64::from(index));
        let (mut device, mut place) = (stream(Layer::Device), stream(Layer::Network));
        let kind = &CLASSES[class];
        let tac = kind.tacs[device.below(kind.tacs.len() as u64) as usize];
        let traffic = Traffic::new(kind, span.start, &mut device);
        let utc_clock = device.chance(0.1);
        let roaming = match kind.moves {
            Moves::Abroad(share) => share,
            _ => 0.0,
        };
        Self {
            index,
            class: kind,
            life: Life::of(span, class, nuisances, &mut stream(Layer::Events)),
            traffic,
            imeisv: module(tac, index, 1),
            region: place.below(REGIONS),
            cell: place.below(CELLS),
            abroad: (0, i64::MIN),
            border: place.chance(0.03),
            roamer: place.chance(roaming),
            utc_clock,
            device,
            session: stream(Layer::Session),
            place,
            misuse: stream(Layer::Misuse),
            link: Link::new(0),
            copy: Link::new(1 << 30),
            number: 0,
            download: 0.0,
            backlog: Load::default(),
            drawn: None,
            foreign: None,
        }
    }

    /// What the inventory says about it.
    pub(crate) fn member(&self, number: u32, class: usize) -> Member {
        let index = self.index;
        let mut device = Device::named(format!("{}-{number:06}", self.class.prefix));
        device.imsi = Some(digits::<Imsi>(&format!("26299{index:010}")));
        device.iccid = format!("8949099{index:011}").parse::<Iccid>().ok();
        device.msisdn = Some(digits::<Msisdn>(&format!("88299{index:08}")));
        device.imei = Some(self.imeisv.imei());
        device.model = Some(self.class.name.into());
        device.groups = vec![["north", "south"][index as usize % 2].into()];
        device.ip = Some(Ipv4Addr::from(0x0A00_0002 + index % 0x00FF_FFF0));
        device.critical = self.class.critical;
        Member {
            id: device.id(),
            identity: device.imsi.map(Identity::Imsi),
            class,
            nas: ["pgw-1", "pgw-2", "pgw-3", "pgw-4"][index as usize % 4],
            gigawords: index % 10 != 9,
            device,
        }
    }

    /// One hour, in slots.
    pub(crate) fn hour(
        &mut self,
        hour: i64,
        member: &Member,
        shared: &Shared<'_>,
        events: &mut Vec<Event>,
        truth: Option<&mut Misuse>,
    ) {
        if hour + HOUR <= self.life.joins {
            return;
        }
        self.usual_peers(hour, shared, events);
        let mut spent = 0.0;
        for slot in (hour..hour + HOUR).step_by(SLOT as usize) {
            if slot + SLOT <= self.life.joins {
                continue;
            }
            if self.life.leaves < slot + SLOT {
                self.leave(slot, member, shared, events);
                break;
            }
            spent += self.slot(slot, member, shared, events);
        }
        if let Some(truth) = truth {
            truth.spend(hour, spent);
        }
    }
}

/// A module: type, serial and software version.
fn module(tac: &str, serial: u32, software: u8) -> Imeisv {
    digits(&format!("{tac}{:06}{:02}", serial % 1_000_000, software % 100))
}

/// An identity whose digits the caller has counted.
fn digits<T: FromStr>(text: &str) -> T {
    match text.parse() {
        Ok(identity) => identity,
        Err(_) => unreachable!("{text:?} does not have the right number of digits"),
    }
}

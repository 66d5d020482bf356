//! One simulated device: all layers together, a quarter of an hour at a time.

use std::net::Ipv4Addr;
use std::str::FromStr;

use fleetward_fleet::{
    Body, Device, DeviceChange, DeviceId, DeviceState, Flow, Iccid, Identity, Imeisv, Imsi, Msisdn, Tac,
};

use crate::calendar::{self, HOUR, SLOT};
use crate::class::{CLASSES, Class, Moves};
use crate::event::{Attached, What};
use crate::life::{Life, Span};
use crate::link::{Link, Outlet, Step};
use crate::misuse::{Drawn, Extra};
use crate::network::{self, CELLS, Networks, REGIONS};
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
    backlog: Extra,
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
            backlog: Extra::default(),
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
        events: &mut Vec<crate::event::Event>,
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

    /// Once a day a sensor of flows sums up whom it talked to: its own servers and a time server.
    fn usual_peers(&mut self, hour: i64, shared: &Shared<'_>, events: &mut Vec<crate::event::Event>) {
        if !shared.flows || (hour / HOUR) % 24 != i64::from(self.index % 24) || self.life.leaves <= hour {
            return;
        }
        let Self { session, number, .. } = self;
        let mut out = Outlet { unit: self.index, number, events, random: session, lossy: false };
        let reports = (format!("reports.{}.example", self.class.prefix), 443, 6);
        for (name, port, protocol) in [reports, ("time.fleet.example".to_owned(), 123, 17)] {
            let flow = Flow {
                name: Some(name.into()),
                port: Some(port),
                protocol: Some(protocol),
                bytes_up: 2_000,
                bytes_down: 1_000,
                count: 24,
                ..Flow::default()
            };
            out.push(hour * 1000 + 800, hour * 1000, What::Other(Body::Flow(Box::new(flow))));
        }
    }

    /// One slot. Gives the octets that are misuse.
    fn slot(&mut self, slot: i64, member: &Member, shared: &Shared<'_>, events: &mut Vec<crate::event::Event>) -> f64 {
        self.happenings(slot, member, shared, events);
        let offset = if self.utc_clock { HOUR } else { shared.offset };
        let mut done = self.traffic.slot(self.class, slot, offset, shared.nuisances.billing, &mut self.device);
        let level = self.life.level(slot);
        done.own.up *= level;
        done.own.down *= level;
        self.download(&mut done.own);
        self.walk(slot, done.moving, shared);

        let drawn = self.drawn.take().filter(|drawn| slot < drawn.until);
        let local = calendar::local(slot, shared.offset);
        let (mut extra, mut silent, mut gap) = (Extra::default(), false, 5);
        let mut at = self.attached(shared.networks);
        if let Some(drawn) = drawn.as_deref().filter(|drawn| drawn.is_on(slot)) {
            extra = drawn.slot(slot, local, done.own, &mut self.misuse);
            if drawn.own_stops {
                done.own = Extra::default();
                (done.first, done.last) = (SLOT, 0);
            }
            silent = drawn.silence;
            gap = self.disguise(drawn, &mut at, shared);
        } else if self.foreign.take().is_some() {
            gap = 600; // the SIM is back in its own module
        }
        let mut misused = extra.up.max(0.0) + extra.down.max(0.0);
        if extra.up + extra.down > 0.0 {
            let begins = drawn.as_deref().map_or(0, |drawn| (drawn.from - slot).max(0));
            (done.first, done.last) = (done.first.min(begins), SLOT);
        }
        let traffic = Extra { up: (done.own.up + extra.up).max(0.0), down: (done.own.down + extra.down).max(0.0) };

        let Self { link, copy, session, number, .. } = self;
        let mut out = Outlet { unit: self.index, number, events, random: session, lossy: shared.nuisances.records };
        let outage = network::outage_of(shared.outages, self.region, slot);
        if let Some((from, until)) = outage {
            if link.is_open() {
                link.cut(from.max(slot), 0.6, &mut out);
            }
            link.retry = until + network::comes_back(&mut self.place);
            if self.class.catches_up {
                self.backlog.up += traffic.up;
                self.backlog.down += traffic.down;
            }
        } else if silent {
            if link.is_open() {
                link.cut(slot, 0.2, &mut out);
            }
        } else if let Some(storm) = drawn.as_deref().filter(|drawn| drawn.is_on(slot)).and_then(|drawn| drawn.storm) {
            if link.is_open() {
                link.cut(slot, 0.9, &mut out);
            }
            let count = self.misuse.poisson(storm.per_hour * SLOT as f64 / HOUR as f64);
            let share = f64::from(count.max(1));
            for turn in 0..count {
                let from = slot + i64::from(turn) * SLOT / i64::from(count);
                let lasts = storm.lasts.min(SLOT as f64 / share - 1.0).max(1.0) as i64;
                let each = Extra {
                    up: traffic.up / share + storm.bytes * 0.6,
                    down: traffic.down / share + storm.bytes * 0.4,
                };
                link.flash(from, lasts, each, at, &mut out);
            }
            misused += storm.bytes * f64::from(count);
        } else {
            let held = std::mem::take(&mut self.backlog);
            let traffic = Extra { up: traffic.up + held.up, down: traffic.down + held.down };
            let first = if held.up > 0.0 { 0 } else { done.first };
            let (connection, last) = (self.class.connection, done.last);
            link.run(&Step { slot, connection, traffic, first, last, at, gap }, &mut out);
        }
        if let Some(drawn) = drawn.as_deref().filter(|drawn| drawn.is_on(slot)) {
            for (reason, per_hour) in &drawn.rejected {
                for _ in 0..self.misuse.poisson(per_hour * SLOT as f64 / HOUR as f64) {
                    let when = (slot + self.misuse.below(SLOT as u64).cast_signed()) * 1000;
                    out.push(when + 40, when, What::Rejected(*reason, at));
                }
            }
            for doing in &drawn.doings {
                let begins = (slot..slot + SLOT).contains(&drawn.from);
                let count = doing.per_hour.map_or(u32::from(begins), |per_hour| {
                    self.misuse.poisson(per_hour * drawn.part(slot) * SLOT as f64 / HOUR as f64)
                });
                for _ in 0..count {
                    let when = (slot + self.misuse.below(SLOT as u64).cast_signed()).max(drawn.from) * 1000;
                    out.push(when + 300, when, What::Other(doing.once(&mut self.misuse)));
                }
            }
            if let Some(second) = &drawn.copy {
                let traffic = second.slot(local, &mut self.misuse);
                let mut there = at;
                there.network = second.network.unwrap_or(there.network);
                there.cell = network::cell(REGIONS, self.cell + 7);
                if let Some(tac) = second.tac {
                    there.imeisv = module(&tac.to_string(), self.index + 500_000, 3);
                }
                copy.run(
                    &Step { slot, connection: ALWAYS, traffic, first: 0, last: SLOT, at: there, gap: 5 },
                    &mut out,
                );
                misused += traffic.up + traffic.down;
            }
        } else if copy.is_open() {
            copy.cut(slot, 1.0, &mut out);
        }
        self.drawn = drawn;
        misused
    }

    /// Fleet events that come due: joining, service, an update.
    fn happenings(&mut self, slot: i64, member: &Member, shared: &Shared<'_>, events: &mut Vec<crate::event::Event>) {
        let due = |at: i64| (slot..slot + SLOT).contains(&at);
        if due(self.life.service) {
            self.imeisv = module(&self.imeisv.tac().to_string(), self.index + 300_000, 1);
            let at = self.life.service.min(slot) * 1000 - 60_000; // the inventory first, as the work order says
            self.inventory(at, member, DeviceState::Active, shared, events);
        }
        if self.life.updates.iter().any(|at| due(*at)) {
            self.download += self.class.firmware;
        }
    }

    /// An update comes down at two megabytes a minute at most; when it is there the device restarts with another version.
    fn download(&mut self, own: &mut Extra) {
        if self.download <= 0.0 {
            return;
        }
        let now = self.download.min(30e6);
        self.download -= now;
        own.down += now;
        own.up += now * 0.02;
        if self.download <= 0.0 {
            let tac = self.imeisv.tac().to_string();
            let version = self.imeisv.software_version().unwrap_or(0) + 1;
            let serial = (self.imeisv.imei().number() % 1_000_000) as u32;
            self.imeisv = digits(&format!("{tac}{serial:06}{:02}", version % 99));
        }
    }

    fn leave(&mut self, slot: i64, member: &Member, shared: &Shared<'_>, events: &mut Vec<crate::event::Event>) {
        if self.life.leaves < slot {
            return;
        }
        let Self { link, session, number, .. } = self;
        let mut out = Outlet { unit: self.index, number, events, random: session, lossy: false };
        link.cut(slot, 1.0, &mut out);
        self.inventory((slot + SLOT) * 1000, member, DeviceState::Retired, shared, events);
    }

    /// The inventory says what it knows of the device.
    pub(crate) fn inventory(
        &mut self,
        at: i64,
        member: &Member,
        state: DeviceState,
        shared: &Shared<'_>,
        events: &mut Vec<crate::event::Event>,
    ) {
        let mut device = member.device.clone();
        device.imei = Some(self.imeisv.imei());
        device.state = state;
        let change = DeviceChange { device, removed: false, by: "import".into() };
        let Self { session, number, .. } = self;
        let lossy = shared.nuisances.records;
        let mut out = Outlet { unit: self.index, number, events, random: session, lossy };
        out.push(at, at, What::Device(Box::new(change)));
    }

    /// Where it is now. A stationary device sees a neighbouring cell now and then, one near a border another network.
    fn walk(&mut self, slot: i64, moving: bool, shared: &Shared<'_>) {
        if moving {
            self.cell = self.place.below(CELLS);
            if self.place.chance(0.02) {
                self.region = (self.region + [1, REGIONS - 1][self.place.below(2) as usize]) % REGIONS;
            }
            if self.roamer && slot >= self.abroad.1 && self.place.chance(0.04) {
                // A tour: abroad for a day or two, or home again.
                let tour = self.place.log_normal(20.0, 0.7) * HOUR as f64;
                let next = if self.abroad.0 == 0 { 1 + self.place.below(4) as usize } else { 0 };
                self.abroad = (next, slot + tour as i64);
            }
            return;
        }
        if self.class.moves == Moves::Never {
            if self.place.chance(0.003) {
                self.cell ^= 1;
            }
            if self.border && shared.nuisances.borders && self.place.chance(0.01) {
                self.abroad.0 = usize::from(self.abroad.0 == 0);
            }
        }
    }

    fn attached(&self, networks: &Networks) -> Attached {
        let network = match self.abroad.0 {
            0 => networks.home,
            // A wall that stands near a border sees the partner's network; the profile allows it.
            _ if self.class.moves == Moves::Never => networks.partner,
            abroad => networks.abroad[(abroad - 1) % networks.abroad.len()],
        };
        let cell = network::cell(self.region, self.cell);
        Attached { imeisv: self.imeisv, network, cell, apn: 0, rat: self.class.rat }
    }

    /// What misuse changes about module, network and place; gives the time between the sessions.
    fn disguise(&mut self, drawn: &Drawn, at: &mut Attached, shared: &Shared<'_>) -> i64 {
        let mut gap = 5;
        if let Some(new) = drawn.module {
            let model = &self.class.tacs;
            let other = *self.foreign.get_or_insert_with(|| {
                let tac = new.tac.map_or_else(
                    || model[self.misuse.below(model.len() as u64) as usize].to_owned(),
                    |tac: Tac| tac.to_string(),
                );
                module(&tac, self.index + 700_000, 78)
            });
            at.imeisv = other;
            gap = new.gap;
        }
        at.network = drawn.network.unwrap_or(at.network);
        if drawn.roams {
            at.cell = network::cell(REGIONS + 1, self.misuse.below(CELLS));
        } else if drawn.network.is_some() {
            at.cell = network::cell(REGIONS + 2, u64::from(self.index));
        }
        at.rat = drawn.rat.unwrap_or(at.rat);
        if let Some(name) = &drawn.apn {
            at.apn = shared.apns.iter().position(|known| known == name).unwrap_or(0) as u16;
        }
        gap
    }
}

/// A copy of a SIM is always connected.
const ALWAYS: crate::Connection = crate::Connection::Always { hours: 12.0, interim: 3600 };

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

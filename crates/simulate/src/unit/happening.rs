//! What fleet events do to a device, and what it does once a day.

use fleetward_fleet::{Body, DeviceChange, DeviceState, Flow};

use super::{Member, Shared, Unit, digits, module};
use crate::calendar::{HOUR, SLOT};
use crate::event::{Event, What};
use crate::link::Outlet;
use crate::load::Load;
use crate::network;

impl Unit {
    /// Once a day a sensor of flows sums up whom it talked to: its own servers and a time server.
    pub(super) fn usual_peers(&mut self, hour: i64, shared: &Shared<'_>, events: &mut Vec<Event>) {
        let is_silent = self.drawn.as_ref().is_some_and(|drawn| drawn.silence && drawn.is_on(hour))
            || network::outage_of(shared.outages, self.region, hour).is_some();
        if !shared.flows || is_silent || (hour / HOUR) % 24 != i64::from(self.index % 24) || self.life.leaves <= hour {
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

    /// Fleet events that come due: joining, service, an update.
    pub(super) fn happenings(&mut self, slot: i64, member: &Member, shared: &Shared<'_>, events: &mut Vec<Event>) {
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
    pub(super) fn download(&mut self, own: &mut Load) {
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

    pub(super) fn leave(&mut self, slot: i64, member: &Member, shared: &Shared<'_>, events: &mut Vec<Event>) {
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
        events: &mut Vec<Event>,
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
}

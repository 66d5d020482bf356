//! Packets as observations: the sums and the signs that a server would have recorded of them, with the packets' own time.

use std::collections::HashMap;
use std::path::Path;

use anyhow::ensure;
use fleetward_capture::{Summary, TotalLimits, Totals};
use fleetward_fleet::{Body, Device, DeviceChange, DeviceId, Identity, Observation, Profile, Timestamp, counted};
use fleetward_guard::hosts::{Host, HostId, Hosts};
use fleetward_guard::survey::Survey;
use fleetward_guard::view::View;
use fleetward_guard::watch::{Noticed, Settings, Subject, Watch};
use fleetward_packet::{Event, Sink, Time};

use crate::command::capture::say_what_is_missing;
use crate::command::learn::{play, play_with};
use crate::config;
use crate::exit::Failure;
use crate::server::{flow_limits, flow_of, network_of, observation_of};

/// Who said it.
const SOURCE: &str = "capture";

/// In order of arrival. Devices of the inventory are told by their hardware address, or their address; every other
/// hardware address of the site that is no router is a device of its own, as it is for a server.
pub(crate) fn read(
    file: &Path,
    inventory: Vec<Device>,
    profiles: &[Profile],
    wanted: &config::Capture,
) -> anyhow::Result<Vec<Observation>> {
    let mut survey = Survey::default();
    play(file, &mut survey)?;
    let mut ears = Ears::new(&inventory, &survey, wanted);
    ears.watch.set_profiles(profiles.iter().filter_map(|it| Some((&*it.model, it.network.as_ref()?))));
    ears.every = i64::try_from(wanted.flush_every.0.as_nanos()).unwrap_or(i64::MAX);
    let summary = play_with(file, flow_limits(wanted.flush_every.0), &mut ears)?;
    say_what_is_missing(file, &summary);
    ears.finish();
    let mut records = ears.records;
    ensure!(!records.is_empty(), of_no_device(file, &summary));
    records.sort_by_key(|record| record.observed_at);
    let begun = records.first().map_or(Timestamp(0), |first| first.observed_at);
    let known = inventory
        .into_iter()
        .map(|device| observation_of(DeviceChange { device, removed: false, by: "inventory".into() }, begun));
    Ok(known.chain(records).collect())
}

/// Why there is nothing to judge.
fn of_no_device(file: &Path, summary: &Summary) -> Failure {
    let (file, packets) = (file.display(), counted(summary.packets, "packet"));
    Failure::input(
        format!("{file}: nothing in its {packets} is of a device"),
        "a device is of the inventory, or a hardware address that is no router's; one with a public address is taken for a router's \
         unless `capture.local` of the configuration names its network",
    )
}

/// Who hears what the packets tell.
struct Ears {
    hosts: Hosts,
    /// By [`HostId`].
    devices: Vec<DeviceId>,
    watch: Watch,
    totals: Totals<DeviceId>,
    /// Of those that the inventory does not have.
    identities: HashMap<DeviceId, Identity>,
    /// Nanoseconds between two sums.
    every: i64,
    flushed: Option<Time>,
    last: Time,
    records: Vec<Observation>,
}

impl Ears {
    fn new(inventory: &[Device], survey: &Survey, wanted: &config::Capture) -> Self {
        let mut hosts = network_of(wanted);
        let (mut devices, mut identities) = (Vec::new(), HashMap::new());
        for device in inventory {
            let host = Host { name: device.name.clone(), model: device.model.clone() };
            let ips: Vec<_> = device.ip.map(Into::into).into_iter().collect();
            hosts.add(host, device.mac.as_slice(), &ips);
            devices.push(device.id());
        }
        survey.complete(&mut hosts);
        for (mac, _) in survey.macs() {
            if !hosts.knows(mac) && !hosts.routers.contains(&mac) {
                let identity = Identity::Mac(mac);
                let name = identity.default_name();
                let id = DeviceId::of(&name);
                hosts.add(Host { name: name.into(), model: None }, &[mac], &[]);
                devices.push(id);
                identities.insert(id, identity);
            }
        }
        Self {
            hosts,
            devices,
            watch: Watch::new(Settings::default()),
            totals: Totals::new(TotalLimits::default()),
            identities,
            every: i64::MAX,
            flushed: None,
            last: Time::default(),
            records: Vec::new(),
        }
    }

    fn device(&self, host: HostId) -> Option<DeviceId> {
        self.devices.get(host.0 as usize).copied()
    }

    fn record(&mut self, device: DeviceId, identity: Option<Identity>, at: Timestamp, learnt: Timestamp, body: Body) {
        let observation =
            Observation { event_time: at, observed_at: learnt, source: SOURCE.into(), device, identity, body };
        self.records.push(observation);
    }

    /// Signs, when they are noticed.
    fn note(&mut self, noticed: Vec<Noticed>) {
        for Noticed { subject, time, sign } in noticed {
            let (device, identity) = match subject {
                Subject::Host(host) => match self.device(host) {
                    Some(device) => (device, self.identities.get(&device).cloned()),
                    None => continue,
                },
                Subject::Mac(mac) => {
                    let identity = Identity::Mac(mac);
                    (DeviceId::of(&identity.default_name()), Some(identity))
                }
            };
            let at = time.timestamp();
            self.record(device, identity, at, at.max(self.last.timestamp()), Body::Network(Box::new(sign)));
        }
    }

    /// Sums, once in an interval.
    fn flush(&mut self) {
        let learnt = self.last.timestamp();
        let totals: Vec<_> = self.totals.drain().collect();
        for total in totals {
            let (device, at) = (total.device, total.sum.last.timestamp());
            let identity = self.identities.get(&device).cloned();
            self.record(device, identity, at, learnt.max(at), Body::Flow(Box::new(flow_of(total))));
        }
        self.flushed = Some(self.last);
    }

    /// What waited for more has seen all there is.
    fn finish(&mut self) {
        let end = Time(self.last.0.saturating_add(60_000_000_000));
        let mut noticed = Vec::new();
        self.watch.advance(end, &self.hosts, &mut |it| noticed.push(it));
        self.note(noticed);
        self.flush();
    }
}

impl Sink for Ears {
    fn event(&mut self, event: Event<'_>) {
        let mut noticed = Vec::new();
        self.watch.event(&event, &self.hosts, &mut |it| noticed.push(it));
        let (flow, ended) = match event {
            Event::Grew(flow) => (flow, false),
            Event::Closed(flow) => (flow, true),
            _ => return self.note(noticed),
        };
        self.last = self.last.max(flow.last);
        let flushed = *self.flushed.get_or_insert(flow.last);
        if self.last.0.saturating_sub(flushed.0) >= self.every {
            self.flush();
        }
        self.note(noticed);
        let growth = self.totals.growth(flow, ended);
        for view in View::of(flow, &self.hosts) {
            if let Some(device) = self.device(view.host) {
                self.totals.add(device, view.begins, flow, &growth);
            }
        }
    }
}

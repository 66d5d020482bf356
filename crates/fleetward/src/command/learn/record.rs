//! Learning from the journal: the inventory and the sums of conversations that it holds, a day for a capture.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

use anyhow::Context;
use fleetward_fleet::{Body, Device, DeviceId, NetworkProfile, Observation, Offset, Timestamp, wire};
use fleetward_guard::hosts::{Host, HostId, Hosts};
use fleetward_guard::learn::Learner;
use fleetward_journal::Reader;

/// Reads twice: who is who may have changed since, and the last word counts.
pub(super) fn learn(
    model: &str,
    folder: &Path,
    since: Option<Timestamp>,
    network: Hosts,
) -> anyhow::Result<NetworkProfile> {
    let mut devices: HashMap<DeviceId, Device> = HashMap::new();
    each(folder, |observation| {
        if let Body::DeviceChange(change) = observation.body {
            if change.removed {
                devices.remove(&change.device.id());
            } else {
                devices.insert(change.device.id(), change.device);
            }
        }
    })?;
    let (hosts, numbers) = hosts(network, &devices);
    let mut learner = Learner::of(model);
    let mut day = i64::MIN;
    each(folder, |observation| {
        let at = observation.event_time;
        let (Body::Flow(flow), Some(number)) = (&observation.body, numbers.get(&observation.device)) else { return };
        let is_ours = hosts.get(*number).is_some_and(|host| host.model.as_deref() == Some(model));
        if !is_ours || since.is_some_and(|since| at < since) {
            return;
        }
        // What comes late belongs to the day that is being read.
        let is_next = at.secs().div_euclid(86_400) > day;
        let mut capture = if is_next { learner.capture(&hosts) } else { learner.same_capture(&hosts) };
        day = day.max(at.secs().div_euclid(86_400));
        capture.sum(*number, flow, at);
    })?;
    Ok(learner.profile())
}

fn hosts(mut hosts: Hosts, devices: &HashMap<DeviceId, Device>) -> (Hosts, HashMap<DeviceId, HostId>) {
    let add = |(id, device): (&DeviceId, &Device)| {
        let host = Host { name: device.name.clone(), model: device.model.clone() };
        let ips: Vec<IpAddr> = device.ip.map(IpAddr::from).into_iter().collect();
        (*id, hosts.add(host, device.mac.as_slice(), &ips))
    };
    let numbers = devices.iter().map(add).collect();
    (hosts, numbers)
}

/// Every record that this version understands.
fn each(folder: &Path, mut then: impl FnMut(Observation)) -> anyhow::Result<()> {
    let reader = Reader::open(folder, Offset(0)).with_context(|| format!("cannot read {}", folder.display()))?;
    for record in reader {
        let record =
            record.with_context(|| format!("{} is damaged; fleetward journal verify says where", folder.display()))?;
        if let Ok(observation) = wire::from_wire(&record.bytes) {
            then(observation);
        }
    }
    Ok(())
}

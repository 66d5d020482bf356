//! Which address is which device: the inventory, and the addresses that open sessions were given; and what each model needs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fleetward_detect::{Engine, SessionFilter};
use fleetward_fleet::{Device, DeviceId, Profile};
use fleetward_guard::hosts::{Host, HostId, Hosts};
use fleetward_store::Store;
use parking_lot::{Mutex, RwLock};

use crate::config;

/// Changes of the inventory are looked at this often at most.
const AT_MOST: Duration = Duration::from_secs(2);
/// Addresses of sessions are looked at this often.
const AT_LEAST: Duration = Duration::from_secs(30);

/// See the module.
pub(in crate::server) struct People {
    /// What the configuration says of the network.
    network: Hosts,
    now: RwLock<Arc<Known>>,
    profiles: RwLock<Arc<Vec<Profile>>>,
    /// Grows with every change of one of the two.
    turn: AtomicU64,
    changed: AtomicBool,
    looked: Mutex<Option<Instant>>,
}

/// Who is who, at one moment.
#[derive(Default)]
pub(super) struct Known {
    pub(super) hosts: Hosts,
    /// By [`HostId`].
    devices: Vec<DeviceId>,
}

impl Known {
    pub(super) fn device(&self, host: HostId) -> Option<DeviceId> {
        self.devices.get(host.0 as usize).copied()
    }

    fn add_gone(&mut self, id: DeviceId) {
        let _number = self.hosts.add(Host { name: "".into(), model: None }, &[], &[]);
        self.devices.push(id);
    }

    fn add(&mut self, device: &Device, more: &[IpAddr]) {
        let host = Host { name: device.name.clone(), model: device.model.clone() };
        let ips: Vec<IpAddr> = device.ip.map(IpAddr::from).into_iter().chain(more.iter().copied()).collect();
        let _number = self.hosts.add(host, device.mac.as_slice(), &ips);
        self.devices.push(device.id());
    }
}

impl People {
    pub(in crate::server) fn new(wanted: &config::Capture, profiles: &[Profile]) -> Self {
        let network = network_of(wanted);
        let now = Arc::new(Known { hosts: network.clone(), devices: Vec::new() });
        Self {
            network,
            now: RwLock::new(now),
            profiles: RwLock::new(Arc::new(profiles.to_vec())),
            turn: AtomicU64::new(1),
            changed: AtomicBool::new(true),
            looked: Mutex::new(None),
        }
    }

    /// The inventory changed.
    pub(in crate::server) fn changed(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    pub(super) fn set_profiles(&self, profiles: &[Profile]) {
        *self.profiles.write() = Arc::new(profiles.to_vec());
        self.turn.fetch_add(1, Ordering::Release);
    }

    /// Differs from the last answer where [`Self::known`] or [`Self::profiles`] do.
    pub(super) fn turn(&self) -> u64 {
        self.turn.load(Ordering::Acquire)
    }

    pub(super) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.now.read())
    }

    pub(super) fn profiles(&self) -> Arc<Vec<Profile>> {
        Arc::clone(&self.profiles.read())
    }

    /// Looks again, where it is time and somebody else is not at it already.
    pub(super) fn look(&self, store: &Store, engine: &Engine) {
        let Some(mut looked) = self.looked.try_lock() else { return };
        let passed = looked.map_or(Duration::MAX, |at| at.elapsed());
        if passed < AT_MOST || (passed < AT_LEAST && !self.changed.load(Ordering::Relaxed)) {
            return;
        }
        self.changed.store(false, Ordering::Relaxed);
        *looked = Some(Instant::now());
        let sessions = sessions(engine);
        let mut devices: HashMap<DeviceId, Device> = HashMap::new();
        if let Err(error) = store.each_device(|device| drop(devices.insert(device.id(), device))) {
            tracing::warn!(%error, "the inventory cannot be read; packets are judged by what was known before");
            self.changed();
            return;
        }
        let mut known = Known { hosts: self.network.clone(), devices: Vec::new() };
        // A device keeps its number: what is remembered of it goes by that. One that is gone keeps its place without an address.
        for id in &self.known().devices {
            match devices.remove(id) {
                Some(device) => known.add(&device, &addresses(&sessions, *id)),
                None => known.add_gone(*id),
            }
        }
        for device in devices.values() {
            known.add(device, &addresses(&sessions, device.id()));
        }
        *self.now.write() = Arc::new(known);
        self.turn.fetch_add(1, Ordering::Release);
    }
}

/// What the configuration says of a network, before anybody lives there.
pub(crate) fn network_of(wanted: &config::Capture) -> Hosts {
    let mut network = Hosts::default();
    network.local = wanted.local.iter().map(|net| net.0).collect();
    network.routers.clone_from(&wanted.routers);
    network.resolvers.clone_from(&wanted.resolvers);
    network.clocks.clone_from(&wanted.clocks);
    network
}

/// Those of one device.
fn addresses(sessions: &[(DeviceId, IpAddr)], id: DeviceId) -> Vec<IpAddr> {
    let begin = sessions.partition_point(|(other, _)| *other < id);
    sessions[begin..].iter().take_while(|(other, _)| *other == id).map(|(_, ip)| *ip).collect()
}

/// Addresses of open sessions, in the order of devices.
fn sessions(engine: &Engine) -> Vec<(DeviceId, IpAddr)> {
    let filter = SessionFilter { open: Some(true), ..SessionFilter::default() };
    let (mut found, mut cursor) = (Vec::new(), None);
    while let Ok(page) = engine.sessions(&filter, cursor, 1000) {
        let of = |session: &fleetward_detect::SessionView| Some((session.device, IpAddr::from(session.ip?)));
        found.extend(page.items.iter().filter_map(of));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    found.sort_unstable();
    found
}

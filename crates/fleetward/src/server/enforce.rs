//! The firewall as a part of the server: it follows the inventory, the models and the names that devices are told, cuts devices off when
//! a response says so, and tells what it refused.
//!
//! # Invariants
//!
//! * **A stopped server leaves no hole**: the rules stay in the kernel, and in a file for the next boot.
//! * **Proof, not promise**: a quarantine is told to the responder when the kernel shows it.
//! * **Taken away is taken away**: what `fleetward enforce --off` removed is not put back behind the operator's back, but shown.

mod tell;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use fleetward_api::{Component, Health};
use fleetward_fleet::metric::Sample;
use fleetward_fleet::{Device, DeviceId, NetworkProfile, Profile};
use fleetward_guard::nft::firewall::Firewall;
use fleetward_guard::nft::log::{Told, Why};
use fleetward_guard::nft::netlink::Listener;
use fleetward_guard::nft::overhear::Overhearing;
use fleetward_guard::nft::{Member, server};
use fleetward_journal::Handle;
use fleetward_respond::machine::Outcome;
use fleetward_store::{Lookup, Store};
use parking_lot::Mutex;

use self::tell::Teller;
use super::Record;
use super::responder::Late;
use crate::clock;
use crate::command::enforce::{FOLDER, bridge_calls_ip};
use crate::config::{Enforce, Settings, member};

/// The threads of the firewall.
pub(super) struct Wall {
    door: Door,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// What the rest of the server asks of it.
#[derive(Clone)]
pub(super) struct Door {
    orders: Sender<Order>,
    shown: Arc<Mutex<Shown>>,
}

/// What is shown of it.
#[derive(Default)]
struct Shown {
    samples: Vec<Sample>,
    trouble: Option<String>,
}

enum Order {
    Isolate { device: DeviceId, cut: bool, answer: Sender<Outcome> },
    Profiles(Vec<Profile>),
    Inventory,
    Told(Told),
}

impl Wall {
    /// Loads the rules and begins to follow; `None` where the configuration has no section `enforce`.
    pub(super) fn start(
        settings: &Settings,
        store: &Store,
        journal: &Handle<Record>,
        responder: &Late,
    ) -> anyhow::Result<Option<Self>> {
        let Some(section) = settings.config.enforce.clone() else { return Ok(None) };
        let devices = inventory(store)?;
        let profiles = networks(&settings.profiles);
        let folder = settings.data().join(FOLDER);
        let firewall = Firewall::start(section.site(&devices), &profiles, &folder, clock::now())
            .context("the firewall could not be loaded; what was in force before still is")?;
        for (_, meaning) in firewall.features().missing() {
            tracing::warn!("{meaning}");
        }
        if !section.ports.is_empty() && bridge_calls_ip() == Some(true) {
            tracing::warn!(
                "bridged frames run through IP rules, too; set net.bridge.bridge-nf-call-iptables=0 and -ip6tables=0"
            );
        }
        firewall.notes().iter().for_each(|note| tracing::warn!("{note}"));
        if let Some(shield) = section.server.as_ref().and_then(|it| it.shield(&devices).ok()) {
            let text = server::ruleset(&shield, firewall.features());
            firewall.kernel().load(&text).context("the server's own layer could not be loaded")?;
        }
        let listener = Listener::open(&Why::ALL, SNAPLEN)
            .map_err(|error| tracing::warn!(%error, "what the firewall refuses is counted and not told, and names are not filled in"));
        let (orders, incoming) = bounded(QUEUE);
        let stop = Arc::new(AtomicBool::new(false));
        let door = Door { orders, shown: Arc::default() };
        let mut keeper = Keeper {
            teller: Teller::new(journal.clone(), &devices),
            section,
            profiles,
            firewall,
            store: store.clone(),
            responder: Arc::clone(responder),
            shown: Arc::clone(&door.shown),
            overhearing: Overhearing::default(),
            waiting: HashMap::new(),
            stale: None,
        };
        keeper.show();
        let end = Arc::clone(&stop);
        let mut threads =
            vec![std::thread::Builder::new().name("firewall".into()).spawn(move || keeper.run(&incoming, &end))?];
        if let Ok(listener) = listener {
            let (orders, end) = (door.orders.clone(), Arc::clone(&stop));
            let listen = move || listen(listener, &orders, &end);
            threads.push(std::thread::Builder::new().name("firewall ear".into()).spawn(listen)?);
        }
        Ok(Some(Self { door, stop, threads }))
    }

    /// For the rest of the server.
    pub(super) fn door(&self) -> Door {
        self.door.clone()
    }

    /// Writes down what a restart needs; the rules stay in force.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the firewall had panicked; its rules stay in force");
            }
        }
    }
}

impl Door {
    /// Cuts a device off, or lets it back; returns when that is in force.
    pub(super) fn isolate(&self, device: DeviceId, cut: bool) -> Outcome {
        let (answer, answered) = bounded(1);
        if self.orders.send(Order::Isolate { device, cut, answer }).is_err() {
            return Outcome::Retry("the firewall's thread is gone".into());
        }
        answered
            .recv_timeout(ANSWER_WITHIN)
            .unwrap_or_else(|_| Outcome::Retry("the firewall did not answer in time".into()))
    }

    /// Profiles changed.
    pub(super) fn set_profiles(&self, profiles: &[Profile]) {
        drop(self.orders.send(Order::Profiles(profiles.to_vec()))); // gone only where its thread panicked; health says so
    }

    /// The inventory changed. Never waits: a full queue has such a word in it, or will be followed by one.
    pub(super) fn inventory_changed(&self) {
        drop(self.orders.try_send(Order::Inventory));
    }

    pub(super) fn metrics(&self) -> Vec<Sample> {
        self.shown.lock().samples.clone()
    }

    pub(super) fn health(&self) -> Component {
        match &self.shown.lock().trouble {
            None => Component { name: "firewall", health: Health::Ok, reason: String::new() },
            Some(trouble) => Component { name: "firewall", health: Health::Degraded, reason: trouble.clone() },
        }
    }
}

/// Reads what the kernel tells until the end.
fn listen(mut listener: Listener, orders: &Sender<Order>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let told = listener.next(|told| drop(orders.try_send(Order::Told(told)))); // a full queue: counted by the kernel's counters
        if let Err(error) = told {
            tracing::error!(%error, "the firewall tells nothing any more");
            return;
        }
    }
}

/// Owns the firewall.
struct Keeper {
    section: Enforce,
    profiles: BTreeMap<Box<str>, NetworkProfile>,
    firewall: Firewall,
    store: Store,
    responder: Late,
    shown: Arc<Mutex<Shown>>,
    overhearing: Overhearing,
    teller: Teller,
    /// Devices whose quarantine (or release) waits for its proof, since when.
    waiting: HashMap<DeviceId, (Member, bool, Instant)>,
    /// Since when something is known that is not compiled in yet.
    stale: Option<Instant>,
}

impl Keeper {
    fn run(&mut self, orders: &Receiver<Order>, stop: &AtomicBool) {
        let (mut looked, mut shown, mut saved) = (Instant::now(), Instant::now(), Instant::now());
        while !stop.load(Ordering::Relaxed) {
            match orders.recv_timeout(LOOK_EVERY) {
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                self.prove();
                self.catch_up();
                self.teller.write();
            }
            if shown.elapsed() >= SHOW_EVERY {
                shown = Instant::now();
                self.show();
            }
            if saved.elapsed() >= SAVE_EVERY {
                saved = Instant::now();
                self.save();
            }
        }
        self.teller.write();
        self.save();
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Isolate { device, cut, answer } => {
                // Whoever asked may have stopped waiting; then it asks again.
                drop(answer.send(self.isolate(device, cut)));
            }
            Order::Profiles(profiles) => {
                self.profiles = networks(&profiles);
                self.stale = self.stale.or(Some(Instant::now()));
            }
            Order::Inventory => self.stale = self.stale.or(Some(Instant::now())),
            Order::Told(told) if told.why == Why::Names => {
                if let Err(error) = self.overhearing.take(&mut self.firewall, &told, clock::now()) {
                    tracing::warn!(%error, "an answer did not become an element");
                }
            }
            Order::Told(told) => self.teller.tell(&told),
        }
    }

    fn isolate(&mut self, device: DeviceId, cut: bool) -> Outcome {
        let known = match self.store.device(&Lookup::Id(device)) {
            Ok(Some(known)) => known,
            Ok(None) => return Outcome::Refused("the inventory does not have this device".into()),
            Err(error) => return Outcome::Retry(error.to_string()),
        };
        let Some(known) = member(&known) else {
            return Outcome::Refused("neither a hardware address nor an address of the device is known".into());
        };
        if let Err(error) = self.firewall.isolate(&known, cut, clock::now()) {
            return Outcome::Retry(error.to_string());
        }
        self.waiting.insert(device, (known, cut, Instant::now()));
        Outcome::Done(if cut {
            "the firewall drops all of it".into()
        } else {
            "the firewall lets it through again".into()
        })
    }

    /// Tells the responder what the kernel shows.
    fn prove(&mut self) {
        let Some(responder) = self.responder.get() else { return };
        let firewall = &self.firewall;
        self.waiting.retain(|device, (known, cut, since)| {
            let proof = match (firewall.dropped(known), *cut) {
                (Some(packets @ 1..), true) => format!("{packets} packets of it were dropped"),
                (Some(0), true) if since.elapsed() >= SILENT_FOR => {
                    format!("it is held, and nothing came from it for {} s", SILENT_FOR.as_secs())
                }
                (None, false) => "it is held no longer".to_owned(),
                _ => return since.elapsed() < FORGET_AFTER,
            };
            responder.isolated(*device, *cut, proof);
            // The answer may still be on its way to the responder; the proof is told until it must have arrived.
            since.elapsed() < SILENT_FOR
        });
    }

    /// Compiles anew when the inventory or the models have come to rest.
    fn catch_up(&mut self) {
        if self.stale.is_none_or(|since| since.elapsed() < REST) {
            return;
        }
        self.stale = None;
        let devices = match inventory(&self.store) {
            Ok(devices) => devices,
            Err(error) => return tracing::warn!(%error, "the inventory could not be read; the firewall stays as it is"),
        };
        self.teller.know(&devices);
        if !self.firewall.is_in_force() {
            return; // somebody took it away: `show` says so
        }
        if let Err(error) = self.firewall.reload(self.section.site(&devices), &self.profiles, clock::now()) {
            tracing::error!(%error, "the firewall stays as it was");
        }
    }

    fn show(&mut self) {
        let in_force = self.firewall.is_in_force();
        let help = "Packets that a rule of the firewall counted.";
        let counters = self.firewall.kernel().counters();
        self.teller.floods(&counters);
        let mut samples: Vec<Sample> = counters
            .into_iter()
            .map(|(table, name, packets, _)| {
                Sample::counter("fleetward_firewall_packets_total", help, packets)
                    .with("table", table)
                    .with("counter", name)
            })
            .collect();
        let help = "The firewall's rules are in the kernel.";
        samples.push(Sample::gauge("fleetward_firewall_in_force", help, if in_force { 1.0 } else { 0.0 }));
        let ignored = self.firewall.ignored();
        let each = [
            ("unlisted", ignored.unlisted),
            ("foreign", ignored.foreign),
            ("local", ignored.local),
            ("full", ignored.full),
        ];
        let help = "Answers that became no element, by why.";
        samples.extend(each.map(|(why, count)| {
            Sample::counter("fleetward_firewall_answers_ignored_total", help, count).with("why", why)
        }));
        let trouble = (!in_force).then(|| {
            "the firewall's rules are not in the kernel: somebody took them away; restart to put them back".to_owned()
        });
        *self.shown.lock() = Shown { samples, trouble };
    }

    fn save(&mut self) {
        if let Err(error) = self.firewall.save(clock::now()) {
            tracing::warn!(%error, "the firewall's state was not written; a restart would fill names in anew");
        }
    }
}

fn inventory(store: &Store) -> anyhow::Result<Vec<Device>> {
    let mut devices = Vec::new();
    store.each_device(|device| devices.push(device)).map_err(super::folder::failure)?;
    Ok(devices)
}

fn networks(profiles: &[Profile]) -> BTreeMap<Box<str>, NetworkProfile> {
    profiles.iter().filter_map(|it| Some((it.model.clone(), it.network.clone()?))).collect()
}

/// Orders that may wait; datagrams of names beyond are lost, and asked again by the device.
const QUEUE: usize = 8192;
/// Octets of a packet that the kernel hands out: as much as a datagram of names may have.
const SNAPLEN: u32 = 4_224;
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const SHOW_EVERY: Duration = Duration::from_secs(10);
const SAVE_EVERY: Duration = Duration::from_mins(1);
/// An import is many changes; the firewall is compiled once for all of them.
const REST: Duration = Duration::from_secs(2);
/// A device that is silent for so long while it is held counts as cut off.
const SILENT_FOR: Duration = Duration::from_secs(5);
/// After that the responder has given the attempt up.
const FORGET_AFTER: Duration = Duration::from_mins(2);

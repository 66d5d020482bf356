//! The machine, wired to the store, the NASes, the channels and the clock.
//!
//! Threads: one runs the machine, its timers and the retransmissions, persists and sends; one listens per source port
//! of the client ([`crate::dac`]); one works per channel, because a mail server may take its time; one changes the
//! inventory, because that waits for the journal.
//!
//! The machine's thread takes what has come in as a batch, steps through it, writes everything that changed in one go,
//! and only then sends: Disconnects first.

mod act;
mod hands;
mod hooks;
mod names;
mod run;
mod save;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Sender, bounded, unbounded};
use fleetward_fleet::metric::Sample;
use fleetward_fleet::{Action, Actor, DeviceId, DeviceState, FindingId, ResponseId, SessionKey, Timestamp};
use fleetward_store::{Page, ResponseFilter, Store, StoreError};

pub use hooks::{Hooks, ResponseEvent};

use crate::channel::{Channel, ChannelConfig, ChannelError, Undelivered};
use crate::dac::{Clock, Dac, DacConfig, NasProfile};
use crate::machine::{FindingRaised, Input, Machine, ManualRequest, Refused, Settings};
use crate::metrics::Metrics;
use run::{Ask, Message, Worker};

/// Everything the operator decides.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Bounds and deadlines. `nases` in it is filled in from `nases` below.
    pub settings: Settings,
    /// The NASes that can be asked.
    pub nases: Vec<NasProfile>,
    /// Our side of RFC 5176.
    pub dac: DacConfig,
    /// The channels by name.
    pub channels: Vec<(Box<str>, ChannelConfig)>,
}

/// The responder could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A channel is not usable as configured.
    #[error("channel {name}")]
    Channel {
        /// Which.
        name: Box<str>,
        /// Why.
        #[source]
        source: ChannelError,
    },
    /// An alarm is to go to a channel that does not exist.
    #[error("alarm channel {0} is not configured")]
    NoSuchChannel(Box<str>),
    /// What is unfinished could not be read.
    #[error("cannot read the unfinished responses")]
    Store(#[source] StoreError),
    /// The system gave no thread.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

/// A request of a person was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It cannot be.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// There is no response with this id.
    #[error("no response {0}")]
    Unknown(ResponseId),
    /// There is no channel with this name.
    #[error("no channel {0}")]
    UnknownChannel(Box<str>),
    /// The channel did not take the test.
    #[error("the channel did not take it")]
    Undelivered(#[source] Undelivered),
    /// The store did not answer.
    #[error("the store did not answer")]
    Store(#[source] StoreError),
    /// The system gave no random numbers.
    #[error("no random numbers")]
    Random,
    /// It is shutting down.
    #[error("the responder is stopping")]
    Stopped,
}

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct ActionRequest {
    /// On which device.
    pub device: DeviceId,
    /// What.
    pub action: Action,
    /// Because of which finding, if any.
    pub finding: Option<FindingId>,
    /// Who.
    pub by: Box<str>,
}

/// Findings in, verified responses out. See the crate's documentation.
pub struct Responder {
    inbox: Sender<Message>,
    store: Store,
    clock: Clock,
    dac: Arc<Dac>,
    channels: Arc<HashMap<Box<str>, Arc<Channel>>>,
    metrics: Arc<Metrics>,
    healthy: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Responder {
    /// Starts, and takes up what is unfinished. Start it after detection has replayed the journal: what
    /// [`Hooks::target`] does not know by then counts as over.
    pub fn start(mut config: Config, store: Store, hooks: Arc<dyn Hooks>, clock: Clock) -> Result<Self, StartError> {
        config.settings.nases = config.nases.iter().map(|nas| (nas.name.clone(), nas.plan())).collect();
        let channels = Arc::new(channels(&config)?);
        let now = clock();
        let unfinished = store.unfinished_responses().map_err(StartError::Store)?;
        let recent = recent(&store, now).map_err(StartError::Store)?;
        let (inbox, outside) = bounded(INBOX);
        let (inside, returns) = unbounded();
        let answers = inside.clone();
        let dac = Arc::new(Dac::start(config.dac, config.nases, Arc::clone(&clock), move |answer| {
            let crate::dac::Answer { id, attempt, answer } = answer;
            drop(answers.send(Input::Nas { id, attempt, answer })); // nobody listens any more: shutting down
        }));
        let (metrics, healthy, stopping) = (Arc::<Metrics>::default(), Arc::new(AtomicBool::new(true)), Arc::default());
        let worker = Worker {
            machine: Machine::new(config.settings),
            store: store.clone(),
            hooks: Arc::clone(&hooks),
            clock: Arc::clone(&clock),
            dac: Arc::clone(&dac),
            queues: hands::channel_workers(&channels, &inside, &clock).map_err(StartError::Thread)?,
            hands: hands::inventory_worker(hooks, &inside).map_err(StartError::Thread)?,
            outside,
            inside,
            returns,
            metrics: Arc::clone(&metrics),
            healthy: Arc::clone(&healthy),
            stopping: Arc::clone(&stopping),
        };
        let run = move || worker.run(unfinished, &recent);
        let thread = thread::Builder::new().name("responder".into()).spawn(run).map_err(StartError::Thread)?;
        Ok(Self { inbox, store, clock, dac, channels, metrics, healthy, stopping, thread: Some(thread) })
    }

    /// A rule found something. Blocks only while tens of thousands of inputs wait.
    pub fn raise(&self, raised: FindingRaised) {
        self.tell(Input::Finding(Box::new(raised)));
    }

    /// A session ended, as the journal says; `cause` in words.
    pub fn session_ended(&self, session: SessionKey, cause: impl Into<String>) {
        self.tell(Input::SessionEnded { session, cause: cause.into() });
    }

    /// A device is in this state from now on, as the journal says.
    pub fn device_changed(&self, device: DeviceId, state: DeviceState) {
        self.tell(Input::DeviceChanged { device, state });
    }

    /// The firewall shows that a device is cut off (or let back); `proof` in words. May be told again and again.
    pub fn isolated(&self, device: DeviceId, cut: bool, proof: impl Into<String>) {
        self.tell(Input::Isolated { device, cut, proof: proof.into() });
    }

    /// A person asks for an action. Returns when it is stored and (a Disconnect) sent.
    pub fn request(&self, request: ActionRequest) -> Result<ResponseId, Failed> {
        let ActionRequest { device, action, finding, by } = request;
        let id = random_id()?;
        self.ask(Input::Manual(ManualRequest { id, finding, device, action, by }))?;
        Ok(id)
    }

    /// A person approves a proposed response.
    pub fn approve(&self, id: ResponseId, by: &str) -> Result<(), Failed> {
        self.known(id)?;
        self.ask(Input::Approve { id, by: by.into() })
    }

    /// A person refuses a proposed response.
    pub fn reject(&self, id: ResponseId, by: &str) -> Result<(), Failed> {
        self.known(id)?;
        self.ask(Input::Reject { id, by: by.into() })
    }

    /// A person wants a response undone: withdraws a proposed one, resumes a suspended device. Returns the id of the
    /// response that undoes it, or the same id where it was only withdrawn.
    pub fn revert(&self, id: ResponseId, by: &str) -> Result<ResponseId, Failed> {
        let original = self.known(id)?;
        let withdrawn = !original.state.is_final();
        let undoing = random_id()?;
        self.ask(Input::Revert { original: Box::new(original), id: undoing, by: by.into() })?;
        Ok(if withdrawn { id } else { undoing })
    }

    /// Sends a test message through a channel, now, on this thread: what a test button does.
    pub fn test_channel(&self, name: &str) -> Result<String, Failed> {
        let channel = self.channels.get(name).ok_or_else(|| Failed::UnknownChannel(name.into()))?;
        channel.test((self.clock)()).map_err(Failed::Undelivered)
    }

    /// The channels' names.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        self.channels.keys().map(|name| &**name)
    }

    /// Whether steps can be stored. Where not, nothing is sent either, and it goes on when the store does.
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// What it measured.
    pub fn metrics(&self) -> Vec<Sample> {
        self.metrics.samples(&self.dac)
    }

    /// Stops. What is under way stays in the store and is taken up by the next start.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        drop(self.inbox.send(Message::Stop)); // it may be gone already
        if let Some(thread) = self.thread.take() {
            drop(thread.join()); // a panic there was reported by the thread itself
        }
    }

    fn tell(&self, input: Input) {
        drop(self.inbox.send(Message::Input(input))); // nobody listens any more: shutting down
    }

    fn ask(&self, input: Input) -> Result<(), Failed> {
        let (reply, answer) = bounded(1);
        self.inbox.send(Message::Ask(Ask { input, reply })).map_err(|_| Failed::Stopped)?;
        answer.recv().map_err(|_| Failed::Stopped)?.map_err(Failed::Refused)
    }

    fn known(&self, id: ResponseId) -> Result<fleetward_fleet::Response, Failed> {
        self.store.response(id).map_err(Failed::Store)?.ok_or(Failed::Unknown(id))
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.end();
    }
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Responder").field("dac", &self.dac).finish_non_exhaustive()
    }
}

fn channels(config: &Config) -> Result<HashMap<Box<str>, Arc<Channel>>, StartError> {
    let mut channels = HashMap::new();
    for (name, channel) in &config.channels {
        let made =
            Channel::new(channel.clone()).map_err(|source| StartError::Channel { name: name.clone(), source })?;
        channels.insert(name.clone(), Arc::new(made));
    }
    for alarm in &config.settings.alarm_channels {
        if !channels.contains_key(alarm) {
            return Err(StartError::NoSuchChannel(alarm.clone()));
        }
    }
    Ok(channels)
}

/// Responses of rules within the last hour: what the budgets have to count.
fn recent(store: &Store, now: Timestamp) -> Result<Vec<fleetward_fleet::Response>, StoreError> {
    let filter = ResponseFilter { since: Some(now - Duration::from_hours(1)), ..ResponseFilter::default() };
    let mut page = Page { limit: fleetward_store::MAX_PAGE, cursor: None };
    let mut all = Vec::new();
    loop {
        let listing = store.responses(&filter, &page)?;
        all.extend(listing.items.into_iter().filter(|response| matches!(response.by, Actor::Rule(_))));
        match listing.next {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    all.sort_by_key(|response| response.created_at);
    Ok(all)
}

fn random_id() -> Result<ResponseId, Failed> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Failed::Random)?;
    Ok(ResponseId(u128::from_be_bytes(bytes)))
}

/// Inputs that may wait.
const INBOX: usize = 1 << 16;

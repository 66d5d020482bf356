//! What happens to one request, whatever transport it came by: believe it, read it, decide, say what to record and
//! what to answer. No socket in here; the transports carry the answer when the record is stored.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use fleetward_fleet::{DeviceId, Identity, SessionStatus, Timestamp};
use fleetward_journal::Outcome;
use fleetward_radius::auth::{self, Untrusted};
use fleetward_radius::{Code, Packet, dictionary as d};

use crate::admission::{self, Decision, PasswordCheck};
use crate::attributes::Fields;
use crate::clients::{Client, ClientTable, PasswordPolicy};
use crate::config::Logins;
use crate::directory::{Directory, OpenMark, session_hash};
use crate::metrics::{Counters, Discard, Duplicate, Refusal, ReplyKind, RequestKind};
use crate::observe::{self, Anchors, Context, Status};
use crate::recorder::{Keyed, Recorder};
use crate::reply::{self, Reply};
use crate::throttle::Throttle;

/// A source of the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Which requests a port takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// Access-Request and Status-Server.
    Auth,
    /// Accounting-Request and Status-Server.
    Acct,
    /// All of them (`RadSec`).
    Both,
}

/// What is to be done about a believed request.
#[derive(Debug)]
pub(crate) enum Handled {
    /// Answer at once; there is nothing to record.
    Answer(Reply),
    /// Record, and answer when it is stored.
    Record(Box<Pending>),
}

/// A record and what follows once it is stored.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) record: Keyed,
    pub(crate) after: After,
    pub(crate) reply: Reply,
}

/// What the directory learns from a stored record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum After {
    /// Nothing.
    Nothing,
    /// The session is open.
    Opened(DeviceId, OpenMark),
    /// The session is over.
    Ended(DeviceId, u64),
    /// All sessions of the client are over, whose number this is.
    Reset(u16),
}

/// Everything that requests are handled with. Shared by all threads.
pub(crate) struct Core {
    pub(crate) directory: Arc<Directory>,
    pub(crate) clients: ClientTable,
    pub(crate) logins: Logins,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    anchors: Anchors,
    throttles: Vec<Throttle>,
    refusals: Throttle,
}

impl Core {
    pub(crate) fn new(
        directory: Arc<Directory>,
        clients: ClientTable,
        logins: Logins,
        recorder: Arc<dyn Recorder>,
        clock: Clock,
    ) -> Self {
        let throttles = (0..Discard::COUNT).map(|_| Throttle::new(Instant::now())).collect();
        let (counters, anchors) = (Counters::default(), Anchors::default());
        let refusals = Throttle::new(Instant::now());
        Self { directory, clients, logins, recorder, clock, counters, anchors, throttles, refusals }
    }

    /// Counts a request that gets no answer and says so in the log, unless it said so too often.
    pub(crate) fn discard(&self, reason: Discard, from: IpAddr, client: Option<&Client>) {
        self.counters.discard(reason);
        let Some(suppressed) = self.throttles[reason as usize].pass(Instant::now()) else { return };
        tracing::warn!(
            reason = reason.name(),
            %from,
            client = client.map_or("", |client| &client.name),
            suppressed,
            "RADIUS request not answered: {}",
            reason.hint()
        );
    }

    /// Counts a `RadSec` connection that was refused or closed for cause, and says so likewise.
    pub(crate) fn refuse(&self, reason: Refusal, from: SocketAddr, why: &str) {
        self.counters.refused(reason);
        if let Some(suppressed) = self.refusals.pass(Instant::now()) {
            tracing::warn!(%from, suppressed, "RadSec connection ended: {why}");
        }
    }

    /// The packet, if `client` wrote it and it belongs to this port. Nothing may be done with one that fails here.
    pub(crate) fn believe<'a>(
        datagram: &'a [u8],
        client: &Client,
        secret: &[u8],
        port: Port,
    ) -> Result<Packet<'a>, Discard> {
        let packet = Packet::parse(datagram)?;
        let expected = match packet.code() {
            Code::STATUS_SERVER => true,
            Code::ACCESS_REQUEST => port != Port::Acct,
            Code::ACCOUNTING_REQUEST => port != Port::Auth,
            _ => false,
        };
        if !expected {
            return Err(Discard::UnexpectedCode);
        }
        let policy = if client.legacy_pap_without_ma { auth::Policy::LegacyPap } else { auth::Policy::Require };
        match auth::verify_request(&packet, secret, policy) {
            // Over TLS the secret is public and the channel proves the sender: there is nothing for it to add. Old
            // proxies leave it out. One that is there must be right.
            Err(Untrusted::MessageAuthenticatorMissing | Untrusted::ProxyState) if is_covered_by_tls(&packet, port) => {
            }
            result => result?,
        }
        Ok(packet)
    }

    /// What is to be done about it.
    pub(crate) fn handle(
        &self,
        packet: &Packet<'_>,
        client: &Client,
        secret: &[u8],
        port: Port,
        now: Timestamp,
    ) -> Result<Handled, Discard> {
        match packet.code() {
            Code::STATUS_SERVER => self.status(packet, secret, port),
            Code::ACCESS_REQUEST => self.access(packet, client, secret, now),
            _ => self.accounting(packet, client, secret, now),
        }
    }

    /// No side effects (RFC 5997 §3). Where records are at stake, silence is the honest answer of a server that cannot
    /// keep them; that is every port, because admissions are recorded too.
    fn status(&self, packet: &Packet<'_>, secret: &[u8], port: Port) -> Result<Handled, Discard> {
        self.counters.request(RequestKind::Status);
        if !self.recorder.is_healthy() {
            return Err(Discard::NotReady);
        }
        reply::status(packet, port == Port::Acct, secret).map(Handled::Answer)
    }

    fn access(&self, packet: &Packet<'_>, client: &Client, secret: &[u8], now: Timestamp) -> Result<Handled, Discard> {
        self.counters.request(RequestKind::Access);
        let fields = Fields::read(packet);
        let identity = observe::identity(&fields, client.identity);
        let attach = observe::attach(&fields);
        let sim = identity.as_ref().and_then(|identity| self.directory.find(identity));
        let profile = sim.as_ref().and_then(|sim| self.directory.profile(sim.model.as_deref()?));
        let session = fields.session_id.map(|_| session_hash(&observe::session_key(&fields, client)));
        let password = self.password(packet, client, secret, identity.as_ref());
        let request = admission::Request { nas: &client.name, session, attach: &attach, password };
        let decision = admission::decide(&request, sim.as_ref(), profile.as_deref(), now);
        let device = match (&sim, &identity) {
            (Some(sim), _) => sim.device,
            (None, Some(identity)) => DeviceId::of(&identity.default_name()),
            (None, None) => observe::stand_in(&observe::session_key(&fields, client)),
        };
        let reply = reply::access(packet, &decision, &reply::class(device, now), secret)?;
        if let Decision::Reject(refusal) = &decision {
            self.counters.reject(refusal.reason);
        }
        let record = observe::admission(packet.bytes(), (device, identity), attach, &decision, client, now);
        Ok(Handled::Record(Box::new(Pending { record, after: After::Nothing, reply })))
    }

    fn password(
        &self,
        packet: &Packet<'_>,
        client: &Client,
        secret: &[u8],
        identity: Option<&Identity>,
    ) -> PasswordCheck {
        // The device wants to prove itself in a way that we cannot check: an Accept would pass that by.
        if packet.has(d::EAP_MESSAGE) {
            return PasswordCheck::Eap;
        }
        if client.password == PasswordPolicy::NetworkAuthenticated {
            return PasswordCheck::NotAsked;
        }
        let Some(Identity::Login(login)) = identity else { return PasswordCheck::Wrong };
        let Some(expected) = self.logins.get(login) else { return PasswordCheck::Wrong };
        let is_right = auth::chap_verify(packet, expected.reveal()).unwrap_or_else(|| {
            auth::user_password(packet, secret).is_some_and(|password| password.is(expected.reveal()))
        });
        if is_right { PasswordCheck::Correct } else { PasswordCheck::Wrong }
    }

    fn accounting(
        &self,
        packet: &Packet<'_>,
        client: &Client,
        secret: &[u8],
        now: Timestamp,
    ) -> Result<Handled, Discard> {
        let fields = Fields::read(packet);
        let status = Status::of(fields.status).ok_or(Discard::UnsupportedStatus)?;
        self.counters.request(RequestKind::Accounting);
        if observe::event_time(&fields, now).1 {
            self.counters.skewed();
        }
        let context = Context { client, now, anchors: &self.anchors };
        let (record, after) = match status {
            Status::NasReset { on } => {
                (observe::nas_reset(&fields, on, context), After::Reset(self.directory.nas_number(&client.name)))
            }
            Status::Session(status) => self.session(&fields, status, context),
        };
        let reply = reply::accounting(packet, secret)?;
        Ok(Handled::Record(Box::new(Pending { record, after, reply })))
    }

    fn session(&self, fields: &Fields<'_>, status: SessionStatus, context: Context<'_>) -> (Keyed, After) {
        let identity = observe::identity(fields, context.client.identity);
        let key = observe::session_key(fields, context.client);
        let known = identity.as_ref().and_then(|identity| self.directory.device_of(identity));
        let device = known.unwrap_or_else(|| {
            identity.as_ref().map_or_else(|| observe::stand_in(&key), |i| DeviceId::of(&i.default_name()))
        });
        let after = match (known, status) {
            (None, _) => After::Nothing,
            (Some(device), SessionStatus::Stop) => After::Ended(device, session_hash(&key)),
            (Some(device), _) => After::Opened(device, self.directory.open_mark(&key, context.now)),
        };
        (observe::session(fields, status, key, (device, identity), context), after)
    }

    /// The record is stored: tells the directory, and counts. Called before the answer leaves.
    pub(crate) fn stored(&self, outcome: Outcome, after: After, kind: ReplyKind) {
        self.counters.reply(kind);
        if outcome == Outcome::Duplicate {
            // It told the directory when it was stored; by now its session may be over.
            return self.counters.duplicate(Duplicate::Content);
        }
        match after {
            After::Nothing => {}
            After::Opened(device, mark) => self.directory.mark_open(device, mark),
            After::Ended(device, session) => self.directory.mark_ended(device, session),
            After::Reset(nas) => self.directory.mark_reset(nas),
        }
    }
}

fn is_covered_by_tls(packet: &Packet<'_>, port: Port) -> bool {
    port == Port::Both && packet.code() == Code::ACCESS_REQUEST && !packet.has(d::EAP_MESSAGE)
}

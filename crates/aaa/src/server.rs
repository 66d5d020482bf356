//! The running server: everything is bound before it says so, and every thread is joined when it stops.

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{Builder as ThreadBuilder, JoinHandle};

use fleetward_fleet::metric::Sample;

use crate::clients::{ClientError, ClientTable};
use crate::config::Config;
use crate::directory::Directory;
use crate::radsec::{self, RadSec, TlsError};
use crate::recorder::Recorder;
use crate::service::{Clock, Core, Port};
use crate::udp::socket::{Socket, is_free};
use crate::udp::{Listener, drops};

/// Why the server did not start. Nothing is bound then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address could not be bound.
    #[error("cannot listen on {address} ({what}): {}", way_out(source))]
    Bind {
        /// Which.
        address: SocketAddr,
        /// What for.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The clients contradict each other.
    #[error(transparent)]
    Clients(#[from] ClientError),
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A thread could not be started.
    #[error("cannot start a thread; is the process limit reached?")]
    Thread(#[source] io::Error),
}

fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program has it (see `ss -lunp`); stop that one or choose another port",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; see `ip addr`",
        io::ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE; choose a port above",
        _ => "choose another address",
    }
}

/// Where the server listens, with real ports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalAddrs {
    /// Authentication over UDP, as configured.
    pub auth: Vec<SocketAddr>,
    /// Accounting over UDP, as configured.
    pub acct: Vec<SocketAddr>,
    /// `RadSec`.
    pub radsec: Vec<SocketAddr>,
}

/// A running RADIUS server. Dropping it stops it.
pub struct Server {
    core: Arc<Core>,
    listeners: Vec<Arc<Listener>>,
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    radsec: Option<RadSec>,
    addrs: LocalAddrs,
    warnings: Vec<String>,
}

impl Server {
    /// Checks the configuration, binds every address, then starts to receive.
    pub fn start(
        config: Config,
        directory: Arc<Directory>,
        recorder: impl Recorder,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let clients = ClientTable::new(config.clients)?;
        let mut warnings = clients.warnings();
        let core = Arc::new(Core::new(directory, clients, config.logins, Arc::new(recorder), clock));
        let mut addrs = LocalAddrs::default();
        let mut listeners = Vec::new();
        for (wanted, port, bound) in
            [(&config.auth, Port::Auth, &mut addrs.auth), (&config.acct, Port::Acct, &mut addrs.acct)]
        {
            for &address in wanted {
                let sockets = bind_all(address, port, config.threads.max(1), config.receive_buffer)?;
                warnings.extend(socket_warnings(&sockets[0], config.receive_buffer));
                bound.push(sockets[0].local);
                let listener = |socket| Arc::new(Listener::new(Arc::clone(&core), socket, port, config.duplicates));
                listeners.extend(sockets.into_iter().map(listener));
            }
        }
        let radsec = config.radsec.map(|config| radsec::start(&config, Arc::clone(&core))).transpose()?;
        addrs.radsec = radsec.as_ref().map(|radsec| radsec.addrs.clone()).unwrap_or_default();
        let mut server = Self { core, listeners, threads: Vec::new(), stop: Arc::default(), radsec, addrs, warnings };
        server.spawn()?;
        Ok(server)
    }

    fn spawn(&mut self) -> Result<(), StartError> {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
        for listener in &self.listeners {
            let (listener, stop) = (Arc::clone(listener), Arc::clone(&self.stop));
            let name = if listener.port == Port::Auth { "radius-auth" } else { "radius-acct" };
            let thread = ThreadBuilder::new().name(name.into()).spawn(move || receive(&listener, &stop));
            self.threads.push(thread.map_err(StartError::Thread)?);
        }
        Ok(())
    }

    /// Where it listens.
    pub fn local_addrs(&self) -> &LocalAddrs {
        &self.addrs
    }

    /// What the operator should hear at every start, one sentence each. They are in the log already.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// See the table in [`crate::metrics`].
    pub fn metrics(&self) -> Vec<Sample> {
        let mut samples = self.core.counters.samples();
        samples.extend(self.core.directory.metrics());
        for address in self.addrs.auth.iter().chain(&self.addrs.acct) {
            let dropped = drops::at(*address).unwrap_or(0);
            samples.push(
                Sample::counter(
                    "fleetward_radius_socket_drops_total",
                    "Datagrams that the kernel dropped because the receive buffer was full.",
                    dropped,
                )
                .with("address", address.to_string()),
            );
        }
        for listener in &self.listeners {
            #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
            let granted = listener.socket.receive_buffer as f64;
            let address = listener.socket.local.to_string();
            let name = "fleetward_radius_receive_buffer_bytes";
            if samples.iter().any(|s| s.name == name && s.labels.iter().any(|(_, value)| *value == address)) {
                continue;
            }
            let help = "Receive buffer that the kernel granted to each socket.";
            samples.push(Sample::gauge(name, help, granted).with("address", address));
        }
        samples
    }

    /// Stops receiving and waits for the threads. Answers whose records are still being stored leave yet: the sockets
    /// live as long as an answer waits for them.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        self.stop.store(true, Relaxed);
        drop(self.radsec.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a RADIUS receive thread had panicked");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Receives until `stop`, even if a packet meets a mistake of ours: its batch is lost (and sent again by the NAS), the
/// socket is not.
fn receive(listener: &Arc<Listener>, stop: &AtomicBool) {
    while catch_unwind(AssertUnwindSafe(|| listener.run(stop))).is_err() {
        tracing::error!(address = %listener.socket.local, "a batch of requests made the server panic; please report it");
    }
}

fn bind_all(address: SocketAddr, port: Port, count: usize, buffer: usize) -> Result<Vec<Socket>, StartError> {
    let what = if port == Port::Auth { "RADIUS authentication" } else { "RADIUS accounting" };
    let failed = |source| StartError::Bind { address, what, source };
    let share = count > 1;
    if share && address.port() != 0 {
        is_free(address).map_err(failed)?;
    }
    let first = Socket::bind(address, share, buffer).map_err(failed)?;
    let local = first.local;
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(Socket::bind(local, share, buffer).map_err(failed)?);
    }
    Ok(sockets)
}

fn socket_warnings(socket: &Socket, wanted_buffer: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if socket.receive_buffer < wanted_buffer {
        warnings.push(format!(
            "{}: the kernel granted a receive buffer of {} octets instead of {wanted_buffer}; bursts may be lost. \
             Raise it with `sysctl -w net.core.rmem_max={wanted_buffer}`.",
            socket.local, socket.receive_buffer
        ));
    }
    if socket.is_wildcard() {
        warnings.push(format!(
            "{}: answers leave from the address that the routing table chooses; on a machine with several addresses, \
             list each of them instead of the wildcard.",
            socket.local
        ));
    }
    warnings
}

//! `RadSec`: RADIUS over TLS (RFC 6614), authentication, accounting and Status-Server on one connection.
//!
//! # Invariants
//!
//! * **TLS 1.3 with certificates on both sides**, and a certificate counts only if it belongs to a configured client.
//! * **The secret is `radsec`** (RFC 6614 §2.3); all MD5 fields that are there are checked with it, but a missing
//!   Message-Authenticator is none of TLS's problems: only Status-Server and EAP need it here.
//! * **A packet that is malformed or does not verify closes the connection** (RFC 6613 §2.6.4): framing is lost with it.
//! * **Bounded**: connections, time for the handshake, idle time, requests under way per connection.
//!
//! No duplicate cache: nothing is retransmitted over a connection (RFC 6613 §2.6.1), and an Access-Request that comes
//! again over a new one has the journal's key of the first.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::StartError;
use crate::config::RadSecConfig;
use crate::metrics::Refusal;
use crate::service::Core;

mod connection;
mod tls;

pub use tls::TlsError;

/// The fixed shared secret.
pub(crate) const SECRET: &[u8] = b"radsec";

/// The running listeners. Dropping it closes them and every connection.
pub(crate) struct RadSec {
    runtime: Option<Runtime>,
    pub(crate) addrs: Vec<SocketAddr>,
}

/// What every connection needs.
struct Shared {
    core: Arc<Core>,
    acceptor: TlsAcceptor,
    room: Arc<Semaphore>,
    handshake_timeout: Duration,
    idle_timeout: Duration,
}

/// Reads the certificates, binds every address and starts to accept.
pub(crate) fn start(config: &RadSecConfig, core: Arc<Core>) -> Result<RadSec, StartError> {
    let acceptor = TlsAcceptor::from(Arc::new(tls::server_config(config)?));
    let mut listeners = Vec::new();
    for &address in &config.listen {
        let failed = |source| StartError::Bind { address, what: "RadSec", source };
        let listener = std::net::TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        listeners.push((local, listener));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("radsec")
        .enable_all()
        .build()
        .map_err(StartError::Thread)?;
    let mut radsec = RadSec { runtime: None, addrs: listeners.iter().map(|(local, _)| *local).collect() };
    let shared = Arc::new(Shared {
        core,
        acceptor,
        room: Arc::new(Semaphore::new(config.max_connections)),
        handshake_timeout: config.handshake_timeout,
        idle_timeout: config.idle_timeout,
    });
    for (_, listener) in listeners {
        runtime.spawn(accept(listener, Arc::clone(&shared)));
    }
    radsec.runtime = Some(runtime);
    Ok(radsec)
}

impl Drop for RadSec {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Connections are cut; the peers send again what was not answered.
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "RadSec cannot watch its socket; nothing is accepted on it"),
    };
    loop {
        match listener.accept().await {
            Ok((stream, from)) => admit(stream, from, &shared),
            Err(error) => {
                // Out of file descriptors, mostly: connections that end make room.
                tracing::error!(%error, "RadSec cannot accept a connection; trying again");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn admit(stream: TcpStream, from: SocketAddr, shared: &Arc<Shared>) {
    let Ok(place) = Arc::clone(&shared.room).try_acquire_owned() else {
        shared.core.refuse(Refusal::TooMany, from, "too many connections");
        return;
    };
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        serve(stream, from, &shared).await;
        drop(place);
    });
}

async fn serve(stream: TcpStream, from: SocketAddr, shared: &Shared) {
    let core = &shared.core;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%from, %error, "TCP_NODELAY not set");
    }
    let handshake = tokio::time::timeout(shared.handshake_timeout, shared.acceptor.accept(stream));
    let stream = match handshake.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => stream,
        Err(error) => return core.refuse(Refusal::Handshake, from, &error.to_string()),
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let peer = certificate.map(|certificate| tls::identify(certificate));
    let Some(client) = peer.as_ref().and_then(|p| core.clients.by_certificate(&p.fingerprint, &p.dns)).cloned() else {
        let print = peer.map(|peer| tls::hex(&peer.fingerprint)).unwrap_or_default();
        return core.refuse(Refusal::UnknownCertificate, from, &format!("no client has the fingerprint {print}"));
    };
    core.counters.connected();
    tracing::info!(%from, client = &*client.name, "RadSec connection open");
    let end = connection::run(stream, from, client, Arc::clone(core), shared.idle_timeout).await;
    core.counters.disconnected();
    match end {
        connection::End::Closed => tracing::info!(%from, "RadSec connection closed"),
        connection::End::Idle => core.refuse(Refusal::Idle, from, "idle"),
        connection::End::BadPacket => core.refuse(Refusal::BadPacket, from, "a packet that cannot be believed"),
    }
}

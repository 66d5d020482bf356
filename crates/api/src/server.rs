//! The listener: plain or TLS, with a limit on everything that a stranger can make wait or grow.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::state::stopped;
use crate::{ApiState, router};

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS: usize = 1024;
/// For the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For a request's head, and so also how long an idle connection is kept.
const HEAD: Duration = Duration::from_secs(30);
/// For requests that are under way when the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// After accept failed (no file descriptors): not to spin.
const PAUSE: Duration = Duration::from_millis(200);

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) tls: bool,
}

/// Serves until `shutdown` is ready; then no more connections are taken, event streams end, and requests under way get ten
/// seconds.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    state: ApiState,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let tls = tls.map(TlsAcceptor::from);
    let app = router(state.clone());
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, address, slot)) = accepted else { continue };
        let (tls, stopping) = (tls.clone(), state.stopping());
        let app = app.clone().layer(Extension(Peer { address, tls: tls.is_some() }));
        tokio::spawn(async move {
            let _slot = slot;
            match tls {
                None => talk(stream, app, stopping).await,
                Some(tls) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                        talk(stream, app, stopping).await;
                    }
                }
            }
        });
    }
    drop(listener);
    state.stop();
    let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
    // A client that does not finish in time is cut off when the runtime ends; that is no error of the server.
    drop(tokio::time::timeout(GRACE, slots.acquire_many(all)).await);
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            // Small answers should not wait for more to come; a socket that refuses still works.
            stream.set_nodelay(true).ok();
            Some((stream, address, slot))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

/// One connection, until either side is done or the server stops.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: axum::Router,
    mut stopping: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_headers(64).max_buf_size(64 * 1024);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

//! The API's thread: an event loop of its own beside the threads that carry the fleet.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use fleetward_api::{ApiConfig, ApiState, Control};
use fleetward_store::{NewToken, Role, Store, TokenKind};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::client::{CERTIFICATE_FILE, TOKEN_FILE};
use crate::clock;
use crate::config::{Settings, Tls};
use crate::exit::Failure;

/// The file in the data folder with the key of the API's own certificate.
const KEY_FILE: &str = "api.key";
/// How long the command line's own token is good; every start makes a new one.
const CLI_TOKEN_LASTS: Duration = Duration::from_hours(365 * 24);

/// The running API.
pub(super) struct Web {
    pub(super) url: String,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    /// Binds, then serves on a thread of its own.
    pub(super) fn start(
        settings: &Settings,
        data: &Path,
        store: &Store,
        control: Arc<dyn Control>,
    ) -> anyhow::Result<Self> {
        let config = &settings.config.api;
        let tls = tls(settings, data)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("api")
            .enable_all()
            .build()
            .context("cannot start the API's event loop")?;
        let listener = runtime.block_on(TcpListener::bind(config.listen.0)).map_err(|error| {
            Failure::unfinished(
                format!("cannot listen on {} (api.listen): {error}", config.listen.0),
                "another program may have the port (ss -ltnp), or this machine has no such address (ip addr)",
            )
        })?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let state = ApiState::new(store.clone(), control, clock::shared(), ApiConfig::default());
        write_cli_token(store, data)?;
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::Builder::new()
            .name("api".into())
            .spawn(move || serve(&runtime, listener, tls, state, stopped))?;
        Ok(Self { url, stop, thread: Some(thread) })
    }

    /// Lets what is under way end, and no more.
    pub(super) fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the API's thread had panicked");
        }
    }
}

fn serve(
    runtime: &Runtime,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    state: ApiState,
    mut stopped: watch::Receiver<bool>,
) {
    let shutdown = async move {
        // An error says that the sender is gone, which is as good as being told to stop.
        stopped.wait_for(|stop| *stop).await.map(drop).unwrap_or_default();
    };
    if let Err(error) = runtime.block_on(fleetward_api::serve(listener, tls, state, shutdown)) {
        tracing::error!(%error, "the API stopped");
    }
}

fn tls(settings: &Settings, data: &Path) -> anyhow::Result<Option<Arc<ServerConfig>>> {
    match &settings.config.api.tls.value {
        Tls::Off => Ok(None),
        Tls::Files { certificate, key } => {
            let loaded = fleetward_api::tls::from_files(&settings.path(certificate), &settings.path(key));
            Ok(Some(loaded.context("api.tls")?))
        }
        Tls::Auto => {
            let (certificate, key) = (data.join(CERTIFICATE_FILE), data.join(KEY_FILE));
            if !certificate.exists() || !key.exists() {
                let ip = settings.config.api.listen.0.ip();
                let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
                if !ip.is_unspecified() && !names.contains(&ip.to_string()) {
                    names.push(ip.to_string());
                }
                let (chain, private) = fleetward_api::tls::self_signed(&names)?;
                replace_private(&key, private.as_bytes())?;
                replace_private(&certificate, chain.as_bytes())?;
            }
            Ok(Some(fleetward_api::tls::from_files(&certificate, &key).context("api.tls")?))
        }
    }
}

/// Gives whoever may read the data folder a token, so that the command line works at once. The one before is revoked.
fn write_cli_token(store: &Store, data: &Path) -> anyhow::Result<()> {
    const NAME: &str = "command line of this machine";
    let now = clock::now();
    for old in store.tokens()?.iter().filter(|token| &*token.name == NAME) {
        store.revoke_token(old.id)?;
    }
    let new = NewToken {
        name: NAME,
        kind: TokenKind::Api,
        scope: Role::Admin,
        user: None,
        expires_at: now + CLI_TOKEN_LASTS,
    };
    let (_, text) = store.create_token(&new, now)?;
    replace_private(&data.join(TOKEN_FILE), text.as_bytes())
}

/// Writes a file that only its owner may read, in place of one that may be there.
fn replace_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot replace {}", path.display()))
        }
        _ => crate::command::secret::write_new(path, content),
    }
}

/// What a signal asks for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT or SIGTERM.
    #[default]
    Stop,
    /// SIGHUP.
    Reload,
}

/// Signals, as they come.
pub(crate) struct Signals {
    came: Arc<AtomicBool>,
    wait: crossbeam_channel::Receiver<Signal>,
}

impl Signals {
    /// Waits for the next one.
    pub(crate) fn wait(&self) -> Signal {
        // An error says that the watching thread is gone: stopping is the safe thing.
        self.wait.recv().unwrap_or_default()
    }

    /// Whether it is to stop.
    pub(crate) fn is_set(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }
}

/// Watches for SIGINT, SIGTERM and SIGHUP from now on. A second one of the former ends the process at once.
pub(crate) fn signals() -> anyhow::Result<Signals> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot watch signals")?;
    let (tell, wait) = crossbeam_channel::bounded(4);
    let came = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&came);
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()))
            else {
                return;
            };
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {
                        // One that waits already will do: it reads what is there then.
                        tell.try_send(Signal::Reload).unwrap_or_default();
                        continue;
                    }
                }
                if flag.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
                tell.try_send(Signal::Stop).unwrap_or_default();
            }
        });
    })?;
    Ok(Signals { came, wait })
}

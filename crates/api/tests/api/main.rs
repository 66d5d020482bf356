//! The API against a real bound server. The running server behind it is the one thing that is played.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod access;
mod contract;
mod control;
mod devices;
mod findings;
mod observations;
mod planned;
mod running;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fleetward_api::{ApiConfig, ApiState};
use fleetward_fleet::Timestamp;
use fleetward_store::{AuditFilter, NewToken, Page, Role, Store, TokenKind};
use serde_json::Value;
use tokio::sync::oneshot;

use control::Played;

const START: i64 = 1_795_000_000;

/// A server on a port of its own, and a token of each scope.
struct Fixture {
    address: SocketAddr,
    store: Store,
    control: Arc<Played>,
    seconds: Arc<AtomicI64>,
    tokens: [String; 4],
    agent: ureq::Agent,
    stop: Option<oneshot::Sender<()>>,
    server: Option<std::thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self::with(ApiConfig::default(), None)
    }

    fn with(config: ApiConfig, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("fleetward.db")).unwrap();
        let control = Arc::new(Played::new(store.clone()));
        let seconds = Arc::new(AtomicI64::new(START));
        let ticking = Arc::clone(&seconds);
        let clock = Arc::new(move || Timestamp::from_secs(ticking.load(Ordering::Relaxed)));
        let state = ApiState::new(store.clone(), Arc::clone(&control) as _, clock, config);
        let (stop, stopped) = oneshot::channel::<()>();
        let (told, address) = std::sync::mpsc::channel();
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                fleetward_api::serve(listener, tls, state, async { drop(stopped.await) }).await.unwrap();
            });
        });
        let tokens = [Role::Ingest, Role::Viewer, Role::Operator, Role::Admin].map(|scope| token(&store, scope));
        // No connection is used twice: the server closes one whose request had a body that nobody read.
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_idle_connections(0).build();
        Self {
            address: address.recv().unwrap(),
            store,
            control,
            seconds,
            tokens,
            agent: config.into(),
            stop: Some(stop),
            server: Some(server),
            _folder: folder,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    fn wait(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Calls with a token; the body is JSON unless a media type is given.
    fn call(&self, method: &str, path: &str, token: Option<&str>, body: Option<(&str, &str)>) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some((kind, _)) = body {
            request = request.header("content-type", kind);
        }
        let text = body.map_or(String::new(), |(_, text)| text.to_owned());
        let mut response = self.agent.run(request.body(text).unwrap()).unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let stream = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let text = if stream { String::new() } else { response.body_mut().read_to_string().unwrap() };
        Answer { status, headers, text }
    }

    fn get(&self, role: Role, path: &str) -> Answer {
        self.call("GET", path, Some(&self.tokens[role as usize]), None)
    }

    fn send(&self, role: Role, method: &str, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call(method, path, Some(&self.tokens[role as usize]), Some(("application/json", &body)))
    }

    /// What the audit log says, newest first.
    fn trace(&self) -> Vec<(String, String, String)> {
        let log = self.store.audit_log(&AuditFilter::default(), &Page::default()).unwrap();
        log.items.into_iter().map(|row| (row.who, row.what, row.target)).collect()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(server) = self.server.take() {
            drop(server.join());
        }
    }
}

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// It is a problem document of this name.
    fn problem(&self, status: u16, name: &str) -> Value {
        self.expect(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:fleetward:problem:{name}"));
        assert_eq!(problem["status"], status);
        problem
    }
}

fn token(store: &Store, scope: Role) -> String {
    let now = Timestamp::from_secs(START);
    let new = NewToken {
        name: scope.name(),
        kind: TokenKind::Api,
        scope,
        user: None,
        expires_at: now + std::time::Duration::from_hours(24),
    };
    store.create_token(&new, now).unwrap().1
}

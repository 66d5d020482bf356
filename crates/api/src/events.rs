//! What happens, as it happens: server-sent events.
//!
//! A slow reader loses events rather than slow anybody down, and is told how many (`lagged`). A stream ends when its
//! token does, and when the server stops.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use serde::Deserialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::extract::Params;
use crate::guard::Caller;
use crate::state::stopped;
use crate::view::{FindingView, ResponseView, SessionChangeView};
use crate::{ApiState, Event};

/// A comment this often keeps proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The token is looked up again this often.
const RECHECK: Duration = Duration::from_secs(30);
/// The kinds, as `kinds` names them.
const KINDS: [&str; 3] = ["session", "finding", "response"];

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Only these kinds, separated by commas: `session`, `finding`, `response`. Without it, all.
    kinds: Option<String>,
}

/// What happens from now on, as server-sent events: `session`, `finding`, `cleared`, `response`, and `lagged` where some
/// were missed.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventQuery),
    responses((status = 200, description = "A stream; `data` of each event is the JSON of its view.",
        body = String, content_type = "text/event-stream")))]
pub(crate) async fn watch(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Params(query): Params<EventQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let kinds = kinds(query.kinds.as_deref())?;
    let slot = state.watchers().try_acquire_owned().map_err(|_| ApiError::TooManyStreams)?;
    let (sender, receiver) = mpsc::channel(16);
    // Subscribed before the answer begins: what happens after it has begun is in the stream.
    let events = state.subscribe();
    tokio::spawn(pump(state, caller, kinds, events, sender, slot));
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn kinds(text: Option<&str>) -> Result<Vec<String>, ApiError> {
    let words: Vec<String> =
        text.unwrap_or_default().split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    match words.iter().find(|word| !KINDS.contains(&word.as_str())) {
        Some(word) => Err(ApiError::invalid("kinds", format!("kinds: {word:?} is none of {}", KINDS.join(", ")))),
        None => Ok(words),
    }
}

async fn pump(
    state: ApiState,
    caller: Caller,
    kinds: Vec<String>,
    mut events: broadcast::Receiver<Arc<Event>>,
    sender: mpsc::Sender<Result<Message, Infallible>>,
    _slot: OwnedSemaphorePermit,
) {
    let mut stopping = state.stopping();
    let mut recheck = tokio::time::interval(RECHECK);
    recheck.tick().await;
    loop {
        let message = tokio::select! {
            () = stopped(&mut stopping) => return,
            () = sender.closed() => return,
            _ = recheck.tick() => {
                if !still_valid(&state, &caller).await {
                    return;
                }
                continue;
            }
            received = events.recv() => match received {
                Ok(event) => message(&event, &kinds),
                Err(RecvError::Lagged(missed)) => {
                    Some(Message::default().event("lagged").data(format!("{{\"missed\":{missed}}}")))
                }
                Err(RecvError::Closed) => return,
            },
        };
        if let Some(message) = message
            && sender.send(Ok(message)).await.is_err()
        {
            return;
        }
    }
}

async fn still_valid(state: &ApiState, caller: &Caller) -> bool {
    let (now, secret) = (state.now(), caller.secret.clone());
    let found = state.run(move |store, _| {
        let text = std::str::from_utf8(secret.reveal()).unwrap_or_default();
        Ok(store.authenticate(text, now)?.is_some())
    });
    // A store that cannot be asked just now is no reason to go blind.
    found.await.unwrap_or(true)
}

fn message(event: &Event, kinds: &[String]) -> Option<Message> {
    let wanted = |kind: &str| kinds.is_empty() || kinds.iter().any(|word| word == kind);
    let (kind, name, data) = match event {
        Event::Session(change) => ("session", "session", serde_json::to_string(&SessionChangeView::of(change))),
        Event::Finding(finding) => ("finding", "finding", serde_json::to_string(&FindingView::of(finding))),
        Event::Cleared { id, at } => ("finding", "cleared", Ok(format!("{{\"id\":\"{id}\",\"at\":\"{at}\"}}"))),
        Event::Response(response) => ("response", "response", serde_json::to_string(&ResponseView::of(response))),
    };
    if !wanted(kind) {
        return None;
    }
    data.ok().map(|data| Message::default().event(name).data(data))
}

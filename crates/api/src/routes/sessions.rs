//! Sessions, as the running server knows them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use fleetward_fleet::SessionKey;
use serde::Deserialize;
use utoipa::IntoParams;

use super::devices::{Reveal, find};
use crate::error::ApiError;
use crate::extract::{Named, Params, page};
use crate::guard::Caller;
use crate::view::{ListOf, ResponseView, SessionView};
use crate::{ApiState, SessionFilter};

/// Which sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionQuery {
    /// Of this device, by id or name.
    device: Option<String>,
    /// At this NAS.
    nas: Option<String>,
    /// `true`: open ones; `false`: ended ones that are still remembered.
    open: Option<bool>,
    /// Part of the device's name, the session id, the address or the APN.
    text: Option<String>,
    /// Rows a page: 100, at most 1000.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Show identities whole: for operators, and it leaves a trace.
    #[serde(default)]
    reveal: bool,
}

/// Sessions.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", params(SessionQuery),
    responses((status = 200, description = "One page of sessions.", body = ListOf<SessionView>)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Params(query): Params<SessionQuery>,
) -> Result<Json<ListOf<SessionView>>, ApiError> {
    let reveal = caller.may_reveal(query.reveal)?;
    let page = page(query.limit, query.cursor);
    let now = state.now();
    let list = state.run(move |store, control| {
        let device = query.device.map(|key| find(store, &key)).transpose()?.map(|device| device.id());
        let filter = SessionFilter { device, nas: query.nas, open: query.open, text: query.text };
        let listing = control.sessions(&filter, &page)?;
        if reveal {
            caller.audit(store, now, "session.reveal", "list", &format!("{} sessions", listing.items.len()))?;
        }
        Ok(ListOf::from(listing, |session| SessionView::of(&session, reveal)))
    });
    list.await.map(Json)
}

/// One session.
#[utoipa::path(get, path = "/api/v1/sessions/{nas}/{session}", tag = "sessions",
    params(("nas" = String, Path, description = "The configured name of the RADIUS client."),
        ("session" = String, Path, description = "Acct-Session-Id."), Reveal),
    responses((status = 200, description = "The session.", body = SessionView)))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named((nas, id)): Named<(String, String)>,
    Params(query): Params<Reveal>,
) -> Result<Json<SessionView>, ApiError> {
    let reveal = caller.may_reveal(query.reveal)?;
    let now = state.now();
    let shown = state.run(move |store, control| {
        let key = SessionKey { nas: nas.into(), id: id.into() };
        let session = control.session(&key)?.ok_or_else(|| ApiError::not_found("session", &*key.id))?;
        if reveal {
            caller.audit(store, now, "session.reveal", &target(&key), "")?;
        }
        Ok(SessionView::of(&session, reveal))
    });
    shown.await.map(Json)
}

/// Ends one session.
#[utoipa::path(post, path = "/api/v1/sessions/{nas}/{session}/disconnect", tag = "sessions",
    params(("nas" = String, Path, description = "The configured name of the RADIUS client."),
        ("session" = String, Path, description = "Acct-Session-Id.")),
    responses((status = 202, description = "The response that does it.", body = ResponseView)))]
pub(crate) async fn disconnect(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named((nas, id)): Named<(String, String)>,
) -> Result<(StatusCode, Json<ResponseView>), ApiError> {
    let now = state.now();
    let done = state.run(move |store, control| {
        let key = SessionKey { nas: nas.into(), id: id.into() };
        let response = control.disconnect(&key, &caller.name)?;
        caller.audit(store, now, "session.disconnect", &target(&key), &response.id.to_string())?;
        Ok(ResponseView::named(&response, store)?)
    });
    done.await.map(|response| (StatusCode::ACCEPTED, Json(response)))
}

fn target(key: &SessionKey) -> String {
    format!("{}/{}", key.nas, key.id)
}

//! Responses, and the people who decide on them.

use axum::extract::State;
use axum::{Extension, Json};
use fleetward_fleet::{Response, ResponseId};
use fleetward_store::ResponseFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use super::findings::{Note, device_id};
use crate::error::ApiError;
use crate::extract::{Named, OptionalBody, Params, page, value, values};
use crate::guard::Caller;
use crate::view::{ListOf, ResponseView};
use crate::{ApiState, Control, ControlError};

/// Which responses.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResponseQuery {
    /// In one of these states, separated by commas: `proposed,approved`.
    state: Option<String>,
    /// `disconnect`, `change_of_authorization`, `suspend_sim`, `resume_sim`, `quarantine`, `release` or `notify`.
    action: Option<String>,
    /// On this device, by id or name.
    device: Option<String>,
    /// Because of this finding.
    finding: Option<String>,
    /// Asked for by this rule.
    rule: Option<String>,
    /// Asked for at or after this time (RFC 3339).
    since: Option<String>,
    /// Rows a page: 100, at most 1000.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Responses, newest first.
#[utoipa::path(get, path = "/api/v1/responses", tag = "responses", params(ResponseQuery),
    responses((status = 200, description = "One page of responses.", body = ListOf<ResponseView>)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Params(query): Params<ResponseQuery>,
) -> Result<Json<ListOf<ResponseView>>, ApiError> {
    let page = page(query.limit, query.cursor);
    let mut filter = ResponseFilter {
        states: values("state", query.state.as_deref())?,
        action: query.action,
        device: None,
        finding: value("finding", query.finding.as_deref())?,
        rule: query.rule,
        since: value("since", query.since.as_deref())?,
    };
    let list = state.run(move |store, _| {
        filter.device = query.device.map(|key| device_id(store, &key)).transpose()?;
        let listing = store.responses(&filter, &page)?;
        let items = listing.items.iter().map(|response| ResponseView::named(response, store));
        Ok(ListOf { items: items.collect::<Result<_, _>>()?, next: listing.next, total: None })
    });
    list.await.map(Json)
}

/// One response.
#[utoipa::path(get, path = "/api/v1/responses/{response}", tag = "responses",
    params(("response" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The response.", body = ResponseView)))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    Named(key): Named<String>,
) -> Result<Json<ResponseView>, ApiError> {
    let id = response_id(&key)?;
    let shown = state.run(move |store, _| {
        let response = store.response(id)?.ok_or_else(|| ApiError::not_found("response", key))?;
        Ok(ResponseView::named(&response, store)?)
    });
    shown.await.map(Json)
}

/// Lets a proposed response go out.
#[utoipa::path(post, path = "/api/v1/responses/{response}/approve", tag = "responses", request_body = Option<Note>,
    params(("response" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The response as it is now.", body = ResponseView)))]
pub(crate) async fn approve(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    OptionalBody(Note { note }): OptionalBody<Note>,
) -> Result<Json<ResponseView>, ApiError> {
    decide(state, caller, &key, note, "response.approve", <dyn Control>::approve).await
}

/// Refuses a proposed response.
#[utoipa::path(post, path = "/api/v1/responses/{response}/reject", tag = "responses", request_body = Option<Note>,
    params(("response" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The response as it is now.", body = ResponseView)))]
pub(crate) async fn reject(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    OptionalBody(Note { note }): OptionalBody<Note>,
) -> Result<Json<ResponseView>, ApiError> {
    decide(state, caller, &key, note, "response.reject", <dyn Control>::reject).await
}

/// Undoes a response that took effect.
#[utoipa::path(post, path = "/api/v1/responses/{response}/revert", tag = "responses", request_body = Option<Note>,
    params(("response" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The response as it is now.", body = ResponseView)))]
pub(crate) async fn revert(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    OptionalBody(Note { note }): OptionalBody<Note>,
) -> Result<Json<ResponseView>, ApiError> {
    decide(state, caller, &key, note, "response.revert", <dyn Control>::revert).await
}

type Decision = fn(&dyn Control, ResponseId, &str, &str) -> Result<Response, ControlError>;

async fn decide(
    state: ApiState,
    caller: Caller,
    key: &str,
    note: String,
    what: &'static str,
    decision: Decision,
) -> Result<Json<ResponseView>, ApiError> {
    let id = response_id(key)?;
    let now = state.now();
    let done = state.run(move |store, control| {
        let response = decision(control, id, &caller.name, &note)?;
        caller.audit(store, now, what, &id.to_string(), &note)?;
        Ok(ResponseView::named(&response, store)?)
    });
    done.await.map(Json)
}

fn response_id(text: &str) -> Result<ResponseId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("response", text))
}

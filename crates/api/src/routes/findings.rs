//! Findings, and what people say about them.

use axum::extract::State;
use axum::{Extension, Json};
use fleetward_fleet::{FindingId, Suppression, SuppressionScope, Timestamp};
use fleetward_store::{FindingFilter, Store};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::devices::find;
use crate::ApiState;
use crate::error::ApiError;
use crate::extract::{Body, Named, OptionalBody, Params, name, page, value, values};
use crate::guard::Caller;
use crate::view::{CountView, FindingDetailView, FindingView, ListOf, SuppressionScopeView};

/// More findings than this are not acknowledged at once.
const BULK: usize = 1000;

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FindingQuery {
    /// In one of these states, separated by commas: `new,acknowledged`.
    state: Option<String>,
    /// At least so bad: `info`, `low`, `medium`, `high` or `critical`.
    severity: Option<String>,
    /// Of this rule.
    rule: Option<String>,
    /// On this device, by id or name.
    device: Option<String>,
    /// Last seen at or after this time (RFC 3339).
    since: Option<String>,
    /// In subject, title or observed; `*` and `?` are wildcards.
    text: Option<String>,
    /// Rows a page: 100, at most 1000.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Why, in words.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    /// Why, for whoever reads the history.
    #[serde(default)]
    pub(super) note: String,
}

/// Several findings at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Several {
    /// Their ids, at most 1000.
    ids: Vec<String>,
    /// Why, for whoever reads the history.
    #[serde(default)]
    note: String,
}

/// What became of several findings.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changed {
    /// The ids of those that were changed; the others were not in a state for it.
    changed: Vec<String>,
}

/// Why findings like this one are expected, where, and until when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// `{"device": id or name}`, `{"group": name}` or `"rule"`; without it, the finding's own device.
    #[serde(default)]
    scope: Option<SuppressionScopeView>,
    /// Why.
    reason: String,
    /// Until when (RFC 3339); they wake up then.
    until: String,
}

/// Findings, newest first.
#[utoipa::path(get, path = "/api/v1/findings", tag = "findings", params(FindingQuery),
    responses((status = 200, description = "One page of findings.", body = ListOf<FindingView>)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Params(query): Params<FindingQuery>,
) -> Result<Json<ListOf<FindingView>>, ApiError> {
    let page = page(query.limit, query.cursor);
    let mut filter = FindingFilter {
        states: values("state", query.state.as_deref())?,
        min_severity: query.severity.map(|word| name("severity", &word)).transpose()?,
        rule: query.rule,
        device: None,
        since: value("since", query.since.as_deref())?,
        text: query.text,
    };
    let list = state.run(move |store, _| {
        filter.device = query.device.map(|key| device_id(store, &key)).transpose()?;
        Ok(ListOf::from(store.findings(&filter, &page)?, |finding| FindingView::of(&finding)))
    });
    list.await.map(Json)
}

/// How many findings there are, by state and severity.
#[utoipa::path(get, path = "/api/v1/findings/counts", tag = "findings",
    responses((status = 200, description = "Only what is not zero.", body = Vec<CountView>)))]
pub(crate) async fn counts(State(state): State<ApiState>) -> Result<Json<Vec<CountView>>, ApiError> {
    let counts = state.run(|store, _| Ok(store.finding_counts()?)).await?;
    let view = |(state, severity, count): (_, _, u64)| CountView {
        state: fleetward_fleet::FindingState::into(state),
        severity: fleetward_fleet::Severity::into(severity),
        count,
    };
    Ok(Json(counts.rows.into_iter().map(view).collect()))
}

/// One finding with its history and responses.
#[utoipa::path(get, path = "/api/v1/findings/{finding}", tag = "findings",
    params(("finding" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The finding.", body = FindingDetailView)))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    Named(key): Named<String>,
) -> Result<Json<FindingDetailView>, ApiError> {
    let id = finding_id(&key)?;
    state.run(move |store, _| detail(store, id)).await.map(Json)
}

/// Somebody has it.
#[utoipa::path(post, path = "/api/v1/findings/{finding}/acknowledge", tag = "findings", request_body = Option<Note>,
    params(("finding" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The finding as it is now.", body = FindingDetailView)))]
pub(crate) async fn acknowledge(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    OptionalBody(Note { note }): OptionalBody<Note>,
) -> Result<Json<FindingDetailView>, ApiError> {
    step(state, caller, &key, note, "finding.acknowledge", Store::acknowledge_finding).await
}

/// It is dealt with.
#[utoipa::path(post, path = "/api/v1/findings/{finding}/resolve", tag = "findings", request_body = Option<Note>,
    params(("finding" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The finding as it is now.", body = FindingDetailView)))]
pub(crate) async fn resolve(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    OptionalBody(Note { note }): OptionalBody<Note>,
) -> Result<Json<FindingDetailView>, ApiError> {
    step(state, caller, &key, note, "finding.resolve", Store::resolve_finding).await
}

/// Takes back what was said: it is new again.
#[utoipa::path(post, path = "/api/v1/findings/{finding}/reopen", tag = "findings", request_body = Option<Note>,
    params(("finding" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The finding as it is now.", body = FindingDetailView)))]
pub(crate) async fn reopen(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    OptionalBody(Note { note }): OptionalBody<Note>,
) -> Result<Json<FindingDetailView>, ApiError> {
    step(state, caller, &key, note, "finding.reopen", Store::reopen_finding).await
}

/// Findings like this one are expected, for a stated reason, until a stated date.
#[utoipa::path(post, path = "/api/v1/findings/{finding}/suppress", tag = "findings", request_body = Expected,
    params(("finding" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The findings that sleep now.", body = Changed)))]
pub(crate) async fn suppress(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    Body(expected): Body<Expected>,
) -> Result<Json<Changed>, ApiError> {
    let id = finding_id(&key)?;
    let now = state.now();
    let done = state.run(move |store, _| {
        let found = store.finding(id)?.ok_or_else(|| ApiError::not_found("finding", key))?.finding;
        let scope = match &expected.scope {
            Some(scope) => scope_of(store, scope)?,
            None => SuppressionScope::Device(found.device),
        };
        let suppression = Suppression {
            rule: found.rule,
            scope,
            reason: expected.reason,
            until: time("until", &expected.until)?,
            by: caller.name.as_str().into(),
        };
        let (number, asleep) = store.suppress_finding(id, &suppression, now)?;
        let detail = format!("suppression {number} until {}: {}", suppression.until, suppression.reason);
        caller.audit(store, now, "finding.suppress", &id.to_string(), &detail)?;
        Ok(Changed { changed: asleep.iter().map(ToString::to_string).collect() })
    });
    done.await.map(Json)
}

/// Acknowledges several findings: those that are new.
#[utoipa::path(post, path = "/api/v1/findings/acknowledge", tag = "findings", request_body = Several,
    responses((status = 200, description = "Those that were changed.", body = Changed)))]
pub(crate) async fn acknowledge_many(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Body(Several { ids, note }): Body<Several>,
) -> Result<Json<Changed>, ApiError> {
    if ids.len() > BULK {
        return Err(ApiError::invalid("ids", format!("at most {BULK}")));
    }
    let ids = ids.iter().map(|id| finding_id(id)).collect::<Result<Vec<_>, _>>()?;
    let now = state.now();
    let done = state.run(move |store, _| {
        let changed = store.acknowledge_findings(&ids, &caller.name, &note, now)?;
        for id in &changed {
            caller.audit(store, now, "finding.acknowledge", &id.to_string(), &note)?;
        }
        Ok(Changed { changed: changed.iter().map(ToString::to_string).collect() })
    });
    done.await.map(Json)
}

type Step = fn(&Store, FindingId, &str, &str, Timestamp) -> fleetward_store::Result<()>;

async fn step(
    state: ApiState,
    caller: Caller,
    key: &str,
    note: String,
    what: &'static str,
    step: Step,
) -> Result<Json<FindingDetailView>, ApiError> {
    let id = finding_id(key)?;
    let now = state.now();
    let done = state.run(move |store, _| {
        step(store, id, &caller.name, &note, now)?;
        caller.audit(store, now, what, &id.to_string(), &note)?;
        detail(store, id)
    });
    done.await.map(Json)
}

fn detail(store: &Store, id: FindingId) -> Result<FindingDetailView, ApiError> {
    let found = store.finding(id)?.ok_or_else(|| ApiError::not_found("finding", id.to_string()))?;
    Ok(FindingDetailView::of(&found, store)?)
}

fn finding_id(text: &str) -> Result<FindingId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("finding", text))
}

/// Findings may be about a device that has left the inventory: an id will do then.
pub(super) fn device_id(store: &Store, key: &str) -> Result<fleetward_fleet::DeviceId, ApiError> {
    find(store, key).map(|device| device.id()).or_else(|missing| key.parse().map_err(|_| missing))
}

pub(super) fn scope_of(store: &Store, scope: &SuppressionScopeView) -> Result<SuppressionScope, ApiError> {
    Ok(match scope {
        SuppressionScopeView::Device(key) => SuppressionScope::Device(device_id(store, key)?),
        SuppressionScopeView::Group(group) => SuppressionScope::Group(group.as_str().into()),
        SuppressionScopeView::Rule => SuppressionScope::Rule,
    })
}

pub(super) fn time(field: &'static str, text: &str) -> Result<Timestamp, ApiError> {
    text.parse().map_err(|_| ApiError::invalid(field, format!("{field}: a time like 2027-01-31T12:00:00Z expected")))
}

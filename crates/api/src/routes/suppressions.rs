//! Suppressions.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use fleetward_fleet::Suppression;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::findings::{scope_of, time};
use crate::ApiState;
use crate::error::ApiError;
use crate::extract::{Body, Named, Params, page};
use crate::guard::Caller;
use crate::view::{ListOf, SuppressionScopeView, SuppressionView};

/// Which suppressions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SuppressionQuery {
    /// Also those that are over.
    #[serde(default)]
    past: bool,
    /// Rows a page: 100, at most 1000.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A suppression to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSuppression {
    /// The rule.
    rule: String,
    /// On what.
    scope: SuppressionScopeView,
    /// Why.
    reason: String,
    /// Until when (RFC 3339).
    until: String,
}

/// A suppression was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Suppressed {
    /// Its number.
    id: u64,
    /// The ids of the findings that sleep because of it.
    findings: Vec<String>,
}

/// Suppressions, newest first.
#[utoipa::path(get, path = "/api/v1/suppressions", tag = "suppressions", params(SuppressionQuery),
    responses((status = 200, description = "One page of suppressions.", body = ListOf<SuppressionView>)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Params(query): Params<SuppressionQuery>,
) -> Result<Json<ListOf<SuppressionView>>, ApiError> {
    let effective_at = (!query.past).then(|| state.now());
    let page = page(query.limit, query.cursor);
    let list = state.run(move |store, _| {
        Ok(ListOf::from(store.suppressions(effective_at, &page)?, |stored| SuppressionView::of(&stored)))
    });
    list.await.map(Json)
}

/// Findings of a rule are expected, for a stated reason, in a stated scope, until a stated date.
#[utoipa::path(post, path = "/api/v1/suppressions", tag = "suppressions", request_body = NewSuppression,
    responses((status = 201, description = "It was made.", body = Suppressed)))]
pub(crate) async fn add(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewSuppression>,
) -> Result<(StatusCode, Json<Suppressed>), ApiError> {
    let now = state.now();
    let done = state.run(move |store, _| {
        let suppression = Suppression {
            rule: new.rule.into(),
            scope: scope_of(store, &new.scope)?,
            reason: new.reason,
            until: time("until", &new.until)?,
            by: caller.name.as_str().into(),
        };
        let (id, findings) = store.add_suppression(&suppression, now)?;
        let detail = format!("{} until {}: {}", suppression.rule, suppression.until, suppression.reason);
        caller.audit(store, now, "suppression.add", &id.to_string(), &detail)?;
        Ok(Suppressed { id, findings: findings.iter().map(ToString::to_string).collect() })
    });
    done.await.map(|made| (StatusCode::CREATED, Json(made)))
}

/// Ends a suppression before its time; findings that only it kept asleep are new again.
#[utoipa::path(delete, path = "/api/v1/suppressions/{suppression}", tag = "suppressions",
    params(("suppression" = u64, Path, description = "Its number.")),
    responses((status = 204, description = "It is over.")))]
pub(crate) async fn remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(id): Named<u64>,
) -> Result<StatusCode, ApiError> {
    let now = state.now();
    let done = state.run(move |store, _| {
        let (removed, woken) = store.remove_suppression(id, &caller.name, now)?;
        let detail = format!("{}; {} findings are new again", removed.suppression.rule, woken.len());
        caller.audit(store, now, "suppression.remove", &id.to_string(), &detail)
    });
    done.await.map(|()| StatusCode::NO_CONTENT)
}

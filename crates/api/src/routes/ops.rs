//! Running the thing: the audit log, health, metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use fleetward_store::AuditFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::extract::{Params, page, value};
use crate::view::{AuditReportView, AuditView, HealthName, HealthView, ListOf};
use crate::{ApiState, prometheus};

/// Which rows of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// By this user or token.
    who: Option<String>,
    /// This kind of change; `*` is a wildcard: `device.*`.
    what: Option<String>,
    /// At or after this time (RFC 3339).
    since: Option<String>,
    /// Rows a page: 100, at most 1000.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Who changed what, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, description = "One page of the log.", body = ListOf<AuditView>)))]
pub(crate) async fn audit(
    State(state): State<ApiState>,
    Params(query): Params<AuditQuery>,
) -> Result<Json<ListOf<AuditView>>, ApiError> {
    let page = page(query.limit, query.cursor);
    let since = value("since", query.since.as_deref())?;
    let filter = AuditFilter { who: query.who, what: query.what, since };
    let list = state.run(move |store, _| Ok(ListOf::from(store.audit_log(&filter, &page)?, AuditView::of)));
    list.await.map(Json)
}

/// Whether the audit log is as it was written: walks its hash chain.
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "audit",
    responses((status = 200, description = "What was found.", body = AuditReportView)))]
pub(crate) async fn verify_audit(State(state): State<ApiState>) -> Result<Json<AuditReportView>, ApiError> {
    state.run(|store, _| Ok(store.verify_audit()?.into())).await.map(Json)
}

/// How the server is: 503 where it does not do its work.
#[utoipa::path(get, path = "/health", tag = "operation",
    responses((status = 200, description = "It works; `degraded` asks for a look.", body = HealthView),
        (status = 503, description = "It does not.", body = HealthView)))]
pub(crate) async fn health(State(state): State<ApiState>) -> impl IntoResponse {
    let health = HealthView::of(state.health().await, &state.config().version);
    let status = if health.status == HealthName::Failing { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(health))
}

/// What the server measures of itself, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "Text, exposition format 0.0.4.", body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(state): State<ApiState>) -> Result<impl IntoResponse, ApiError> {
    let samples = state.metrics().await?;
    Ok(([(header::CONTENT_TYPE, prometheus::MEDIA_TYPE)], prometheus::render(&samples)))
}

//! Audits that come again and again. What they find are findings like all others.

use axum::Json;
use axum::extract::State;

use crate::ApiState;
use crate::error::ApiError;
use crate::view::ScheduledAuditView;

/// The audits that the configuration schedules, with their last and next runs.
#[utoipa::path(get, path = "/api/v1/audits", tag = "audits",
    responses((status = 200, description = "All of them.", body = Vec<ScheduledAuditView>)))]
pub(crate) async fn list(State(state): State<ApiState>) -> Result<Json<Vec<ScheduledAuditView>>, ApiError> {
    let audits = state.run(|_, control| Ok(control.audits().into_iter().map(ScheduledAuditView::of).collect()));
    audits.await.map(Json)
}

//! Observations from elsewhere.

use axum::extract::State;
use axum::{Extension, Json};
use fleetward_fleet::Body as Seen;
use fleetward_store::Role;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::ApiState;
use crate::error::ApiError;
use crate::extract::Body;
use crate::guard::Caller;
use crate::observations::{self, ObservationInput};

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObservationReport {
    /// Recorded now: durable, and judged in a moment.
    recorded: usize,
    /// Told before, and counted once.
    known: usize,
}

/// Tells observations: flows, messages, calls, log-ins, changes of a SIM; operators also what an audit found. The answer comes when they are durable. The token's
/// name is the source that they are recorded under. Telling the same again changes nothing.
#[utoipa::path(post, path = "/api/v1/observations", tag = "observations", request_body = Vec<ObservationInput>,
    responses((status = 200, description = "They are recorded.", body = ObservationReport)))]
pub(crate) async fn tell(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Body(items): Body<Vec<Value>>,
) -> Result<Json<ObservationReport>, ApiError> {
    let now = state.now();
    let source = caller.name.strip_prefix("token:").unwrap_or(&caller.name).to_owned();
    let done = state.run(move |store, control| {
        let told = observations::read(store, items, &source, now)?;
        // What an audit found ends findings; a token for telling may not.
        if caller.role < Role::Operator && told.iter().any(|it| matches!(it.observation.body, Seen::Exposure(_))) {
            return Err(ApiError::Forbidden { needs: Role::Operator });
        }
        let all = told.len();
        let recorded = control.observe(told)?;
        // A platform that tells every minute would bury the log; what a person brings in is worth a row.
        if caller.role != Role::Ingest {
            caller.audit(store, now, "observations.tell", &source, &format!("{recorded} new of {all}"))?;
        }
        Ok(ObservationReport { recorded, known: all - recorded })
    });
    done.await.map(Json)
}

//! A query says only what its route knows: a filter that is misspelt is refused, never left out.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use fleetward_fleet::{did_you_mean, did_you_mean_text};

use crate::error::ApiError;

/// Lets a request pass whose query has no other parameters than these.
pub(crate) async fn check(
    State(known): State<Arc<[String]>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let Query(pairs) = pairs.map_err(|rejection| ApiError::invalid("", rejection.body_text()))?;
    match pairs.into_iter().map(|(name, _)| name).find(|name| !known.contains(name)) {
        Some(name) => Err(unknown(name, &known)),
        None => Ok(next.run(request).await),
    }
}

fn unknown(name: String, known: &[String]) -> ApiError {
    let meant = did_you_mean(&name, known.iter().map(String::as_str));
    let meant = meant.map(|word| format!(" ({})", did_you_mean_text(word))).unwrap_or_default();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let detail = format!("unknown parameter `{name}`{meant}; known here: {known}");
    ApiError::invalid(name, detail)
}

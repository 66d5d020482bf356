//! Rules: those in force, the operator's own files, and whether a text would do.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use fleetward_fleet::counted;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;
use crate::extract::{Body, Named, Params};
use crate::guard::Caller;
use crate::view::{OwnRuleView, ReloadView, RuleCheckView, RuleView, RuleWrittenView};
use crate::{ApiState, control::NewRule};

/// A rule as text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleText {
    /// The YAML document (of `check`: one or more).
    text: String,
}

/// A rule as text, and how much of the past it is tried on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleTrial {
    /// The YAML document, or several.
    text: String,
    /// Days before the last record, 1 to 31.
    #[serde(default = "week")]
    days: u32,
}

fn week() -> u32 {
    7
}

/// How a new rule starts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Start {
    /// Take a new rule in the mode that its text states. Without it a new rule must be in dry-run.
    #[serde(default)]
    as_written: bool,
}

/// The rules in force.
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules",
    responses((status = 200, description = "All of them.", body = Vec<RuleView>)))]
pub(crate) async fn list(State(state): State<ApiState>) -> Result<Json<Vec<RuleView>>, ApiError> {
    let rules = state.run(|_, control| Ok(control.rules().into_iter().map(RuleView::of).collect()));
    rules.await.map(Json)
}

/// Reads rules, lists and models from their files again. All or nothing: with one mistake the old ones stay in force.
#[utoipa::path(post, path = "/api/v1/rules/reload", tag = "rules",
    responses((status = 200, description = "What is in force now.", body = ReloadView)))]
pub(crate) async fn reload(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<ReloadView>, ApiError> {
    let now = state.now();
    let done = state.run(move |store, control| {
        let reloaded = control.reload()?;
        let words = format!("{}, {}", counted(reloaded.rules, "rule"), counted(reloaded.models, "model"));
        caller.audit(store, now, "rules.reload", "files", &words)?;
        Ok(ReloadView::of(reloaded))
    });
    done.await.map(Json)
}

/// Whether a text is right: its mistakes with line and column, what it means, and what its own examples say. Nothing is
/// changed.
#[utoipa::path(post, path = "/api/v1/rules/check", tag = "rules", request_body = RuleText,
    responses((status = 200, description = "What is right and what is wrong.", body = RuleCheckView)))]
pub(crate) async fn check(
    State(state): State<ApiState>,
    Body(RuleText { text }): Body<RuleText>,
) -> Result<Json<RuleCheckView>, ApiError> {
    state.run(move |_, control| Ok(RuleCheckView::of(control.check_rules(&text)?))).await.map(Json)
}

/// What a text would have found and done on the past: alarms a day, devices, examples, responses within the budgets, the
/// difference to the version in force. Nothing is changed and nobody is told. One at a time, and no longer than a minute:
/// then `complete` is false, and `fleetward rules backtest` has all the time.
#[utoipa::path(post, path = "/api/v1/rules/backtest", tag = "rules", request_body = RuleTrial,
    responses((status = 200, description = "As `fleetward rules backtest --format json`, and `complete`.", body = Object)))]
pub(crate) async fn backtest(
    State(state): State<ApiState>,
    Body(RuleTrial { text, days }): Body<RuleTrial>,
) -> Result<Json<serde_json::Value>, ApiError> {
    if !(1..=31).contains(&days) {
        return Err(ApiError::invalid("days", "1 to 31".to_owned()));
    }
    state.run(move |_, control| Ok(control.backtest_rules(&text, days)?)).await.map(Json)
}

/// The operator's own rule files.
#[utoipa::path(get, path = "/api/v1/rules/own", tag = "rules",
    responses((status = 200, description = "All of them.", body = Vec<OwnRuleView>)))]
pub(crate) async fn own(State(state): State<ApiState>) -> Result<Json<Vec<OwnRuleView>>, ApiError> {
    state.run(|_, control| Ok(control.own_rules()?.into_iter().map(OwnRuleView::of).collect())).await.map(Json)
}

/// One of the operator's own rules, as text.
#[utoipa::path(get, path = "/api/v1/rules/own/{rule}", tag = "rules",
    params(("rule" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The rule.", body = OwnRuleView)))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    Named(name): Named<String>,
) -> Result<Json<OwnRuleView>, ApiError> {
    let found = state.run(move |_, control| {
        let own = control.own_rules()?.into_iter().find(|rule| *rule.name == *name);
        own.map(OwnRuleView::of).ok_or_else(|| ApiError::not_found("rule of your own", &name))
    });
    found.await.map(Json)
}

/// Writes a rule of one's own, new or known, and judges by it from the next record on. A changed text needs a higher
/// version; the version before is kept beside the rules. A new rule starts in dry-run.
#[utoipa::path(put, path = "/api/v1/rules/own/{rule}", tag = "rules", request_body = RuleText,
    params(("rule" = String, Path, description = "Its name."), Start),
    responses((status = 200, description = "It is in force.", body = RuleWrittenView)))]
pub(crate) async fn put(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(name): Named<String>,
    Params(start): Params<Start>,
    Body(RuleText { text }): Body<RuleText>,
) -> Result<Json<RuleWrittenView>, ApiError> {
    let now = state.now();
    let done = state.run(move |store, control| {
        let written = control.put_rule(&NewRule { name: &name, text: &text, as_written: start.as_written })?;
        let words = format!("version {}, {}", written.version, written.mode);
        caller.audit(store, now, "rule.write", &name, &words)?;
        Ok(RuleWrittenView::of(written))
    });
    done.await.map(Json)
}

/// Takes a rule of one's own away. Its findings stay; a built-in rule of the same name is in force again.
#[utoipa::path(delete, path = "/api/v1/rules/own/{rule}", tag = "rules",
    params(("rule" = String, Path, description = "Its name.")),
    responses((status = 204, description = "It is gone.")))]
pub(crate) async fn remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(name): Named<String>,
) -> Result<StatusCode, ApiError> {
    let now = state.now();
    let done = state.run(move |store, control| {
        control.remove_rule(&name)?;
        caller.audit(store, now, "rule.remove", &name, "")
    });
    done.await.map(|()| StatusCode::NO_CONTENT)
}

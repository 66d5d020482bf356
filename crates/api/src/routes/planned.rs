//! Planned changes: what is announced is no finding.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use fleetward_fleet::{MAX_PLANNED_NAMES, PlannedChange, PlannedKind, PlannedScope, Timestamp};
use fleetward_store::Store;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::devices::find;
use super::findings::time;
use crate::error::ApiError;
use crate::extract::{Body, Named, Params, page};
use crate::guard::Caller;
use crate::view::{ExcusedView, ListOf, PlannedChangeView, PlannedKindName};
use crate::{ApiState, Control};

/// More at a time than detection holds would push others out.
const MOST: u64 = 1000;
/// Deviations that are shown of one planned change.
const SHOWN: usize = 200;

/// Which planned changes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlannedQuery {
    /// Also those that are over.
    #[serde(default)]
    past: bool,
    /// Rows a page: 100, at most 1000.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A planned change to be. One of the same name is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPlannedChange {
    /// Its name: small letters, digits, `-`, `_` and `.`; the number of the work order is a good one.
    name: String,
    /// Devices, by id or name.
    #[serde(default)]
    devices: Vec<String>,
    /// Every device of these groups.
    #[serde(default)]
    groups: Vec<String>,
    /// Every device of these models.
    #[serde(default)]
    models: Vec<String>,
    /// What is coming.
    #[serde(default)]
    excuses: Vec<PlannedKindName>,
    /// Rules that are excused by name.
    #[serde(default)]
    rules: Vec<String>,
    /// From when (RFC 3339); without it, from now.
    #[serde(default)]
    from: Option<String>,
    /// Until when (RFC 3339); at most 366 days after the beginning.
    until: String,
    /// Why.
    reason: String,
    /// Work order, ticket or change request.
    #[serde(default)]
    reference: String,
}

/// A planned change with what it has excused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlannedDetail {
    /// The change.
    #[serde(flatten)]
    change: PlannedChangeView,
    /// Deviations that were no findings because of it, the first ones, one for each rule and device.
    excused: Vec<ExcusedView>,
    /// How many there are in all.
    excused_count: u64,
}

/// Planned changes, those that end last first.
#[utoipa::path(get, path = "/api/v1/planned-changes", tag = "planned changes", params(PlannedQuery),
    responses((status = 200, description = "One page of planned changes.", body = ListOf<PlannedChangeView>)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Params(query): Params<PlannedQuery>,
) -> Result<Json<ListOf<PlannedChangeView>>, ApiError> {
    let now = state.now();
    let page = page(query.limit, query.cursor);
    let list = state.run(move |store, _| {
        let listing = store.planned_changes((!query.past).then_some(now), &page)?;
        Ok(ListOf::from(listing, |change| PlannedChangeView::of(change, now)))
    });
    list.await.map(Json)
}

/// One planned change and what it has excused.
#[utoipa::path(get, path = "/api/v1/planned-changes/{change}", tag = "planned changes",
    params(("change" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The planned change.", body = PlannedDetail)))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    Named(name): Named<String>,
) -> Result<Json<PlannedDetail>, ApiError> {
    let now = state.now();
    state.run(move |store, _| detail(store, &name, now)).await.map(Json)
}

/// Announces a change: deviations that fit it are no findings until it ends. Admission does not change by it.
#[utoipa::path(post, path = "/api/v1/planned-changes", tag = "planned changes", request_body = NewPlannedChange,
    responses((status = 201, description = "It is announced.", body = PlannedDetail)))]
pub(crate) async fn add(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewPlannedChange>,
) -> Result<(StatusCode, Json<PlannedDetail>), ApiError> {
    let now = state.now();
    let done = state.run(move |store, control| {
        let change = read(store, control, new, &caller.name, now)?;
        let known = store.planned_change(&change.name)?;
        if known.is_none_or(|known| known.until <= now) && store.count_planned(now)? >= MOST {
            return Err(ApiError::Conflict(format!("{MOST} planned changes are under way; end one first")));
        }
        control.plan(change.clone())?;
        let kinds: Vec<&str> = change.excuses.iter().map(|kind| kind.name()).collect();
        let words = format!("{} until {}: {}", kinds.join(", "), change.until, change.reason);
        caller.audit(store, now, "planned_change.add", &change.name, &words)?;
        detail(store, &change.name, now)
    });
    done.await.map(|made| (StatusCode::CREATED, Json(made)))
}

/// Ends a planned change now: what still deviates is a finding from here on.
#[utoipa::path(delete, path = "/api/v1/planned-changes/{change}", tag = "planned changes",
    params(("change" = String, Path, description = "Its name.")),
    responses((status = 204, description = "It is over.")))]
pub(crate) async fn end(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(name): Named<String>,
) -> Result<StatusCode, ApiError> {
    let now = state.now();
    let done = state.run(move |store, control| {
        let mut change = store.planned_change(&name)?.ok_or_else(|| ApiError::not_found("planned change", &name))?;
        if change.until <= now {
            return Err(ApiError::Conflict("it is over already".into()));
        }
        // One that has not begun ends before it does.
        change.until = second(now);
        change.from = change.from.min(change.until);
        change.by = caller.name.as_str().into();
        control.plan(change)?;
        caller.audit(store, now, "planned_change.end", &name, "")
    });
    done.await.map(|()| StatusCode::NO_CONTENT)
}

fn detail(store: &Store, name: &str, now: Timestamp) -> Result<PlannedDetail, ApiError> {
    let change = store.planned_change(name)?.ok_or_else(|| ApiError::not_found("planned change", name))?;
    let (excused, excused_count) = store.excused(name, SHOWN)?;
    Ok(PlannedDetail {
        change: PlannedChangeView::of(change, now),
        excused: excused.into_iter().map(ExcusedView::of).collect(),
        excused_count,
    })
}

/// Records of gateways carry whole seconds: what is said now holds for the second that is under way.
fn second(now: Timestamp) -> Timestamp {
    Timestamp::from_secs(now.secs())
}

/// What is asked for, with every name looked up: a misspelt group would excuse nothing and say nothing.
fn read(
    store: &Store,
    control: &dyn Control,
    new: NewPlannedChange,
    by: &str,
    now: Timestamp,
) -> Result<PlannedChange, ApiError> {
    if new.devices.len() > MAX_PLANNED_NAMES {
        return Err(ApiError::invalid("devices", format!("at most {MAX_PLANNED_NAMES}; put the devices into a group")));
    }
    let device = |key: &String| match find(store, key) {
        Ok(device) => Ok(device.name),
        Err(ApiError::NotFound { .. }) => Err(ApiError::invalid("devices", format!("there is no device {key:?}"))),
        Err(other) => Err(other),
    };
    let devices = new.devices.iter().map(device).collect::<Result<Vec<_>, _>>()?;
    for group in &new.groups {
        if !store.has_group(group)? {
            return Err(ApiError::invalid("groups", format!("no device is in the group {group:?}")));
        }
    }
    for model in &new.models {
        if !store.has_model(model)? {
            return Err(ApiError::invalid("models", format!("no device is of the model {model:?}")));
        }
    }
    let rules = control.rules();
    if let Some(rule) = new.rules.iter().find(|name| rules.iter().all(|rule| *rule.name != **name)) {
        return Err(ApiError::invalid("rules", format!("there is no rule {rule:?}")));
    }
    let texts = |texts: Vec<String>| texts.into_iter().map(Into::into).collect();
    let change = PlannedChange {
        name: new.name.into(),
        scope: PlannedScope { devices, groups: texts(new.groups), models: texts(new.models) },
        excuses: new.excuses.into_iter().map(PlannedKind::from).collect(),
        rules: texts(new.rules),
        from: new.from.map_or_else(|| Ok(second(now)), |text| time("from", &text))?,
        until: time("until", &new.until)?,
        reason: new.reason.into(),
        reference: new.reference.into(),
        by: by.into(),
    };
    if change.until <= now {
        return Err(ApiError::invalid("until", "until: must be in the future"));
    }
    change.check().map_err(|wrong| ApiError::invalid(wrong.field, wrong.to_string()))?;
    Ok(change)
}

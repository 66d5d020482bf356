//! Devices: the inventory, its import, and what can be done to a device by hand.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use fleetward_fleet::{Device, DeviceId, counted};
use fleetward_store::{DeviceFilter, Lookup, Store};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ApiError, conflict_words};
use crate::extract::{Body, Named, Params, Raw, name, page};
use crate::guard::Caller;
use crate::inventory::{self, DeviceInput, Inventory, LineError};
use crate::view::{DeviceView, ImportReport, ListOf, ResponseView};
use crate::{ApiState, Control, mask};

/// Which devices.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeviceQuery {
    /// In name, login, address or model, `*` and `?` are wildcards; or a whole identity. With `reveal`, parts of identities.
    text: Option<String>,
    /// Of this model.
    model: Option<String>,
    /// In this group.
    group: Option<String>,
    /// `stock`, `active`, `suspended` or `retired`.
    state: Option<String>,
    /// Safety-critical, or not.
    critical: Option<bool>,
    /// Rows a page: 100, at most 1000.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Tell how many there are in all.
    #[serde(default)]
    count: bool,
    /// Show identities whole: for operators, and it leaves a trace.
    #[serde(default)]
    reveal: bool,
}

/// Whether identities are shown whole.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Reveal {
    /// Show identities whole: for operators, and it leaves a trace.
    #[serde(default)]
    pub(super) reveal: bool,
}

/// Whether something is only tried out.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DryRun {
    /// Check and count, change nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Devices by name.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", params(DeviceQuery),
    responses((status = 200, description = "One page of devices.", body = ListOf<DeviceView>)))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Params(query): Params<DeviceQuery>,
) -> Result<Json<ListOf<DeviceView>>, ApiError> {
    let reveal = caller.may_reveal(query.reveal)?;
    let filter = DeviceFilter {
        text: query.text,
        identity_wildcards: reveal,
        model: query.model,
        group: query.group,
        state: query.state.map(|word| name("state", &word)).transpose()?,
        critical: query.critical,
    };
    let page = page(query.limit, query.cursor);
    let now = state.now();
    let list = state.run(move |store, _| {
        let listing = store.devices(&filter, &page)?;
        if reveal {
            caller.audit(store, now, "device.reveal", "list", &format!("{} devices", listing.items.len()))?;
        }
        let mut list = ListOf::from(listing, |device| DeviceView::of(&device, reveal));
        if query.count {
            list.total = Some(store.count_devices(&filter)?);
        }
        Ok(list)
    });
    list.await.map(Json)
}

/// One device, by id or name, and how far its baseline has come.
#[utoipa::path(get, path = "/api/v1/devices/{device}", tag = "devices",
    params(("device" = String, Path, description = "Id or name."), Reveal),
    responses((status = 200, description = "The device.", body = DeviceView)))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    Params(query): Params<Reveal>,
) -> Result<Json<DeviceView>, ApiError> {
    let reveal = caller.may_reveal(query.reveal)?;
    let now = state.now();
    let shown = state.run(move |store, control| {
        let device = find(store, &key)?;
        if reveal {
            caller.audit(store, now, "device.reveal", &mask::name(&device.name), "")?;
        }
        Ok(DeviceView::of(&device, reveal).with_baseline(control.baseline(&device)?))
    });
    shown.await.map(Json)
}

/// Puts a device into the inventory, new or known. The path names it; a name in the body must be the same.
#[utoipa::path(put, path = "/api/v1/devices/{device}", tag = "devices", request_body = DeviceInput,
    params(("device" = String, Path, description = "Name; for a known device the id will do.")),
    responses((status = 200, description = "The device as it is now.", body = DeviceView)))]
pub(crate) async fn change(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
    Body(mut input): Body<DeviceInput>,
) -> Result<Json<DeviceView>, ApiError> {
    let turn = state.inventory_turn().await;
    let now = state.now();
    let changed = state.run(move |store, control| {
        let _turn = turn;
        let known = lookup(store, &key)?;
        let target = known.as_ref().map_or(key, |device| device.name.to_string());
        if input.name.as_ref().is_some_and(|name| *name != target) {
            return Err(ApiError::invalid("name", "a device keeps its name; remove it and add another one"));
        }
        input.name = Some(target);
        let device = input.device().map_err(|mistakes| first_mistake(&mistakes))?;
        let conflicts = store.conflicts(std::slice::from_ref(&device))?;
        if !conflicts.is_empty() {
            return Err(ApiError::Conflict(conflict_words(&conflicts)));
        }
        let what = if known.is_some() { "device.change" } else { "device.add" };
        control.change_device(device.clone(), &caller.name)?;
        caller.audit(store, now, what, &mask::name(&device.name), device.state.name())?;
        Ok(DeviceView::of(&device, false))
    });
    changed.await.map(Json)
}

/// Takes a device out of the inventory. Its SIM is unknown from then on, and not admitted.
#[utoipa::path(delete, path = "/api/v1/devices/{device}", tag = "devices",
    params(("device" = String, Path, description = "Id or name.")),
    responses((status = 204, description = "It is out.")))]
pub(crate) async fn remove(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
) -> Result<StatusCode, ApiError> {
    let turn = state.inventory_turn().await;
    let now = state.now();
    let removed = state.run(move |store, control| {
        let _turn = turn;
        let device = find(store, &key)?;
        control.remove_device(device.id(), &caller.name)?;
        caller.audit(store, now, "device.remove", &mask::name(&device.name), "")
    });
    removed.await.map(|()| StatusCode::NO_CONTENT)
}

/// Puts many devices into the inventory: all of them, or with any mistake none. Devices that are not in it stay as they
/// are, and so does of the others what a CSV has no column for.
#[utoipa::path(post, path = "/api/v1/devices/import", tag = "devices", params(DryRun),
    request_body(description = "A CSV with a header line, or a JSON array of devices.", content(
        (String = "text/csv"), (Vec<DeviceInput> = "application/json"))),
    responses((status = 200, description = "What was changed, or with `dry_run` would be.", body = ImportReport),
        (status = 422, description = "The mistakes, each with line and column; nothing was imported.",
            body = crate::error::Problem, content_type = "application/problem+json")))]
pub(crate) async fn import(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Params(DryRun { dry_run }): Params<DryRun>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Json<ImportReport>, ApiError> {
    let read = reader_of(&headers)?;
    let turn = state.inventory_turn().await;
    let now = state.now();
    let imported = state.run(move |store, control| {
        let _turn = turn;
        let found = read(&body).and_then(|inventory| free_of_conflicts(store, inventory));
        let inventory = match found {
            Ok(Ok(inventory)) => inventory,
            Ok(Err(error)) => return Err(error),
            Err(errors) if dry_run => {
                let warnings = Vec::new();
                return Ok(ImportReport { dry_run, devices: 0, added: 0, changed: 0, unchanged: 0, warnings, errors });
            }
            Err(errors) => return Err(ApiError::Lines(errors)),
        };
        let devices = inventory.devices.len();
        let warnings = undescribed(&inventory.devices, control);
        let done = if dry_run {
            preview(store, &inventory.devices)?
        } else {
            let done = control.import(inventory.devices, &caller.name)?;
            let detail = format!("{} added, {} changed, {} unchanged", done.added, done.changed, done.unchanged);
            caller.audit(store, now, "device.import", "inventory", &detail)?;
            done
        };
        let crate::Imported { added, changed, unchanged } = done;
        Ok(ImportReport { dry_run, devices, added, changed, unchanged, warnings, errors: Vec::new() })
    });
    imported.await.map(Json)
}

/// Admits the device no more, and ends its sessions.
#[utoipa::path(post, path = "/api/v1/devices/{device}/suspend", tag = "devices",
    params(("device" = String, Path, description = "Id or name.")),
    responses((status = 202, description = "The response that does it.", body = ResponseView)))]
pub(crate) async fn suspend(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
) -> Result<(StatusCode, Json<ResponseView>), ApiError> {
    let act = |control: &dyn Control, device, actor: &str| Ok(control.suspend(device, actor)?);
    by_hand(state, caller, key, "device.suspend", act).await
}

/// Admits the device again.
#[utoipa::path(post, path = "/api/v1/devices/{device}/resume", tag = "devices",
    params(("device" = String, Path, description = "Id or name.")),
    responses((status = 202, description = "The response that does it.", body = ResponseView)))]
pub(crate) async fn resume(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
) -> Result<(StatusCode, Json<ResponseView>), ApiError> {
    let act = |control: &dyn Control, device, actor: &str| Ok(control.resume(device, actor)?);
    by_hand(state, caller, key, "device.resume", act).await
}

/// Cuts the device off at the firewall, connections that live included.
#[utoipa::path(post, path = "/api/v1/devices/{device}/quarantine", tag = "devices",
    params(("device" = String, Path, description = "Id or name.")),
    responses((status = 202, description = "The response that does it.", body = ResponseView)))]
pub(crate) async fn quarantine(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
) -> Result<(StatusCode, Json<ResponseView>), ApiError> {
    let act = |control: &dyn Control, device, actor: &str| Ok(control.isolate(device, true, actor)?);
    by_hand(state, caller, key, "device.quarantine", act).await
}

/// Lets the device back on the network.
#[utoipa::path(post, path = "/api/v1/devices/{device}/release", tag = "devices",
    params(("device" = String, Path, description = "Id or name.")),
    responses((status = 202, description = "The response that does it.", body = ResponseView)))]
pub(crate) async fn release(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
) -> Result<(StatusCode, Json<ResponseView>), ApiError> {
    let act = |control: &dyn Control, device, actor: &str| Ok(control.isolate(device, false, actor)?);
    by_hand(state, caller, key, "device.release", act).await
}

/// Ends every open session of the device.
#[utoipa::path(post, path = "/api/v1/devices/{device}/disconnect", tag = "devices",
    params(("device" = String, Path, description = "Id or name.")),
    responses((status = 202, description = "The responses that do it; empty: no session is open.", body = Vec<ResponseView>)))]
pub(crate) async fn disconnect(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Named(key): Named<String>,
) -> Result<(StatusCode, Json<Vec<ResponseView>>), ApiError> {
    let now = state.now();
    let done = state.run(move |store, control| {
        let device = find(store, &key)?;
        let responses = control.disconnect_device(device.id(), &caller.name)?;
        let detail = format!("{} sessions", responses.len());
        caller.audit(store, now, "device.disconnect", &mask::name(&device.name), &detail)?;
        Ok(responses.iter().map(|response| ResponseView::named(response, store)).collect::<Result<_, _>>()?)
    });
    done.await.map(|responses| (StatusCode::ACCEPTED, Json(responses)))
}

async fn by_hand(
    state: ApiState,
    caller: Caller,
    key: String,
    what: &'static str,
    act: fn(&dyn Control, DeviceId, &str) -> Result<fleetward_fleet::Response, ApiError>,
) -> Result<(StatusCode, Json<ResponseView>), ApiError> {
    let now = state.now();
    let done = state.run(move |store, control| {
        let device = find(store, &key)?;
        let response = act(control, device.id(), &caller.name)?;
        caller.audit(store, now, what, &mask::name(&device.name), &response.id.to_string())?;
        Ok(ResponseView::named(&response, store)?)
    });
    done.await.map(|response| (StatusCode::ACCEPTED, Json(response)))
}

pub(super) fn find(store: &Store, key: &str) -> Result<Device, ApiError> {
    lookup(store, key)?.ok_or_else(|| ApiError::not_found("device", mask::name(key)))
}

/// By id, where it is one, else by name: a device that is called like an id is found by its own id.
fn lookup(store: &Store, key: &str) -> Result<Option<Device>, ApiError> {
    if let Ok(id) = key.parse::<DeviceId>()
        && let Some(device) = store.device(&Lookup::Id(id))?
    {
        return Ok(Some(device));
    }
    Ok(store.device(&Lookup::Name(key.into()))?)
}

fn first_mistake(mistakes: &[(&'static str, String)]) -> ApiError {
    let words: Vec<_> = mistakes.iter().map(|(field, message)| format!("{field}: {message}")).collect();
    ApiError::invalid(mistakes.first().map_or("", |first| first.0), words.join("; "))
}

type Reader = fn(&[u8]) -> Result<Inventory, Vec<LineError>>;

fn reader_of(headers: &HeaderMap) -> Result<Reader, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "text/csv" => Ok(inventory::from_csv),
        "application/json" => Ok(inventory::from_json),
        _ => Err(ApiError::WrongMediaType("text/csv or application/json")),
    }
}

/// The outer result is about the import, the inner one about the store.
fn free_of_conflicts(store: &Store, mut inventory: Inventory) -> Result<Result<Inventory, ApiError>, Vec<LineError>> {
    if let Err(error) = inventory.keep(|device| store.device(&Lookup::Id(device.id()))) {
        return Ok(Err(error.into()));
    }
    let conflicts = match store.conflicts(&inventory.devices) {
        Ok(conflicts) => conflicts,
        Err(error) => return Ok(Err(error.into())),
    };
    if conflicts.is_empty() {
        return Ok(Ok(inventory));
    }
    let mistake = |conflict: fleetward_store::Conflict| LineError {
        line: inventory.lines.get(conflict.index).copied().unwrap_or_default(),
        column: conflict.field.to_owned(),
        message: format!("already that of {}", mask::name(&conflict.holder)),
        ..LineError::default()
    };
    Err(conflicts.into_iter().map(mistake).collect())
}

/// The models of these devices that no profile describes, each with how many devices it concerns.
fn undescribed(devices: &[Device], control: &dyn Control) -> Vec<String> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for model in devices.iter().filter_map(|device| device.model.as_deref()) {
        *counts.entry(model).or_default() += 1;
    }
    counts.retain(|model, _| !control.describes(model));
    let warn = |(model, count): (&str, usize)| {
        let devices = counted(count, "device");
        format!("no profile describes the model {model:?} ({devices}): rules that ask one cannot judge them")
    };
    counts.into_iter().map(warn).collect()
}

fn preview(store: &Store, devices: &[Device]) -> Result<crate::Imported, ApiError> {
    let mut done = crate::Imported::default();
    for device in devices {
        match store.device(&Lookup::Id(device.id()))? {
            None => done.added += 1,
            Some(known) if known == *device => done.unchanged += 1,
            Some(_) => done.changed += 1,
        }
    }
    Ok(done)
}

//! What there is and who may call it: one table, from which the router, the checks and the `OpenAPI` document are made.

pub(crate) mod access;
pub(crate) mod audits;
pub(crate) mod devices;
pub(crate) mod findings;
pub(crate) mod observations;
pub(crate) mod ops;
pub(crate) mod planned;
pub(crate) mod responses;
pub(crate) mod rules;
pub(crate) mod sessions;
pub(crate) mod suppressions;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, delete, get, post, put};
use fleetward_store::Role;

use crate::error::ApiError;
pub use crate::guard::Access;
use crate::{ApiState, events, guard, openapi, query};

/// No body is larger.
const BODY: usize = 256 * 1024;
/// Except an inventory: half a million devices.
const IMPORT: usize = 64 * 1024 * 1024;

/// A text of rules, escaped as JSON.
const RULES: usize = 2 * 1024 * 1024;
/// Five thousand observations of the longest kind.
const OBSERVATIONS: usize = 8 * 1024 * 1024;

/// One route.
#[derive(Debug, Clone)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    handler: MethodRouter<ApiState>,
}

const VIEWER: Access = Access::Scope(Role::Viewer);
const OPERATOR: Access = Access::Scope(Role::Operator);
const ADMIN: Access = Access::Scope(Role::Admin);

/// Every route there is.
pub fn table() -> Vec<Route> {
    let on = |method: Method, path, access, handler| Route { method, path, access, handler };
    let read = |path, access, handler| on(Method::GET, path, access, handler);
    let act = |path, access, handler| on(Method::POST, path, access, handler);
    vec![
        read("/api/v1/devices", VIEWER, get(devices::list)),
        act("/api/v1/devices/import", OPERATOR, post(devices::import).layer(DefaultBodyLimit::max(IMPORT))),
        read("/api/v1/devices/{device}", VIEWER, get(devices::show)),
        on(Method::PUT, "/api/v1/devices/{device}", OPERATOR, put(devices::change)),
        on(Method::DELETE, "/api/v1/devices/{device}", OPERATOR, delete(devices::remove)),
        act("/api/v1/devices/{device}/suspend", OPERATOR, post(devices::suspend)),
        act("/api/v1/devices/{device}/resume", OPERATOR, post(devices::resume)),
        act("/api/v1/devices/{device}/quarantine", OPERATOR, post(devices::quarantine)),
        act("/api/v1/devices/{device}/release", OPERATOR, post(devices::release)),
        act("/api/v1/devices/{device}/disconnect", OPERATOR, post(devices::disconnect)),
        read("/api/v1/sessions", VIEWER, get(sessions::list)),
        read("/api/v1/sessions/{nas}/{session}", VIEWER, get(sessions::show)),
        act("/api/v1/sessions/{nas}/{session}/disconnect", OPERATOR, post(sessions::disconnect)),
        read("/api/v1/findings", VIEWER, get(findings::list)),
        read("/api/v1/findings/counts", VIEWER, get(findings::counts)),
        act("/api/v1/findings/acknowledge", OPERATOR, post(findings::acknowledge_many)),
        read("/api/v1/findings/{finding}", VIEWER, get(findings::show)),
        act("/api/v1/findings/{finding}/acknowledge", OPERATOR, post(findings::acknowledge)),
        act("/api/v1/findings/{finding}/resolve", OPERATOR, post(findings::resolve)),
        act("/api/v1/findings/{finding}/reopen", OPERATOR, post(findings::reopen)),
        act("/api/v1/findings/{finding}/suppress", OPERATOR, post(findings::suppress)),
        read("/api/v1/suppressions", VIEWER, get(suppressions::list)),
        act("/api/v1/suppressions", OPERATOR, post(suppressions::add)),
        on(Method::DELETE, "/api/v1/suppressions/{suppression}", OPERATOR, delete(suppressions::remove)),
        read("/api/v1/planned-changes", VIEWER, get(planned::list)),
        act("/api/v1/planned-changes", OPERATOR, post(planned::add)),
        read("/api/v1/planned-changes/{change}", VIEWER, get(planned::show)),
        on(Method::DELETE, "/api/v1/planned-changes/{change}", OPERATOR, delete(planned::end)),
        read("/api/v1/responses", VIEWER, get(responses::list)),
        read("/api/v1/responses/{response}", VIEWER, get(responses::show)),
        act("/api/v1/responses/{response}/approve", OPERATOR, post(responses::approve)),
        act("/api/v1/responses/{response}/reject", OPERATOR, post(responses::reject)),
        act("/api/v1/responses/{response}/revert", OPERATOR, post(responses::revert)),
        read("/api/v1/audits", VIEWER, get(audits::list)),
        read("/api/v1/rules", VIEWER, get(rules::list)),
        act("/api/v1/rules/reload", ADMIN, post(rules::reload)),
        act("/api/v1/rules/check", VIEWER, post(rules::check).layer(DefaultBodyLimit::max(RULES))),
        act("/api/v1/rules/backtest", OPERATOR, post(rules::backtest).layer(DefaultBodyLimit::max(RULES))),
        read("/api/v1/rules/own", VIEWER, get(rules::own)),
        read("/api/v1/rules/own/{rule}", VIEWER, get(rules::show)),
        on(Method::PUT, "/api/v1/rules/own/{rule}", ADMIN, put(rules::put)),
        on(Method::DELETE, "/api/v1/rules/own/{rule}", ADMIN, delete(rules::remove)),
        act(
            "/api/v1/observations",
            Access::Ingest,
            post(observations::tell).layer(DefaultBodyLimit::max(OBSERVATIONS)),
        ),
        read("/api/v1/events", VIEWER, get(events::watch)),
        read("/api/v1/audit", ADMIN, get(ops::audit)),
        read("/api/v1/audit/verify", ADMIN, get(ops::verify_audit)),
        read("/api/v1/users", ADMIN, get(access::users)),
        act("/api/v1/users", ADMIN, post(access::add_user)),
        on(Method::PUT, "/api/v1/users/{user}", ADMIN, put(access::change_user)),
        on(Method::DELETE, "/api/v1/users/{user}", ADMIN, delete(access::remove_user)),
        read("/api/v1/tokens", ADMIN, get(access::tokens)),
        act("/api/v1/tokens", ADMIN, post(access::create_token)),
        on(Method::DELETE, "/api/v1/tokens/{token}", ADMIN, delete(access::revoke_token)),
        read("/api/v1/whoami", VIEWER, get(access::whoami)),
        act("/api/v1/login", Access::Open, post(access::login)),
        act("/api/v1/logout", VIEWER, post(access::logout)),
        act("/api/v1/setup", Access::Open, post(access::set_up)),
        read("/api/v1/openapi.json", Access::Open, get(openapi::json)),
        read("/api/docs", Access::Open, get(openapi::page)),
        read("/health", Access::Open, get(ops::health)),
        read("/metrics", Access::Metrics, get(ops::metrics)),
    ]
}

/// The whole API as a service.
pub fn router(state: ApiState) -> Router {
    let document = openapi::document();
    let mut router = Router::new();
    for route in table() {
        let known = openapi::query_parameters(&document, &route);
        // The last layer is the first that a request meets: who may not pass is not told what there is to ask.
        let checked = route.handler.route_layer(from_fn_with_state(known, query::check));
        let guarded = checked.route_layer(from_fn_with_state((state.clone(), route.access), guard::check));
        router = router.route(route.path, guarded);
    }
    router
        .fallback(async || ApiError::NoRoute)
        .method_not_allowed_fallback(async || ApiError::NoMethod)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn(guard::frame))
        .with_state(state)
}

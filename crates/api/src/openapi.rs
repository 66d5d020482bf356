//! The `OpenAPI` 3.1 document, made from the types and the route table, and a page for people
//! made from it.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use axum::http::{Method, header};
use axum::response::{Html, IntoResponse};
use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder};

use crate::guard::Access;
use crate::routes::{self, Route, table};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Fleetward",
        version = "1",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        description = "See, judge and stop the misuse of IoT devices. Lists are paged with `limit` and `cursor`; \
            identities are masked unless an operator asks with `reveal=true`; a parameter that a route does not \
            know is refused; every error is a problem document (RFC 9457)."
    ),
    paths(
        routes::devices::list,
        routes::devices::import,
        routes::devices::show,
        routes::devices::change,
        routes::devices::remove,
        routes::devices::suspend,
        routes::devices::resume,
        routes::devices::quarantine,
        routes::devices::release,
        routes::devices::disconnect,
        routes::sessions::list,
        routes::sessions::show,
        routes::sessions::disconnect,
        routes::findings::list,
        routes::findings::counts,
        routes::findings::acknowledge_many,
        routes::findings::show,
        routes::findings::acknowledge,
        routes::findings::resolve,
        routes::findings::reopen,
        routes::findings::suppress,
        routes::suppressions::list,
        routes::suppressions::add,
        routes::suppressions::remove,
        routes::planned::list,
        routes::planned::add,
        routes::planned::show,
        routes::planned::end,
        routes::responses::list,
        routes::responses::show,
        routes::responses::approve,
        routes::responses::reject,
        routes::responses::revert,
        routes::audits::list,
        routes::rules::list,
        routes::rules::reload,
        routes::rules::check,
        routes::rules::backtest,
        routes::rules::own,
        routes::rules::show,
        routes::rules::put,
        routes::rules::remove,
        routes::observations::tell,
        crate::events::watch,
        routes::ops::audit,
        routes::ops::verify_audit,
        routes::access::users,
        routes::access::add_user,
        routes::access::change_user,
        routes::access::remove_user,
        routes::access::tokens,
        routes::access::create_token,
        routes::access::revoke_token,
        routes::access::whoami,
        routes::access::login,
        routes::access::logout,
        routes::access::set_up,
        json,
        page,
        routes::ops::health,
        routes::ops::metrics,
    ),
    components(schemas(crate::error::Problem))
)]
struct Document;

/// The document. Who may call what comes from the route table, so the two cannot disagree.
pub fn document() -> OpenApi {
    let mut document = Document::openapi();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document.components.get_or_insert_default().security_schemes.insert("token".to_owned(), bearer.into());
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let problem =
        ResponseBuilder::new().description("What went wrong.").content("application/problem+json", problem).build();
    for route in table() {
        let Some(item) = document.paths.paths.get_mut(route.path) else { continue };
        let Some(operation) = operation(item, &route.method) else { continue };
        operation.operation_id = Some(operation_id(&route.method, route.path));
        if let Some(scope) = scope(route.access) {
            operation.security = Some(vec![SecurityRequirement::new("token", [scope])]);
        }
        operation.responses.responses.insert("default".to_owned(), problem.clone().into());
    }
    document
}

/// The names of what a route's query may say.
pub(crate) fn query_parameters(document: &OpenApi, route: &Route) -> Arc<[String]> {
    let mut item = document.paths.paths.get(route.path).cloned().unwrap_or_default();
    let parameters = operation(&mut item, &route.method).and_then(|operation| operation.parameters.take());
    let in_query = |parameter: RefOr<Parameter>| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => Some(parameter.name),
        _ => None,
    };
    parameters.into_iter().flatten().filter_map(in_query).collect()
}

/// `get /api/v1/devices/{device}` is `get_devices_device`: unique because the pair is.
fn operation_id(method: &Method, path: &str) -> String {
    let words = path.trim_start_matches("/api/v1").split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).fold(method.as_str().to_ascii_lowercase(), |id, word| format!("{id}_{word}"))
}

fn operation<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match method.as_str() {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

fn scope(access: Access) -> Option<&'static str> {
    match access {
        Access::Open => None,
        Access::Scope(role) => Some(role.name()),
        Access::Ingest => Some("ingest"),
        Access::Metrics => Some("viewer"),
    }
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)))]
pub(crate) async fn json() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| serde_json::to_string(&document()).expect("the document has only text keys"));
    ([(header::CONTENT_TYPE, "application/json")], text.as_str())
}

/// This document for people.
#[utoipa::path(get, path = "/api/docs", tag = "operation",
    responses((status = 200, description = "A page.", body = String, content_type = "text/html")))]
pub(crate) async fn page() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| render(&document()));
    // The one page with a style of its own; it is ours, static and escaped, and nothing else may be loaded by it.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(text.as_str()))
}

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>
<title>Fleetward API</title><style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:60em;margin:auto;\
padding:1em}code{font:14px ui-monospace,monospace}summary{padding:.3em 0}dt{margin-top:.4em}</style><h1>Fleetward API</h1>
<p>For programs: <a href=/api/v1/openapi.json>openapi.json</a> (OpenAPI 3.1).</p>";

fn render(document: &OpenApi) -> String {
    let mut page = HEAD.to_owned();
    let mut tag = String::new();
    for route in table() {
        let mut item = document.paths.paths.get(route.path).cloned().unwrap_or_default();
        let Some(operation) = operation(&mut item, &route.method) else { continue };
        let own = operation.tags.as_ref().and_then(|tags| tags.first()).cloned().unwrap_or_default();
        if own != tag {
            put(&mut page, format_args!("<h2>{}</h2>\n", escaped(&own)));
            tag = own;
        }
        let summary = escaped(operation.summary.as_deref().unwrap_or_default());
        let (method, path) = (route.method.as_str(), escaped(route.path));
        let needs = scope(route.access).unwrap_or("no token");
        put(&mut page, format_args!("<details><summary><code>{method} {path}</code> {summary}</summary>\n"));
        put(&mut page, format_args!("<p>Needs: {needs}.</p><dl>"));
        for parameter in operation.parameters.iter().flatten() {
            let RefOr::T(parameter) = parameter else { continue };
            let words = escaped(parameter.description.as_deref().unwrap_or_default());
            put(&mut page, format_args!("<dt><code>{}</code><dd>{words}", escaped(&parameter.name)));
        }
        page.push_str("</dl></details>\n");
    }
    page
}

fn put(page: &mut String, words: std::fmt::Arguments<'_>) {
    page.write_fmt(words).expect("a String takes everything");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

//! The route table, the checks and the document agree.

use fleetward_api::routes::{Access, Route, table};
use fleetward_store::Role;
use utoipa::openapi::path::PathItem;

use crate::Fixture;

fn path(route: &Route) -> String {
    route
        .path
        .replace("{device}", "meter-1")
        .replace("{nas}", "n")
        .replace("{session}", "s")
        .replace("{user}", "u")
        .replace("{suppression}", "1")
        .replace("{token}", "999")
        .replace("{finding}", "f")
        .replace("{response}", "r")
        .replace("{change}", "c")
        .replace("{rule}", "x")
}

#[test]
fn every_route_asks_for_its_scope() {
    let fixture = Fixture::new();
    for route in table() {
        let (method, path) = (route.method.as_str(), path(&route));
        let nobody = fixture.call(method, &path, None, None);
        let wrong = fixture.call(method, &path, Some("fwt_wrong"), None);
        let needs = match route.access {
            Access::Open => {
                assert!(nobody.headers.get("www-authenticate").is_none(), "{method} {path}");
                continue;
            }
            Access::Scope(role) => role,
            Access::Metrics => Role::Viewer,
            Access::Ingest => Role::Ingest,
        };
        nobody.problem(401, "unauthenticated");
        wrong.problem(401, "unauthenticated");
        assert_eq!(nobody.headers["www-authenticate"], "Bearer realm=\"fleetward\"");
        for role in [Role::Ingest, Role::Viewer, Role::Operator, Role::Admin] {
            let answer = fixture.call(method, &path, Some(&fixture.tokens[role as usize]), None);
            if role < needs || (route.access == Access::Ingest && role == Role::Viewer) {
                assert_eq!(answer.problem(403, "forbidden")["detail"], format!("this needs the scope {needs}"));
            } else {
                assert!(!matches!(answer.status, 401 | 403), "{method} {path} as {role}: {}", answer.status);
                assert!(answer.status < 500, "{method} {path}: {}", answer.text);
            }
        }
    }
}

#[test]
fn every_route_is_in_the_document_and_nothing_else_is() {
    let document = fleetward_api::openapi();
    let operations = |item: &PathItem| {
        [&item.get, &item.post, &item.put, &item.delete].into_iter().flatten().cloned().collect::<Vec<_>>()
    };
    let described: usize = document.paths.paths.values().map(|item| operations(item).len()).sum();
    assert_eq!(described, table().len());
    for route in table() {
        let item = document.paths.paths.get(route.path).unwrap_or_else(|| panic!("{} is not described", route.path));
        let operation = match route.method.as_str() {
            "GET" => &item.get,
            "POST" => &item.post,
            "PUT" => &item.put,
            _ => &item.delete,
        };
        let operation = operation.as_ref().unwrap_or_else(|| panic!("{} {}", route.method, route.path));
        assert_eq!(operation.security.is_some(), route.access != Access::Open, "{} {}", route.method, route.path);
        assert!(operation.responses.responses.contains_key("default"));
    }
}

#[test]
fn the_document_is_the_one_that_was_agreed() {
    insta::assert_snapshot!("openapi", serde_json::to_string_pretty(&fleetward_api::openapi()).unwrap());
}

#[test]
fn the_document_and_its_page_are_served() {
    let fixture = Fixture::new();
    let document = fixture.call("GET", "/api/v1/openapi.json", None, None).expect(200).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let page = fixture.call("GET", "/api/docs", None, None);
    page.expect(200);
    assert!(
        page.text.contains("/api/v1/devices/{device}/suspend") && !page.text.contains("http"),
        "nothing from outside"
    );
}

#[test]
fn what_is_not_there_is_a_problem_too() {
    let fixture = Fixture::new();
    fixture.get(Role::Admin, "/api/v1/nothing").problem(404, "no-route");
    fixture.send(Role::Admin, "DELETE", "/api/v1/devices", &serde_json::json!({})).problem(405, "no-method");
    fixture.get(Role::Viewer, "/api/v1/devices?limit=many").problem(400, "invalid");
    fixture.get(Role::Viewer, "/api/v1/devices?cursor=!").problem(400, "invalid");
    fixture.get(Role::Viewer, "/api/v1/findings?state=odd").problem(400, "invalid");
    let token = Some(fixture.tokens[Role::Admin as usize].as_str());
    fixture.call("POST", "/api/v1/users", token, Some(("text/plain", "x"))).problem(415, "media-type");
    fixture.call("POST", "/api/v1/users", token, Some(("application/json", "{"))).problem(400, "invalid");
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(300_000));
    fixture.call("POST", "/api/v1/users", token, Some(("application/json", &large))).problem(413, "too-large");
}

/// A filter that is not known would otherwise look like one that excludes nothing.
#[test]
fn a_parameter_that_a_route_does_not_know_or_cannot_read_is_refused_by_name() {
    let fixture = Fixture::new();
    let told = |path: &str| {
        let problem = fixture.get(Role::Admin, path).problem(400, "invalid");
        (problem["field"].as_str().unwrap().to_owned(), problem["detail"].as_str().unwrap().to_owned())
    };
    let (field, detail) = told("/api/v1/devices?limit=3&modle=meter");
    assert_eq!(field, "modle");
    assert!(detail.starts_with("unknown parameter `modle` (did you mean `model`?); known here: "), "{detail}");
    assert!(["text", "model", "group", "limit", "cursor"].iter().all(|name| detail.contains(name)), "{detail}");
    let (field, detail) = told("/api/v1/rules?m%C3%B6del");
    assert_eq!((field.as_str(), detail.as_str()), ("mödel", "unknown parameter `mödel`; known here: none"));
    let (field, detail) = told("/api/v1/devices?limit=many");
    assert_eq!((field.as_str(), detail.as_str()), ("limit", "limit: invalid digit found in string"));
    // Who may not pass hears nothing else.
    fixture.call("GET", "/api/v1/devices?modle=meter", None, None).problem(401, "unauthenticated");
    fixture.get(Role::Viewer, "/api/v1/audit?sinc=x").problem(403, "forbidden");
}

#[test]
fn browsers_are_kept_from_being_used() {
    let fixture = Fixture::new();
    let answer = fixture.get(Role::Viewer, "/api/v1/whoami");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        assert_eq!(answer.headers[name], value);
    }
    assert!(answer.headers.get("access-control-allow-origin").is_none());
}

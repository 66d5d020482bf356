use fleetward_fleet::Timestamp;
use fleetward_store::{NewToken, Role, TokenKind};
use serde_json::json;

use crate::{Fixture, START};

const PASSWORD: &str = "correct horse battery";

fn login(fixture: &Fixture, user: &str, password: &str) -> crate::Answer {
    let body = json!({ "user": user, "password": password }).to_string();
    fixture.call("POST", "/api/v1/login", None, Some(("application/json", &body)))
}

#[test]
fn a_user_is_made_signs_in_and_out() {
    let fixture = Fixture::new();
    let short = json!({ "name": "ada", "password": "short", "role": "operator" });
    assert_eq!(fixture.send(Role::Admin, "POST", "/api/v1/users", &short).problem(400, "invalid")["field"], "password");
    let ada = json!({ "name": "ada", "password": PASSWORD, "role": "operator" });
    fixture.send(Role::Admin, "POST", "/api/v1/users", &ada).expect(201);
    fixture.send(Role::Admin, "POST", "/api/v1/users", &ada).problem(409, "conflict");
    let signed_in = login(&fixture, "ada", PASSWORD).expect(200).json();
    let token = signed_in["token"].as_str().unwrap();
    let who = fixture.call("GET", "/api/v1/whoami", Some(token), None).json();
    assert_eq!((&who["name"], &who["role"]), (&json!("ada"), &json!("operator")));
    fixture.call("POST", "/api/v1/logout", Some(token), None).expect(204);
    fixture.call("GET", "/api/v1/whoami", Some(token), None).problem(401, "unauthenticated");
    let again = login(&fixture, "ada", PASSWORD).expect(200).json();
    fixture.wait(8 * 3600);
    fixture.call("GET", "/api/v1/whoami", again["token"].as_str(), None).problem(401, "unauthenticated");
    fixture.send(Role::Admin, "DELETE", "/api/v1/users/ada", &json!({})).expect(204);
    login(&fixture, "ada", PASSWORD).problem(401, "wrong-password");
    let what: Vec<_> = fixture.trace().into_iter().map(|row| row.1).collect();
    assert_eq!(what, ["user.remove", "login", "logout", "login", "user.add"]);
}

#[test]
fn guessing_passwords_is_slow() {
    let fixture = Fixture::new();
    fixture.store.add_user("ada", PASSWORD, Role::Viewer, fixture.now()).unwrap();
    for _ in 0..5 {
        login(&fixture, "ada", "wrong").problem(401, "wrong-password");
    }
    let waiting = login(&fixture, "ada", PASSWORD);
    waiting.problem(429, "too-many-failures");
    assert_eq!(waiting.headers["retry-after"], "300");
    fixture.wait(300);
    login(&fixture, "ada", PASSWORD).expect(200);
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let fixture = Fixture::new();
    let order = json!({ "name": "grafana", "scope": "viewer", "days": 30 });
    let made = fixture.send(Role::Admin, "POST", "/api/v1/tokens", &order).expect(201).json();
    let text = made["token"].as_str().unwrap();
    fixture.call("GET", "/metrics", Some(text), None).expect(200);
    let list = fixture.get(Role::Admin, "/api/v1/tokens");
    assert!(list.text.contains("grafana") && !list.text.contains("fwt_"));
    fixture.send(Role::Admin, "DELETE", &format!("/api/v1/tokens/{}", made["id"]), &json!({})).expect(204);
    fixture.call("GET", "/metrics", Some(text), None).problem(401, "unauthenticated");
    let forever = json!({ "name": "x", "scope": "viewer", "days": 0 });
    fixture.send(Role::Admin, "POST", "/api/v1/tokens", &forever).problem(400, "invalid");
}

#[test]
fn the_setup_token_makes_one_administrator() {
    let fixture = Fixture::new();
    let now = Timestamp::from_secs(START);
    let expires_at = now + std::time::Duration::from_hours(1);
    let new = NewToken { name: "setup", kind: TokenKind::Setup, scope: Role::Admin, user: None, expires_at };
    let (_, token) = fixture.store.create_token(&new, now).unwrap();
    let body = json!({ "token": token, "user": "ada", "password": PASSWORD }).to_string();
    let set_up = || fixture.call("POST", "/api/v1/setup", None, Some(("application/json", &body)));
    set_up().expect(204);
    set_up().problem(401, "wrong-password");
    assert_eq!(login(&fixture, "ada", PASSWORD).expect(200).json()["scope"], "admin");
}

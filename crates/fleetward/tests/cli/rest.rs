//! The same over REST, as a program of somebody else's would do it; tokens and what they may do; health and metrics.

use std::sync::Arc;

use fleetward_testkit::fleet::Fleet;
use fleetward_testkit::nas::cause;
use serde_json::{Value, json};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, http};

use crate::support::{LIMIT, Place, active, attach, closed, csv, settle, steal};

/// A program with a token.
pub(crate) struct Program {
    agent: Agent,
    base: String,
    token: String,
}

/// What the server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    media: String,
    text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Program {
    /// Trusts the certificate that the server made, as `curl --cacert data/api.pem` would.
    pub(crate) fn new(place: &Place, token: &str) -> Self {
        let certificate = Certificate::from_pem(place.read("data/api.pem").as_bytes()).unwrap();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&[certificate]));
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(LIMIT))
            .proxy(None);
        let base = format!("https://{}", place.ports.api);
        Self { agent: config.build().new_agent(), base, token: token.to_owned() }
    }

    pub(crate) fn call(&self, method: &str, path: &str, media: &str, body: &str) -> Answer {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if !body.is_empty() {
            request = request.header("content-type", media);
        }
        let mut answer = self.agent.run(request.body(body.as_bytes().to_vec()).unwrap()).unwrap();
        let media = answer.headers().get("content-type").map(|media| media.to_str().unwrap().to_owned());
        let text = answer.body_mut().read_to_string().unwrap();
        Answer { status: answer.status().as_u16(), media: media.unwrap_or_default(), text }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "", "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, "application/json", &body.to_string())
    }

    #[track_caller]
    fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = std::time::Instant::now() + LIMIT;
        loop {
            let answer = self.get(path).json(200);
            if wanted(&answer) {
                return answer;
            }
            assert!(std::time::Instant::now() < end, "{path} still says {answer:#}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

/// A token of `fleetward tokens create`.
fn token(place: &Place, name: &str, scope: &str) -> String {
    place.json(&["tokens", "create", name, "--scope", scope])["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_program_does_over_rest_what_a_person_does_at_the_command_line() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let meter = active(&fleet, "water-meter");
    let name = &*meter.device.name;
    let _server = place.serve();
    let program = Program::new(&place, &token(&place, "ticket-system", "operator"));

    let members: Vec<_> = fleet.members.iter().collect();
    let imported = program.call("POST", "/api/v1/devices/import", "text/csv", &csv(&members)).json(200);
    assert_eq!((&imported["added"], &imported["errors"]), (&json!(40), &json!([])));
    let problem = program.call("POST", "/api/v1/devices/import", "text/csv", "name,imsi\na,1\n");
    assert_eq!(problem.media, "application/problem+json");
    assert_eq!(problem.json(422)["errors"][0]["line"], 2);
    let first = program.get("/api/v1/devices?limit=25&count=true").json(200);
    assert_eq!((first["items"].as_array().unwrap().len(), &first["total"]), (25, &json!(40)));
    let next = first["next"].as_str().unwrap();
    let second = program.get(&format!("/api/v1/devices?limit=25&cursor={next}")).json(200);
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next"]), (15, &Value::Null));

    let session = attach(&mut nas, &meter.sim).expect("an accept").session;
    settle(&mut nas);
    let id = nas.session_id(session).unwrap().to_owned();
    let sessions =
        program.until(&format!("/api/v1/sessions?device={name}"), |list| list["items"][0]["id"] == json!(id));
    assert_eq!(sessions["items"][0]["ip"], json!(meter.device.ip));
    assert_eq!(program.get(&format!("/api/v1/sessions/pgw-1/{id}")).json(200), sessions["items"][0]);
    steal(&mut nas, session, &meter.sim);
    assert_eq!(closed(&mut nas, session), cause::ADMIN_RESET);

    let findings = program.until("/api/v1/findings?state=new&severity=high", |list| list["items"][0].is_object());
    let finding = findings["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/findings/{finding}");
    let acknowledged = program.post(&format!("{path}/acknowledge"), &json!({ "note": "ticket 4711" })).json(200);
    assert_eq!(
        (&acknowledged["state"], &acknowledged["history"][1]["by"]),
        (&json!("acknowledged"), &json!("token:ticket-system"))
    );
    let responses = program.until("/api/v1/responses?state=verified", |list| list["items"][0].is_object());
    assert_eq!(responses["items"][0]["action"]["kind"], "disconnect");
    assert_eq!(responses["items"][0]["device_name"], name);
    let proposed = program.get("/api/v1/responses?state=proposed,approved").json(200);
    let suspend = proposed["items"][0]["id"].as_str().unwrap();
    program.post(&format!("/api/v1/responses/{suspend}/approve"), &json!({ "note": "it is stolen" })).json(200);
    program.until(&format!("/api/v1/responses/{suspend}"), |response| response["state"] == "verified");
    assert!(attach(&mut nas, &meter.sim).is_none());
    program.post(&format!("/api/v1/devices/{name}/resume"), &json!({})).json(202);
    program.until(&format!("/api/v1/devices/{name}"), |device| device["state"] == "active");
    let session = attach(&mut nas, &meter.sim).expect("an accept").session;
    settle(&mut nas);
    program.until("/api/v1/sessions?open=true", |list| list["items"][0].is_object());
    assert_eq!(
        program.post(&format!("/api/v1/devices/{name}/disconnect"), &json!({})).json(202).as_array().unwrap().len(),
        1
    );
    closed(&mut nas, session);
    program.post(&format!("/api/v1/devices/{name}/suspend"), &json!({})).json(202);
    program.until(&format!("/api/v1/devices/{name}"), |device| device["state"] == "suspended");

    let until = "2100-01-01T00:00:00Z";
    let expected = json!({ "reason": "test bench", "until": until, "scope": { "device": name } });
    let asleep = program.post(&format!("{path}/suppress"), &expected).json(200);
    assert_eq!(asleep["changed"], json!([finding]));
    program.post(&format!("{path}/reopen"), &json!({})).json(200);
    assert_eq!(program.post(&format!("{path}/resolve"), &json!({})).json(200)["state"], "resolved");
    assert_eq!(program.get("/api/v1/findings/counts").json(200)[0]["count"], 1);
    assert_eq!(program.get("/api/v1/audit").status, 403);
}

#[test]
fn a_token_does_what_its_scope_says_and_no_more() {
    let place = Place::init();
    place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let name = &*active(&fleet, "water-meter").device.name;
    let _server = place.serve();
    place.import(&fleet.members.iter().collect::<Vec<_>>());
    let viewer = token(&place, "screen", "viewer");
    let program = Program::new(&place, &viewer);
    program.get(&format!("/api/v1/devices/{name}")).json(200);
    let problem = program.post(&format!("/api/v1/devices/{name}/suspend"), &json!({}));
    assert_eq!((problem.media.as_str(), &problem.json(403)["status"]), ("application/problem+json", &json!(403)));
    assert_eq!(program.get(&format!("/api/v1/devices/{name}?reveal=true")).status, 403);

    let as_viewer = |arguments: &[&str]| place.run(&[&["--token", &viewer], arguments].concat());
    as_viewer(&["devices", "list"]).ok();
    insta::assert_snapshot!("viewer_suspends", as_viewer(&["devices", "suspend", name]).fails(4));
    as_viewer(&["devices", "show", name, "--reveal"]).fails(4);
    as_viewer(&["changes", "list"]).fails(4);
    assert_eq!(place.json(&["devices", "show", name])["state"], "active");
    insta::assert_snapshot!("unknown_token", place.run(&["--token", "fwt_nonsense", "devices", "list"]).fails(4));

    let mut environment = place.command(&["--server", &format!("https://{}", place.ports.api), "devices", "list"]);
    environment.env("FLEETWARD_TOKEN", &viewer).env("FLEETWARD_CA", place.path("data/api.pem"));
    assert!(crate::support::finish(environment).ok().contains(name));

    let tokens = place.json(&["tokens", "list"]);
    let id = tokens.as_array().unwrap().iter().find(|token| token["name"] == "screen").unwrap()["id"].to_string();
    assert!(!tokens.to_string().contains(&viewer));
    place.run(&["tokens", "revoke", &id]).ok();
    as_viewer(&["devices", "list"]).fails(4);
    assert_eq!(Program::new(&place, "").get("/api/v1/devices").status, 401);
}

#[test]
fn people_sign_in_with_a_password() {
    let place = Place::init();
    let _server = place.serve();
    let mut add = place.command(&["users", "add", "ada", "--role", "operator"]);
    place.write_private("password", "correct horse battery\n");
    add.stdin(std::fs::File::open(place.path("password")).unwrap());
    crate::support::finish(add).ok();
    let anybody = Program::new(&place, "");
    assert_eq!(anybody.post("/api/v1/login", &json!({ "user": "ada", "password": "wrong horse battery" })).status, 401);
    let signed_in =
        anybody.post("/api/v1/login", &json!({ "user": "ada", "password": "correct horse battery" })).json(200);
    let ada = Program::new(&place, signed_in["token"].as_str().unwrap());
    let who = ada.get("/api/v1/whoami").json(200);
    assert_eq!((&who["name"], &who["role"]), (&json!("ada"), &json!("operator")));
    assert!(place.run(&["users", "list"]).ok().contains("ada"));
}

#[test]
fn health_and_metrics_answer() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let meter = active(&fleet, "water-meter");
    let _server = place.serve();
    place.import(&[meter]);
    attach(&mut nas, &meter.sim).expect("an accept");
    settle(&mut nas);
    let anybody = Program::new(&place, "");
    let health = anybody.get("/health").json(200);
    assert_eq!(health["status"], "ok", "{health:#}");
    let components: Vec<_> = health["components"].as_array().unwrap().iter().map(|part| part["name"].clone()).collect();
    for part in ["journal", "detect", "respond", "store"] {
        assert!(components.contains(&json!(part)), "{part} is not in {components:?}");
    }
    assert_eq!(anybody.get("/metrics").status, 401);
    let metrics = Program::new(&place, &token(&place, "prometheus", "viewer")).get("/metrics");
    assert!(metrics.media.starts_with("text/plain"), "{}", metrics.media);
    for part in [
        "fleetward_radius_",
        "fleetward_journal_",
        "fleetward_detect_",
        "fleetward_responses_",
        "fleetward_dac_",
        "fleetward_store_",
    ] {
        let measured = metrics.text.lines().filter(|line| line.starts_with(part)).count();
        assert!(measured > 0, "nothing of {part} in\n{}", metrics.text);
    }
    for line in metrics.text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(line.starts_with("fleetward_") && value.parse::<f64>().is_ok(), "{line}");
    }
    let described = anybody.get("/api/v1/openapi.json").json(200);
    assert!(described["openapi"].as_str().unwrap().starts_with("3.1"));
}

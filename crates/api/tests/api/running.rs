//! Health, metrics, events, TLS, and stopping.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleetward_api::{ApiConfig, Event, Health, SessionChange, tls};
use fleetward_fleet::{DeviceId, FindingId, SessionKey, Timestamp};
use fleetward_store::Role;

use crate::Fixture;

#[test]
fn health_needs_no_token_and_says_why() {
    let fixture = Fixture::new();
    let ask = || fixture.call("GET", "/health", None, None);
    let well = ask().expect(200).json();
    assert_eq!(well["status"], "ok");
    assert!(well["components"].as_array().unwrap().iter().any(|component| component["name"] == "store"));
    *fixture.control.health.lock().unwrap() = Health::Degraded;
    assert_eq!(ask().expect(200).json()["status"], "degraded");
    *fixture.control.health.lock().unwrap() = Health::Failing;
    assert_eq!(ask().expect(503).json()["components"][0]["reason"], "Failing");
}

#[test]
fn audits_say_how_their_last_run_ended_and_when_the_next_is_due() {
    let fixture = Fixture::new();
    let audits = fixture.get(Role::Viewer, "/api/v1/audits").expect(200).json();
    assert_eq!((&audits[0]["name"], &audits[0]["last"]["end"]), (&"nightly".into(), &"partial".into()));
    assert_eq!((&audits[0]["last"]["left"], &audits[0]["running"]), (&10.into(), &serde_json::Value::Null));
    assert_eq!(audits[0]["next"], "2026-11-19T09:20:00.000Z");
}

#[test]
fn metrics_are_for_viewers_or_open_on_loopback() {
    let text = Fixture::new().get(Role::Viewer, "/metrics").text;
    assert!(text.contains("# TYPE fleetward_played_total counter\nfleetward_played_total 1\n"), "{text}");
    assert!(text.contains("fleetward_store_rows{kind=\"token\"} 4"), "{text}");
    let open = Fixture::with(ApiConfig { open_metrics_on_loopback: true, ..ApiConfig::default() }, None);
    open.call("GET", "/metrics", None, None).expect(200);
    let rules = open.get(Role::Viewer, "/api/v1/rules").json();
    assert_eq!(rules[0]["explain"], "more than 2 MB an hour");
    let audit = open.get(Role::Admin, "/api/v1/audit/verify").json();
    assert_eq!(audit["whole"], true);
}

#[test]
fn events_arrive_as_they_happen_and_end_with_the_server() {
    let mut fixture = Fixture::new();
    let mut stream = TcpStream::connect(fixture.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let token = &fixture.tokens[Role::Viewer as usize];
    write!(stream, "GET /api/v1/events?kinds=session HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n")
        .unwrap();
    let mut lines = BufReader::new(stream);
    let until = |lines: &mut BufReader<TcpStream>, wanted: &str| loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "ended before {wanted}");
        if line.contains(wanted) {
            return line;
        }
    };
    until(&mut lines, "text/event-stream");
    let other = Event::Cleared { id: FindingId(1), at: Timestamp(0) };
    let began = Event::Session(SessionChange {
        key: SessionKey { nas: "pgw-1".into(), id: "1".into() },
        device: DeviceId(7),
        device_name: None,
        at: Timestamp(0),
        ended: None,
    });
    for event in [other, began] {
        fixture.control.events.send(Arc::new(event)).unwrap();
    }
    assert_eq!(until(&mut lines, "event:").trim(), "event: session", "the other kind is left out");
    assert!(until(&mut lines, "data:").contains("\"nas\":\"pgw-1\""));
    let started = Instant::now();
    fixture.stop.take();
    lines.read_to_end(&mut Vec::new()).unwrap();
    fixture.server.take().unwrap().join().unwrap();
    assert!(started.elapsed() < Duration::from_secs(9), "the stream did not hold the server up");
}

#[test]
fn speaks_tls_with_a_certificate_that_it_made() {
    let (chain, key) = tls::self_signed(&["localhost".into(), "127.0.0.1".into()]).unwrap();
    let fixture = Fixture::with(ApiConfig::default(), Some(tls::from_pem(&chain, &key).unwrap()));
    let roots = ureq::tls::Certificate::from_pem(chain.as_bytes()).unwrap();
    let tls = ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::new_with_certs(&[roots]))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let agent: ureq::Agent = ureq::Agent::config_builder().tls_config(tls).build().into();
    let answer = agent.get(format!("https://127.0.0.1:{}/health", fixture.address.port())).call().unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("strict-transport-security"));
    // Without TLS there is no answer, and the server goes on.
    assert!(fixture.agent.get(fixture.url("/health")).call().is_err());
    assert!(agent.get(format!("https://127.0.0.1:{}/health", fixture.address.port())).call().is_ok());
}

use fleetward_fleet::Severity;

use super::*;
use crate::fact::{Host, OpenPort, Service};
use crate::judge::Fault;

fn report() -> Report {
    let protocol = "telnet".into();
    let evidence = "<b>login:</b>\u{1b}[2J".into();
    let product = Some("busybox <telnetd>".into());
    let service = Service { protocol, product, evidence, ..Service::default() };
    let open = vec![OpenPort { transport: Transport::Tcp, port: 23, service: Some(service) }];
    let host = Host {
        address: [192, 0, 2, 7].into(),
        device: Some("front <door>".into()),
        model: None,
        outcome: Outcome::Cut,
        open,
        asked: 1_000,
        closed: 900,
        unknown: 99,
        settled: "".into(),
    };
    let fault = Fault {
        check: "plaintext-management".into(),
        port: Some((Transport::Tcp, 23)),
        severity: Severity::High,
        why: "anybody on the way reads the password".into(),
        title: "Management without encryption".into(),
        expected: "SSH".into(),
        observed: "=telnet, \"login\" <script>alert(1)</script>\u{1b}[2J".into(),
        advice: "Turn telnet off.".into(),
        rests_on: None,
        tags: vec!["etsi-en-303-645:5.5-1".into()],
    };
    let found = vec![Found { hosts: vec![host.address], fault }];
    let left = [(host.address, "1001-65535".to_owned())].into();
    Report { began: 0, ended: 1_000, is_complete: false, hosts: vec![host], found, left }
}

#[test]
fn every_format_as_it_is_read() {
    use Format::{Csv, Html, Json, Jsonl, Sarif, Table};
    for (name, format) in
        [("table", Table), ("json", Json), ("jsonl", Jsonl), ("sarif", Sarif), ("csv", Csv), ("html", Html)]
    {
        let mut out = Vec::new();
        write(&report(), format, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains('\u{1b}') && (format != Html || !text.contains("<script>")), "{name}");
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn a_device_that_never_answered_is_named_and_called_neither_silent_nor_closed() {
    let mut report = report();
    let mut told = |device: Option<&str>| {
        let (host, device) = (&mut report.hosts[0], device.map(Into::into));
        (host.outcome, host.device, host.open, host.closed) = (Outcome::Silent, device, Vec::new(), 0);
        let mut out = Vec::new();
        write(&report, Format::Table, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let named = told(Some("cellar"));
    assert!(named.starts_with("192.0.2.7 (cellar): 0 closed, 99 unknown, no answer: nobody is there"), "{named}");
    assert!(!named.contains("silent"), "{named}");
    let stranger = told(None);
    assert!(!stranger.contains("unknown, no answer") && stranger.contains("1 address, 0 answered"), "{stranger}");
}

#[test]
fn json_can_be_resumed_from() {
    let mut out = Vec::new();
    write(&report(), Format::Json, &mut out).unwrap();
    assert_eq!(serde_json::from_slice::<Report>(&out).unwrap(), report());
}

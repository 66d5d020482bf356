//! Known passwords against real daemons: what opens is opened, what locks never does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use fleetward_audit::access::{Attempts, Lists, try_known};
use fleetward_audit::door::Door;
use fleetward_audit::fact::{Access, Service};
use fleetward_audit::pace::Temperament;
use fleetward_audit::scope::Scope;
use fleetward_fleet::{Secret, Timestamp};
use fleetward_testkit::daemons::{Zoo, zoo};

/// Device, port, protocol.
const ASKED: [(u8, u16, &str); 11] = [
    (11, 23, "telnet"),
    (13, 80, "http"),
    (14, 21, "ftp"),
    (15, 80, "http"),
    (17, 1883, "mqtt"),
    (18, 1883, "mqtt"),
    (19, 161, "snmp"),
    (21, 6379, "redis"),
    (23, 554, "rtsp"),
    (25, 80, "http"),
    (26, 80, "form"),
];

/// What became of each, in words: `admin by user-is-password`, `Anybody`.
fn audit(zoo: &Zoo, asked: &'static [(u8, u16, &'static str)], budget: std::path::PathBuf, now: i64) -> Vec<String> {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let attempts = Attempts { spacing: Duration::from_millis(100), ..Attempts::default() };
            let mut lists = Lists::new(Secret::new("key"), attempts, Timestamp::from_secs(now));
            lists.remember(budget).unwrap();
            let scope = Scope::new(vec![zoo::NETWORK.parse().unwrap()], false);
            let door = Door::new(Temperament::Gentle);
            let mut found = Vec::new();
            for &(number, port, protocol) in asked {
                let target = scope.admit(Zoo::address(number)).unwrap();
                let service = service(protocol);
                found.push(match try_known(&door, target, port, &service, &lists).await {
                    Access::Opened { by, account, .. } => format!("{account} by {by}"),
                    other => format!("{other:?}"),
                });
            }
            found
        })
    };
    zoo.auditor().enter(work).unwrap()
}

/// As it was told before, as far as it matters here.
fn service(protocol: &str) -> Service {
    if protocol != "form" {
        return Service { protocol: protocol.into(), ..Service::default() };
    }
    let access = Access::Asks { methods: vec!["form".into()] };
    let notes = [("path".into(), "/cgi-bin/panel/login".into())].into();
    Service { protocol: "http".into(), access, notes, ..Service::default() }
}

#[test]
fn what_is_known_opens_and_what_locks_never_does() {
    let Some(mut zoo) = Zoo::try_start().unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let budget = || folder.path().join("attempts.json");
    let expected = [
        "admin by user-is-password",
        "admin by well-known:3",
        "Anybody",
        "root by user-is-password",
        "Anybody",
        "admin by user-is-password",
        " by well-known:13",
        "Anybody",
        "Anybody",
        "Anybody",
        "root by well-known:4",
    ];
    assert_eq!(audit(&zoo, &ASKED, budget(), 1_000_000), expected);
    // Again and again within the hour: the budget is the same one.
    for run in 0..4 {
        let attempts = if run == 0 { 4 } else { 0 };
        let held = audit(&zoo, &[(24, 80, "http")], budget(), 1_000_000 + run);
        assert_eq!(held, [format!("Held {{ attempts: {attempts} }}")]);
    }
    let kept = std::fs::read_to_string(budget()).unwrap();
    assert!(kept.contains("user-is-password") && !kept.contains("1234"));
    assert_eq!((zoo.locked(), zoo.harmed()), (0, 0));
    assert_eq!(zoo.sessions(), 0, "the session at the panel was ended");
}

/// A service that asks (basic), and does this with who answers: `true` goes on listening.
fn asking(then: fn(&mut TcpStream) -> bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let ask = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 2048];
            let length = stream.read(&mut request).unwrap_or(0);
            let is_attempt = String::from_utf8_lossy(&request[..length]).contains("Authorization:");
            if !is_attempt {
                stream.write_all(ask).ok();
            } else if !then(&mut stream) {
                return;
            }
        }
    });
    port
}

#[test]
fn what_breaks_off_or_is_busy_is_no_lock_and_what_is_gone_is() {
    let tried = |port: u16| {
        let attempts = Attempts { spacing: Duration::from_millis(10), ..Attempts::default() };
        let lists = Lists::new(Secret::new("key"), attempts, Timestamp::from_secs(1_000_000));
        let target = Scope::new(vec!["127.0.0.1/32".parse().unwrap()], false).admit([127, 0, 0, 1].into()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(try_known(&Door::new(Temperament::Fast), target, port, &service("http"), &lists))
    };
    assert_eq!(tried(asking(|_| true)), Access::Held { attempts: 2 }, "it hangs up, and asks again");
    assert_eq!(tried(asking(|_| false)), Access::Locks { attempts: 1 }, "it hangs up, and is gone");
    let busy = asking(|stream| stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").is_ok());
    assert_eq!(tried(busy), Access::Held { attempts: 1 }, "it has no time");
}

//! An audit that is cut while it asks what speaks: the report says so, and another goes on from there.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fleetward_audit::fact::{Outcome, Transport};
use fleetward_audit::pace::Temperament;
use fleetward_audit::ports::{Engine, PortSet, Progress, Stage};
use fleetward_audit::run::{Plan, Report, Subject, audit};
use fleetward_audit::scope::{Scope, Target};
use fleetward_fleet::Timestamp;

const HOST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);

/// A service that greets once it may; its port.
fn serve(greeting: &'static [u8], may: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let held = Mutex::new(Vec::new());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if may.load(Ordering::Relaxed) {
                stream.write_all(greeting).ok();
            }
            // One that says nothing yet holds the line.
            held.lock().unwrap().push(stream);
        }
    });
    port
}

/// Ends the audit once the first service is told.
#[derive(Default)]
struct Cut {
    is_cut: AtomicBool,
    stages: Mutex<Vec<Stage>>,
}

impl Progress for Cut {
    fn stage(&self, _: Target, stage: Stage, settled: usize, of: usize) {
        self.stages.lock().unwrap().push(stage);
        assert!(settled <= of);
        if stage == Stage::Services {
            self.is_cut.store(true, Ordering::Relaxed);
        }
    }

    fn host(&self, _: Target) {}

    fn is_cancelled(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }
}

fn plan(ports: [u16; 2], resume: Option<Report>) -> Plan {
    let scope = Scope::new(vec!["127.0.0.0/8".parse().unwrap()], false);
    Plan {
        subjects: vec![Subject { target: scope.admit(HOST.into()).unwrap(), device: None, model: None }],
        ports: PortSet::new(ports, []),
        engine: Engine::Connect,
        temperament: Temperament::Normal,
        passwords: None,
        profiles: HashMap::new(),
        has_gateway: false,
        even_silent: true,
        resume,
        clock: || Timestamp(0),
    }
}

fn told(report: &Report, port: u16) -> Option<&str> {
    let open = &report.hosts[0].open;
    let open = open.iter().find(|it| (it.transport, it.port) == (Transport::Tcp, port)).unwrap();
    open.service.as_ref().map(|it| &*it.protocol)
}

#[tokio::test]
async fn what_was_told_stays_and_the_rest_is_asked() {
    let (yes, not_yet) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let (quick, slow) =
        (serve(b"SSH-2.0-quick\r\n", yes), serve(b"220 slow FTP server ready\r\n", Arc::clone(&not_yet)));
    let cut = Arc::new(Cut::default());
    let began = Instant::now();
    let part = audit(&plan([quick, slow], None), Arc::clone(&cut) as Arc<dyn Progress>).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(30), "a stage ends within a moment: {:?}", began.elapsed());
    assert_eq!((part.is_complete, part.hosts[0].outcome, part.left.len()), (false, Outcome::Cut, 0));
    assert_eq!((told(&part, quick), told(&part, slow)), (Some("ssh"), None));

    not_yet.store(true, Ordering::Relaxed);
    let written: Report = serde_json::from_slice(&serde_json::to_vec(&part).unwrap()).unwrap();
    let again = Arc::new(Cut::default());
    let whole = audit(&plan([quick, slow], Some(written)), Arc::new(Watching(Arc::clone(&again)))).await.unwrap();
    assert_eq!((whole.is_complete, whole.hosts[0].outcome), (true, Outcome::Done));
    assert_eq!((told(&whole, quick), told(&whole, slow)), (Some("ssh"), Some("ftp")));
    let stages = again.stages.lock().unwrap();
    assert!(stages.iter().all(|it| *it == Stage::Services) && stages.len() == 1, "ports again: {stages:?}");
}

/// Notes the stages, and ends nothing.
struct Watching(Arc<Cut>);

impl Progress for Watching {
    fn stage(&self, target: Target, stage: Stage, settled: usize, of: usize) {
        self.0.stage(target, stage, settled, of);
    }

    fn host(&self, _: Target) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

//! The engine with threads and files.

use std::sync::Arc;

use fleetward_fleet::{
    Observation, Offset,
    SessionStatus::{Interim, Start, Stop},
};
use parking_lot::Mutex;

use super::{Config, Engine, Outputs, Resume};
use crate::testing::{change, device, record, session, tick};
use crate::{Compiled, Output, SessionFilter};

type Said = Arc<Mutex<Vec<Output>>>;

fn start(workers: usize, folder: Option<&std::path::Path>) -> (Engine, Resume, Said) {
    let said = Said::default();
    let heard = said.clone();
    let sink = Arc::new(move |outputs: Outputs| heard.lock().extend(outputs.outputs));
    let config = Config { workers, queue: 2, snapshots: folder.map(Into::into), history: None };
    let (engine, resume) = Engine::start(config, Arc::new(Compiled::new(Arc::default(), [])), sink).unwrap();
    (engine, resume, said)
}

/// Devices, their Starts and some interims and Stops, with ticks between.
fn fleet(devices: u64) -> Vec<Observation> {
    let mut records: Vec<_> = (0..devices).map(|n| change(0, n, device(n))).collect();
    records.extend((0..devices).map(|n| session(n, 10, record(&format!("s{n}"), Start, 0, 0))));
    records.push(tick(20));
    records.extend((0..devices).map(|n| session(n, 30, record(&format!("s{n}"), Interim, n, 2 * n))));
    records.extend((0..devices / 2).map(|n| session(n, 40, record(&format!("s{n}"), Stop, n, 2 * n))));
    records
}

fn feed(engine: &Engine, records: &[Observation], from: usize, batch: usize) {
    let numbered: Vec<_> =
        records.iter().enumerate().skip(from).map(|(i, o)| (Offset(i as u64), Arc::new(o.clone()))).collect();
    for part in numbered.chunks(batch) {
        engine.submit(part.iter().cloned()).unwrap();
    }
    engine.drain().unwrap();
}

/// Without the order between devices, which workers do not keep.
fn sorted(said: &Said) -> Vec<String> {
    let mut said: Vec<_> = said.lock().iter().map(|output| format!("{output:?}")).collect();
    said.sort_unstable();
    said
}

#[test]
fn any_number_of_workers_says_the_same() {
    let records = fleet(300);
    let (one, _, expected) = start(1, None);
    feed(&one, &records, 0, 1000);
    for (workers, batch) in [(2, 1), (3, 7), (7, 100)] {
        let (engine, _, said) = start(workers, None);
        feed(&engine, &records, 0, batch);
        assert_eq!(sorted(&said), sorted(&expected));
        assert_eq!(engine.applied(), Offset(records.len() as u64));
    }
}

#[test]
fn lists_every_session_once_page_by_page() {
    let (engine, _, _) = start(3, None);
    feed(&engine, &fleet(300), 0, 64);
    let all = |filter: &SessionFilter| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = engine.sessions(filter, after, 17).unwrap();
            assert!(page.items.len() <= 17);
            found.extend(page.items);
            match page.next {
                Some(next) => after = Some(next.to_string().parse().unwrap()),
                None => return found,
            }
        }
    };
    let everything = all(&SessionFilter::default());
    let mut ids: Vec<_> = everything.iter().map(|s| s.id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((everything.len(), ids.len()), (300, 300));
    let open = all(&SessionFilter { open: Some(true), ..SessionFilter::default() });
    assert_eq!(open.len(), 150);
    assert!(open.iter().all(|s| s.ended.is_none()));
    let by_text = all(&SessionFilter { text: Some(" SIM-299".into()), ..SessionFilter::default() });
    assert_eq!(by_text.len(), 1);
    assert_eq!((by_text[0].bytes_up, by_text[0].bytes_down), (299, 598));
    assert_eq!(all(&SessionFilter { nas: Some("elsewhere".into()), ..SessionFilter::default() }).len(), 0);
    let of_one = all(&SessionFilter { device: Some(by_text[0].device), ..SessionFilter::default() });
    assert_eq!(of_one, by_text);
    let key = by_text[0].key();
    assert_eq!(engine.session(by_text[0].device, &key).unwrap().as_ref(), Some(&by_text[0]));
    assert_eq!(engine.find_session(&key).unwrap().as_ref(), Some(&by_text[0]));
    assert_eq!(engine.device(by_text[0].device).unwrap().unwrap().sessions, 1);
    assert_eq!(engine.device(fleetward_fleet::DeviceId(0)).unwrap(), None);
}

#[test]
fn a_restart_from_a_snapshot_says_the_rest_and_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let records = fleet(200);
    let cut = 500;
    let (whole, _, expected) = start(2, None);
    feed(&whole, &records, 0, 50);

    let (first, resume, before) = start(2, Some(folder.path()));
    assert_eq!((resume.next, resume.snapshot), (Offset(0), None));
    feed(&first, &records[..cut], 0, 50);
    let mut asked = None;
    let written = first.snapshot(|upto| asked.replace(upto).is_none()).unwrap();
    assert_eq!((written.next, asked), (Offset(cut as u64), Some(Offset(cut as u64))));
    assert_eq!(written.bytes, std::fs::metadata(&written.path).unwrap().len());
    drop(first);

    // Another number of workers may go on.
    let (second, resume, after) = start(3, Some(folder.path()));
    assert_eq!((resume.next, resume.snapshot, resume.problems.len()), (written.next, Some(written.path), 0));
    feed(&second, &records, 300, 64); // replays more than needed
    let mut both = sorted(&before);
    both.extend(sorted(&after));
    both.sort_unstable();
    assert_eq!(both, sorted(&expected));
    assert_eq!(second.counts().open_sessions, whole.counts().open_sessions);
}

#[test]
fn an_unconfirmed_snapshot_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, _, _) = start(1, Some(folder.path()));
    feed(&engine, &fleet(3), 0, 5);
    assert!(matches!(engine.snapshot(|_| false), Err(crate::snapshot::SnapshotError::NotConfirmed)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_panic_in_a_worker_is_told() {
    let config = Config { workers: 1, queue: 1, snapshots: None, history: None };
    let sink = Arc::new(|_: Outputs| panic!("on purpose"));
    let (engine, _) = Engine::start(config, Arc::new(Compiled::new(Arc::default(), [])), sink).unwrap();
    let records = fleet(3);
    let outcome = (0..100).try_for_each(|_| {
        let again = records.iter().enumerate().map(|(i, o)| (Offset(i as u64), Arc::new(o.clone())));
        engine.submit(again)
    });
    assert!(outcome.is_err() || engine.drain().is_err());
}

use fleetward_store::{AuditFilter, AuditReport, NewAudit, Page, Store};
use rusqlite::Connection;

use crate::{Fixture, at};

fn write(store: &Store, count: i64) {
    for n in 0..count {
        let what = if n % 2 == 0 { "device.suspend" } else { "token.create" };
        let entry = NewAudit { at: at(n), who: "ada", what, target: "meter-1", detail: "because" };
        store.audit(&entry).unwrap();
    }
}

#[test]
fn grows_and_is_whole() {
    let Fixture { store, folder: _folder } = Fixture::new();
    assert_eq!(store.verify_audit().unwrap(), AuditReport { rows: 0, first_bad: None });
    write(&store, 7);
    assert_eq!(store.verify_audit().unwrap(), AuditReport { rows: 7, first_bad: None });
    let filter = AuditFilter { what: Some("device.*".into()), ..AuditFilter::default() };
    let first = store.audit_log(&filter, &Page::first(3)).unwrap();
    assert_eq!(first.items.iter().map(|row| row.seq).collect::<Vec<_>>(), [7, 5, 3]);
    let rest = store.audit_log(&filter, &Page { limit: 3, cursor: first.next }).unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    let nobody = AuditFilter { who: Some("eve".into()), ..AuditFilter::default() };
    assert_eq!(store.audit_log(&nobody, &Page::default()).unwrap().items, []);
    assert!(store.audit(&NewAudit { at: at(1), who: "", what: "x", target: "", detail: "" }).is_err());
}

#[test]
fn tampering_shows() {
    let tampered = [
        ("UPDATE audit SET who = 'eve' WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq > 4", 5),
        ("DELETE FROM audit", 1),
    ];
    for (sql, first_bad) in tampered {
        let Fixture { store, folder: _folder } = Fixture::new();
        write(&store, 5);
        let intruder = Connection::open(store.path()).unwrap();
        assert!(intruder.execute(sql, []).is_err(), "the triggers refuse");
        intruder.execute_batch("DROP TRIGGER audit_keeps_rows; DROP TRIGGER audit_keeps_words").unwrap();
        intruder.execute(sql, []).unwrap();
        assert_eq!(store.verify_audit().unwrap().first_bad, Some(first_bad), "{sql}");
    }
}

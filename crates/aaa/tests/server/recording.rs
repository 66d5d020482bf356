use std::sync::atomic::Ordering;
use std::time::Duration;

use fleetward_fleet::{Body, DeviceId, SessionStatus};
use fleetward_radius::{Builder, Code, Packet, dictionary as d};

use crate::support::*;

#[test]
fn a_session_is_recorded_from_start_to_stop() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    for (status, up) in [(1, 0), (3, 500), (2, 900)] {
        let request = accounting(status as u8, status, "s1", |b| {
            b.u32(d::ACCT_INPUT_OCTETS, up).u32(d::ACCT_INPUT_GIGAWORDS, 1).attribute(d::PROXY_STATE, b"p");
        });
        let answer = nas.ask(rig.acct(), &request);
        assert_eq!(verified(&answer, &request, SECRET), Code::ACCOUNTING_RESPONSE);
        assert_eq!(Packet::parse(&answer).unwrap().first(d::PROXY_STATE), Some(&b"p"[..]));
        rig.advance(Duration::from_mins(1));
    }
    let seen = rig.seen.lock();
    let statuses: Vec<_> = seen
        .iter()
        .map(|o| match &o.body {
            Body::Session(s) => (s.status, s.bytes_up, &*s.key.id),
            other => panic!("{other:?}"),
        })
        .collect();
    let high = 1_u64 << 32;
    assert_eq!(
        statuses,
        [
            (SessionStatus::Start, high, "s1"),
            (SessionStatus::Interim, high + 500, "s1"),
            (SessionStatus::Stop, high + 900, "s1"),
        ]
    );
    assert!(seen.iter().all(|o| o.device == meter().id() && &*o.source == "pgw-1"));
}

#[test]
fn a_retransmission_with_a_new_delay_is_one_record_and_two_answers() {
    for has_timestamp in [true, false] {
        let rig = Rig::start(loopback());
        let nas = Nas::new();
        let stamp = |b: &mut Builder| {
            if has_timestamp {
                b.u32(d::EVENT_TIMESTAMP, (START / 1000) as u32);
            }
        };
        let first = accounting(1, 3, "s1", stamp);
        verified(&nas.ask(rig.acct(), &first), &first, SECRET);
        rig.advance(Duration::from_millis(4_600));
        let again = accounting(2, 3, "s1", |b| {
            stamp(b);
            b.u32(d::ACCT_DELAY_TIME, 4);
        });
        verified(&nas.ask(rig.acct(), &again), &again, SECRET);
        assert_eq!(rig.sessions(), 1, "with Event-Timestamp: {has_timestamp}");
        assert_eq!(rig.metric("fleetward_radius_duplicates_total", "content"), 1);
        assert_eq!(rig.metric("fleetward_radius_replies_total", "accounting"), 2);
    }
}

#[test]
fn what_names_nobody_is_recorded_all_the_same() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, 1);
    builder.u32(d::ACCT_STATUS_TYPE, 1).text(d::ACCT_SESSION_ID, "who\n");
    let request = builder.sign(SECRET).unwrap();
    verified(&nas.ask(rig.acct(), &request), &request, SECRET);
    let seen = rig.seen.lock();
    assert_eq!((seen[0].device, &seen[0].identity), (DeviceId::of("nas:pgw-1/session:who\\x0a"), &None));
}

#[test]
fn on_and_off_end_the_sessions_of_their_nas() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    let open = || rig.directory.find(&fleetward_fleet::Identity::Imsi(IMSI.parse().unwrap())).unwrap().open.len();
    for (identifier, status) in [(1, 7), (2, 8)] {
        let start = accounting(identifier, 1, &format!("s{identifier}"), |_| {});
        verified(&nas.ask(rig.acct(), &start), &start, SECRET);
        assert_eq!(open(), 1);
        let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, identifier + 10);
        builder.u32(d::ACCT_STATUS_TYPE, status).text(d::ACCT_SESSION_ID, "00000000");
        let request = builder.sign(SECRET).unwrap();
        assert_eq!(verified(&nas.ask(rig.acct(), &request), &request, SECRET), Code::ACCOUNTING_RESPONSE);
        assert_eq!(open(), 0);
    }
    let resets: Vec<_> = rig
        .seen
        .lock()
        .iter()
        .filter_map(|o| match &o.body {
            Body::NasReset(reset) => Some((reset.nas.to_string(), reset.on, o.device)),
            _ => None,
        })
        .collect();
    assert_eq!(resets, [("pgw-1".to_owned(), true, DeviceId(0)), ("pgw-1".to_owned(), false, DeviceId(0))]);
}

#[test]
fn nothing_is_answered_while_the_journal_refuses() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    rig.refuse.store(true, Ordering::Relaxed);
    let (request, start) = (access(1, |_| {}), accounting(2, 1, "s1", |_| {}));
    nas.send(rig.auth(), &request);
    nas.send(rig.auth(), &status_server(3));
    nas.send(rig.acct(), &start);
    nas.send(rig.acct(), &status_server(4));
    // Wait until the server has seen all four, then let it record again and ask both anew.
    while rig.discards("not_recorded") < 2 || rig.discards("not_ready") < 2 {
        std::thread::yield_now();
    }
    rig.refuse.store(false, Ordering::Relaxed);
    nas.expect_silence(rig.auth());
    nas.expect_silence(rig.acct());
    assert_eq!(rig.seen.lock().len(), 0);
    // The retransmissions are new requests now, not "in progress" for ever.
    assert_eq!(verified(&nas.ask(rig.auth(), &request), &request, SECRET), Code::ACCESS_ACCEPT);
    assert_eq!(verified(&nas.ask(rig.acct(), &start), &start, SECRET), Code::ACCOUNTING_RESPONSE);
    assert_eq!(rig.seen.lock().len(), 2);
}

#[test]
fn status_server_is_answered_on_both_ports_and_leaves_no_trace() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    for (address, code) in [(rig.auth(), Code::ACCESS_ACCEPT), (rig.acct(), Code::ACCOUNTING_RESPONSE)] {
        let request = status_server(nas.identifier());
        assert_eq!(verified(&nas.ask(address, &request), &request, SECRET), code);
    }
    let bare = {
        let mut builder = Builder::status_server(9, random());
        builder.without_message_authenticator();
        builder.sign(SECRET).unwrap()
    };
    nas.send(rig.acct(), &bare);
    nas.expect_silence(rig.acct());
    assert_eq!(rig.discards("message_authenticator_missing"), 1);
    assert_eq!(rig.seen.lock().len(), 0);
}

#[test]
fn a_burst_is_recorded_in_batches_and_every_request_answered() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    for round in 0..4_u32 {
        for n in 0..200_u32 {
            nas.send(rig.acct(), &accounting(n as u8, 1, &format!("{round}-{n}"), |_| {}));
        }
        let mut identifiers: Vec<u8> = (0..200).map(|_| nas.receive()[1]).collect();
        identifiers.sort_unstable();
        assert_eq!(identifiers, (0..200).collect::<Vec<u8>>());
    }
    assert_eq!(rig.sessions(), 800);
}

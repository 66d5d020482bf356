//! A gateway against the mirror.

use super::*;
use crate::fleet::Fleet;
use crate::mirror::{Mirror, clock, habits, secret};

const LIMIT: Duration = Duration::from_secs(10);

fn gateway(server: &Mirror) -> Nas {
    let mut nas = Nas::bind("gw", [127, 0, 0, 1].into(), 0, secret(), clock()).unwrap();
    nas.aim(server.addr, server.addr);
    let short = Duration::from_millis(50);
    nas.set_timing(Timing { first: short, cap: short * 2, give_up: Duration::from_millis(400) });
    nas
}

fn sim() -> Sim {
    Fleet::new(1, 20).members[0].sim.clone()
}

fn open(nas: &mut Nas) -> SessionRef {
    let session = nas.attach(sim(), Entry::Asks, [10, 0, 0, 1].into()).unwrap();
    let admitted = |event: &Event| match event {
        Event::Admitted(admitted) => Some(admitted.clone()),
        _ => None,
    };
    let admitted = nas.wait_for(LIMIT, admitted).unwrap().expect("an answer");
    assert_eq!((admitted.session, admitted.ip), (session, Some([10, 9, 9, 9].into())));
    assert!(admitted.has_message_authenticator);
    session
}

fn closed(event: &Event) -> Option<u32> {
    match event {
        Event::Closed(_, cause) => Some(*cause),
        _ => None,
    }
}

#[test]
fn a_session_from_request_to_stop() {
    let server = Mirror::start(habits());
    let mut nas = gateway(&server);
    let session = open(&mut nas);
    nas.traffic(session, 100, 5);
    nas.interim(session).unwrap();
    nas.detach(session, cause::USER_REQUEST).unwrap();
    assert_eq!(nas.wait_for(LIMIT, closed).unwrap(), Some(cause::USER_REQUEST));
    let seen: Vec<_> = server.all().iter().map(|seen| (seen.code, seen.status, seen.octets)).collect();
    assert_eq!(seen, [(1, 0, (0, 0)), (4, 1, (0, 0)), (4, 3, (100, 5)), (4, 2, (100, 5))]);
    assert_eq!(nas.stats().bad, 0);
}

#[test]
fn a_deaf_server_gets_everything_again_until_it_has_it() {
    let server = Mirror::start(crate::mirror::Habits { deaf: 0.5, ..habits() });
    let mut nas = gateway(&server);
    let session = nas.attach(sim(), Entry::Unasked, [10, 0, 0, 1].into()).unwrap();
    nas.detach(session, 1).unwrap();
    let mut acknowledged = Vec::new();
    let both = nas.wait_for(LIMIT, |event| {
        if let Event::Acknowledged(_, record) = event {
            acknowledged.push(record.status);
        }
        (acknowledged.len() == 2).then_some(())
    });
    assert!(both.unwrap().is_some(), "{acknowledged:?}");
}

#[test]
fn an_access_request_is_given_up_and_a_rejection_is_heard() {
    let server = Mirror::start(crate::mirror::Habits { deaf: 1.0, ..habits() });
    let mut nas = gateway(&server);
    let session = nas.attach(sim(), Entry::Asks, [10, 0, 0, 1].into()).unwrap();
    let unanswered = |event: &Event| matches!(event, Event::Unanswered(s) if *s == session).then_some(());
    assert!(nas.wait_for(LIMIT, unanswered).unwrap().is_some());
    let first = server.all()[0].clone();
    assert!(server.all().len() > 2 && server.all().iter().all(|seen| *seen == first), "resent as it was");

    let server = Mirror::start(crate::mirror::Habits { rejects: |_| true, ..habits() });
    let mut nas = gateway(&server);
    nas.attach(sim(), Entry::Asks, [10, 0, 0, 1].into()).unwrap();
    let rejected = |event: &Event| matches!(event, Event::Rejected(_)).then_some(());
    assert!(nas.wait_for(LIMIT, rejected).unwrap().is_some());
    assert_eq!(nas.sessions().count(), 0);
}

#[test]
fn a_disconnect_ends_in_a_stop_and_only_if_the_gateway_is_honest() {
    for (obedience, stops) in [(Obedience::Obeys(Duration::ZERO), true), (Obedience::SaysYesDoesNothing, false)] {
        let mut nas = Nas::bind("gw", [127, 0, 0, 1].into(), 0, secret(), clock()).unwrap();
        let dae = [("gw".to_owned(), nas.dae_addr().unwrap())].into();
        let server = Mirror::start(crate::mirror::Habits { disconnects: |seen| seen.status == 3, dae, ..habits() });
        nas.aim(server.addr, server.addr);
        nas.set_obedience(obedience);
        let session = open(&mut nas);
        nas.interim(session).unwrap();
        let disconnected = |event: &Event| matches!(event, Event::Disconnected(..)).then_some(());
        assert!(nas.wait_for(LIMIT, disconnected).unwrap().is_some());
        let wait = if stops { LIMIT } else { Duration::from_millis(200) };
        assert_eq!(nas.wait_for(wait, closed).unwrap(), stops.then_some(cause::ADMIN_RESET));
        assert_eq!((nas.stats().dae_acks, nas.is_open(session)), (1, !stops));
        let end = Instant::now() + LIMIT;
        while *server.disconnect_acks.lock().unwrap() == 0 && Instant::now() < end {
            std::thread::yield_now();
        }
        assert_eq!(*server.disconnect_acks.lock().unwrap(), 1);
    }
}

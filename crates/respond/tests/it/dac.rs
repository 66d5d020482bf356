//! The client against a NAS on UDP.

use std::collections::HashSet;
use std::net::UdpSocket;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, unbounded};
use fleetward_fleet::ResponseId;
use fleetward_radius::{Code, Packet, auth, dictionary as d};
use fleetward_respond::dac::{Answer, Dac, DacConfig, Key, NasProfile, Request, SessionTarget};
use fleetward_respond::machine::NasAnswer;

use crate::peer::{Nas, Reaction, SECRET, clock};

fn client(profile: NasProfile) -> (Dac, Receiver<Answer>) {
    let (answers, received) = unbounded();
    let config = DacConfig { bind_v4: [127, 0, 0, 1].into(), ..DacConfig::default() };
    (Dac::start(config, [profile], clock(), move |answer| drop(answers.send(answer))), received)
}

fn request(id: u128, key_set: usize) -> Request {
    Request {
        id: ResponseId(id),
        attempt: 1,
        nas: "pgw".into(),
        key_set,
        target: SessionTarget {
            session_id: format!("s{id}").into(),
            user_name: Some("meter".into()),
            imsi: "262011234567890".parse().ok(),
            nsapi: Some(5),
            same_user_name: 1,
            ..SessionTarget::default()
        },
        session_timeout_secs: None,
    }
}

/// Polls until an answer comes.
fn answer(dac: &Dac, received: &Receiver<Answer>) -> NasAnswer {
    let start = Instant::now();
    loop {
        dac.poll(Instant::now());
        if let Ok(answer) = received.recv_timeout(Duration::from_millis(5)) {
            return answer.answer;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "no answer");
    }
}

#[test]
fn says_what_the_nas_said() {
    for (reaction, expected) in [
        (Some(Some(503)), NasAnswer::Nak { error_cause: Some(503) }),
        (Some(None), NasAnswer::Nak { error_cause: None }),
        (None, NasAnswer::Ack),
    ] {
        let nas = Nas::start(move |_, _| reaction.map_or(Reaction::Ack, Reaction::Nak));
        let (dac, received) = client(nas.profile("pgw"));
        assert!(dac.send(request(1, 0)));
        assert_eq!(answer(&dac, &received), expected);
        assert_eq!(dac.outstanding(), (0, 0));
    }
}

#[test]
fn asks_as_rfc_5176_wants_it() {
    let nas = Nas::start(|_, _| Reaction::Ack);
    let (dac, received) = client(nas.profile("pgw"));
    dac.send(request(1, 2)); // 3GPP-IMSI and -NSAPI
    assert_eq!(answer(&dac, &received), NasAnswer::Ack);
    let log = nas.received.lock().unwrap();
    let packet = Packet::parse(&log[0].bytes).unwrap();
    assert_eq!(packet.code(), Code::DISCONNECT_REQUEST);
    assert!(auth::has_valid_request_authenticator(&packet, SECRET));
    assert_eq!(auth::request_message_authenticator(&packet, SECRET), auth::MessageAuthenticator::Valid);
    assert!(packet.has(d::EVENT_TIMESTAMP) && !packet.has(d::SERVICE_TYPE) && !packet.has(d::ACCT_SESSION_ID));
    let values: Vec<_> = packet.vendor(10415).map(|attribute| (attribute.kind, attribute.value.to_vec())).collect();
    assert_eq!(values, [(1, b"262011234567890".to_vec()), (10, b"5".to_vec())]);
}

#[test]
fn sends_the_same_datagram_again_and_then_gives_up() {
    let nas = Nas::start(|_, _| Reaction::Silence);
    let (dac, received) = client(nas.profile("pgw"));
    dac.send(request(1, 0));
    assert_eq!(answer(&dac, &received), NasAnswer::Timeout);
    let log = nas.received.lock().unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!((log[0].from, &log[0].bytes), (log[1].from, &log[1].bytes));
}

#[test]
fn ignores_what_does_not_know_the_secret_or_comes_from_elsewhere() {
    let nas = Nas::start(|_, _| Reaction::ForgedThenAck);
    let (dac, received) = client(nas.profile("pgw"));
    dac.send(request(1, 0));
    assert_eq!(answer(&dac, &received), NasAnswer::Ack);
    assert_eq!(dac.counters().ignored.load(Ordering::Relaxed), 1);

    // A true answer from another address.
    let nas = Nas::start(|_, _| Reaction::Silence);
    let (dac, received) = client(nas.profile("pgw"));
    dac.send(request(1, 0));
    crate::peer::eventually("the request arrives", || nas.count() == 1);
    {
        let log = nas.received.lock().unwrap();
        let packet = Packet::parse(&log[0].bytes).unwrap();
        let ack = fleetward_radius::Builder::reply_to(&packet, Code::DISCONNECT_ACK).sign(SECRET).unwrap();
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&ack, log[0].from).unwrap();
    }
    assert_eq!(answer(&dac, &received), NasAnswer::Timeout);
}

#[test]
fn three_hundred_at_once_use_more_ports_and_no_identifier_twice() {
    let nas = Nas::start(|_, _| Reaction::Ack);
    let (dac, received) = client(nas.profile("pgw"));
    for id in 0..300 {
        assert!(dac.send(request(id, 0)));
    }
    for _ in 0..300 {
        assert_eq!(answer(&dac, &received), NasAnswer::Ack);
    }
    let log = nas.received.lock().unwrap();
    let first_sends: HashSet<_> = log.iter().map(|r| r.bytes.clone()).collect();
    let slots: HashSet<_> = log.iter().map(|r| (r.from, r.bytes[1])).collect();
    let ports: HashSet<_> = log.iter().map(|r| r.from.port()).collect();
    assert_eq!((first_sends.len(), slots.len(), ports.len()), (300, 300, 2));
}

#[test]
fn what_finds_no_identifier_waits_in_order() {
    let nas = Nas::start(|_, _| Reaction::Ack);
    let (answers, received) = unbounded();
    let rest = Duration::from_millis(50);
    let config = DacConfig { bind_v4: [127, 0, 0, 1].into(), ports: 1, identifier_rest: rest, ..DacConfig::default() };
    let mut profile = nas.profile("pgw");
    profile.retransmit.sends = 4;
    let dac = Dac::start(config, [profile], clock(), move |answer| drop(answers.send(answer)));
    let sent = (0..260).filter(|id| dac.send(request(*id, 0))).count();
    let (mut acks, mut queued) = (0, 0);
    while acks < 260 {
        match answer(&dac, &received) {
            NasAnswer::Ack => acks += 1,
            NasAnswer::Queued => queued += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(sent >= 256 && queued == 260 - sent, "{sent} sent, {queued} queued");
}

#[test]
fn user_name_alone_is_refused_where_others_have_it() {
    let nas = Nas::start(|_, _| Reaction::Ack);
    let mut profile = nas.profile("pgw");
    profile.key_sets = vec![vec![Key::UserName, Key::NasIdentifier], vec![Key::FramedIp]];
    profile.nas_identifier = Some("gw-1".into());
    let (dac, received) = client(profile.clone());
    let shared = |id| {
        let mut request = request(id, 0);
        request.target.same_user_name = 3;
        request
    };
    assert!(!dac.send(shared(1)));
    let reason = "User-Name alone would end 2 other session(s), too".to_owned();
    assert_eq!(answer(&dac, &received), NasAnswer::CannotSend { reason });
    assert!(!dac.send(request(2, 1)));
    let reason = "framed-ip-address is not known".to_owned();
    assert_eq!(answer(&dac, &received), NasAnswer::CannotSend { reason });
    assert_eq!(nas.count(), 0);

    profile.user_name_may_end_others = true;
    let (dac, received) = client(profile);
    assert!(dac.send(shared(3)));
    assert_eq!(answer(&dac, &received), NasAnswer::Ack);
}

#[test]
fn a_change_carries_the_new_timeout() {
    let nas = Nas::start(|_, _| Reaction::Ack);
    let (dac, received) = client(nas.profile("pgw"));
    dac.send(Request { session_timeout_secs: Some(60), ..request(1, 0) });
    assert_eq!(answer(&dac, &received), NasAnswer::Ack);
    let log = nas.received.lock().unwrap();
    let packet = Packet::parse(&log[0].bytes).unwrap();
    assert_eq!(packet.code(), Code::COA_REQUEST);
    assert_eq!(packet.first(d::SESSION_TIMEOUT), Some(&60_u32.to_be_bytes()[..]));
}

use std::time::Duration;

use fleetward_fleet::Secret;
use fleetward_radius::{Code, dictionary as d};

use crate::support::*;

#[test]
fn a_flood_of_rubbish_leaves_the_server_answering() {
    let rig = Rig::start(loopback());
    let (nas, flood) = (Nas::new(), Nas::new());
    let good = access(1, |_| {});
    let mut sent = 0_u32;
    // A small generator: the sequence is the same in every run.
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for round in 0..20_u8 {
        for _ in 0..1000 {
            let mut octets = good.clone();
            match next() % 4 {
                0 => octets.truncate(next() as usize % octets.len()),
                1 => {
                    let at = next() as usize % octets.len();
                    octets[at] ^= 1 << (next() % 8);
                }
                2 => octets = (0..next() % 4096).map(|_| next() as u8).collect(),
                _ => octets[2..4].copy_from_slice(&(next() as u16).to_be_bytes()),
            }
            // An untouched request may come out of the dice; its answer goes to the flooder, who does not listen.
            flood.send(if next() % 2 == 0 { rig.auth() } else { rig.acct() }, &octets);
            sent += 1;
        }
        let request = access(round, |_| {});
        nas_retry(&nas, &rig, &request);
    }
    assert_eq!(sent, 20_000);
    assert!(rig.discards("malformed") > 0 && rig.discards("message_authenticator_invalid") > 0);
}

/// Sends until it is answered: the flood may fill the receive buffer, which is what retransmissions are for.
fn nas_retry(nas: &Nas, rig: &Rig, request: &[u8]) {
    for _ in 0..50 {
        nas.send(rig.auth(), request);
        if let Some(answer) = nas.receive_within(Duration::from_millis(500)) {
            assert_eq!(verified(&answer, request, SECRET), Code::ACCESS_ACCEPT);
            while nas.receive_within(Duration::from_millis(1)).is_some() {}
            return;
        }
    }
    panic!("no answer to a good client");
}

#[test]
fn strangers_and_wrong_secrets_are_met_with_silence() {
    let mut config = loopback();
    config.clients[0].peer = fleetward_aaa::Peer::Net("127.0.0.1/32".parse().unwrap());
    let rig = Rig::start(config);
    let (nas, stranger) = (Nas::new(), Nas::at([127, 0, 0, 3].into()));
    stranger.send(rig.auth(), &access(1, |_| {}));
    stranger.send(rig.acct(), &accounting(1, 1, "s1", |_| {}));
    nas.send(rig.acct(), &accounting_signed(1, 1, "s1", b"another secret", |_| {}));
    nas.send(rig.acct(), &access(1, |_| {}));
    nas.send(rig.auth(), &accounting(1, 1, "s1", |_| {}));
    nas.send(rig.acct(), &accounting(1, 15, "s1", |_| {}));
    nas.expect_silence(rig.auth());
    nas.expect_silence(rig.acct());
    assert!(stranger.receive_within(Duration::from_millis(1)).is_none());
    for (reason, count) in
        [("unknown_client", 2), ("bad_authenticator", 1), ("unexpected_code", 2), ("unsupported_status", 1)]
    {
        assert_eq!(rig.discards(reason), count, "{reason}");
    }
    assert_eq!(rig.seen.lock().len(), 0);
}

#[test]
fn octets_beyond_length_are_padding() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    let request = access(1, |_| {});
    let mut padded = request.clone();
    padded.resize(6000, 0xAA);
    assert_eq!(verified(&nas.ask(rig.auth(), &padded), &request, SECRET), Code::ACCESS_ACCEPT);
}

#[test]
fn proxy_state_that_does_not_fit_beside_an_answer_is_not_answered() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    let request = access(1, |b| {
        // 4,000 octets of Proxy-State fit into the request but leave no room for the attributes of an Accept.
        for _ in 0..15 {
            b.attribute(d::PROXY_STATE, &[7; 253]);
        }
        b.attribute(d::PROXY_STATE, &[7; 80]);
    });
    nas.send(rig.auth(), &request);
    let answer = nas.receive_within(Duration::from_millis(300));
    let expected = rig.discards("reply_too_long");
    assert_eq!(answer.is_none(), expected == 1);
    nas.expect_silence(rig.auth());
}

#[test]
fn secrets_are_not_shown() {
    assert_eq!(format!("{:?}", Secret::new("hush")), "•••");
    assert!(!format!("{:?}", loopback()).contains("a secret of"));
}

#[test]
fn every_metric_is_in_the_table() {
    let rig = Rig::start(loopback());
    let table: String = include_str!("../../src/metrics.rs").lines().filter(|line| line.starts_with("//!")).collect();
    for sample in rig.server.metrics() {
        assert!(table.contains(&format!("`{}`", sample.name)), "{} is not documented", sample.name);
    }
    assert_eq!(rig.metric("fleetward_directory_devices", ""), 1);
}

use std::net::SocketAddr;
use std::time::Duration;

use fleetward_aaa::{Client, Config, IdentityFrom, Logins, PasswordPolicy, Peer, Server, StartError, read_class};
use fleetward_fleet::{Body, Device, RejectReason, Secret, Timestamp};
use fleetward_radius::{Builder, Code, Packet, dictionary as d};

use crate::support::*;

#[test]
fn a_known_sim_is_admitted_with_its_addresses() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    let request = access(7, |b| _ = b.attribute(d::PROXY_STATE, b"one").attribute(d::PROXY_STATE, b"two"));
    let answer = nas.ask(rig.auth(), &request);
    assert_eq!(verified(&answer, &request, SECRET), Code::ACCESS_ACCEPT);
    let packet = Packet::parse(&answer).unwrap();
    assert_eq!(packet.attributes().next().map(|a| a.kind), Some(d::MESSAGE_AUTHENTICATOR));
    assert_eq!(packet.attribute(d::FRAMED_IP_ADDRESS).and_then(|a| a.ipv4()), Some([10, 0, 0, 17].into()));
    let prefix = packet.attribute(d::FRAMED_IPV6_PREFIX).and_then(|a| a.ipv6_prefix()).unwrap();
    assert_eq!(prefix.to_string(), "2001:db8:17::/64");
    assert_eq!(packet.attribute(d::SESSION_TIMEOUT).and_then(|a| a.u32()), Some(3600));
    assert_eq!(packet.attribute(d::ACCT_INTERIM_INTERVAL).and_then(|a| a.u32()), Some(300));
    assert_eq!(packet.all(d::PROXY_STATE).collect::<Vec<_>>(), [b"one", b"two"]);
    let class = packet.first(d::CLASS).and_then(read_class);
    assert_eq!(class, Some((meter().id(), Timestamp(START))));
    let seen = rig.seen.lock();
    let Body::Admission(admission) = &seen[0].body else { panic!("{seen:?}") };
    assert_eq!((admission.rejected, &*admission.nas, seen[0].device), (None, "pgw-1", meter().id()));
}

#[test]
fn a_reject_says_no_and_the_observation_says_why() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    let stranger = |identifier| {
        let mut builder = Builder::access_request(identifier, random());
        builder.vendor_text(10415, 1, "262019999999999").attribute(d::PROXY_STATE, b"p");
        builder.sign(SECRET).unwrap()
    };
    let request = stranger(1);
    let answer = nas.ask(rig.auth(), &request);
    assert_eq!(verified(&answer, &request, SECRET), Code::ACCESS_REJECT);
    let kinds: Vec<u8> = Packet::parse(&answer).unwrap().attributes().map(|a| a.kind).collect();
    assert_eq!(kinds, [d::MESSAGE_AUTHENTICATOR, d::PROXY_STATE]);
    rig.directory.upsert(&Device { state: fleetward_fleet::DeviceState::Suspended, ..meter() });
    let request = access(2, |_| {});
    assert_eq!(verified(&nas.ask(rig.auth(), &request), &request, SECRET), Code::ACCESS_REJECT);
    let reasons: Vec<_> = rig
        .seen
        .lock()
        .iter()
        .map(|o| match &o.body {
            Body::Admission(admission) => admission.rejected,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(reasons, [Some(RejectReason::UnknownSim), Some(RejectReason::Suspended)]);
    assert_eq!(rig.metric("fleetward_radius_rejects_total", "suspended"), 1);
}

#[test]
fn a_retransmission_gets_the_same_octets_and_a_new_authenticator_a_new_decision() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    let request = access(7, |_| {});
    let first = nas.ask(rig.auth(), &request);
    rig.advance(Duration::from_secs(3));
    assert_eq!(nas.ask(rig.auth(), &request), first);
    assert_eq!(rig.seen.lock().len(), 1);
    let other = access(7, |_| {});
    assert_ne!(nas.ask(rig.auth(), &other), first);
    assert_eq!(rig.seen.lock().len(), 2);
    assert_eq!(rig.metric("fleetward_radius_duplicates_total", "resent"), 1);
    // Long after, the same octets are a new request to the wire and the same content to the journal.
    rig.advance(Duration::from_mins(1));
    assert_eq!(verified(&nas.ask(rig.auth(), &request), &request, SECRET), Code::ACCESS_ACCEPT);
    assert_eq!(rig.seen.lock().len(), 2);
}

#[test]
fn a_forged_packet_does_not_touch_the_duplicate_cache() {
    let rig = Rig::start(loopback());
    let nas = Nas::new();
    let request = access(7, |_| {});
    let first = nas.ask(rig.auth(), &request);
    let mut forged = access(7, |_| {});
    forged[22] ^= 1;
    nas.send(rig.auth(), &forged);
    nas.expect_silence(rig.auth());
    assert_eq!(nas.ask(rig.auth(), &request), first, "the entry was purged by a forgery");
    assert_eq!(rig.discards("message_authenticator_invalid"), 1);
}

#[test]
fn a_second_session_is_refused_while_the_first_lives() {
    let mut config = loopback();
    let elsewhere = Client { name: "pgw-2".into(), peer: Peer::Net("127.0.0.2/32".parse().unwrap()), ..client() };
    config.clients.push(elsewhere);
    let rig = Rig::start(config);
    let (here, there) = (Nas::new(), Nas::at([127, 0, 0, 2].into()));
    let start = accounting(1, 1, "s1", |_| {});
    verified(&here.ask(rig.acct(), &start), &start, SECRET);
    let ask = |nas: &Nas| {
        let request = access(nas.identifier(), |_| {});
        verified(&nas.ask(rig.auth(), &request), &request, SECRET)
    };
    assert_eq!(ask(&there), Code::ACCESS_REJECT);
    assert_eq!(ask(&here), Code::ACCESS_ACCEPT, "the same NAS attaches it again");
    rig.advance(Duration::from_secs(901));
    assert_eq!(ask(&there), Code::ACCESS_ACCEPT, "three silent interim intervals");
    let interim = accounting(2, 3, "s1", |_| {});
    verified(&here.ask(rig.acct(), &interim), &interim, SECRET);
    assert_eq!(ask(&there), Code::ACCESS_REJECT);
    let stop = accounting(3, 2, "s1", |_| {});
    verified(&here.ask(rig.acct(), &stop), &stop, SECRET);
    assert_eq!(ask(&there), Code::ACCESS_ACCEPT);
}

#[test]
fn logins_prove_themselves_with_pap_or_chap() {
    let mut config = loopback();
    config.clients[0].identity = IdentityFrom::UserName;
    config.clients[0].password = PasswordPolicy::Required;
    config.logins = Logins::from([("gate".into(), Secret::new("open sesame"))]);
    let rig = Rig::start(config);
    let mut gate = Device::named("gate-1");
    gate.login = Some("gate".into());
    rig.directory.upsert(&gate);
    let nas = Nas::new();
    let ask = |build: &dyn Fn(&mut Builder)| {
        let mut builder = Builder::access_request(nas.identifier(), random());
        builder.text(d::USER_NAME, "gate");
        build(&mut builder);
        let request = builder.sign(SECRET).unwrap();
        verified(&nas.ask(rig.auth(), &request), &request, SECRET)
    };
    assert_eq!(ask(&|b| _ = b.user_password(b"open sesame", SECRET)), Code::ACCESS_ACCEPT);
    assert_eq!(ask(&|b| _ = b.chap_password(9, b"open sesame", Some(b"a challenge of 16"))), Code::ACCESS_ACCEPT);
    assert_eq!(ask(&|b| _ = b.chap_password(9, b"open sesame", None)), Code::ACCESS_ACCEPT);
    assert_eq!(ask(&|b| _ = b.user_password(b"open", SECRET)), Code::ACCESS_REJECT);
    assert_eq!(ask(&|b| _ = b.chap_password(9, b"open", None)), Code::ACCESS_REJECT);
    assert_eq!(ask(&|_| {}), Code::ACCESS_REJECT);
    let eap = |b: &mut Builder| _ = b.user_password(b"open sesame", SECRET).attribute(d::EAP_MESSAGE, &[2, 1, 0, 5, 1]);
    assert_eq!(ask(&eap), Code::ACCESS_REJECT);
    assert_eq!(rig.metric("fleetward_radius_rejects_total", "wrong_password"), 4);
}

#[test]
fn a_legacy_client_may_leave_the_message_authenticator_out_but_not_with_proxy_state() {
    let mut config = loopback();
    config.clients[0].legacy_pap_without_ma = true;
    let rig = Rig::start(config);
    assert!(rig.server.warnings().iter().any(|w| w.contains("legacy_pap_without_ma")));
    let nas = Nas::new();
    let request = access(1, |b| _ = b.without_message_authenticator());
    let answer = nas.ask(rig.auth(), &request);
    assert_eq!(verified(&answer, &request, SECRET), Code::ACCESS_ACCEPT);
    assert_eq!(Packet::parse(&answer).unwrap().attributes().next().map(|a| a.kind), Some(d::MESSAGE_AUTHENTICATOR));
    let proxied = access(2, |b| _ = b.without_message_authenticator().attribute(d::PROXY_STATE, b"x"));
    nas.send(rig.auth(), &proxied);
    nas.expect_silence(rig.auth());
    assert_eq!(rig.discards("proxy_state_without_message_authenticator"), 1);
}

#[test]
fn ipv6_and_several_threads() {
    let any = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0));
    let mut config = Config { auth: vec![any], acct: vec![any], threads: 3, ..loopback() };
    config.clients.push(Client { name: "six".into(), peer: Peer::Net("::1/128".parse().unwrap()), ..client() });
    let rig = Rig::start(config);
    for _ in 0..8 {
        let nas = Nas::at(std::net::Ipv6Addr::LOCALHOST.into());
        let request = access(1, |_| {});
        assert_eq!(verified(&nas.ask(rig.auth(), &request), &request, SECRET), Code::ACCESS_ACCEPT);
        let start = accounting(1, 1, "six", |_| {});
        assert_eq!(verified(&nas.ask(rig.acct(), &start), &start, SECRET), Code::ACCOUNTING_RESPONSE);
    }
    assert_eq!(rig.sessions(), 1, "the same record from eight ports is one");
}

#[test]
fn a_taken_port_is_named_with_a_way_out() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let rig = Rig::start(loopback());
    for threads in [1, 2] {
        let config = Config { auth: vec![address], threads, ..loopback() };
        let recorder = rig.journal.handle();
        let result = Server::start(config, rig.directory.clone(), recorder, std::sync::Arc::new(|| Timestamp(0)));
        let Err(error @ StartError::Bind { .. }) = result else { panic!("bound twice") };
        assert!(error.to_string().contains(&address.to_string()) && error.to_string().contains("another program"));
    }
}

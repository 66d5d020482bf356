//! Any datagram: parse it, read every view, verify it, answer it, print it.
#![no_main]

use fleetward_radius::auth::{self, Policy, Untrusted};
use fleetward_radius::{AccessRequest, AccountingRequest, Builder, Code, Packet, tgpp::Tgpp};
use libfuzzer_sys::fuzz_target;

const SECRET: &[u8] = b"xyzzy5461";

fuzz_target!(|datagram: &[u8]| {
    let Ok(packet) = Packet::parse(datagram) else { return };
    let walked: usize = packet.attributes().map(|attribute| attribute.value.len() + 2).sum();
    assert_eq!(walked + 20, packet.bytes().len(), "the walk covers the packet");
    assert!(packet.attributes().count() <= 2038);
    assert_eq!(Packet::parse(packet.bytes()), Ok(packet), "padding does not matter");

    let _ = AccessRequest::read(&packet).subject.apn();
    if let Ok(record) = AccountingRequest::read(&packet) {
        let _ = record.event_time(i64::MAX).min(record.event_time(i64::MIN));
    }
    let tgpp = Tgpp::read(&packet);
    let _ = (tgpp.imei14(), tgpp.tac(), tgpp.ipv6_dns_servers().count(), tgpp.malformed.iter().count());
    let _ = (auth::user_password(&packet, SECRET), auth::chap_verify(&packet, b"arctangent"));
    assert!(packet.describe().to_string().len() < 20 * 4096);

    trust(&packet);
    answer(&packet);
});

/// Whatever is accepted has something verified in it.
fn trust(packet: &Packet<'_>) {
    if auth::verify_request(packet, SECRET, Policy::Require).is_ok() {
        let mac = auth::request_message_authenticator(packet, SECRET) == auth::MessageAuthenticator::Valid;
        assert!(mac || auth::has_valid_request_authenticator(packet, SECRET));
        assert!(packet.code().is_request());
    }
    if auth::verify_request(packet, SECRET, Policy::LegacyPap).is_err() {
        assert!(auth::verify_request(packet, SECRET, Policy::Require).is_err(), "legacy is never the stricter one");
    }
}

/// A reply is well-formed, verifies against the request, and does not verify with another secret.
fn answer(packet: &Packet<'_>) {
    let code = match packet.code() {
        Code::ACCESS_REQUEST | Code::STATUS_SERVER => Code::ACCESS_ACCEPT,
        Code::ACCOUNTING_REQUEST => Code::ACCOUNTING_RESPONSE,
        Code::DISCONNECT_REQUEST => Code::DISCONNECT_NAK,
        Code::COA_REQUEST => Code::COA_ACK,
        _ => return,
    };
    let Ok(reply) = Builder::reply_to(packet, code).sign(SECRET) else { return };
    let reply = Packet::parse(&reply).expect("we write well-formed packets");
    assert_eq!(auth::verify_reply(&reply, packet, SECRET, Policy::Require), Ok(()));
    assert_eq!(auth::verify_reply(&reply, packet, b"other", Policy::Require), Err(Untrusted::Authenticator));
}

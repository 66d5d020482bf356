//! RFC 2865 §7.1 (PAP, telnet) and §7.2 (CHAP, PPP), octet for octet.

use std::net::Ipv4Addr;

use fleetward_radius::auth::{self, Policy, Untrusted};
use fleetward_radius::{AccessRequest, Builder, Code, Credentials, Packet, Text, dictionary as d};

use super::hex;

const SECRET: &[u8] = b"xyzzy5461";

const PAP_REQUEST: &str =
    "01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb 98 f4 22 7a 01 06 6e 65 6d 6f 02 12 0d be 70 8d
    93 d4 13 ce 31 96 e4 3f 78 2a 0a ee 04 06 c0 a8 01 10 05 06 00 00 00 03";
const PAP_ACCEPT: &str =
    "02 00 00 26 86 fe 22 0e 76 24 ba 2a 10 05 f6 bf 9b 55 e0 b2 06 06 00 00 00 01 0f 06 00 00 00 00
    0e 06 c0 a8 01 03";
const CHAP_REQUEST: &str = "01 01 00 47 2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2 01 08 66 6c 6f 70 73 79 03 13 16 e9
    75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75 04 06 c0 a8 01 10 05 06 00 00 00 14 06 06 00 00 00 02 07 06 00 00 00 01";
const CHAP_ACCEPT: &str =
    "02 01 00 38 15 ef bc 7d ab 26 cf a3 dc 34 d9 c0 3c 86 01 a4 06 06 00 00 00 02 07 06 00 00 00 01
    08 06 ff ff ff fe 0a 06 00 00 00 02 0d 06 00 00 00 01 0c 06 00 00 05 dc";

#[test]
fn reads_the_pap_request() {
    let bytes = hex(PAP_REQUEST);
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!((packet.code(), packet.identifier()), (Code::ACCESS_REQUEST, 0));
    let request = AccessRequest::read(&packet);
    assert_eq!(request.credentials, Credentials::Pap);
    assert_eq!(request.subject.user_name.and_then(Text::as_str), Some("nemo"));
    assert_eq!(request.subject.nas_ipv4, Some(Ipv4Addr::new(192, 168, 1, 16)));
    assert_eq!(request.subject.nas_port, Some(3));
    let password = auth::user_password(&packet, SECRET).unwrap();
    assert_eq!(password.as_bytes(), b"arctangent");
    assert!(password.is(b"arctangent") && !password.is(b"arctangenx"));
}

#[test]
fn writes_the_pap_request() {
    let bytes = hex(PAP_REQUEST);
    let authenticator = *Packet::parse(&bytes).unwrap().authenticator();
    let mut builder = Builder::access_request(0, authenticator);
    builder.without_message_authenticator();
    builder.text(d::USER_NAME, "nemo").user_password(b"arctangent", SECRET);
    builder.ipv4(d::NAS_IP_ADDRESS, Ipv4Addr::new(192, 168, 1, 16)).u32(d::NAS_PORT, 3);
    assert_eq!(builder.sign(SECRET).unwrap(), bytes);
}

#[test]
fn reads_and_writes_the_chap_request() {
    let bytes = hex(CHAP_REQUEST);
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!(AccessRequest::read(&packet).credentials, Credentials::Chap);
    assert_eq!(auth::chap_verify(&packet, b"arctangent"), Some(true));
    assert_eq!(auth::chap_verify(&packet, b"arctangens"), Some(false));

    let mut builder = Builder::access_request(1, *packet.authenticator());
    builder.without_message_authenticator();
    builder.text(d::USER_NAME, "flopsy").chap_password(22, b"arctangent", None);
    builder.ipv4(d::NAS_IP_ADDRESS, Ipv4Addr::new(192, 168, 1, 16)).u32(d::NAS_PORT, 20);
    builder.u32(d::SERVICE_TYPE, 2).u32(d::FRAMED_PROTOCOL, 1);
    assert_eq!(builder.sign(SECRET).unwrap(), bytes);
}

#[test]
fn an_explicit_challenge_takes_precedence() {
    let mut builder = Builder::access_request(1, [3; 16]);
    builder.chap_password(9, b"arctangent", Some(b"a challenge of its own"));
    let bytes = builder.sign(SECRET).unwrap();
    assert_eq!(auth::chap_verify(&Packet::parse(&bytes).unwrap(), b"arctangent"), Some(true));
}

#[test]
fn the_replies_verify() {
    for (request, reply) in [(PAP_REQUEST, PAP_ACCEPT), (CHAP_REQUEST, CHAP_ACCEPT)] {
        let (request, reply) = (hex(request), hex(reply));
        let (request, reply) = (Packet::parse(&request).unwrap(), Packet::parse(&reply).unwrap());
        assert!(auth::has_valid_response_authenticator(&reply, request.authenticator(), SECRET));
        assert_eq!(auth::verify_reply(&reply, &request, SECRET, Policy::LegacyPap), Ok(()));
        let strict = auth::verify_reply(&reply, &request, SECRET, Policy::Require);
        assert_eq!(strict, Err(Untrusted::MessageAuthenticatorMissing));
        let wrong = auth::verify_reply(&reply, &request, b"xyzzy5462", Policy::LegacyPap);
        assert_eq!(wrong, Err(Untrusted::Authenticator));
    }
}

#[test]
fn writes_the_accept() {
    let (request, accept) = (hex(PAP_REQUEST), hex(PAP_ACCEPT));
    let mut reply = Builder::reply_to(&Packet::parse(&request).unwrap(), Code::ACCESS_ACCEPT);
    reply.without_message_authenticator();
    reply.u32(d::SERVICE_TYPE, 1).u32(15, 0).ipv4(14, Ipv4Addr::new(192, 168, 1, 3));
    assert_eq!(reply.sign(SECRET).unwrap(), accept);
}

#[test]
fn the_address_that_lets_the_nas_pick_is_no_address() {
    let bytes = hex(CHAP_ACCEPT);
    let subject = AccessRequest::read(&Packet::parse(&bytes).unwrap()).subject;
    assert_eq!(subject.framed_ipv4, Some(Ipv4Addr::new(255, 255, 255, 254)));
    assert_eq!(subject.address(), None);
}

//! Disconnect and change of authorisation, and the answers to them.

use fleetward_radius::auth::{self, MessageAuthenticator, Untrusted};
use fleetward_radius::dae::{Answer, ErrorCause, NotAnAnswer, Request, Sent};
use fleetward_radius::{Builder, Code, Packet, dictionary as d, tgpp::Tgpp};

const SECRET: &[u8] = b"sixteen random octets, once";
const NOW: i64 = 1_790_000_000;

fn disconnect() -> Sent {
    let mut request = Request::disconnect(200);
    request.event_timestamp(NOW as u32).message_authenticator().user_name(b"48600100200").session_id(b"C0000214");
    request.imsi("260012345678901").nsapi(b"5").nas_address([192, 0, 2, 1].into());
    request.sign(SECRET).unwrap()
}

fn reply(sent: &Sent, code: Code, write: impl FnOnce(&mut Builder)) -> Vec<u8> {
    let mut builder = Builder::reply_to(&Packet::parse(sent.bytes()).unwrap(), code);
    write(&mut builder);
    builder.sign(SECRET).unwrap()
}

#[test]
fn the_request_verifies_and_its_message_authenticator_is_over_zeros() {
    let sent = disconnect();
    let packet = Packet::parse(sent.bytes()).unwrap();
    assert_eq!((packet.code(), sent.identifier()), (Code::DISCONNECT_REQUEST, 200));
    assert!(auth::has_valid_request_authenticator(&packet, SECRET));
    assert_eq!(auth::request_message_authenticator(&packet, SECRET), MessageAuthenticator::Valid);
    assert_eq!(packet.attributes().next().map(|first| first.kind), Some(d::MESSAGE_AUTHENTICATOR));
    assert_eq!(Tgpp::read(&packet).imsi, Some("260012345678901"));
    // RFC 5176 §3: only identification attributes.
    assert!(!packet.has(d::SERVICE_TYPE));
}

#[test]
fn answers() {
    let sent = disconnect();
    let check = |bytes: &[u8]| sent.check(bytes, SECRET, NOW + 2);
    // strongSwan: 20 octets and nothing else. `reply_to` would add Message-Authenticator because we sent one.
    let bare = reply(&sent, Code::DISCONNECT_NAK, |reply| {
        reply.without_message_authenticator();
    });
    assert_eq!((bare.len(), check(&bare)), (20, Ok(Answer::Nak { cause: None })));
    let gone = reply(&sent, Code::DISCONNECT_NAK, |reply| {
        reply.u32(d::ERROR_CAUSE, 503);
    });
    assert_eq!(check(&gone), Ok(Answer::Nak { cause: Some(ErrorCause::SESSION_CONTEXT_NOT_FOUND) }));
    assert_eq!(ErrorCause(503).to_string(), "Session-Context-Not-Found");
    assert_eq!(check(&reply(&sent, Code::DISCONNECT_ACK, |_| ())), Ok(Answer::Ack { cause: None }));
}

#[test]
fn what_is_no_answer() {
    let sent = disconnect();
    let untrusted = |bytes: &[u8]| match sent.check(bytes, SECRET, NOW) {
        Err(NotAnAnswer::Untrusted(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(untrusted(&reply(&sent, Code::COA_ACK, |_| ())), Untrusted::Code(Code::COA_ACK));
    let mut other = reply(&sent, Code::DISCONNECT_ACK, |_| ());
    other[1] = 201;
    assert_eq!(untrusted(&other), Untrusted::Identifier(201));
    let mut turned = reply(&sent, Code::DISCONNECT_NAK, |_| ());
    turned[0] = Code::DISCONNECT_ACK.0;
    assert_eq!(untrusted(&turned), Untrusted::Authenticator);
    let late = reply(&sent, Code::DISCONNECT_ACK, |reply| {
        reply.u32(d::EVENT_TIMESTAMP, NOW as u32 - 301);
    });
    assert_eq!(untrusted(&late), Untrusted::Stale);
    let state = reply(&sent, Code::DISCONNECT_ACK, |reply| {
        reply.attribute(d::PROXY_STATE, b"not ours");
    });
    assert_eq!(untrusted(&state), Untrusted::ProxyState);
    assert!(matches!(sent.check(&[41, 200], SECRET, NOW), Err(NotAnAnswer::Malformed(_))));
}

//! Any datagram as the answer to our Disconnect-Request, and as an attribute list that the NAS did sign.
#![no_main]

use fleetward_radius::dae::{Answer, Request};
use fleetward_radius::{Builder, Code, Packet};
use libfuzzer_sys::fuzz_target;

const SECRET: &[u8] = b"sixteen random octets, once";
const NOW: i64 = 1_790_000_000;

fuzz_target!(|datagram: &[u8]| {
    let mut request = Request::disconnect(9);
    request.event_timestamp(NOW as u32).imsi("262011234567890");
    let sent = request.sign(SECRET).expect("fits");
    assert!(sent.check(datagram, SECRET, NOW).is_err(), "forged");

    let Ok(like) = Packet::parse(datagram) else { return };
    let request = Packet::parse(sent.bytes()).expect("well-formed");
    let code = if like.identifier() & 1 == 1 { Code::DISCONNECT_ACK } else { Code::DISCONNECT_NAK };
    let mut reply = Builder::reply_to(&request, code);
    for attribute in like.attributes() {
        reply.attribute(attribute.kind, attribute.value);
    }
    let Ok(reply) = reply.sign(SECRET) else { return };
    if let Ok(answer) = sent.check(&reply, SECRET, NOW) {
        assert_eq!(matches!(answer, Answer::Ack { .. }), code == Code::DISCONNECT_ACK);
    }
});

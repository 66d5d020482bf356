//! Any datagram as the reply to our Access-Request: nothing passes that our secret did not sign.
//!
//! The fuzzer does not know the secret, so the second half signs its attributes with the right one and looks at the rules
//! beyond the hash: Message-Authenticator, Proxy-State.
#![no_main]

use fleetward_radius::auth::{self, Policy};
use fleetward_radius::{Builder, Code, Packet, dictionary};
use libfuzzer_sys::fuzz_target;

const SECRET: &[u8] = b"sixteen random octets, once";

fuzz_target!(|datagram: &[u8]| {
    let mut request = Builder::access_request(7, [0x5A; 16]);
    request.text(dictionary::USER_NAME, "meter");
    let request = request.sign(SECRET).expect("fits");
    let request = Packet::parse(&request).expect("well-formed");
    let Ok(reply) = Packet::parse(datagram) else { return };
    assert!(auth::verify_reply(&reply, &request, SECRET, Policy::LegacyPap).is_err(), "forged");

    let mut signed = Builder::reply_to(&request, Code::ACCESS_ACCEPT);
    if reply.identifier() & 1 == 1 {
        signed.without_message_authenticator();
    }
    for attribute in reply.attributes() {
        signed.attribute(attribute.kind, attribute.value);
    }
    let Ok(signed) = signed.sign(SECRET) else { return };
    let signed = Packet::parse(&signed).expect("we write well-formed packets");
    let strict = auth::verify_reply(&signed, &request, SECRET, Policy::Require);
    let legacy = auth::verify_reply(&signed, &request, SECRET, Policy::LegacyPap);
    let has_state = signed.has(dictionary::PROXY_STATE);
    assert_eq!(strict.is_ok(), signed.has(dictionary::MESSAGE_AUTHENTICATOR) && !has_state);
    assert!(!has_state || legacy.is_err(), "a Proxy-State we did not send");
});

//! RFC 5997 §6: Status-Server and its answers. The dump of §6.2 prints Code 02 for the reply; only 05 verifies.

use fleetward_radius::auth::{self, MessageAuthenticator, Policy, Untrusted};
use fleetward_radius::{Builder, Code, Packet, dictionary as d};

use super::hex;

const SECRET: &[u8] = b"xyzzy5461";

const AUTH_PROBE: &str =
    "0c da 00 26 8a 54 f4 68 6f b3 94 c5 28 66 e3 02 18 5d 06 23 50 12 5a 66 5e 2e 1e 84 11 f3 e2 43
    82 20 97 c8 4f a3";
const AUTH_ANSWER: &str = "02 da 00 14 ef 0d 55 2a 4b f2 d6 93 ec 2b 6f e8 b5 41 1d 66";
const ACCT_PROBE: &str =
    "0c b3 00 26 92 5f 6b 66 dd 5f ed 57 1f cb 1d b7 ad 38 82 60 50 12 e8 d6 ea bd a9 10 87 5c d9 1f
    da de 26 36 78 58";
const ACCT_ANSWER: &str = "05 b3 00 14 0f 6f 92 14 5f 10 7e 2f 50 4e 86 0a 48 60 66 9c";

/// §6.3: a probe with NAS-IP-Address before Message-Authenticator, an answer with words.
const WORDY_PROBE: &str =
    "0c 47 00 2c bf 58 de 56 ae 40 8a d3 b7 0c 85 13 f9 b0 3f be 04 06 c0 00 02 10 50 12 85 2d 6f ec
    61 e7 ed 74 b8 e3 2d ac 2f 2a 5f b2";
const WORDY_ANSWER: &str =
    "02 47 00 34 46 f4 3e 62 fd 03 54 42 4c bb eb fd 6d 21 4e 06 12 20 52 41 44 49 55 53 20 53 65 72
    76 65 72 20 75 70 20 32 20 64 61 79 73 2c 20 31 38 3a 34 30";

#[test]
fn probes_verify() {
    for probe in [AUTH_PROBE, ACCT_PROBE] {
        let bytes = hex(probe);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.code(), Code::STATUS_SERVER);
        assert_eq!(auth::verify_request(&packet, SECRET, Policy::Require), Ok(()));
        let wrong = auth::verify_request(&packet, b"wrong", Policy::LegacyPap);
        assert_eq!(wrong, Err(Untrusted::MessageAuthenticatorInvalid));
        let written = Builder::status_server(packet.identifier(), *packet.authenticator()).sign(SECRET).unwrap();
        assert_eq!(written, bytes);
    }
}

#[test]
fn answers_verify_and_code_2_would_not() {
    for (probe, answer) in [(AUTH_PROBE, AUTH_ANSWER), (ACCT_PROBE, ACCT_ANSWER)] {
        let (probe, answer) = (hex(probe), hex(answer));
        let request = Packet::parse(&probe).unwrap();
        let reply = Packet::parse(&answer).unwrap();
        assert!(auth::has_valid_response_authenticator(&reply, request.authenticator(), SECRET));
        // An answer of 2010 has no Message-Authenticator, which we would not take from a server of today.
        let strict = auth::verify_reply(&reply, &request, SECRET, Policy::Require);
        assert_eq!(strict, Err(Untrusted::MessageAuthenticatorMissing));
    }
    let mut as_printed = hex(ACCT_ANSWER);
    as_printed[0] = 2;
    let probe = hex(ACCT_PROBE);
    let authenticator = *Packet::parse(&probe).unwrap().authenticator();
    assert!(!auth::has_valid_response_authenticator(&Packet::parse(&as_printed).unwrap(), &authenticator, SECRET));
}

#[test]
fn the_wordy_answer() {
    let (probe, answer) = (hex(WORDY_PROBE), hex(WORDY_ANSWER));
    let (request, reply) = (Packet::parse(&probe).unwrap(), Packet::parse(&answer).unwrap());
    assert_eq!(auth::verify_request(&request, SECRET, Policy::Require), Ok(()));
    assert_eq!(request.attribute(d::NAS_IP_ADDRESS).and_then(|nas| nas.ipv4()), Some([192, 0, 2, 16].into()));
    assert!(auth::has_valid_response_authenticator(&reply, request.authenticator(), SECRET));
    let words = reply.attribute(d::REPLY_MESSAGE).unwrap().text();
    assert_eq!(words.as_str(), Some("RADIUS Server up 2 days, 18:40"));
}

#[test]
fn our_answer_has_message_authenticator_first_and_proxy_states_in_order() {
    let mut probe = Builder::status_server(9, [4; 16]);
    for state in [b"first", b"again", b"third"] {
        probe.attribute(d::PROXY_STATE, state);
    }
    let probe = probe.sign(SECRET).unwrap();
    let request = Packet::parse(&probe).unwrap();
    let answer = Builder::reply_to(&request, Code::ACCOUNTING_RESPONSE).sign(SECRET).unwrap();
    let reply = Packet::parse(&answer).unwrap();
    assert_eq!(reply.attributes().next().map(|first| first.kind), Some(d::MESSAGE_AUTHENTICATOR));
    let state = auth::reply_message_authenticator(&reply, request.authenticator(), SECRET);
    assert_eq!(state, MessageAuthenticator::Valid);
    assert!(reply.all(d::PROXY_STATE).eq(request.all(d::PROXY_STATE)));
    assert_eq!(auth::verify_reply(&reply, &request, SECRET, Policy::Require), Ok(()));
}

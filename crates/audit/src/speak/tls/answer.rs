//! What is heard: records (RFC 5246 §6.2.1) put together to the messages of a server's first flight, or an alert.

use super::Version;
use super::flight::Flight;

/// How a server answered a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It took a suite.
    Took(Box<Flight>),
    /// It refused, by an alert of this description (RFC 8446 §6) or by hanging up.
    Refused(Option<u8>),
    /// It does not speak TLS.
    NotTls,
}

/// The answer, once these octets have all of it (or once no more come: `ended`); `None` while more is to come.
pub(super) fn read(octets: &[u8], ended: bool) -> Option<Answer> {
    let (mut rest, mut handshake) = (octets, Vec::new());
    loop {
        let (kind, content, after) = match record(rest) {
            Record::Whole(kind, content, after) => (kind, content, after),
            Record::More if !ended => return flight(&handshake, false),
            Record::More if octets.is_empty() => return Some(Answer::Refused(None)),
            // Nothing is to be understood after it; what was said before may do.
            Record::More | Record::Odd if rest.len() < octets.len() => return Some(end(&handshake, None)),
            Record::More | Record::Odd => return Some(Answer::NotTls),
        };
        match (kind, content) {
            (HANDSHAKE, _) => handshake.extend_from_slice(content),
            (ALERT, [FATAL, what]) => return Some(end(&handshake, Some(*what))),
            (ALERT, [_, CLOSE_NOTIFY]) => return Some(end(&handshake, None)),
            _ => {}
        }
        if let Some(answer) = flight(&handshake, false) {
            return Some(answer);
        }
        rest = after;
    }
}

enum Record<'a> {
    Whole(u8, &'a [u8], &'a [u8]),
    More,
    Odd,
}

/// The first record; its version is not looked at beyond the 3, as servers write there what they like.
fn record(octets: &[u8]) -> Record<'_> {
    let plausible = |kind: u8| (CHANGE_CIPHER..=HEARTBEAT).contains(&kind);
    match *octets {
        [kind, ..] if !plausible(kind) => Record::Odd,
        [_, major, ..] if major != 3 => Record::Odd,
        [kind, _, _, high, low, ref rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            match rest.split_at_checked(length) {
                // RFC 5246 §6.2.3: at most 2^14 and what encryption adds.
                _ if length > (1 << 14) + 2048 => Record::Odd,
                Some((content, after)) => Record::Whole(kind, content, after),
                None => Record::More,
            }
        }
        _ => Record::More,
    }
}

/// The flight, if it is whole; or as much as came, if no more comes.
fn flight(handshake: &[u8], ended: bool) -> Option<Answer> {
    let mut flight: Option<Flight> = None;
    let mut rest = handshake;
    while let [kind, a, b, c, after @ ..] = rest {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        if length > LONGEST {
            return Some(Answer::NotTls);
        }
        let Some((body, next)) = after.split_at_checked(length) else { break };
        match (kind, &mut flight) {
            (&HELLO_REQUEST, _) => {}
            (&SERVER_HELLO, None) => match Flight::hello(body) {
                Some(hello) if hello.version == Version::Tls13 => return Some(Answer::Took(Box::new(hello))),
                Some(hello) => flight = Some(hello),
                None => return Some(Answer::NotTls),
            },
            (_, None) => return Some(Answer::NotTls),
            (&HELLO_DONE, Some(_)) => return flight.map(|it| Answer::Took(Box::new(it))),
            (kind, Some(flight)) => flight.add(*kind, body),
        }
        rest = next;
    }
    if ended { flight.map(|it| Answer::Took(Box::new(it))) } else { None }
}

fn end(handshake: &[u8], alert: Option<u8>) -> Answer {
    flight(handshake, true).unwrap_or(Answer::Refused(alert))
}

/// Chains of certificates are a few thousand octets; RFC 8446 would allow 16 MiB.
const LONGEST: usize = 128 * 1024;

const CHANGE_CIPHER: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const HEARTBEAT: u8 = 24;
const FATAL: u8 = 2;
const CLOSE_NOTIFY: u8 = 0;
const HELLO_REQUEST: u8 = 0;
const SERVER_HELLO: u8 = 2;
const HELLO_DONE: u8 = 14;

#[cfg(test)]
mod tests {
    use super::*;

    /// A hello of TLS 1.2 with this suite and no extensions.
    fn hello(suite: u16) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([5; 32]);
        body.push(0);
        body.extend(suite.to_be_bytes());
        body.push(0);
        message(SERVER_HELLO, &body)
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, 0, 0, body.len() as u8], body].concat()
    }

    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[kind, 3, 3, 0, content.len() as u8], content].concat()
    }

    #[test]
    fn a_flight_in_one_record_or_in_many() {
        let flight = [hello(0x002F), message(HELLO_DONE, &[])].concat();
        let whole = record(HANDSHAKE, &flight);
        let pieces: Vec<u8> = flight.chunks(3).flat_map(|it| record(HANDSHAKE, it)).collect();
        let Some(Answer::Took(one)) = read(&whole, false) else { panic!("no flight") };
        assert_eq!(read(&pieces, false), Some(Answer::Took(one.clone())));
        assert_eq!((one.suite, one.version, one.renegotiation), (0x002F, Version::Tls12, false));
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut], false), None, "{cut}");
        }
    }

    #[test]
    fn what_hangs_up_after_its_hello_took_the_suite() {
        let begun = record(HANDSHAKE, &hello(0x002F));
        assert_eq!(read(&begun, false), None);
        assert!(matches!(read(&begun, true), Some(Answer::Took(_))));
        let alert = [begun, record(ALERT, &[2, 40])].concat();
        assert!(matches!(read(&alert, false), Some(Answer::Took(_))));
    }

    #[test]
    fn refusals_and_others() {
        assert_eq!(read(&record(ALERT, &[2, 70]), false), Some(Answer::Refused(Some(70))));
        assert_eq!(read(&record(ALERT, &[1, 112]), false), None, "a warning is no end");
        assert_eq!(read(b"", true), Some(Answer::Refused(None)));
        assert_eq!(read(b"", false), None);
        assert_eq!(read(b"SSH-2.0-dropbear\r\n", false), Some(Answer::NotTls));
        assert_eq!(read(b"HTTP/1.1 400 Bad Request", false), Some(Answer::NotTls));
        assert_eq!(read(&record(HANDSHAKE, &message(HELLO_DONE, &[])), false), Some(Answer::NotTls));
        assert_eq!(read(&[22, 3, 3, 0xFF, 0xFF], false), Some(Answer::NotTls));
    }
}

//! TLS: which versions and suites a server takes, and the certificate that it shows.
//!
//! ```text
//! plan         which hello comes next, from what was answered       no I/O
//!   hello      a ClientHello of SSL 3.0 to TLS 1.3
//!   answer     records -> the server's first flight, or an alert
//!   flight     what it chose and showed
//! certificate  the leaf, as facts
//! ```
//!
//! The probe speaks the hellos itself, as no library of today speaks the versions that it looks for, and goes no further:
//! a first flight is in clear text up to TLS 1.2. The certificate of a server that takes TLS 1.3 alone is encrypted, and
//! comes from a whole handshake ([`crate::door::Line::encrypt`]).
//!
//! A hello costs a server a connection and often a signature, so there is a bound for them; what it cuts is said.

mod answer;
mod certificate;
mod flight;
mod hello;
mod plan;
mod suites;

use std::io;

use super::At;
use crate::fact::Tls;
use answer::Answer;
use flight::Flight;
use hello::{Dice, Question};
use plan::Plan;

pub(crate) use suites::{is_open, is_weak};

/// What a TLS endpoint accepts and shows; `None` where something else speaks.
///
/// # Errors
/// The port does not open, or the first hello got no answer before the deadline. Later silence cuts the result instead.
pub async fn probe(at: At<'_>) -> io::Result<Option<Tls>> {
    // Two seconds of the pace: 40 hellos where a device is fragile.
    let most = at.door.limits().per_second.saturating_mul(2).clamp(10, 200);
    let (mut plan, mut tls) = (Plan::new(most), Tls::default());
    while let Some(question) = plan.next() {
        match ask(at, &question).await {
            Ok(answer) => {
                if let Answer::Took(flight) = &answer {
                    notice(&mut tls, flight);
                }
                plan.learn(&question, &answer);
            }
            // A reset is how some refuse.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                plan.learn(&question, &Answer::Refused(None));
            }
            Err(error) if plan.asked() == 1 => return Err(error),
            Err(_) => plan.stop("it stopped answering"),
        }
    }
    if !plan.speaks {
        return Ok(None);
    }
    sum_up(&mut tls, &plan);
    if tls.certificate.is_none() {
        inside(at, &mut tls).await;
    }
    Ok(Some(tls))
}

/// One hello, and what answers it.
async fn ask(at: At<'_>, question: &Question) -> io::Result<Answer> {
    let mut dice = Dice { random: [0; 32], share: [0; 32] };
    getrandom::fill(&mut dice.random).and_then(|()| getrandom::fill(&mut dice.share)).map_err(io::Error::other)?;
    let mut line = at.door.tcp(at.target, at.port).await?;
    line.say(&question.to_wire(dice)).await?;
    let mut heard = Vec::new();
    loop {
        let ended = line.hear(&mut heard).await? == 0;
        if let Some(answer) = answer::read(&heard, ended) {
            return Ok(answer);
        }
    }
}

/// What a flight tells beside its version and suite.
fn notice(tls: &mut Tls, flight: &Flight) {
    tls.asks_client |= flight.asks_client;
    tls.compression |= flight.compression;
    tls.insecure_renegotiation |= flight.version < Version::Tls13 && !flight.renegotiation;
    tls.dh_bits = [tls.dh_bits, flight.dh_bits].into_iter().flatten().min();
    let group = flight.group.map(group_name);
    if let Some(group) = group.filter(|it| !tls.groups.contains(it)) {
        tls.groups.push(group);
    }
    if tls.certificate.is_none() {
        show(tls, &flight.certificates);
    }
}

fn show(tls: &mut Tls, certificates: &[Vec<u8>]) {
    tls.chain = certificates.len() as u32;
    tls.certificate = certificates.first().map(|der| certificate::read(der));
}

fn sum_up(tls: &mut Tls, plan: &Plan) {
    let mut suites = plan.suites.clone();
    suites.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    tls.versions = plan.versions.iter().rev().map(|it| it.name().into()).collect();
    tls.suites =
        suites.iter().map(|(version, code)| format!("{} {}", suites::name(*code), version.name()).into()).collect();
    tls.hellos = plan.asked();
    tls.cut = plan.cut.map(Into::into);
}

/// What only a whole handshake shows; where there can be none, nothing.
async fn inside(at: At<'_>, tls: &mut Tls) {
    let Ok(line) = at.door.tls(at.target, at.port).await else { return };
    if let Some(shown) = line.shown() {
        tls.asks_client |= shown.asks_client;
        show(tls, &shown.certificates);
    }
}

/// A version that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    Ssl3,
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

impl Version {
    /// The oldest first.
    const ALL: [Self; 5] = [Self::Ssl3, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    fn code(self) -> u16 {
        0x0300 + self as u16
    }

    fn of(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }

    fn name(self) -> &'static str {
        ["ssl3", "tls1.0", "tls1.1", "tls1.2", "tls1.3"][self as usize]
    }
}

/// IANA "TLS Supported Groups", those that are seen.
fn group_name(code: u16) -> Box<str> {
    match code {
        19 => "secp192r1".into(),
        21 => "secp224r1".into(),
        22 => "secp256k1".into(),
        23 => "secp256r1".into(),
        24 => "secp384r1".into(),
        25 => "secp521r1".into(),
        26 => "brainpoolP256r1".into(),
        27 => "brainpoolP384r1".into(),
        28 => "brainpoolP512r1".into(),
        29 => "x25519".into(),
        30 => "x448".into(),
        other => format!("group {other}").into(),
    }
}

/// Every reader of what a server says, for any octets.
pub(crate) fn read_anything(octets: &[u8]) {
    let (open, ended) = (answer::read(octets, false), answer::read(octets, true));
    assert!(ended.is_some(), "what has ended has an answer");
    assert!(open.is_none() || open == ended, "an answer does not change by what comes later");
    if let Some(Answer::Took(flight)) = ended {
        let mut tls = Tls::default();
        notice(&mut tls, &flight);
    }
    let certificate = certificate::read(octets);
    assert!(certificate.subject.chars().count() <= 256 && !certificate.subject.contains('\u{1b}'));
}

#[cfg(test)]
mod tests {
    proptest::proptest! {
        #[test]
        fn anything_is_read(octets: Vec<u8>) {
            super::read_anything(&octets);
        }

        #[test]
        fn anything_in_a_record_is_read(octets in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let record = [&[22, 3, 3][..], &(octets.len() as u16).to_be_bytes(), &octets].concat();
            super::read_anything(&record);
        }
    }
}

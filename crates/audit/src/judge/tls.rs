//! TLS: versions, suites, renegotiation, and the certificate.

use fleetward_fleet::{Severity, Timestamp};

use super::advice;
use super::check::{
    CERTIFICATE_DATES, CERTIFICATE_KEY, CERTIFICATE_NAMES, CERTIFICATE_SELF, CERTIFICATE_SIGNATURE, TLS_COMPRESSION,
    TLS_OLD, TLS_RENEGOTIATION, TLS_SHORT_DH, TLS_SUITE,
};
use super::fault::Fault;
use crate::fact::{Certificate, Host, Service, Tls, Transport};
use crate::speak::tls::{is_open, is_weak};

type At = (Transport, u16);

pub(super) fn faults(at: At, service: &Service, tls: &Tls, host: &Host, now: Timestamp) -> Vec<Fault> {
    let advice = advice::tls(service);
    let mut found: Vec<Fault> =
        [versions(at, tls), suites(at, tls), renegotiation(at, tls), short_dh(at, tls), compression(at, tls)]
            .into_iter()
            .flatten()
            .map(|(fault, observed)| fault.words(observed, advice.clone()))
            .collect();
    if let Some(it) = &tls.certificate {
        let certificate = [dates(at, it, now), key(at, it), signature(at, it), issuer(at, it), names(at, it, host)];
        let advice = advice::certificate(service);
        found.extend(certificate.into_iter().flatten().map(|(fault, observed)| fault.words(observed, advice.clone())));
    }
    found
}

type Seen = Option<(Fault, String)>;

fn versions(at: At, tls: &Tls) -> Seen {
    let old: Vec<&str> =
        tls.versions.iter().map(|it| &**it).filter(|it| matches!(*it, "ssl2" | "ssl3" | "tls1.0" | "tls1.1")).collect();
    let (severity, why) = match old.first()? {
        &"ssl2" | &"ssl3" => (Severity::High, "SSL is broken (RFC 6176, RFC 7568): what it carries can be read"),
        // Updates do not help where the new versions are not there at all.
        _ if old.len() == tls.versions.len() => (
            Severity::High,
            "it has no TLS 1.2 or 1.3, so clients of today cannot reach it, or lower their guard for it",
        ),
        _ => (Severity::Medium, "attacks are known, but need a place on the way and patience (RFC 8996)"),
    };
    let alone = if old.len() == tls.versions.len() { ", and nothing newer" } else { "" };
    Some((Fault::new(&TLS_OLD, Some(at), severity, why), format!("accepts {}{alone}", old.join(", "))))
}

fn suites(at: At, tls: &Tls) -> Seen {
    let name = |it: &str| it.split_whitespace().next().unwrap_or_default().to_owned();
    let weak: Vec<&str> = tls.suites.iter().map(|it| &**it).filter(|it| is_weak(&name(it))).collect();
    let none = weak.iter().any(|it| is_open(&name(it)));
    let (severity, why) = if none {
        (Severity::High, "without encryption or authentication, or with keys that anybody can break")
    } else {
        (Severity::Medium, "attacks are known, but need much traffic")
    };
    let shown = weak.iter().take(4).copied().collect::<Vec<_>>().join(", ");
    let more = if weak.len() > 4 { format!(" and {} more", weak.len() - 4) } else { String::new() };
    (!weak.is_empty()).then(|| (Fault::new(&TLS_SUITE, Some(at), severity, why), format!("accepts {shown}{more}")))
}

fn renegotiation(at: At, tls: &Tls) -> Seen {
    let why = "an attacker on the way can put words before those of the client (CVE-2009-3555)";
    let observed = "no secure renegotiation (RFC 5746) in TLS 1.2 or below";
    tls.insecure_renegotiation
        .then(|| (Fault::new(&TLS_RENEGOTIATION, Some(at), Severity::Medium, why), observed.to_owned()))
}

/// Logjam (CVE-2015-4000): 512 bits were broken in minutes, 1024 are within reach of states.
fn short_dh(at: At, tls: &Tls) -> Seen {
    let bits = tls.dh_bits.filter(|it| *it < 2048)?;
    let (severity, why) = if bits < 1000 {
        (Severity::High, "keys of that length were broken, and one broken prime opens all conversations over it")
    } else {
        (Severity::Medium, "a state can break a prime of that length, and with it all conversations over it")
    };
    Some((Fault::new(&TLS_SHORT_DH, Some(at), severity, why), format!("DHE with {bits} bits")))
}

fn compression(at: At, tls: &Tls) -> Seen {
    let why = "the length of what was sent tells its secrets to who can make the client send more (CVE-2012-4929)";
    let observed = "it chose DEFLATE";
    tls.compression.then(|| (Fault::new(&TLS_COMPRESSION, Some(at), Severity::Medium, why), observed.to_owned()))
}

fn dates(at: At, it: &Certificate, now: Timestamp) -> Seen {
    let (severity, observed) = if it.not_after < now.secs() {
        (Severity::Medium, format!("it ended on {}", day(it.not_after)))
    } else if it.not_before > now.secs() {
        (Severity::Low, format!("it begins on {}", day(it.not_before)))
    } else {
        return None;
    };
    let why = "clients that check refuse it, and people learn to click warnings away";
    Some((Fault::new(&CERTIFICATE_DATES, Some(at), severity, why), observed))
}

fn key(at: At, it: &Certificate) -> Seen {
    let enough = match &*it.key {
        "rsa" | "dsa" => 2048,
        "ec" => 224,
        _ => return None,
    };
    let (severity, why) = if it.key.as_ref() == "rsa" && it.key_bits > 1000 {
        (Severity::Medium, "keys of that length are within reach of states, not yet of everybody")
    } else {
        (Severity::High, "keys of that length were broken")
    };
    let observed = format!("{} of {} bits", it.key, it.key_bits);
    (it.key_bits < enough).then(|| (Fault::new(&CERTIFICATE_KEY, Some(at), severity, why), observed))
}

fn signature(at: At, it: &Certificate) -> Seen {
    let name = it.signature.to_ascii_lowercase();
    // "sha1" but not "sha512"; names of OpenSSL and OIDs' names spell it with and without a dash.
    let weak = ["md2", "md4", "md5", "sha1", "sha-1"].iter().any(|hash| name.contains(hash));
    let (severity, why) = if it.self_signed {
        (Severity::Info, "nobody relies on the signature of a certificate that signed itself; it tells of old software")
    } else {
        (Severity::Medium, "collisions can be made, so another certificate can have the same signature")
    };
    weak.then(|| (Fault::new(&CERTIFICATE_SIGNATURE, Some(at), severity, why), it.signature.to_string()))
}

fn issuer(at: At, it: &Certificate) -> Seen {
    let why = "usual on devices; it is as safe as the way in which clients got to know it";
    let observed = format!("{} signed itself", it.subject);
    it.self_signed.then(|| (Fault::new(&CERTIFICATE_SELF, Some(at), Severity::Info, why), observed))
}

/// Of a certificate that somebody else signed; one that signed itself is told as that.
fn names(at: At, it: &Certificate, host: &Host) -> Seen {
    let ours = |name: &str| {
        name.parse() == Ok(host.address)
            || host.device.as_deref().is_some_and(|device| name.eq_ignore_ascii_case(device))
    };
    if it.self_signed || it.names.iter().any(|name| ours(name)) {
        return None;
    }
    let why = "it may be right under a name that the audit was not told";
    let named = if it.names.is_empty() { "no names".into() } else { it.names.join(", ") };
    let observed = format!("it names {named}, not {}", host.address);
    Some((Fault::new(&CERTIFICATE_NAMES, Some(at), Severity::Info, why), observed))
}

fn day(secs: i64) -> String {
    Timestamp::from_secs(secs).to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{checks, host};
    use super::*;

    fn judged(tls: Tls) -> Vec<String> {
        let service = Service { protocol: "http".into(), encrypted: true, tls: Some(tls), ..Service::default() };
        checks(&host(Transport::Tcp, 443, service))
    }

    /// Faultless at the tests' time, 1 800 000 000.
    fn good() -> Certificate {
        Certificate {
            names: vec!["192.0.2.7".into()],
            not_before: 1_799_000_000,
            not_after: 1_801_000_000,
            key: "ec".into(),
            key_bits: 256,
            signature: "ecdsa-with-SHA256".into(),
            ..Certificate::default()
        }
    }

    fn certified(change: impl FnOnce(&mut Certificate)) -> Vec<String> {
        let mut certificate = good();
        change(&mut certificate);
        judged(Tls { certificate: Some(certificate), ..Tls::default() })
    }

    #[test]
    fn versions_and_suites() {
        let of = |versions: &[&str], suites: &[&str]| {
            let list = |names: &[&str]| names.iter().map(|it| Box::from(*it)).collect();
            judged(Tls { versions: list(versions), suites: list(suites), ..Tls::default() })
        };
        assert_eq!(of(&["tls1.0", "tls1.2"], &[]), ["tls-old-version"]);
        assert_eq!(of(&["ssl3"], &[]), ["tls-old-version"]);
        let severity = |versions: &[&str]| {
            let versions = versions.iter().map(|it| Box::from(*it)).collect();
            super::versions((Transport::Tcp, 443), &Tls { versions, ..Tls::default() }).map(|it| it.0.severity)
        };
        assert_eq!(severity(&["tls1.0", "tls1.2"]), Some(Severity::Medium));
        assert_eq!(severity(&["tls1.0", "tls1.1"]), Some(Severity::High), "nothing of today");
        assert_eq!(of(&["tls1.2"], &["TLS_RSA_WITH_3DES_EDE_CBC_SHA tls1.2"]), ["tls-weak-suite"]);
        assert_eq!(of(&[], &["TLS_ECDH_anon_WITH_AES_128_CBC_SHA"]), ["tls-weak-suite"]);
        assert!(of(&["tls1.2", "tls1.3"], &["TLS_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA"]).is_empty());
    }

    #[test]
    fn renegotiation_that_is_insecure() {
        assert_eq!(judged(Tls { insecure_renegotiation: true, ..Tls::default() }), ["tls-insecure-renegotiation"]);
        assert!(judged(Tls::default()).is_empty());
    }

    #[test]
    fn primes_and_compression() {
        let of = |bits| judged(Tls { dh_bits: Some(bits), ..Tls::default() });
        assert_eq!(
            (of(1024), of(512), of(2048)),
            (vec!["tls-short-dh".to_owned()], vec!["tls-short-dh".to_owned()], vec![])
        );
        assert_eq!(judged(Tls { compression: true, ..Tls::default() }), ["tls-compression"]);
    }

    #[test]
    fn certificates() {
        assert!(certified(|_| ()).is_empty());
        assert_eq!(certified(|it| it.not_after = 1_799_999_999), ["certificate-expired"]);
        assert_eq!(certified(|it| it.not_before = 1_800_000_001), ["certificate-expired"]);
        assert_eq!(certified(|it| (it.key, it.key_bits) = ("rsa".into(), 1024)), ["certificate-weak-key"]);
        assert!(certified(|it| (it.key, it.key_bits) = ("rsa".into(), 2048)).is_empty());
        assert_eq!(certified(|it| it.signature = "sha1WithRSAEncryption".into()), ["certificate-weak-signature"]);
        assert!(certified(|it| it.signature = "sha512WithRSAEncryption".into()).is_empty());
        assert_eq!(certified(|it| it.self_signed = true), ["certificate-self-signed"]);
        assert_eq!(certified(|it| it.names = vec!["192.0.2.8".into()]), ["certificate-names"]);
    }
}

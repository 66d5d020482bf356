//! Products as they state themselves, and the names under which vulnerabilities are filed: CPE 2.3 (NIST IR 7695) and
//! package URL.

use super::words::{note, shown};
use crate::fact::Service;

/// Sets product and version as stated; with a version, CPE and package URL of a product that is known.
pub(super) fn state(service: &mut Service, product: &str, version: &str) {
    let product = shown(product);
    if product.is_empty() {
        return;
    }
    let known = KNOWN.iter().find(|it| it.0.eq_ignore_ascii_case(&product));
    service.product = Some(product);
    let version = shown(version);
    if version.is_empty() {
        return;
    }
    if let (Some((name, vendor, cpe)), true) = (known, is_version(&version)) {
        let (version, update) = with_update(name, &version);
        service.cpe = Some(format!("cpe:2.3:a:{vendor}:{cpe}:{version}:{update}:*:*:*:*:*:*").into());
        let whole = if update == "*" { version.to_owned() } else { format!("{version}{update}") };
        note(service, "purl", &format!("pkg:generic/{name}@{whole}"));
    }
    service.version = Some(version);
}

/// As [`state`], where `text` says the name of a product that is known: `(vsFTPd 3.0.3)`, `BusyBox v1.36.1`.
pub(super) fn find(service: &mut Service, text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    for (name, ..) in KNOWN {
        let Some(at) = word(&lower, name) else { continue };
        // The text is cut where it was found in small letters, which have the same lengths (ASCII).
        let (stated, rest) = (&text[at..at + name.len()], &text[at + name.len()..]);
        let rest = rest.trim_start().strip_prefix("version").unwrap_or(rest);
        let rest = rest.trim_start_matches([' ', '/', '_', '-', 'v', 'V', '(']);
        let version = rest.split(|letter: char| !is_of_version(letter)).next().unwrap_or_default();
        let version = version.trim_end_matches(['.', '-', '_']);
        state(service, stated, if version.starts_with(|it: char| it.is_ascii_digit()) { version } else { "" });
        return true;
    }
    false
}

/// As [`state`], by a `Server` or `User-Agent` header: a product that is known, or the last word but the system and UPnP
/// (`Linux/5.4 UPnP/1.1 Acme/2`), or the first.
pub(super) fn server(service: &mut Service, header: &str) {
    if find(service, header) {
        return;
    }
    let after = header.split_once("UPnP/").and_then(|(_, rest)| rest.split_once(' ')).map(|it| it.1);
    let stated = after.filter(|it| it.contains('/')).or(Some(header)).and_then(token);
    if let Some((name, version)) = stated {
        state(service, name, version);
    }
}

/// `name/version` or `name_version` of the first word of a header, or `name v1.2` of two; the rest is a comment.
pub(super) fn token(text: &str) -> Option<(&str, &str)> {
    let mut words = text.split_whitespace();
    let word = words.next()?;
    let next = words.next().map(|it| it.strip_prefix(['v', 'V']).unwrap_or(it)).filter(|it| is_version(it));
    Some(word.split_once(['/', '_']).unwrap_or((word, next.unwrap_or_default())))
}

/// Where a word begins that is `wanted`, or begins with it and goes on with what is no letter.
fn word(text: &str, wanted: &str) -> Option<usize> {
    let is_letter = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
    let whole = |at: &(usize, &str)| {
        let (before, after) = (&text[..at.0], &text[at.0 + wanted.len()..]);
        !is_letter(before.chars().next_back()) && !after.starts_with(|it: char| it.is_alphabetic())
    };
    text.match_indices(wanted).find(whole).map(|(at, _)| at)
}

/// OpenSSH's portable releases are filed as `9.2`, update `p1`.
fn with_update<'a>(name: &str, version: &'a str) -> (&'a str, &'a str) {
    match version.find('p').filter(|at| name == "openssh" && *at > 0) {
        Some(at) => version.split_at(at),
        None => (version, "*"),
    }
}

fn is_version(text: &str) -> bool {
    text.starts_with(|it: char| it.is_ascii_digit()) && text.chars().all(is_of_version) && text.len() <= 32
}

/// What needs no escape in a CPE.
fn is_of_version(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_')
}

/// Name in small letters, vendor and product of the CPE dictionary.
const KNOWN: &[(&str, &str, &str)] = &[
    ("openssh", "openbsd", "openssh"),
    ("dropbear", "dropbear_ssh_project", "dropbear_ssh"),
    ("lighttpd", "lighttpd", "lighttpd"),
    ("nginx", "f5", "nginx"),
    ("apache", "apache", "http_server"),
    ("vsftpd", "vsftpd_project", "vsftpd"),
    ("proftpd", "proftpd", "proftpd"),
    ("pure-ftpd", "pureftpd", "pure-ftpd"),
    ("mosquitto", "eclipse", "mosquitto"),
    ("rabbitmq", "vmware", "rabbitmq"),
    ("redis", "redis", "redis"),
    ("busybox", "busybox", "busybox"),
    ("goahead", "embedthis", "goahead"),
    ("boa", "boa", "boa"),
    ("mini_httpd", "acme", "mini-httpd"),
    ("thttpd", "acme", "thttpd"),
    ("rompager", "allegrosoft", "rompager"),
    ("miniupnpd", "miniupnp_project", "miniupnpd"),
    ("minidlna", "minidlna_project", "minidlna"),
    ("exim", "exim", "exim"),
    ("postfix", "postfix", "postfix"),
    ("opensmtpd", "openbsd", "opensmtpd"),
    ("dovecot", "dovecot", "dovecot"),
    ("tinyproxy", "tinyproxy_project", "tinyproxy"),
    ("asterisk", "digium", "asterisk"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Service {
        let mut service = Service::default();
        find(&mut service, text);
        service
    }

    #[test]
    fn products_are_found_in_what_is_said() {
        let service = found("220 (vsFTPd 3.0.3)\r\n");
        assert_eq!(service.product.as_deref(), Some("vsFTPd"));
        assert_eq!(service.cpe.as_deref(), Some("cpe:2.3:a:vsftpd_project:vsftpd:3.0.3:*:*:*:*:*:*:*"));
        assert_eq!(found("BusyBox v1.36.1 (2023)").version.as_deref(), Some("1.36.1"));
        assert_eq!(found("mail ESMTP Postfix (Debian/GNU)").version, None);
        assert_eq!(found("Boats for sale").product, None);
    }

    #[test]
    fn servers() {
        let of = |header: &str| {
            let mut service = Service::default();
            server(&mut service, header);
            (service.product.unwrap_or_default(), service.version.unwrap_or_default())
        };
        assert_eq!(of("Debian/12 UPnP/1.1 MiniUPnPd/2.3.1"), ("MiniUPnPd".into(), "2.3.1".into()));
        assert_eq!(of("Linux/2.6 UPnP/1.0 Acme/2.0"), ("Acme".into(), "2.0".into()));
        assert_eq!(of("Zoo-Safe/1.0 (x)"), ("Zoo-Safe".into(), "1.0".into()));
        assert_eq!(of("baresip v1.0.0 (x86_64/linux)"), ("baresip".into(), "1.0.0".into()));
    }

    #[test]
    fn openssh_has_an_update() {
        let mut service = Service::default();
        state(&mut service, "OpenSSH", "9.2p1");
        assert_eq!(service.cpe.as_deref(), Some("cpe:2.3:a:openbsd:openssh:9.2:p1:*:*:*:*:*:*"));
        assert_eq!(&*service.notes["purl"], "pkg:generic/openssh@9.2p1");
        state(&mut service, "OpenSSH", "9.2*:a");
        assert_eq!(service.version.as_deref(), Some("9.2*:a"), "as stated");
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_searched(text: String) {
            let _service = found(&text);
        }
    }
}

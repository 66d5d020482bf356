//! Cipher suites by code and name, and which are fit for which version.

use std::sync::LazyLock;

use super::Version;

/// Codes of all suites that a server of this version could choose, good ones first: with them a certificate comes.
pub(super) fn of(version: Version) -> Vec<u16> {
    let (weak, good): (Vec<_>, Vec<_>) =
        table().filter(|(code, name)| fits(version, *code, name)).partition(|it| is_weak(it.1));
    good.into_iter().chain(weak).map(|(code, _)| code).collect()
}

/// Its name; as four hexadecimal digits where it has none here.
pub(super) fn name(code: u16) -> String {
    let known = table().find(|it| it.0 == code).map(|it| it.1.to_owned());
    known.unwrap_or_else(|| format!("{code:04X}"))
}

/// By IANA name (RFC 9325 §4.1): no encryption, no authentication, export keys, RC2, RC4, DES, 3DES, IDEA, MD5.
pub(crate) fn is_weak(name: &str) -> bool {
    // Renegotiation's marker and the fallback's are no suites (RFC 5746, RFC 7507).
    !name.ends_with("_SCSV") && (is_open(name) || name.split('_').any(|it| BREAKABLE.contains(&it)))
}

/// Whoever is on the way reads or changes what it carries: no encryption, no authentication, or keys for export.
pub(crate) fn is_open(name: &str) -> bool {
    // The suites of RFC 9150 have two hashes and no cipher.
    name.split('_').any(|it| OPEN.contains(&it)) || ["TLS_SHA256_SHA256", "TLS_SHA384_SHA384"].contains(&name)
}

/// Those that nearly every server has one of, for servers that a long hello is too much for.
pub(super) const COMMON: [u16; 16] = [
    0xC02B, 0xC02F, 0xC009, 0xC013, 0x009C, 0x009E, 0x002F, 0x0035, 0x0033, 0x000A, 0x0005, 0x0004, 0x0009, 0x0003,
    0x1301, 0x1303,
];

fn fits(version: Version, code: u16, name: &str) -> bool {
    let of_1_3 = matches!(code >> 8, 0x13) || matches!(code, 0x00C6 | 0x00C7 | 0xC0B4 | 0xC0B5);
    // RFC 5246 §1.2, RFC 5288 §3, RFC 6655 §3: their hashes and modes came with TLS 1.2.
    let of_1_2 = ["SHA256", "SHA384", "CCM", "CCM_8"].iter().any(|end| name.ends_with(end));
    match version {
        Version::Tls13 => of_1_3,
        Version::Tls12 => !of_1_3,
        _ => !of_1_3 && !of_1_2,
    }
}

fn table() -> impl Iterator<Item = (u16, &'static str)> {
    static TABLE: LazyLock<Vec<(u16, &str)>> = LazyLock::new(|| {
        let lines = include_str!("suites.txt").lines().filter_map(|line| line.split_once(' '));
        lines.filter_map(|(code, name)| Some((u16::from_str_radix(code, 16).ok()?, name))).collect()
    });
    TABLE.iter().copied()
}

const OPEN: [&str; 4] = ["NULL", "anon", "EXPORT", "EXPORT1024"];

const BREAKABLE: [&str; 7] = ["RC2", "RC4", "DES", "DES40", "3DES", "IDEA", "MD5"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_suite() {
        let lines = include_str!("suites.txt").lines().filter(|line| !line.starts_with('#'));
        assert_eq!(table().count(), lines.count());
        assert!(table().all(|(_, name)| name.starts_with("TLS_")));
        assert!(table().map(|it| it.0).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_version_is_offered_what_it_knows() {
        assert_eq!(of(Version::Tls13).len(), 9);
        assert!(of(Version::Tls12).contains(&0xC02F) && !of(Version::Tls12).contains(&0x1301));
        assert!(of(Version::Ssl3).contains(&0x0003) && !of(Version::Tls11).contains(&0x009C));
        assert!(COMMON.iter().all(|it| name(*it).starts_with("TLS_")));
        assert_eq!(name(0x0A0A), "0A0A");
    }

    #[test]
    fn weak_ones() {
        for weak in ["TLS_RSA_WITH_RC4_128_SHA", "TLS_DH_anon_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"] {
            assert!(is_weak(weak), "{weak}");
        }
        assert!(
            is_open("TLS_SHA256_SHA256") && is_open("TLS_RSA_WITH_NULL_SHA") && !is_open("TLS_RSA_WITH_RC4_128_SHA")
        );
        assert!(!is_weak("TLS_RSA_WITH_AES_128_CBC_SHA") && !is_weak("TLS_EMPTY_RENEGOTIATION_INFO_SCSV"));
    }
}

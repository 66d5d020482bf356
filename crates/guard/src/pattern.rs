//! Names with patterns: `#` stands for a run of digits, `*` for any characters but the dot. Nothing stands for a dot, so a pattern never
//! reaches another domain than the one that it names.

use std::fmt::Write as _;

/// The name is meant by the pattern.
pub fn matches(pattern: &str, name: &str) -> bool {
    matches_bytes(pattern.as_bytes(), name.as_bytes())
}

/// Something in it is not literal.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['#', '*'])
}

/// The name with every run of digits in the labels left of the registrable domain written as `#`; the name itself where there is none.
/// The registrable domain is the public suffix and one label (<https://publicsuffix.org>): what is left of it has one owner.
pub fn digits(name: &str) -> String {
    let own = registrable(name).map_or(0, |domain| name.len() - domain.len());
    let (left, domain) = name.split_at(own);
    let mut text = String::with_capacity(name.len());
    let mut in_digits = false;
    for c in left.chars() {
        let is_digit = c.is_ascii_digit();
        if !is_digit {
            text.push(c);
        } else if !in_digits {
            text.push('#');
        }
        in_digits = is_digit;
    }
    // Writing to a text cannot fail.
    let _ = write!(text, "{domain}");
    text
}

/// The registrable domain of a name; `None` where the name is a public suffix, or no name of the public tree.
pub fn registrable(name: &str) -> Option<&str> {
    psl::domain_str(name)
}

fn matches_bytes(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'#', rest)), Some((byte, after))) if byte.is_ascii_digit() => {
            matches_bytes(rest, after) || matches_bytes(pattern, after)
        }
        (Some((b'*', rest)), _) if matches_bytes(rest, name) => true,
        (Some((b'*', _)), Some((byte, after))) if *byte != b'.' => matches_bytes(pattern, after),
        (Some((expected, rest)), Some((byte, after))) if expected == byte && !matches!(expected, b'#' | b'*') => {
            matches_bytes(rest, after)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_for_digits_and_nothing_for_a_dot() {
        assert!(matches("r#.dch.vendor.example", "r0802.dch.vendor.example"));
        assert!(!matches("r#.dch.vendor.example", "r.dch.vendor.example"));
        assert!(!matches("r#.dch.vendor.example", "r1.evil.dch.vendor.example"));
        assert!(matches("*.pool.ntp.org", "fr.pool.ntp.org"));
        assert!(!matches("*.pool.ntp.org", "a.b.pool.ntp.org"));
        assert!(matches("api.vendor.example", "api.vendor.example"));
        assert!(!matches("api.vendor.example", "api.vendor.example.evil.example"));
    }

    #[test]
    fn only_what_its_owner_may_name_is_made_general() {
        assert_eq!(digits("s-usc1c-nss-117.firebaseio.com"), "s-usc#c-nss-#.firebaseio.com");
        assert_eq!(digits("d1234.cloudfront.net"), "d1234.cloudfront.net", "every customer has one of these");
        assert_eq!(digits("alt4-mtalk.google.com"), "alt#-mtalk.google.com");
        assert_eq!(digits("0.cn.pool.ntp.org"), "#.cn.pool.ntp.org");
        assert_eq!(digits("api2.example.com"), "api#.example.com");
        assert_eq!(digits("vendor24.com"), "vendor24.com");
        assert_eq!(digits("s3.amazonaws.com"), "s3.amazonaws.com", "a public suffix: nobody's own");
    }
}

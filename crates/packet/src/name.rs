//! Names: how they are written, and the book in which each asker's answers stand.

mod asked;
mod book;

pub(crate) use asked::Asked;
pub(crate) use book::Book;

/// How many names are kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameLimits {
    /// Askers that are remembered; the one that asked nothing for longest gives way.
    pub askers: usize,
    /// Addresses per asker; the one that was answered first and not again gives way.
    pub per_asker: usize,
    /// Addresses of all askers together.
    pub total: usize,
    /// Seconds beyond an answer's TTL, or beyond the last conversation that it named, for which it still names one. Small resolvers keep answers for as long as they run
    /// (RFC 9726 §3), so this is long; who opens a firewall by an answer takes its TTL from [`Told::Answer`](crate::Told) instead.
    pub grace: u32,
    /// ClientHellos that may be in assembly at once.
    pub gathers: usize,
}

impl Default for NameLimits {
    fn default() -> Self {
        Self { askers: 65_536, per_asker: 1_024, total: 1_048_576, grace: 86_400, gathers: 1_024 }
    }
}

/// Appends one octet of a name: lower case, and escaped as RFC 1035 §5.1 does where it is not printable ASCII (a dot inside a label
/// and the backslash too, so that no two names have one text).
#[inline]
pub(crate) fn push_octet(text: &mut String, octet: u8, is_label: bool) {
    match octet {
        b'.' if is_label => text.push_str("\\."),
        b'\\' => text.push_str("\\\\"),
        0x21..=0x7e => text.push(octet.to_ascii_lowercase().into()),
        _ => {
            text.push('\\');
            for digit in [octet / 100, octet / 10 % 10, octet % 10] {
                text.push((b'0' + digit).into());
            }
        }
    }
}

/// A host name as other protocols than DNS write it: dots separate, one at the end is dropped. `None` where nothing is left, or
/// where it is longer than a name may be (RFC 1035 §2.3.4: 255).
pub(crate) fn host_name(bytes: &[u8]) -> Option<Box<str>> {
    let bytes = bytes.strip_suffix(b".").unwrap_or(bytes);
    if bytes.is_empty() || bytes.len() > 255 {
        return None;
    }
    let mut text = String::with_capacity(bytes.len());
    for octet in bytes {
        push_octet(&mut text, *octet, false);
    }
    Some(text.into())
}

/// Free text of a device (a user agent, a host name with spaces), printable, at most 255 characters.
pub(crate) fn free_text(bytes: &[u8]) -> Option<Box<str>> {
    let text = String::from_utf8_lossy(bytes.get(..1_024).unwrap_or(bytes));
    let text: String = text.trim().chars().filter(|it| !it.is_control()).take(255).collect();
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_in_one_way() {
        assert_eq!(host_name(b"API.Vendor.example.").as_deref(), Some("api.vendor.example"));
        assert_eq!(host_name(b"a b\\\xff").as_deref(), Some("a\\032b\\\\\\255"));
        assert_eq!(host_name(b"."), None);
        assert_eq!(host_name(&[b'a'; 256]), None);
        assert_eq!(free_text(b" Hue\x07 Bridge\r\n").as_deref(), Some("Hue Bridge"));
    }
}

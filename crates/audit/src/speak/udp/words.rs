//! Words of a device, as a report may show them.

use super::super::words::shown_octets;

/// At most 64 characters of it that can be printed; `None` where nothing is left.
pub(super) fn word(octets: &[u8]) -> Option<Box<str>> {
    let text: String = shown_octets(octets).chars().take(64).collect();
    (!text.is_empty()).then(|| text.into())
}

/// `a,b`, of what is there.
pub(super) fn listed<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> Box<str> {
    let words: Vec<_> = words.into_iter().collect();
    words.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(",").into()
}

/// The value of a header, whatever the case of its name.
pub(super) fn field<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let lines = text.lines().skip(1).take(64).take_while(|line| !line.is_empty());
    let mut of = lines.filter_map(|line| line.split_once(':'));
    of.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_lists() {
        assert_eq!(word(&[b'a'; 99]).unwrap().len(), 64);
        assert_eq!(&*listed(["a", "b"]), "a,b");
        assert_eq!(word(b"\x00\x01"), None);
        assert_eq!(field("HTTP/1.1 200 OK\r\nServer: x\r\n\r\nfoo: y", "server"), Some("x"));
    }
}

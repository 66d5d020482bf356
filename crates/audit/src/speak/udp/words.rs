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

/// Lower case, two digits an octet.
pub(super) fn hexadecimal(octets: &[u8]) -> Box<str> {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_lists() {
        assert_eq!(word(&[b'a'; 99]).unwrap().len(), 64);
        assert_eq!(&*listed(["a", "b"]), "a,b");
        assert_eq!(word(b"\x00\x01"), None);
        assert_eq!(&*hexadecimal(&[0x80, 0x0F]), "800f");
    }
}

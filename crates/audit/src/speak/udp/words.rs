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

/// The value of a header, whatever the case of its name.
pub(super) fn field<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let lines = text.lines().skip(1).take(64).take_while(|line| !line.is_empty());
    let mut of = lines.filter_map(|line| line.split_once(':'));
    of.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
}

/// What is within the first element of this local name.
pub(super) fn element<'a>(text: &'a str, name: &'a str) -> Option<&'a str> {
    elements(text, name).next()
}

/// The same for each of them. An element ends at the next tag: this reads leaves, not XML.
pub(super) fn elements<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.split('<').filter_map(move |part| {
        let (tag, body) = part.split_once('>')?;
        let tag = tag.split_whitespace().next()?;
        let local = tag.rsplit(':').next()?;
        (local == name && !tag.starts_with('/')).then(|| body.trim())
    })
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
        assert_eq!(elements("<a:b c='d'> 1 </a:b><b>2</b>", "b").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(&*hexadecimal(&[0x80, 0x0F]), "800f");
    }
}

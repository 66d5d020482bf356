//! What may be shown of what a device says.

use crate::fact::Service;

/// Characters of evidence, and of a note.
const MOST: usize = 256;

/// At most 256 printable characters; others become a blank, and blanks are one.
pub(super) fn shown(text: &str) -> Box<str> {
    let mut shown = String::new();
    let (mut count, mut is_blank) = (0, true);
    for letter in text.chars() {
        if !is_printable(letter) {
            is_blank |= count > 0;
            continue;
        }
        let needs_blank = is_blank && count > 0;
        if count + usize::from(needs_blank) >= MOST {
            break;
        }
        if needs_blank {
            shown.push(' ');
            count += 1;
        }
        is_blank = false;
        shown.push(letter);
        count += 1;
    }
    shown.into()
}

/// As [`shown`], of octets.
pub(super) fn shown_octets(octets: &[u8]) -> Box<str> {
    shown(&String::from_utf8_lossy(&octets[..octets.len().min(4 * MOST)]))
}

/// Whether [`shown`] could have made it.
pub(super) fn is_shown(text: &str) -> bool {
    text.chars().count() <= MOST && text.chars().all(|letter| letter == ' ' || is_printable(letter))
}

/// Neither controls a terminal nor changes the direction of writing.
fn is_printable(letter: char) -> bool {
    letter.is_ascii_graphic() || !letter.is_ascii() && letter.is_alphanumeric()
}

/// A note, where there is something to note.
pub(super) fn note(service: &mut Service, name: &str, value: &str) {
    let value = shown(value);
    if !value.is_empty() {
        service.notes.insert(name.into(), value);
    }
}

/// The first of these that the text has, whatever the case of its letters.
pub(super) fn has(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// What is within the first element of this local name.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    elements(text, name).next()
}

/// The same for each of them. An element ends at the next tag: this reads leaves, not XML.
pub(super) fn elements<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
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
    fn elements_are_leaves_of_any_prefix() {
        assert_eq!(elements("<a:b c='d'> 1 </a:b><b>2</b>", "b").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(element("<a><Modeling>x</Modeling><Model a=1> y </Model>", "Model"), Some("y"));
    }

    #[test]
    fn what_is_shown_is_printable() {
        assert_eq!(&*shown("  a\u{1b}[31m\r\n b\u{202e}c  "), "a [31m b c");
        assert_eq!(shown(&"x ".repeat(1000)).len(), MOST - 1, "no blank at the end");
        assert_eq!(shown(&format!("{} b", "a".repeat(MOST))).len(), MOST);
        assert!(!is_shown("\u{7}"));
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_shown(octets: Vec<u8>) {
            proptest::prop_assert!(is_shown(&shown_octets(&octets)));
        }
    }
}

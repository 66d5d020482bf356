//! Text from packets, made safe to store and to print: bounded, one line, nothing that moves the reader's cursor or
//! turns the direction of writing (log injection).

use std::fmt::Write as _;

/// The longest text that is kept of an attribute, octets. An attribute holds at most 253; escapes may make it longer.
const MAX: usize = 256;

/// The text with trailing NULs cut, and controls, format characters and octets that are not UTF-8 as `\x..`.
pub(crate) fn safe(octets: &[u8]) -> Box<str> {
    if let Some(text) = clean(octets) {
        return text.into();
    }
    let mut text = String::with_capacity(octets.len() * 2);
    for chunk in trim(octets).utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_unsafe(character) {
                push_escaped(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
            }
        }
        push_escaped(&mut text, chunk.invalid());
    }
    if text.len() > MAX {
        text.truncate(text.floor_char_boundary(MAX));
    }
    text.into()
}

/// The text as it is, where nothing needs an escape: fit to be compared with the inventory.
pub(crate) fn clean(octets: &[u8]) -> Option<&str> {
    let octets = trim(octets);
    if octets.iter().all(|octet| (b' '..=b'~').contains(octet)) {
        return std::str::from_utf8(octets).ok();
    }
    std::str::from_utf8(octets).ok().filter(|text| !text.chars().any(is_unsafe))
}

fn trim(mut octets: &[u8]) -> &[u8] {
    while let [head @ .., 0] = octets {
        octets = head;
    }
    octets
}

fn push_escaped(text: &mut String, octets: &[u8]) {
    for octet in octets {
        write!(text, "\\x{octet:02x}").expect("writing to a String cannot fail");
    }
}

/// Controls, line and paragraph separators, zero-width and bidirectional format characters.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_cannot_forge_a_line() {
        assert_eq!(&*safe(b"meter\n2026 ERROR all is lost\0"), "meter\\x0a2026 ERROR all is lost");
        assert_eq!(&*safe("a\u{202E}b".as_bytes()), "a\\xe2\\x80\\xaeb");
        assert_eq!(&*safe(b"\xff\xfeM\xc3\xbcller"), "\\xff\\xfeMüller");
        assert_eq!(clean(b"DOMAIN\\user"), Some("DOMAIN\\user"));
    }

    proptest! {
        #[test]
        fn any_octets_become_one_bounded_line(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let text = safe(&octets);
            prop_assert!(text.len() <= MAX.max(octets.len()));
            prop_assert!(!text.chars().any(is_unsafe));
        }
    }
}

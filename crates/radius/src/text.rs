//! Text of a peer that may be anything.

use std::fmt::{self, Write as _};

/// A text attribute: meant as UTF-8 without NUL (RFC 2865 §5), in fact whatever the device or gateway put there.
///
/// `Display` is safe for a log line: controls, quotes' neighbours and broken UTF-8 come out as `\x..`, so a User-Name cannot
/// forge a second line. Trailing NULs (C programmers at the other end) do not count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text<'a> {
    bytes: &'a [u8],
}

impl<'a> Text<'a> {
    /// Without its trailing NULs.
    pub const fn new(mut bytes: &'a [u8]) -> Self {
        while let [head @ .., 0] = bytes {
            bytes = head;
        }
        Self { bytes }
    }

    /// The octets.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// As text, when it is UTF-8.
    pub fn as_str(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes).ok()
    }

    /// As text when it is UTF-8 without control characters: fit to be shown, stored and compared.
    pub fn clean(self) -> Option<&'a str> {
        self.as_str().filter(|text| !text.chars().any(char::is_control))
    }

    /// As digits, when it has between `least` and `most` octets and all are ASCII digits.
    pub fn digits(self, least: usize, most: usize) -> Option<&'a str> {
        let fits = (least..=most).contains(&self.bytes.len()) && self.bytes.iter().all(u8::is_ascii_digit);
        if fits { self.as_str() } else { None }
    }

    /// Whether nothing is left of it.
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() || character == '\\' {
                    write!(f, "{}", character.escape_unicode())?;
                } else {
                    f.write_char(character)?;
                }
            }
            for octet in chunk.invalid() {
                write!(f, "\\x{octet:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

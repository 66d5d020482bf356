//! A network as three octets with swapped nibbles (TS 24.008 §10.5.1.3).

use std::fmt;

/// MCC2 MCC1, MNC3 MCC3, MNC2 MNC1; MNC3 is F for a two-digit MNC. `62 F2 10` is 262-01.
///
/// Kept as octets because a broken one must survive a round trip; [`PlmnOctets::digits`] says whether it is a network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlmnOctets(pub [u8; 3]);

impl PlmnOctets {
    /// From 5 or 6 digits (`26201`, `310410`).
    pub fn from_digits(text: &str) -> Option<Self> {
        if !matches!(text.len(), 5 | 6) || !text.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let digit = |at: usize| text.as_bytes().get(at).map_or(0xF, |digit| digit - b'0');
        Some(Self([digit(1) << 4 | digit(0), digit(5) << 4 | digit(2), digit(4) << 4 | digit(3)]))
    }

    /// The 5 or 6 decimal digits, each 0 to 9; the second value says how many. `None` where a nibble is no digit.
    pub fn digits(self) -> Option<([u8; 6], usize)> {
        let [a, b, c] = self.0;
        let digits = [a & 15, a >> 4, b & 15, c & 15, c >> 4, b >> 4];
        let long = digits[5] != 0xF;
        let used = if long { 6 } else { 5 };
        digits[..used].iter().all(|&digit| digit < 10).then_some((digits, used))
    }
}

impl fmt::Display for PlmnOctets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((digits, used)) = self.digits() else {
            let [a, b, c] = self.0;
            return write!(f, "?{a:02x}{b:02x}{c:02x}");
        };
        digits[..used].iter().try_for_each(|digit| write!(f, "{digit}"))
    }
}

impl fmt::Debug for PlmnOctets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlmnOctets({self})")
    }
}

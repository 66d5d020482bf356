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
        let digits = text.as_bytes();
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let (&[a, b, c, d, e], last) = digits.split_first_chunk::<5>()?;
        let third = match *last {
            [] => 0xF,
            [digit] => digit & 0xF,
            _ => return None,
        };
        Some(Self([(b & 0xF) << 4 | (a & 0xF), third << 4 | (c & 0xF), (e & 0xF) << 4 | (d & 0xF)]))
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

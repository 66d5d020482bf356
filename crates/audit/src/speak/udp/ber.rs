//! ASN.1's basic encoding (X.690), as much of it as SNMP writes: one-octet tags and definite lengths.
//!
//! The crates for it read more than is wanted and bring a combinator library; this is shorter than their use.

/// What is left to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ber<'a>(pub(super) &'a [u8]);

/// `INTEGER`, `OCTET STRING`, `OBJECT IDENTIFIER`, `SEQUENCE`.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

impl<'a> Ber<'a> {
    /// Tag and body of the next item.
    pub(super) fn item(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first & 0x80 != 0 {
            let octets = usize::from(first & 0x7F);
            if !(1..=4).contains(&octets) {
                return None;
            }
            let (digits, after) = rest.split_at_checked(octets)?;
            length = digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit));
            rest = after;
        }
        let (body, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, body))
    }

    /// The body of the next item, which must have this tag.
    pub(super) fn take(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.item().filter(|(tag, _)| *tag == wanted).map(|(_, body)| body)
    }

    /// Into the next item.
    pub(super) fn enter(&mut self, wanted: u8) -> Option<Self> {
        self.take(wanted).map(Self)
    }

    /// Of at most eight octets (X.690 §8.3).
    pub(super) fn integer(&mut self) -> Option<i64> {
        let body = self.take(INTEGER)?;
        if body.is_empty() || body.len() > 8 {
            return None;
        }
        let negative = if body[0] & 0x80 == 0 { 0 } else { -1 };
        Some(body.iter().fold(negative, |sum, octet| (sum << 8) | i64::from(*octet)))
    }
}

/// Numbers of an object's name (X.690 §8.19), at most 64 of them.
pub(super) fn object(body: &[u8]) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    let mut number: u32 = 0;
    for octet in body {
        number = number.checked_mul(128)?.checked_add(u32::from(octet & 0x7F))?;
        if octet & 0x80 != 0 {
            continue;
        }
        if numbers.is_empty() {
            let first = (number / 40).min(2);
            numbers.extend([first, number - first * 40]);
        } else {
            numbers.push(number);
        }
        number = 0;
        if numbers.len() > 64 {
            return None;
        }
    }
    Some(numbers)
}

/// An item to be sent. Bodies have less than 64 KiB.
pub(super) fn written(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    match body.len() {
        0..0x80 => [&[tag, length[1]], body].concat(),
        0x80..0x100 => [&[tag, 0x81, length[1]], body].concat(),
        _ => [&[tag, 0x82, length[0], length[1]], body].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 255, 256, 4000] {
            let body = vec![7; length];
            let octets = written(OCTETS, &body);
            let mut ber = Ber(&octets);
            assert_eq!(ber.take(OCTETS), Some(&body[..]));
            assert_eq!(ber.item(), None);
        }
    }

    #[test]
    fn integers_and_names() {
        assert_eq!(Ber(&[2, 1, 0xFF]).integer(), Some(-1));
        assert_eq!(Ber(&[2, 3, 0, 0xFF, 0xE3]).integer(), Some(65_507));
        assert_eq!(Ber(&[2, 0]).integer(), None);
        assert_eq!(object(&[0x2B, 6, 1, 4, 1, 0xBF, 8]), Some(vec![1, 3, 6, 1, 4, 1, 8072]));
        assert_eq!(object(&[0xFF; 9]), None);
    }

    #[test]
    fn a_length_that_lies_is_no_item() {
        for octets in [
            &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF][..],
            &[0x30, 0x80],
            &[0x30, 5, 1],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x30],
        ] {
            assert_eq!(Ber(octets).item(), None);
        }
    }
}

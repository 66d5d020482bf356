//! The types of SSH on the wire (RFC 4251 §5), and packets before they are encrypted (RFC 4253 §6).

use crate::speak::cursor::Cursor;

/// Printable names, of bounded number and length.
pub(super) fn names(at: &mut Cursor<'_>) -> Option<Vec<Box<str>>> {
    let text = String::from_utf8_lossy(at.string()?);
    let name = |it: &str| it.chars().filter(char::is_ascii_graphic).take(64).collect::<String>().into();
    Some(text.split(',').filter(|it| !it.is_empty()).take(MOST_NAMES).map(name).collect())
}

pub(crate) fn string(out: &mut Vec<u8>, content: &[u8]) {
    out.extend((content.len() as u32).to_be_bytes());
    out.extend(content);
}

/// An unsigned number: without zeros before it, but one where it would look negative.
pub(crate) fn mpint(out: &mut Vec<u8>, number: &[u8]) {
    let zeros = number.iter().take_while(|it| **it == 0).count();
    let number = &number[zeros..];
    let sign: &[u8] = if number.first().is_some_and(|it| *it >= 0x80) { &[0] } else { &[] };
    string(out, &[sign, number].concat());
}

/// What the next packet is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Packet {
    /// Its payload, and how many octets it took.
    Whole(Vec<u8>, usize),
    /// More is to come.
    More,
    /// No packet of SSH.
    Odd,
}

/// In clear text.
pub(super) fn packet(octets: &[u8]) -> Packet {
    let mut at = Cursor(octets);
    let Some(length) = at.u32() else { return Packet::More };
    if !(2..=LONGEST).contains(&length) {
        return Packet::Odd;
    }
    let Some(body) = at.take(length as usize) else { return Packet::More };
    payload(body).map_or(Packet::Odd, |it| Packet::Whole(it.to_vec(), 4 + body.len()))
}

/// Without the length of the padding before it and the padding after it.
pub(super) fn payload(body: &[u8]) -> Option<&[u8]> {
    let (padding, rest) = body.split_first()?;
    rest.len().checked_sub(usize::from(*padding)).map(|length| &rest[..length]).filter(|it| !it.is_empty())
}

/// With padding to a multiple of eight; where it will be encrypted, the length does not count (`counted` 0, else 4).
pub(super) fn padded(payload: &[u8], counted: usize) -> Vec<u8> {
    let padding = match 8 - (counted + 1 + payload.len()) % 8 {
        few @ ..4 => few + 8,
        enough => enough,
    };
    let mut out = Vec::with_capacity(payload.len() + 16);
    out.extend(((1 + payload.len() + padding) as u32).to_be_bytes());
    out.push(padding as u8);
    out.extend(payload);
    out.resize(out.len() + padding, 0);
    out
}

/// RFC 4253 §6.1 asks for 35 000 at least.
pub(super) const LONGEST: u32 = 64 * 1024;

const MOST_NAMES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_there_and_back() {
        for length in 1..40 {
            let payload = vec![7; length];
            let wire = padded(&payload, 4);
            assert_eq!((wire.len() % 8, packet(&wire)), (0, Packet::Whole(payload, wire.len())));
            assert_eq!(packet(&wire[..wire.len() - 1]), Packet::More);
        }
        assert_eq!(packet(b"HTTP/1.1"), Packet::Odd);
        assert_eq!(packet(&[0, 0, 0, 2, 9, 9]), Packet::Odd, "more padding than there is");
    }

    #[test]
    fn numbers_and_names() {
        let of = |number: &[u8]| {
            let mut out = Vec::new();
            mpint(&mut out, number);
            out
        };
        assert_eq!(
            (of(&[0, 0x80]), of(&[0, 1]), of(&[0])),
            (vec![0, 0, 0, 2, 0, 0x80], vec![0, 0, 0, 1, 1], vec![0; 4])
        );
        let list = [&[0, 0, 0, 8][..], b"a,,b\x1b,ccc"].concat();
        assert_eq!(names(&mut Cursor(&list)).unwrap(), ["a", "b", "cc"].map(Box::from));
        assert_eq!(Cursor(&[0, 0, 0, 9, 1]).string(), None);
    }
}

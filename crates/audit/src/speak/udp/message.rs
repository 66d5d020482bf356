//! A DNS message (RFC 1035 §4): names with their pointers, records; bounded.

/// Records that are read of one message.
const RECORDS: usize = 128;

/// Types and classes.
pub(super) const A: u16 = 1;
pub(super) const PTR: u16 = 12;
pub(super) const TXT: u16 = 16;
pub(super) const INTERNET: u16 = 1;
pub(super) const CHAOS: u16 = 3;

/// What a server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) id: u16,
    pub(super) flags: u16,
    pub(super) records: Vec<Record>,
}

/// One record of any section.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Without the last dot.
    pub(super) name: String,
    pub(super) kind: u16,
    pub(super) data: Data,
}

/// What a record says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// A pointer's target.
    Name(String),
    /// Strings of a TXT record.
    Texts(Vec<Vec<u8>>),
    /// Not read.
    Other,
}

/// A question for one name.
pub(super) fn question(id: u16, flags: u16, name: &str, kind: u16, class: u16) -> Vec<u8> {
    let mut octets = Vec::new();
    for field in [id, flags, 1, 0, 0, 0] {
        octets.extend(field.to_be_bytes());
    }
    for label in name.split('.').filter(|label| !label.is_empty()) {
        // A label has 63 octets at most (§2.3.4).
        let label = &label.as_bytes()[..label.len().min(63)];
        octets.push(label.len() as u8);
        octets.extend(label);
    }
    octets.push(0);
    octets.extend(kind.to_be_bytes());
    octets.extend(class.to_be_bytes());
    octets
}

/// An answer; what is cut off behind whole records is left out.
pub(super) fn read(octets: &[u8]) -> Option<Message> {
    let field = |index: usize| octets.get(index * 2..index * 2 + 2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    let (id, flags) = (field(0)?, field(1)?);
    let is_answer = flags & 0x8000 != 0;
    let (questions, mut at) = (field(2)?, 12);
    let count = usize::from(field(3)?) + usize::from(field(4)?) + usize::from(field(5)?);
    // Nobody answers more than was asked.
    for _ in 0..questions.min(4) {
        at = name(octets, at)?.1 + 4;
    }
    let mut records = Vec::new();
    while records.len() < count.min(RECORDS)
        && let Some((record, next)) = record(octets, at)
    {
        records.push(record);
        at = next;
    }
    is_answer.then_some(Message { id, flags, records })
}

fn record(octets: &[u8], at: usize) -> Option<(Record, usize)> {
    let (name_, at) = name(octets, at)?;
    let head = octets.get(at..at + 10)?;
    let kind = u16::from_be_bytes([head[0], head[1]]);
    let end = at + 10 + usize::from(u16::from_be_bytes([head[8], head[9]]));
    let body = octets.get(at + 10..end)?;
    let data = match kind {
        PTR => name(octets, at + 10).map_or(Data::Other, |(target, _)| Data::Name(target)),
        TXT => Data::Texts(texts(body)),
        _ => Data::Other,
    };
    Some((Record { name: name_, kind, data }, end))
}

/// A name and what is behind it. A pointer leads back only (§4.1.4), so there is no circle.
fn name(octets: &[u8], at: usize) -> Option<(String, usize)> {
    let (mut text, mut here, mut limit, mut end) = (String::new(), at, octets.len(), None);
    loop {
        let length = usize::from(*octets.get(here)?);
        match length {
            0 => return Some((text, end.unwrap_or(here + 1))),
            1..64 => {
                let label = octets.get(here + 1..here + 1 + length)?;
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&String::from_utf8_lossy(label));
                here += 1 + length;
            }
            192.. => {
                let to = (length & 63) << 8 | usize::from(*octets.get(here + 1)?);
                end.get_or_insert(here + 2);
                if to >= limit.min(here) {
                    return None;
                }
                (here, limit) = (to, to);
            }
            _ => return None,
        }
        if text.len() > 1024 {
            return None;
        }
    }
}

/// Strings, each behind its length (§3.3.14).
fn texts(mut body: &[u8]) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    while let Some((length, rest)) = body.split_first()
        && let Some((text, rest)) = rest.split_at_checked(usize::from(*length))
    {
        texts.push(text.to_vec());
        body = rest;
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lead_back_and_never_in_circles() {
        let mut octets = question(1, 0x8400, "_hap._tcp.local", PTR, INTERNET);
        octets[7] = 1;
        octets.extend(b"\xc0\x0c\x00\x0c\x00\x01\x00\x00\x00\x0a\x00\x07\x04lamp\xc0\x0c");
        let message = read(&octets).unwrap();
        assert_eq!(message.records[0].name, "_hap._tcp.local");
        assert_eq!(message.records[0].data, Data::Name("lamp._hap._tcp.local".into()));
        let circle = [&octets[..12], b"\xc0\x0c\x00\x0c\x00\x01"].concat();
        assert_eq!(read(&circle), None);
        assert_eq!(read(&question(1, 0, "x", A, INTERNET)), None, "a question is no answer");
    }
}

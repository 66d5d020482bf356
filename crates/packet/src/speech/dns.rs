//! DNS messages (RFC 1035), read in place: the question, and what the answer section says of it.

use std::net::IpAddr;

use crate::name::push_octet;

/// A message whose header and first question are readable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    bytes: &'a [u8],
    pub(crate) id: u16,
    flags: u16,
    questions: u16,
    answers: u16,
    /// Authority and additional records.
    others: u32,
    /// QTYPE of the first question, 0 without one.
    pub(crate) kind: u16,
    /// Where the answers begin.
    records_at: usize,
}

/// A resource record, undecoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// Where its owner is written.
    pub(crate) owner: usize,
    pub(crate) kind: u16,
    pub(crate) ttl: u32,
    /// Where its data lies.
    pub(crate) data: usize,
    pub(crate) length: usize,
}

/// What an answer says, in buffers that are used again.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) asked: String,
    pub(crate) chain: Vec<Box<str>>,
    pub(crate) addresses: Vec<IpAddr>,
    /// The least TTL of what was used.
    pub(crate) ttl: u32,
}

pub(crate) const A: u16 = 1;
pub(crate) const CNAME: u16 = 5;
pub(crate) const PTR: u16 = 12;
pub(crate) const TXT: u16 = 16;
pub(crate) const AAAA: u16 = 28;
pub(crate) const SRV: u16 = 33;
/// RFC 9460
pub(crate) const SVCB: u16 = 64;
/// RFC 9460
pub(crate) const HTTPS: u16 = 65;

const HEADER: usize = 12;
/// More records than these are not looked at.
const MOST_RECORDS: usize = 64;
/// Longest chain followed.
const LONGEST_CHAIN: usize = 16;

impl<'a> Message<'a> {
    /// Reads header and first question. Strict enough that chance bytes rarely pass: known opcode, reserved bit clear, few questions.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, _) = bytes.split_first_chunk::<HEADER>()?;
        let field = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let (id, flags) = (field(0), field(2));
        let (questions, answers) = (field(4), field(6));
        let others = u32::from(field(8)) + u32::from(field(10));
        let opcode = flags >> 11 & 0xf;
        let is_possible = opcode <= 5 && flags & 0x40 == 0 && questions <= 64 && answers <= 512 && others <= 1_024;
        if !is_possible || (questions == 0 && answers == 0 && others == 0) {
            return None;
        }
        let mut message = Self { bytes, id, flags, questions, answers, others, kind: 0, records_at: HEADER };
        for at in 0..questions {
            let end = message.skip_name(message.records_at)?;
            let kind = bytes.get(end..end + 4)?;
            if at == 0 {
                message.kind = u16::from_be_bytes([kind[0], kind[1]]);
            }
            message.records_at = end + 4;
        }
        Some(message)
    }

    pub(crate) fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// A standard query or its answer (opcode 0).
    pub(crate) fn is_standard(&self) -> bool {
        self.flags & 0x7800 == 0
    }

    pub(crate) fn code(&self) -> u16 {
        self.flags & 0xf
    }

    /// It asks exactly one thing.
    pub(crate) fn has_one_question(&self) -> bool {
        self.questions == 1
    }

    /// Writes the question's name.
    pub(crate) fn question(&self, text: &mut String) -> Option<()> {
        text.clear();
        self.name(HEADER, text)
    }

    /// Follows the answers from the question, through aliases, to addresses. Records that do not belong to the chain are passed over
    /// (RFC 5452 §6), and so is what a cut capture lacks.
    pub(crate) fn answer(&self, out: &mut Answer) -> Option<()> {
        self.question(&mut out.asked)?;
        out.chain.clear();
        out.addresses.clear();
        out.ttl = u32::MAX;
        let mut owner = HEADER;
        for _ in 0..LONGEST_CHAIN {
            let mut next = None;
            for record in self.answers() {
                if !matches!(record.kind, A | AAAA | CNAME | HTTPS | SVCB) || !self.is_same(record.owner, owner) {
                    continue;
                }
                match record.kind {
                    CNAME if next.is_none() && !self.is_same(record.data, owner) => next = Some(record),
                    CNAME => {}
                    _ => {
                        out.ttl = out.ttl.min(record.ttl);
                        self.addresses(record, &mut out.addresses);
                    }
                }
            }
            // Answers come in order, as a rule; where an alias stands without addresses of its own, it leads on.
            let Some(alias) = next.filter(|_| out.addresses.is_empty()) else { break };
            let mut text = String::new();
            self.name(alias.data, &mut text)?;
            out.ttl = out.ttl.min(alias.ttl);
            out.chain.push(text.into());
            owner = alias.data;
        }
        if out.ttl == u32::MAX {
            out.ttl = 0;
        }
        Some(())
    }

    /// Records of the answer section, as far as they are readable.
    pub(crate) fn answers(&self) -> impl Iterator<Item = Record> + use<'a> {
        let count = usize::from(self.answers).min(MOST_RECORDS);
        self.records().take(count)
    }

    /// Records of all sections, as far as they are readable.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> + use<'a> {
        let (message, mut at) = (*self, self.records_at);
        let count = (usize::from(self.answers) + self.others as usize).min(MOST_RECORDS);
        (0..count).map_while(move |_| {
            let (record, next) = message.record(at)?;
            at = next;
            Some(record)
        })
    }

    pub(crate) fn data(&self, record: Record) -> &'a [u8] {
        self.bytes.get(record.data..record.data + record.length).unwrap_or_default()
    }

    fn addresses(&self, record: Record, out: &mut Vec<IpAddr>) {
        let data = self.data(record);
        match record.kind {
            A => out.extend(<[u8; 4]>::try_from(data).ok().map(IpAddr::from)),
            AAAA => out.extend(<[u8; 16]>::try_from(data).ok().map(IpAddr::from)),
            _ => hints(data, out),
        }
    }

    fn record(&self, owner: usize) -> Option<(Record, usize)> {
        let at = self.skip_name(owner)?;
        let fixed: &[u8; 10] = self.bytes.get(at..)?.first_chunk()?;
        let kind = u16::from_be_bytes([fixed[0], fixed[1]]);
        let ttl = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        let data = at + 10;
        (data + length <= self.bytes.len()).then_some((Record { owner, kind, ttl, data, length }, data + length))
    }

    /// Where a name written at `at` ends (a pointer ends it).
    #[inline]
    fn skip_name(&self, mut at: usize) -> Option<usize> {
        for _ in 0..128 {
            match *self.bytes.get(at)? {
                0 => return Some(at + 1),
                length @ 1..=63 => at += 1 + usize::from(length),
                0xc0..=0xff => return (at + 2 <= self.bytes.len()).then_some(at + 2),
                _ => return None,
            }
        }
        None
    }

    /// Appends the name at `at`: lower case, no dot at its end. At most 255 octets (RFC 1035 §2.3.4).
    pub(crate) fn name(&self, at: usize, text: &mut String) -> Option<()> {
        let mut octets = 0;
        let start = text.len();
        for label in self.labels(at) {
            let label = label?;
            octets += label.len() + 1;
            if octets > 255 {
                return None;
            }
            if text.len() > start {
                text.push('.');
            }
            for octet in label {
                push_octet(text, *octet, true);
            }
        }
        Some(())
    }

    /// Two names are equal without regard to case (RFC 4343).
    fn is_same(&self, one: usize, other: usize) -> bool {
        if self.resolve(one) == self.resolve(other) {
            return true;
        }
        let (mut one, mut other) = (self.labels(one), self.labels(other));
        loop {
            match (one.next(), other.next()) {
                (None, None) => return true,
                (Some(Some(a)), Some(Some(b))) if a.eq_ignore_ascii_case(b) => {}
                _ => return false,
            }
        }
    }

    /// Where a name begins that is nothing but a pointer.
    fn resolve(&self, at: usize) -> usize {
        match self.bytes.get(at..at + 2) {
            Some(&[high @ 0xc0..=0xff, low]) => usize::from(high & 0x3f) << 8 | usize::from(low),
            _ => at,
        }
    }

    /// Labels of the name at `at`; ends with `Some(None)` where it is unreadable. Pointers must lead backwards, so it ends.
    fn labels(&self, mut at: usize) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let bytes = self.bytes;
        let (mut floor, mut failed) = (at, false);
        std::iter::from_fn(move || {
            if failed {
                return None;
            }
            loop {
                match bytes.get(at) {
                    Some(0) => return None,
                    Some(&length @ 1..=63) => {
                        let label = bytes.get(at + 1..at + 1 + usize::from(length));
                        at += 1 + usize::from(length);
                        failed = label.is_none();
                        return Some(label);
                    }
                    Some(&high @ 0xc0..=0xff) => {
                        let target = bytes.get(at + 1).map(|low| usize::from(high & 0x3f) << 8 | usize::from(*low));
                        match target {
                            Some(target) if target < floor => (at, floor) = (target, target),
                            _ => break,
                        }
                    }
                    _ => break,
                }
            }
            failed = true;
            Some(None)
        })
    }
}

/// Addresses that a service binding carries (RFC 9460 §7.3: ipv4hint 4, ipv6hint 6). Its priority 0 means an alias, without any.
fn hints(data: &[u8], out: &mut Vec<IpAddr>) {
    let mut data = crate::cursor::Cursor::new(data);
    if data.u16().is_none_or(|priority| priority == 0) {
        return;
    }
    while let Some(length @ 1..=63) = data.u8() {
        data.take_up_to(length.into());
    }
    while let Some(key) = data.u16() {
        let Some(value) = data.vector16() else { return };
        match key {
            4 => out.extend(value.as_chunks::<4>().0.iter().map(|it| IpAddr::from(*it)).take(MOST_RECORDS)),
            6 => out.extend(value.as_chunks::<16>().0.iter().map(|it| IpAddr::from(*it)).take(MOST_RECORDS)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `www.a.example` -> alias `x.cdn.example` -> 203.0.113.7, and a record of somebody else.
    fn chained() -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, 3, 0, 0, 0, 0];
        bytes.extend(b"\x03WwW\x01a\x07example\x00\x00\x01\x00\x01");
        bytes.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 0x2c, 0, 8]);
        bytes.extend(b"\x01x\x03cdn\xc0\x12");
        bytes.extend(b"\x04evil\x00\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04\xc6\x33\x64\x01");
        bytes.extend(b"\x01X\x03CDN\x07example\x00\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xcb\x00\x71\x07");
        bytes
    }

    #[test]
    fn follows_the_chain_and_nothing_else() {
        let bytes = chained();
        let message = Message::read(&bytes).expect("it is a message");
        let mut answer = Answer::default();
        message.answer(&mut answer).expect("it is readable");
        assert!(message.is_response() && message.id == 0x1234 && message.kind == A);
        assert_eq!(answer.asked, "www.a.example");
        assert_eq!(answer.chain, ["x.cdn.example".into()]);
        assert_eq!(answer.addresses, [IpAddr::from([203, 0, 113, 7])]);
        assert_eq!(answer.ttl, 60, "the least of what was used");
    }

    #[test]
    fn every_cut_is_survived() {
        let bytes = chained();
        let mut answer = Answer::default();
        for end in 0..bytes.len() {
            if let Some(message) = Message::read(&bytes[..end]) {
                message.answer(&mut answer).expect("the question is whole");
                assert_eq!(answer.asked, "www.a.example");
                assert!(answer.addresses.is_empty());
            }
        }
    }

    #[test]
    fn pointers_that_lead_nowhere_end() {
        let mut bytes = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        bytes.extend([0xc0, 12, 0, 1, 0, 1]);
        let message = Message::read(&bytes).expect("the header is fine");
        assert_eq!(message.question(&mut String::new()), None, "a pointer to itself");
    }

    #[test]
    fn service_bindings_carry_addresses() {
        let mut out = Vec::new();
        hints(&[0, 1, 0, 0, 1, 0, 3, 2, b'h', b'2', 0, 4, 0, 4, 203, 0, 113, 9], &mut out);
        assert_eq!(out, [IpAddr::from([203, 0, 113, 9])]);
        hints(&[0, 1, 1], &mut out);
    }
}

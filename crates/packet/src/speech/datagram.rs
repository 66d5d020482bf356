//! What is said over UDP: DNS, QUIC and DTLS, and how devices introduce themselves.

use super::memory::{ALWAYS, INTRODUCTIONS, Kind, PATIENCE, Speech};
use super::{Ends, Listener, Segment, dhcp, dns, local, marks, quic, tls};
use crate::{Application, Name, NameSource, Time, Told};

/// Least time for which an answer counts, in seconds: clients round TTLs up.
const LEAST_TTL: u32 = 60;

impl Listener {
    pub(super) fn datagram(&mut self, flow: u64, speech: &mut Speech, ends: &Ends, segment: &Segment<'_>) {
        let bytes = segment.payload;
        let (from, to) = (ends.client.port, ends.server.port);
        let has = |port| from == port || to == port;
        match speech.kind {
            Kind::Done => {}
            Kind::Dns => drop(self.dns(ends, segment, bytes)),
            Kind::Mdns => self.mdns(speech, bytes),
            Kind::Ssdp => drop(local::ssdp(bytes, &mut self.heard.told)),
            Kind::Dhcp => drop(dhcp::read(bytes, &mut self.heard.told)),
            _ if to == 53 && self.dns(ends, segment, bytes) => speech.become_(Kind::Dns, [ALWAYS; 2]),
            _ if has(5353) && dns::Message::read(bytes).is_some() => {
                self.heard.application = Some(Application::Mdns);
                speech.become_(Kind::Mdns, [INTRODUCTIONS; 2]);
                self.mdns(speech, bytes);
            }
            _ if has(5355) && dns::Message::read(bytes).is_some() => {
                self.heard.application = Some(Application::Llmnr);
                speech.end();
            }
            _ if (has(67) || has(68)) && dhcp::read(bytes, &mut self.heard.told).is_some() => {
                self.heard.application = Some(Application::Dhcp);
                speech.become_(Kind::Dhcp, [INTRODUCTIONS; 2]);
            }
            _ if local::ssdp(bytes, &mut self.heard.told).is_some() => {
                self.heard.application = Some(Application::Ssdp);
                speech.become_(Kind::Ssdp, [INTRODUCTIONS; 2]);
            }
            Kind::Quic => self.quic(flow, speech, bytes),
            _ if segment.from_client && quic::is_quic(bytes) => {
                self.heard.application = Some(Application::Quic);
                speech.place = self.gathers.begin(flow, 0);
                speech.become_(Kind::Quic, [PATIENCE, 0]);
                self.quic(flow, speech, bytes);
            }
            _ if dtls_hello(bytes).is_some() => {
                self.heard.application = Some(Application::Dtls);
                let hello = dtls_hello(bytes).and_then(|body| tls::hello(body, true));
                if let Some(hello) = hello {
                    self.heard.name = hello.name.map(|text| Name { text, source: NameSource::Tls });
                    self.heard.told.push(Told::ClientHello(hello.shape));
                }
                // After a cookie comes a second one (RFC 9147 §5.1), which says the same.
                speech.end();
            }
            _ => {
                let snmp = marks::snmp_version(bytes);
                self.heard.application = marks::datagram(bytes, to).or(snmp.map(|_| Application::Snmp));
                if snmp.is_some_and(|version| version < 3) {
                    let (by, how) = (Application::Snmp, "community");
                    self.heard.told.push(Told::CredentialsInClear { by, how });
                }
                if self.heard.application.is_some() {
                    speech.end();
                }
            }
        }
    }

    /// A client's datagram of QUIC, whose Initials hold a ClientHello or a piece of one.
    fn quic(&mut self, flow: u64, speech: &mut Speech, bytes: &[u8]) {
        let gathers = &mut self.gathers;
        let mut hello = None;
        quic::initials(bytes, |offset, octets| {
            let joined = gathers.add(speech.place, flow, offset, octets);
            hello = joined.and_then(tls::message).and_then(|body| tls::hello(body, false)).or(hello.take());
        });
        if let Some(hello) = hello {
            self.heard.name = hello.name.map(|text| Name { text, source: NameSource::Quic });
            self.heard.told.push(Told::ClientHello(hello.shape));
            speech.left = [0; 2];
        }
        if !speech.wants(true) {
            self.gathers.end(speech.place, flow);
            speech.end();
        }
    }

    fn mdns(&mut self, speech: &mut Speech, bytes: &[u8]) {
        let Some(message) = dns::Message::read(bytes) else { return };
        local::mdns(&message, &mut self.heard.told);
        let room = usize::from(local::MOST.saturating_sub(speech.place));
        self.heard.told.truncate(room);
        speech.place += self.heard.told.len() as u16;
        if room == 0 {
            speech.end();
        }
    }

    /// A message of DNS; `false` where it is none.
    pub(super) fn dns(&mut self, ends: &Ends, segment: &Segment<'_>, bytes: &[u8]) -> bool {
        let Some(message) = dns::Message::read(bytes) else { return false };
        self.heard.application = Some(Application::Dns);
        if !message.is_standard() || !message.has_one_question() || message.is_response() == segment.from_client {
            return true;
        }
        let key = (ends.client.ip, ends.client.port, ends.server.ip, message.id);
        if !message.is_response() {
            let asked = &mut self.answer.asked;
            if message.question(asked).is_some() {
                self.asked.note(key);
                self.heard.told.push(Told::Question { asked: asked.as_str().into(), kind: message.kind });
            }
        } else if !self.asked.has(key) {
            self.unasked += 1;
        } else if message.answer(&mut self.answer).is_some() {
            let answer = &self.answer;
            if !answer.addresses.is_empty() {
                let seconds = i64::from(answer.ttl.clamp(LEAST_TTL, i32::MAX as u32)) + i64::from(self.limits.grace);
                let until = Time(segment.time.0.saturating_add(seconds * 1_000_000_000));
                self.book.write(&ends.client, &answer.asked, &answer.chain, &answer.addresses, until);
            }
            self.heard.told.push(Told::Answer {
                asked: answer.asked.as_str().into(),
                chain: answer.chain.clone(),
                addresses: answer.addresses.clone(),
                ttl: answer.ttl,
                code: message.code(),
            });
        }
        true
    }
}

/// The body of a `ClientHello` at the front of a datagram of DTLS (RFC 9147 §5.2, and before): one record, one fragment.
fn dtls_hello(bytes: &[u8]) -> Option<&[u8]> {
    let record = match bytes {
        [22, 0xfe, 0xfd | 0xff, _, _, _, _, _, _, _, _, high, low, rest @ ..] => {
            rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?
        }
        _ => return None,
    };
    match record {
        // Handshake type, length, sequence, offset and length of the fragment.
        [1, _, _, _, _, _, 0, 0, 0, _, _, _, body @ ..] => Some(body),
        _ => None,
    }
}

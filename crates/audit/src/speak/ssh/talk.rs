//! A conversation over SSH: names, offers, keys, and encrypted packets (chacha20-poly1305@openssh.com).

use std::io;

use ring::aead::chacha20_poly1305_openssh::{OpeningKey, SealingKey};

use super::exchange::{Agreed, Exchange, REPLY, Said};
use super::offer::{self, KEX, KEXINIT, Offer};
use super::wire::{self, LONGEST, Packet, packet, padded};
use crate::door::Line;
use crate::speak::cursor::Cursor;

/// One conversation.
pub(crate) struct Talk {
    line: Line,
    heard: Vec<u8>,
    /// How far `heard` was read.
    read: usize,
    /// The server's name for itself, without the end of the line.
    pub(super) name: Vec<u8>,
    /// Packets that were sent and read.
    counts: (u32, u32),
    keys: Option<(SealingKey, OpeningKey)>,
}

impl Talk {
    /// Exchanges names (RFC 4253 §4.2), after this was heard; `None` where the other side speaks something else.
    pub(crate) async fn open(line: Line, heard: Vec<u8>) -> io::Result<Option<Self>> {
        let mut talk = Self { line, heard, read: 0, name: Vec::new(), counts: (0, 0), keys: None };
        loop {
            match name(&talk.heard) {
                Name::Is(name, read) => {
                    (talk.name, talk.read) = (name, read);
                    talk.line.say(&[OUR_NAME, b"\r\n"].concat()).await?;
                    return Ok(Some(talk));
                }
                Name::More if talk.line.hear(&mut talk.heard).await? > 0 => {}
                Name::More | Name::Odd => return Ok(None),
            }
        }
    }

    /// Hears the server's offer; with keys in common, exchanges them. `host_keys` are the algorithms that may prove it.
    pub(super) async fn exchange(&mut self, host_keys: &[&'static str]) -> io::Result<(Option<Offer>, Option<Agreed>)> {
        let mut cookie = [0; 16];
        getrandom::fill(&mut cookie).map_err(io::Error::other)?;
        let our_offer = offer::ours(cookie, host_keys);
        self.say(&our_offer).await?;
        let Some(their_offer) = self.hear(KEXINIT).await? else { return Ok((None, None)) };
        let Some(offer) = Offer::read(&their_offer) else { return Ok((None, None)) };
        let method = offer::chosen(&KEX, &offer.kex).filter(|_| offer::chosen(host_keys, &offer.host_keys).is_some());
        let Some(exchange) = method.and_then(Exchange::begin) else { return Ok((Some(offer), None)) };
        self.say(&exchange.to_wire()).await?;
        let reply = self.hear(REPLY).await;
        let Ok(Some(reply)) = reply else { return Ok((Some(offer), None)) };
        let said =
            Said { our_name: OUR_NAME, their_name: &self.name, our_offer: &our_offer, their_offer: &their_offer };
        let agreed = exchange.end(&reply, said);
        Ok((Some(offer), agreed))
    }

    /// Goes on encrypted.
    pub(super) async fn encrypt(&mut self, agreed: &Agreed) -> io::Result<()> {
        self.say(&[NEWKEYS]).await?;
        self.hear(NEWKEYS).await?.ok_or(io::ErrorKind::InvalidData)?;
        self.keys = Some((SealingKey::new(&agreed.key(b'C')), OpeningKey::new(&agreed.key(b'D'))));
        Ok(())
    }

    /// Sends a payload.
    pub(crate) async fn say(&mut self, payload: &[u8]) -> io::Result<()> {
        let count = self.counts.0;
        self.counts.0 = count.wrapping_add(1);
        let Some((key, _)) = &self.keys else { return self.line.say(&padded(payload, 4)).await };
        let (mut wire, mut tag) = (padded(payload, 0), [0; 16]);
        key.seal_in_place(count, &mut wire, &mut tag);
        wire.extend(tag);
        self.line.say(&wire).await
    }

    /// The next payload of this kind, without what may be said at any time; `None` at the end or where it says something else.
    pub(super) async fn hear(&mut self, kind: u8) -> io::Result<Option<Vec<u8>>> {
        Ok(self.next().await?.filter(|it| it.first() == Some(&kind)))
    }

    /// The next payload but for what may be said at any time (RFC 4253 §11); `None` at the end, or of no packet.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            match self.packet() {
                Packet::Whole(payload, used) => {
                    self.read += used;
                    self.counts.1 = self.counts.1.wrapping_add(1);
                    if !payload.first().is_some_and(|it| ANY_TIME.contains(it)) {
                        return Ok(Some(payload));
                    }
                }
                Packet::More if self.line.hear(&mut self.heard).await? > 0 => {}
                Packet::More | Packet::Odd => return Ok(None),
            }
        }
    }

    fn packet(&self) -> Packet {
        let rest = &self.heard[self.read..];
        match &self.keys {
            Some((_, key)) => sealed(rest, self.counts.1, key),
            None => packet(rest),
        }
    }
}

fn sealed(octets: &[u8], count: u32, key: &OpeningKey) -> Packet {
    let Some(length) = octets.first_chunk::<4>() else { return Packet::More };
    let length = Cursor(&key.decrypt_packet_length(count, *length)).u32().unwrap_or_default();
    if !(2..=LONGEST).contains(&length) {
        return Packet::Odd;
    }
    let end = 4 + length as usize;
    let Some(tag) = octets.get(end..).and_then(|it| it.first_chunk::<16>()) else { return Packet::More };
    let mut body = octets[..end].to_vec();
    let opened = key.open_in_place(count, &mut body, tag).ok().and_then(wire::payload);
    opened.map_or(Packet::Odd, |it| Packet::Whole(it.to_vec(), end + 16))
}

/// The line by which the other side names itself.
pub(super) enum Name {
    /// Without its end; how far was read.
    Is(Vec<u8>, usize),
    More,
    Odd,
}

/// Other lines may come before it (RFC 4253 §4.2).
pub(super) fn name(octets: &[u8]) -> Name {
    let mut at = 0;
    while let Some(length) = octets[at..].iter().position(|it| *it == b'\n') {
        let line = &octets[at..at + length];
        at += length + 1;
        if line.starts_with(b"SSH-") && line.len() <= 256 {
            return Name::Is(line.strip_suffix(b"\r").unwrap_or(line).to_vec(), at);
        }
        if at > MOST_BEFORE {
            return Name::Odd;
        }
    }
    let begun = &octets[at..];
    let odd = begun.first().is_some_and(|it| !it.is_ascii_graphic() && *it != b' ') || begun.len() > MOST_BEFORE;
    if odd { Name::Odd } else { Name::More }
}

/// Octets of a banner before the name.
const MOST_BEFORE: usize = 8 * 1024;

const OUR_NAME: &[u8] = b"SSH-2.0-Fleetward";
const NEWKEYS: u8 = 21;
/// `IGNORE`, `UNIMPLEMENTED`, `DEBUG`, `EXT_INFO` (RFC 8308).
const ANY_TIME: [u8; 4] = [2, 3, 4, 7];

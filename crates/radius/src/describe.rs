//! A packet for people: names, values, secrets and identities masked.

use std::fmt;

use crate::attribute::Attribute;
use crate::dictionary::{self, Format};
use crate::tgpp::{Location, Rat, TimeZone, kind};
use crate::{Packet, Text, vendor};

/// Prints a packet, one attribute a line. Safe for a log: passwords never show, identities show their ends, text is escaped.
#[derive(Clone, Copy)]
pub struct Describe<'a> {
    packet: Packet<'a>,
}

impl<'a> Packet<'a> {
    /// For people: one attribute a line, secrets and identities masked.
    pub fn describe(&self) -> Describe<'a> {
        Describe { packet: *self }
    }
}

impl fmt::Debug for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} id {}, {} octets", self.code(), self.identifier(), self.bytes().len())
    }
}

impl fmt::Display for Describe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.packet)?;
        self.packet.attributes().try_for_each(|attribute| line(f, attribute))
    }
}

impl fmt::Debug for Describe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn line(f: &mut fmt::Formatter<'_>, attribute: Attribute<'_>) -> fmt::Result {
    if attribute.kind == dictionary::VENDOR_SPECIFIC
        && let Some((id, list)) = vendor::split(attribute.value)
    {
        return vendor_lines(f, id, list);
    }
    let (name, format) = dictionary::look_up(attribute.kind).unwrap_or(("", Format::Octets));
    label(f, 2, name, attribute.kind)?;
    value(f, format, attribute)?;
    writeln!(f)
}

fn vendor_lines(f: &mut fmt::Formatter<'_>, id: u32, list: &[u8]) -> fmt::Result {
    writeln!(f, "  Vendor-Specific, vendor {id}")?;
    for attribute in vendor::list(list) {
        let known = if id == dictionary::VENDOR_3GPP { kind::look_up(attribute.kind) } else { None };
        // An unknown vendor's attribute may be anything, a password as well: only its length shows.
        let (name, format) = known.unwrap_or(("", Format::Secret));
        label(f, 4, name, attribute.kind)?;
        if !(id == dictionary::VENDOR_3GPP && decoded(f, attribute)?) {
            value(f, format, attribute)?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn label(f: &mut fmt::Formatter<'_>, indent: usize, name: &str, kind: u8) -> fmt::Result {
    if name.is_empty() { write!(f, "{:indent$}Attribute-{kind}: ", "") } else { write!(f, "{:indent$}{name}: ", "") }
}

/// The structured 3GPP values; says whether it was one.
fn decoded(f: &mut fmt::Formatter<'_>, attribute: Attribute<'_>) -> Result<bool, fmt::Error> {
    match (attribute.kind, attribute.value) {
        (kind::RAT_TYPE, [rat]) => write!(f, "{}", Rat(*rat))?,
        (kind::USER_LOCATION_INFO, octets) => match Location::from_wire(octets) {
            Some(location) => write!(f, "{location}")?,
            None => return Ok(false),
        },
        (kind::MS_TIME_ZONE, octets) => match TimeZone::from_wire(octets) {
            Some(zone) => write!(f, "{zone}")?,
            None => return Ok(false),
        },
        _ => return Ok(false),
    }
    Ok(true)
}

fn value(f: &mut fmt::Formatter<'_>, format: Format, attribute: Attribute<'_>) -> fmt::Result {
    let octets = attribute.value;
    match format {
        Format::Secret => write!(f, "({} octets, not shown)", octets.len()),
        Format::Identity => identity(f, octets),
        Format::Text => write!(f, "{:?}", Text::new(octets)),
        Format::Number => or_hex(f, attribute.u32(), octets),
        Format::Ipv4 => or_hex(f, attribute.ipv4(), octets),
        Format::Ipv6 => or_hex(f, attribute.ipv6(), octets),
        Format::Prefix => or_hex(f, attribute.ipv6_prefix(), octets),
        Format::Octets => hex(f, octets),
    }
}

fn or_hex(f: &mut fmt::Formatter<'_>, value: Option<impl fmt::Display>, octets: &[u8]) -> fmt::Result {
    match value {
        Some(value) => write!(f, "{value}"),
        None => hex(f, octets),
    }
}

fn hex(f: &mut fmt::Formatter<'_>, octets: &[u8]) -> fmt::Result {
    f.write_str("0x")?;
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

/// The first five and last two characters of something long enough to stay unknown, else only its length.
fn identity(f: &mut fmt::Formatter<'_>, octets: &[u8]) -> fmt::Result {
    match Text::new(octets).clean() {
        Some(text) if text.is_ascii() && text.len() >= 12 => {
            write!(f, "\"{}{:•>width$}{}\"", &text[..5], "", &text[text.len() - 2..], width = text.len() - 7)
        }
        _ => write!(f, "({} octets, masked)", octets.len()),
    }
}

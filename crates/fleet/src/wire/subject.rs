//! Whom an observation is about, read from its bytes without decoding the rest: for an index by device.

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::DeviceId;

/// Field numbers, as in `message.rs`.
const SOURCE: u32 = 3;
const DEVICE: u32 = 4;
const NAS_RESET: u32 = 10;

/// The device that an observation in its wire form is about; for a restart of a NAS, [`nas_subject`] of it. `None` for
/// what concerns everybody (ticks), and for bytes that are no observation.
pub fn subject(mut bytes: &[u8]) -> Option<u64> {
    let mut source: &[u8] = &[];
    loop {
        let (number, kind) = decode_key(&mut bytes).ok()?;
        match (number, kind) {
            (DEVICE, WireType::SixtyFourBit) if bytes.len() >= 8 => {
                let device = bytes.get_u64_le();
                if device != 0 {
                    return Some(device);
                }
            }
            (SOURCE, WireType::LengthDelimited) => source = delimited(&mut bytes)?,
            (NAS_RESET, WireType::LengthDelimited) => {
                let nas = nas_of(delimited(&mut bytes)?)?.unwrap_or(source);
                return std::str::from_utf8(nas).ok().map(nas_subject);
            }
            _ => skip_field(kind, number, &mut bytes, DecodeContext::default()).ok()?,
        }
    }
}

/// What the restarts of a NAS are found by. No device has this id, unless somebody names one so.
pub fn nas_subject(nas: &str) -> u64 {
    DeviceId::of(&format!("nas\0{nas}")).0
}

/// The first field of a restart, where it is stated.
#[expect(clippy::option_option, reason = "no message, or no such field")]
fn nas_of(mut bytes: &[u8]) -> Option<Option<&[u8]>> {
    while bytes.has_remaining() {
        match decode_key(&mut bytes).ok()? {
            (1, WireType::LengthDelimited) => return delimited(&mut bytes).map(Some),
            (number, kind) => skip_field(kind, number, &mut bytes, DecodeContext::default()).ok()?,
        }
    }
    Some(None)
}

fn delimited<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
    let (held, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::to_wire;
    use crate::{Body, NasReset, Observation, Timestamp};

    fn about(device: u64, source: &str, body: Body) -> Option<u64> {
        let now = Timestamp(1_795_000_000_000);
        let device = DeviceId(device);
        let observation =
            Observation { event_time: now, observed_at: now, source: source.into(), device, identity: None, body };
        let mut bytes = Vec::new();
        to_wire(&observation, &mut bytes);
        subject(&bytes)
    }

    #[test]
    fn the_device_is_read_and_ticks_are_about_nobody() {
        let body = || Body::NasReset(NasReset { nas: "pgw-1".into(), on: true });
        assert_eq!(about(77, "clock", Body::Tick), Some(77));
        assert_eq!(about(0, "clock", Body::Tick), None);
        assert_eq!(about(0, "pgw-1", body()), Some(nas_subject("pgw-1")));
        assert_eq!(about(0, "collector", body()), Some(nas_subject("pgw-1")));
        assert_ne!(nas_subject("pgw-1"), DeviceId::of("pgw-1").0);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        for bytes in [&b""[..], b"\x21\x01", b"\x1a\xff\xff\xff\xff\x0f", b"\x52\x02\x0a\xff", b"\xff\xff\xff\xff\xff"]
        {
            assert_eq!(subject(bytes), None);
        }
    }
}

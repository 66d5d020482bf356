//! MQTT 3.1.1: CONNECT, and what CONNACK says (§3.1, §3.2).

use std::io;

use super::knock::{Place, Reply, Try, hear_until};

pub(super) async fn knock(place: Place<'_>, with: Option<Try<'_>>) -> io::Result<Reply> {
    let mut line = place.line().await?;
    line.say(&connect(with)).await?;
    let answer = hear_until(&mut line, |heard| heard.len() >= 4).await?;
    if answer.starts_with(&[0x20, 2]) {
        line.say(&[0xE0, 0]).await.ok();
    }
    Ok(match answer[..] {
        [0x20, 2, _, 0, ..] => Reply::Open,
        [0x20, 2, _, code @ (4 | 5), ..] => Reply::Refused(code.to_string()),
        [0x20, 2, _, 3, ..] => Reply::Locked,
        // Some brokers hang up instead of saying that they know nobody without a name.
        [] if with.is_none() => Reply::Refused("4".into()),
        [] => Reply::Refused("5".into()),
        _ => Reply::Strange,
    })
}

fn connect(with: Option<Try<'_>>) -> Vec<u8> {
    // Names of more than 64 KiB do not come from lists; they are cut.
    let field = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        [&length.to_be_bytes(), &bytes[..usize::from(length)]].concat()
    };
    let flags = if with.is_some() { 0xC2 } else { 0x02 };
    let mut body = [&field(b"MQTT")[..], &[4, flags, 0, 30], &field(b"")].concat();
    if let Some(with) = with {
        body.extend(field(with.user.as_bytes()));
        body.extend(field(with.password));
    }
    let (mut packet, mut length) = (vec![0x10], body.len());
    loop {
        let octet = u8::try_from(length % 128).unwrap_or(0);
        length /= 128;
        packet.push(if length > 0 { octet | 0x80 } else { octet });
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_as_the_standard_has_it() {
        let without = [0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 30, 0, 0];
        assert_eq!(connect(None), without);
        let with = connect(Some(Try { user: "u", password: b"pw" }));
        assert_eq!((with[1], with[9]), (19, 0xC2));
        assert!(with.ends_with(&[0, 1, b'u', 0, 2, b'p', b'w']));
    }
}

//! SNMP version 2c (RFC 3416): a GET of sysDescr.0 with the community; who does not know it hears nothing.

use std::io;
use std::time::Duration;

use super::knock::{Place, Reply, Try};

pub(super) async fn knock(place: Place<'_>, with: Option<Try<'_>>) -> io::Result<Reply> {
    let Some(with) = with else { return Ok(Reply::Refused(String::new())) };
    let community = &with.password[..with.password.len().min(64)];
    match place.door.udp(place.target, place.port, &get(community), Duration::from_secs(2)).await {
        // A response (RFC 3416 §3) carries the community that was sent.
        Ok(answer) if answer.first() == Some(&0x30) && answer.contains(&0xA2) => Ok(Reply::Open),
        Ok(_) => Ok(Reply::Strange),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(Reply::Refused("silence".into())),
        Err(error) => Err(error),
    }
}

fn get(community: &[u8]) -> Vec<u8> {
    // Everything is shorter than 128 octets, so lengths have one octet.
    let item = |tag: u8, body: &[u8]| [&[tag, u8::try_from(body.len()).unwrap_or(0x7F)], body].concat();
    let name = item(6, &[0x2B, 6, 1, 2, 1, 1, 1, 0]);
    let binding = item(0x30, &item(0x30, &[&name[..], &[5, 0]].concat()));
    let pdu = item(0xA0, &[&[2, 1, 1, 2, 1, 0, 2, 1, 0][..], &binding].concat());
    item(0x30, &[&[2, 1, 1][..], &item(4, community), &pdu].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_get_is_well_formed() {
        let get = get(b"public");
        assert_eq!(usize::from(get[1]) + 2, get.len());
        assert_eq!(&get[2..13], b"\x02\x01\x01\x04\x06public");
    }
}

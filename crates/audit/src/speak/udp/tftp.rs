//! TFTP (RFC 1350): a read of a name that nobody has. The answer is an error from a port of its own (§4).

use std::io;

use super::super::words::shown_octets;
use super::talk::Talk;
use crate::fact::{Access, Service};

/// Read request, name, mode (§5).
const REQUEST: &[u8] = b"\x00\x01fleetward-asks-for-no-file\x00octet\x00";

/// "Not defined": ends a transfer (§7).
const END: &[u8] = b"\x00\x05\x00\x00no file is wanted\x00";

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    let answer = talk.ask(REQUEST).await?;
    if answer.starts_with(&[0, 3]) {
        talk.end(END).await;
    }
    Ok(read(&answer))
}

fn read(octets: &[u8]) -> Option<Service> {
    let (head, text) = octets.split_first_chunk::<4>()?;
    let evidence = match head {
        [0, 5, 0, code @ 0..=8] => format!("error {code}: {}", shown_octets(text)),
        [0, 3, 0, 1] => "a file of any name".into(),
        _ => return None,
    };
    let evidence = shown_octets(evidence.as_bytes());
    // The protocol knows no user; access violation (2) is a server that refuses all that are not listed.
    let access = if head[3] == 2 && head[1] == 5 { Access::Unasked } else { Access::Anybody };
    Some(Service { protocol: "tftp".into(), evidence, access, ..Service::default() })
}

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    read(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_server() {
        let service = read(b"\x00\x05\x00\x01file not found\x00").unwrap();
        assert_eq!((&*service.evidence, service.access), ("error 1: file not found", Access::Anybody));
        assert_eq!(read(b"\x00\x05\x00\x02Access violation\x00").unwrap().access, Access::Unasked);
        assert_eq!(read(b"\x00\x03\x00\x01data").unwrap().access, Access::Anybody);
        assert_eq!(read(b"\x00\x05\x01\x01"), None);
    }
}

//! OPC UA over TCP (OPC 10000-6 §7.1): hello, a channel without security, and the list of endpoints that every server has
//! to tell (OPC 10000-4 §5.4.4). No session is made.

mod endpoint;
mod octets;

use std::io;

use super::way::{Answer, Way, hear};
use super::words::{note, shown};
use crate::door::Line;
use crate::fact::{Access, Service};
use endpoint::{Endpoint, endpoints};

pub(super) async fn ask(way: &Way, mut line: Line) -> io::Result<Answer> {
    let url = format!("opc.tcp://{}:{}", way.host(), way.port);
    let hello = [&[0; 4][..], &[0xFF, 0xFF, 0, 0].repeat(2), &[0; 8], &octets::text(&url)].concat();
    let mut heard = way.exchange(&mut line, &message(*b"HEL", &hello), is_whole).await;
    if heard.starts_with(b"ACK") {
        let channel = way.exchange(&mut line, &message(*b"OPN", &endpoint::channel()), is_whole).await;
        if let Some(question) = endpoint::question(&channel, &url) {
            line.extend(way.patience());
            line.say(&message(*b"MSG", &question)).await?;
            // Certificates are long, and come with each endpoint.
            heard.extend(hear(&mut line, 64 * 1024, is_whole).await);
        }
    }
    Ok(Answer::of(read(&heard), heard))
}

/// A message of one chunk: kind, `F`, length.
fn message(kind: [u8; 3], body: &[u8]) -> Vec<u8> {
    [&kind, &b"F"[..], &(body.len() as u32 + 8).to_le_bytes(), body].concat()
}

/// One chunk of a message (OPC 10000-6 §7.1.2.2).
struct Chunk<'a> {
    kind: &'a [u8],
    is_last: bool,
    body: &'a [u8],
    after: &'a [u8],
}

fn chunk(heard: &[u8]) -> Option<Chunk<'_>> {
    let length = u32::from_le_bytes(heard.get(4..8)?.try_into().ok()?) as usize;
    let (whole, after) = heard.split_at_checked(length.max(8))?;
    Some(Chunk { kind: &whole[..3], is_last: whole[3] != b'C', body: &whole[8..], after })
}

/// All chunks of the message came.
fn is_whole(mut heard: &[u8]) -> bool {
    while let Some(next) = chunk(heard) {
        if next.is_last {
            return true;
        }
        heard = next.after;
    }
    false
}

/// What the acknowledgement, and the endpoints where they came, show.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let first = chunk(heard).filter(|it| matches!(it.kind, b"ACK" | b"ERR"))?;
    let mut service = Service { protocol: "opc-ua".into(), ..Service::default() };
    service.evidence = shown(&format!("{}, {} octets", String::from_utf8_lossy(first.kind), first.body.len()));
    let (mut whole, mut rest) = (Vec::new(), first.after);
    while let Some(next) = chunk(rest).filter(|it| it.kind == b"MSG") {
        whole.extend_from_slice(next.body.get(16..).unwrap_or_default());
        rest = next.after;
    }
    let all = endpoints(&whole);
    if let Some(first) = all.first() {
        tell(&mut service, first, &all);
    }
    Some(service)
}

fn tell(service: &mut Service, first: &Endpoint, all: &[Endpoint]) {
    let unique = |of: &dyn Fn(&Endpoint) -> Vec<String>| {
        let mut names: Vec<String> = all.iter().flat_map(of).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let policies = unique(&|it| vec![it.policy.clone()]);
    let tokens = unique(&|it| it.tokens.iter().map(|token| (*token).to_owned()).collect());
    let is_open = all.iter().any(|it| it.is_without_security && it.tokens.contains(&"anonymous"));
    service.product = Some(shown(&first.name)).filter(|it| !it.is_empty());
    service.evidence = shown(&format!("{}; policies {}; users {}", first.name, policies.join(", "), tokens.join(", ")));
    note(service, "product_uri", &first.product);
    note(service, "policies", &policies.join(", "));
    note(service, "methods", &tokens.join(", "));
    service.access =
        if is_open { Access::Anybody } else { Access::Asks { methods: tokens.into_iter().map(Into::into).collect() } };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledged_and_listed() {
        let acknowledged = message(*b"ACK", &[0; 20]);
        assert_eq!(read(&acknowledged).unwrap().access, Access::Unasked);
        let list = |token: u32, mode: u32| {
            let body = [&[0; 16][..], &endpoint::tests::response(token, mode)].concat();
            let (first, second) = body.split_at(40);
            let mut cut = message(*b"MSG", first);
            cut[3] = b'C';
            [&acknowledged[..], &cut, &message(*b"MSG", &[&[0; 16][..], second].concat())].concat()
        };
        let open = read(&list(0, 1)).unwrap();
        assert_eq!((open.access, open.product.as_deref()), (Access::Anybody, Some("Server")));
        assert_eq!(&*open.notes["policies"], "None");
        let asks = read(&list(1, 1)).unwrap();
        assert_eq!(asks.access, Access::Asks { methods: vec!["password".into()] });
        assert!(is_whole(&list(0, 3)[acknowledged.len()..]) && !is_whole(&list(0, 3)[acknowledged.len()..60]));
        assert!(read(b"HTTP/1.1 400 Bad Request").is_none());
    }
}

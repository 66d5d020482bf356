//! RTSP (RFC 2326): OPTIONS tells who it is, DESCRIBE whether everybody may watch. No stream is set up.

use std::io;

use super::http::Response;
use super::product;
use super::way::{Answer, Way, has_head};
use super::words::{note, shown};
use crate::door::Line;
use crate::fact::{Access, Service};

pub(super) async fn ask(way: &Way, mut line: Line) -> io::Result<Answer> {
    let options = way.exchange(&mut line, question(way, "OPTIONS", 1).as_bytes(), has_head).await;
    if Response::of(VERSION, &options).is_none() {
        return Ok(Answer::Other(options));
    }
    let describe = way.exchange(&mut line, question(way, "DESCRIBE", 2).as_bytes(), has_head).await;
    Ok(Answer::of(read(&options, &describe), options))
}

fn question(way: &Way, method: &str, sequence: u8) -> String {
    let url = format!("rtsp://{}:{}/", way.host(), way.port);
    format!(
        "{method} {url} RTSP/1.0\r\nCSeq: {sequence}\r\nUser-Agent: fleetward-audit\r\nAccept: application/sdp\r\n\r\n"
    )
}

/// What the two answers show; DESCRIBE may be missing.
pub(super) fn read(options: &[u8], describe: &[u8]) -> Option<Service> {
    let first = Response::of(VERSION, options)?;
    let second = Response::of(VERSION, describe);
    let mut service = Service { protocol: "rtsp".into(), ..Service::default() };
    let server = [Some(&first), second.as_ref()].into_iter().flatten().find_map(|it| it.header("server"));
    let server = server.unwrap_or_default();
    product::server(&mut service, server);
    let status = second.as_ref().map_or("no answer", |it| &it.status_line);
    service.evidence = shown(&format!("{}; Server: {server}; DESCRIBE: {status}", first.status_line));
    note(&mut service, "public", first.header("public").unwrap_or_default());
    let asking = second.iter().chain([&first]).find(|it| it.status == 401);
    service.access = match asking {
        Some(it) => {
            let methods = it.challenges();
            note(&mut service, "methods", &methods.join(", "));
            Access::Asks { methods: methods.into_iter().map(Into::into).collect() }
        }
        None if second.as_ref().is_some_and(|it| it.status == 200) => Access::Anybody,
        None => Access::Unasked,
    };
    Some(service)
}

const VERSION: &str = "RTSP/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_or_asked() {
        let options = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Eye/1.2\r\nPublic: OPTIONS, DESCRIBE\r\n\r\n";
        let open = read(options, b"RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\nv=0").unwrap();
        assert_eq!((open.access, open.version.as_deref()), (Access::Anybody, Some("1.2")));
        let asks = read(options, b"RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm=\"x\"\r\n\r\n").unwrap();
        assert_eq!(asks.access, Access::Asks { methods: vec!["digest".into()] });
        assert_eq!(read(options, b"RTSP/1.0 404 Not Found\r\n\r\n").unwrap().access, Access::Unasked);
    }
}

//! HTTP/1.1 (RFC 9112): the first page, what serves it, whether it asks who one is, and where it leads.
//!
//! A redirect is followed on the same port of the same address only, twice at most; any other is noted.

mod form;
pub(super) mod onvif;
mod place;
mod response;
pub(super) mod upnp;

use std::io;

pub(crate) use form::{Form, Shown};
pub(crate) use place::path_of;
pub(crate) use response::Response;

pub(crate) use super::way::url_host;

use super::protocol::Protocol;
use super::way::{Answer, Way, head_end};
use super::words::{note, shown};
use super::{greeting, product};
use crate::door::Line;
use crate::fact::{Access, Service};

pub(super) async fn ask(way: &Way, line: Line) -> io::Result<Answer> {
    let heard = get(way, line, "/").await;
    let is_elsewhere = !way.is_inside && greeting::protocol(&heard) == Some(Protocol::Tls);
    let Some(mut service) = read(&heard).filter(|_| !is_elsewhere) else { return Ok(Answer::Other(heard)) };
    let (mut last, mut path) = (heard, "/".to_owned());
    for _ in 0..HOPS {
        let next = Response::read(&last).and_then(|it| place::own(way, &path, &it));
        let Some(next) = next.filter(|it| *it != path) else { break };
        let Ok(line) = way.open().await else { break };
        last = get(way, line, &next).await;
        let Some(page) = read(&last) else { break };
        service = merge(service, page);
        note(&mut service, "path", &next);
        path = next;
    }
    if upnp::is_likely(way.port, &service) {
        upnp::ask(way, &mut service).await;
    }
    if &*service.protocol == "http" {
        onvif::ask(way, &mut service).await;
    }
    Ok(Answer::Is(Box::new(service)))
}

/// One page, as it came.
pub(super) async fn get(way: &Way, mut line: Line, path: &str) -> Vec<u8> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: fleetward-audit\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        authority(&way.host(), way.port, way.is_inside)
    );
    exchange(way, &mut line, request.as_bytes()).await
}

/// Asks and hears one whole answer, its body up to a bound.
pub(super) async fn exchange(way: &Way, line: &mut Line, request: &[u8]) -> Vec<u8> {
    line.extend(way.patience());
    if line.say(request).await.is_err() {
        return Vec::new();
    }
    super::way::hear(line, HEAD + BODY, is_whole).await
}

/// Nothing more of this answer comes, or is read: its body has the length that it stated, or the most.
pub(crate) fn is_whole(heard: &[u8]) -> bool {
    let Some(begin) = head_end(heard) else { return heard.len() >= HEAD };
    let body = heard.len() - begin;
    let length = Response::read(heard).and_then(|it| it.header("content-length")?.parse().ok());
    match length {
        Some(length) => body >= BODY.min(length),
        // Chunks end with an empty one (RFC 9112 §7.1).
        None => body >= BODY || heard.ends_with(b"\r\n0\r\n\r\n"),
    }
}

/// What one answer shows.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let page = Response::read(heard)?;
    let mut service = Service { protocol: "http".into(), ..Service::default() };
    let server = page.header("server").unwrap_or_default();
    let title = page.title().unwrap_or_default();
    let methods = page.challenges();
    let realm = page.header("www-authenticate").and_then(response::realm).unwrap_or_default();
    let words = [("", page.status_line.as_str()), ("Server: ", server), ("realm ", &realm), ("title ", &title)];
    let words = words.iter().filter(|(_, it)| !it.is_empty()).map(|(name, it)| format!("{name}{it}"));
    service.evidence = shown(&words.collect::<Vec<_>>().join("; "));
    product::server(&mut service, server);
    for (name, value) in [("server", server), ("title", &title), ("realm", &realm), ("methods", &methods.join(", "))] {
        note(&mut service, name, value);
    }
    note(&mut service, "cookies", &page.cookies());
    note(&mut service, "redirect", page.header("location").unwrap_or_default());
    let shown = Shown::read(page.body);
    if let Some(form) = &shown.form {
        note(&mut service, FORM, if form.asks_name() { "name and password" } else { PASSWORD_ALONE });
    }
    service.access = access(&page, methods, &shown);
    Some(service)
}

fn access(page: &Response<'_>, methods: Vec<String>, shown: &Shown) -> Access {
    let asks = |methods: Vec<String>| Access::Asks { methods: methods.into_iter().map(Into::into).collect() };
    match page.status {
        401 if methods.is_empty() => asks(vec!["password".into()]),
        401 => asks(methods),
        _ if shown.asks => asks(vec!["form".into()]),
        200..=299 => Access::Anybody,
        _ => Access::Unasked,
    }
}

/// Of two pages of one server: what the later one asks, and whatever either of them tells.
fn merge(first: Service, mut later: Service) -> Service {
    let mut notes = first.notes;
    notes.append(&mut later.notes);
    let evidence = shown(&format!("{}; then {}", first.evidence, later.evidence));
    let (product, version, cpe) = if later.product.is_some() {
        (later.product, later.version, later.cpe)
    } else {
        (first.product, first.version, first.cpe)
    };
    Service { product, version, cpe, evidence, notes, ..later }
}

/// Host and port as URLs have them, the usual port left out.
pub(crate) fn authority(host: &str, port: u16, is_inside: bool) -> String {
    if port == usual_port(is_inside) { host.to_owned() } else { format!("{host}:{port}") }
}

/// Which URLs of the scheme leave out.
fn usual_port(is_inside: bool) -> u16 {
    if is_inside { 443 } else { 80 }
}

/// The note that says what a log-in form asks for; one that may be something else, or that a script sends, has none.
pub(crate) const FORM: &str = "form";
/// It asks for no name.
pub(crate) const PASSWORD_ALONE: &str = "password alone";

/// Redirects that are followed.
const HOPS: usize = 2;
/// Octets of a page: the log-in forms of devices are within.
const BODY: usize = 64 * 1024;
/// Octets before it.
const HEAD: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Service {
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn pages_that_ask() {
        let basic =
            of("HTTP/1.1 401 Unauthorized\r\nServer: Boa/0.94.14\r\nWWW-Authenticate: Basic realm=\"cam\"\r\n\r\n");
        assert_eq!(basic.access, Access::Asks { methods: vec!["basic".into()] });
        assert_eq!((basic.product.as_deref(), &*basic.notes["realm"]), (Some("Boa"), "cam"));
        let form = of("HTTP/1.0 200 OK\r\n\r\n<TITLE>Log in</TITLE><form><input TYPE = 'password' name=p></form>");
        assert_eq!((form.access, &*form.notes["title"]), (Access::Asks { methods: vec!["form".into()] }, "Log in"));
        assert_eq!(of("HTTP/1.0 200 OK\r\n\r\nhello").access, Access::Anybody);
        assert!(read(b"RTSP/1.0 400 Bad Request\r\n\r\n").is_none());
    }

    #[test]
    fn secrets_of_a_page_are_not_shown() {
        let page = of("HTTP/1.1 200 OK\r\nSet-Cookie: sid=Hidden; HttpOnly\r\nSet-Cookie: a=Hidden; Secure\r\n\r\n");
        assert_eq!(&*page.notes["cookies"], "sid without Secure, a without HttpOnly");
        assert!(!format!("{page:?}").contains("Hidden"));
    }
}

//! HTTP log-in forms: the page is asked for, filled in and sent as a browser would, and what that changed is looked at.
//!
//! No status says "wrong password", so a log-in counts as one only where a stranger and who logged in are shown different
//! things at the same address; what cannot be told apart counts as refused. A session that was opened is ended again where
//! the page has a link for that: many devices let only one in.

use std::collections::BTreeMap;
use std::io;

use super::http::own_path;
use super::knock::{Place, Reply, Try, says_locked};
use crate::fact::{Access, Service};
use crate::speak::http::{self, Form, Response, Shown, is_whole, path_of};

/// The service said that it asks by a form.
pub(super) fn is_asked(service: &Service) -> bool {
    matches!(&service.access, Access::Asks { methods } if methods.iter().any(|it| &**it == "form"))
}

pub(super) async fn knock(place: Place<'_>, with: Option<Try<'_>>) -> io::Result<Reply> {
    let at = own_path(place);
    let page = Page::get(place, &at, &Cookies::default()).await?;
    if let Some(reply) = page.unwilling() {
        return Ok(reply);
    }
    let Some(form) = page.shown.form.as_ref() else { return Ok(Reply::Strange) };
    let Some(with) = with else { return Ok(Reply::Refused(form.shape())) };
    let Some(action) = page.path(place, if form.action.is_empty() { &at } else { &form.action }) else {
        return Ok(Reply::Strange);
    };
    let mut cookies = page.cookies.clone();
    let answer = Page::post(place, &action, &at, form.filled(with.user, with.password), &cookies).await?;
    cookies.extend(&answer);
    if let Some(reply) = answer.unwilling().or_else(|| answer.refusal(form)) {
        return Ok(reply);
    }
    let to = match answer.location.as_deref() {
        Some(location) => match answer.path(place, location) {
            Some(path) => path,
            None => return Ok(Reply::Refused("it leads elsewhere".into())),
        },
        None => at,
    };
    let inside = follow(place, &to, &mut cookies).await?;
    if let Some(reply) = inside.unwilling() {
        return Ok(reply);
    }
    let outside = follow(place, &to, &mut Cookies::default()).await?;
    if !is_inside(&inside, &outside) {
        return Ok(Reply::Refused(form.shape()));
    }
    if let Some(out) = inside.shown.way_out.as_deref().and_then(|it| inside.path(place, it)) {
        // The answer is of no interest; where there is none, the session ends by itself.
        Page::get(place, &out, &cookies).await.ok();
    }
    Ok(Reply::Open)
}

/// The page at `path`, or the one of the same server that it leads to.
async fn follow(place: Place<'_>, path: &str, cookies: &mut Cookies) -> io::Result<Page> {
    let mut page = Page::get(place, path, cookies).await?;
    for _ in 0..2 {
        cookies.extend(&page);
        let Some(next) = page.location.as_deref().and_then(|it| page.path(place, it)) else { break };
        page = Page::get(place, &next, cookies).await?;
    }
    Ok(page)
}

/// Who logged in is shown a page that asks for nothing, and a stranger is not; or, where the device knows one by the
/// address alone, the page now has a way out.
fn is_inside(inside: &Page, outside: &Page) -> bool {
    let is_let_in = (200..300).contains(&inside.status) && !inside.shown.asks;
    let is_kept_out = outside.shown.asks || matches!(outside.status, 401 | 403);
    let says_no = NO.iter().any(|word| inside.shown.text.contains(word));
    is_let_in && (inside.shown.way_out.is_some() || is_kept_out && !says_no)
}

/// One answer.
#[derive(Debug)]
struct Page {
    at: String,
    status: u16,
    location: Option<String>,
    cookies: Cookies,
    shown: Shown,
}

/// Names and values, which are sent back and never shown.
#[derive(Debug, Default, Clone)]
struct Cookies(BTreeMap<String, String>);

impl Cookies {
    fn extend(&mut self, page: &Page) {
        self.0.extend(page.cookies.0.clone());
    }

    /// As a line of a request (RFC 6265 §4.2.1).
    fn line(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { String::new() } else { format!("Cookie: {}\r\n", pairs.join("; ")) }
    }
}

impl Page {
    async fn get(place: Place<'_>, path: &str, cookies: &Cookies) -> io::Result<Self> {
        Self::ask(place, path, format!("GET {path} HTTP/1.0\r\n{}", cookies.line()), "").await
    }

    async fn post(place: Place<'_>, path: &str, from: &str, body: String, cookies: &Cookies) -> io::Result<Self> {
        let site = format!("{}://{}", if place.service.encrypted { "https" } else { "http" }, authority(place));
        let head = format!(
            "POST {path} HTTP/1.0\r\nOrigin: {site}\r\nReferer: {site}{from}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{}",
            body.len(),
            cookies.line()
        );
        Self::ask(place, path, head, &body).await
    }

    /// HTTP/1.0 (RFC 1945): what answers it comes whole, not in chunks.
    async fn ask(place: Place<'_>, path: &str, begin: String, body: &str) -> io::Result<Self> {
        let mut line = place.line().await?;
        let request = format!("{begin}Host: {}\r\nConnection: close\r\n\r\n{body}", authority(place));
        line.say(request.as_bytes()).await?;
        let mut heard = Vec::new();
        while !is_whole(&heard) && matches!(line.hear(&mut heard).await, Ok(1..)) {}
        Self::read(path, &heard).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn read(path: &str, heard: &[u8]) -> Option<Self> {
        let answer = Response::read(heard)?;
        let pair = |cookie: &str| {
            let (name, value) = cookie.split(';').next()?.split_once('=')?;
            let is_plain = |text: &str| text.len() <= 4096 && text.bytes().all(|it| it.is_ascii_graphic());
            (!name.is_empty() && is_plain(name) && is_plain(value)).then(|| (name.to_owned(), value.to_owned()))
        };
        Some(Self {
            at: path.to_owned(),
            status: answer.status,
            location: answer.header("location").filter(|_| (300..400).contains(&answer.status)).map(str::to_owned),
            cookies: Cookies(answer.all("set-cookie").filter_map(pair).collect()),
            shown: Shown::read(answer.body),
        })
    }

    /// Where something that it says leads: a path of the very same server, or nowhere.
    fn path(&self, place: Place<'_>, to: &str) -> Option<String> {
        let scheme = if place.service.encrypted { "https://" } else { "http://" };
        path_of(to, &self.at, scheme, &http::url_host(place.target.address()), place.port)
    }

    /// It says by its status, or in words, that it will not or cannot.
    fn unwilling(&self) -> Option<Reply> {
        match self.status {
            423 | 429 => Some(Reply::Locked),
            // A page inside may speak of what it blocks.
            _ if self.shown.way_out.is_none() && says_locked(&self.shown.text) => Some(Reply::Locked),
            500..=599 => Some(Reply::Busy),
            _ => None,
        }
    }

    /// It refuses, or asks again: in the same way as before, or for more.
    fn refusal(&self, form: &Form) -> Option<Reply> {
        match &self.shown.form {
            _ if (400..500).contains(&self.status) => Some(Reply::Refused(form.shape())),
            Some(again) => Some(Reply::Refused(again.shape())),
            None if self.shown.asks => Some(Reply::Refused("it asks for more".into())),
            None => None,
        }
    }
}

fn authority(place: Place<'_>) -> String {
    http::authority(&http::url_host(place.target.address()), place.port, place.service.encrypted)
}

/// Words of pages that refuse without asking again.
const NO: [&str; 10] =
    ["invalid", "incorrect", "wrong", "failed", "failure", "denied", "not authorized", "unauthorized", "error", "wait"];

/// What is made of any answer to a log-in, for the fuzzer.
pub(super) fn read_anything(octets: &[u8]) {
    let Some(page) = Page::read("/", octets) else { return };
    let line = page.cookies.line();
    assert!(line.matches('\n').count() <= 1, "a cookie adds no line to a request");
    let _judged = (page.unwilling(), is_inside(&page, &page));
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "<form method=post action=x><input name=u><input type=password name=p></form>";

    fn page(status: &str, body: &str) -> Page {
        Page::read("/", format!("HTTP/1.0 {status}\r\nSet-Cookie: sid=a1; HttpOnly\r\n\r\n{body}").as_bytes()).unwrap()
    }

    #[test]
    fn only_a_difference_is_a_log_in() {
        let (asks, welcome, wrong) =
            (page("200 OK", FORM), page("200 OK", "Settings"), page("200 OK", "Wrong password"));
        assert!(is_inside(&welcome, &asks), "a stranger is asked");
        assert!(is_inside(&welcome, &page("403 No", "")), "a stranger is refused");
        assert!(!is_inside(&welcome, &welcome), "everybody is shown this");
        assert!(!is_inside(&wrong, &asks) && !is_inside(&asks, &asks));
        let out = page("200 OK", "<a href=/logout>Log out</a>");
        assert!(is_inside(&out, &out), "it knows one by the address");
    }

    #[test]
    fn answers_to_a_log_in() {
        let form = page("200 OK", FORM).shown.form.unwrap();
        assert_eq!(page("200 OK", FORM).refusal(&form), Some(Reply::Refused(form.shape())));
        let captcha = page("200 OK", &FORM.replace("<input name=u>", "<input name=u><input name=captcha>"));
        assert_ne!(captcha.refusal(&form), Some(Reply::Refused(form.shape())), "it asks for more: that is odd");
        assert_eq!(page("200 OK", "Your account is locked").unwilling(), Some(Reply::Locked));
        assert_eq!(page("503 Busy", "").unwilling(), Some(Reply::Busy));
        assert_eq!(page("302 Found", "").refusal(&form), None);
    }

    #[test]
    fn cookies_are_sent_back_plain_or_not_at_all() {
        assert_eq!(page("200 OK", "").cookies.line(), "Cookie: sid=a1\r\n");
        let odd = Page::read("/", b"HTTP/1.0 200 OK\r\nSet-Cookie: a=b\x01c; x\r\nSet-Cookie: =\r\n\r\n").unwrap();
        assert_eq!(odd.cookies.line(), "");
    }
}

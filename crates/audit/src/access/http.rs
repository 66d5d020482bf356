//! HTTP and RTSP: basic (RFC 7617) and digest (RFC 7616) at the first page, or at the stream. Forms are in `form`.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::hexadecimal;
use super::knock::{Place, Reply, Try, hear_until, says_locked};

pub(super) async fn knock(place: Place<'_>, with: Option<Try<'_>>) -> io::Result<Reply> {
    let first = ask(place, None).await?;
    if first.status != 401 || with.is_none() {
        return Ok(first.judge());
    }
    let (Some(with), Some(challenge)) = (with, first.challenge()) else { return Ok(Reply::Strange) };
    let (method, uri) = request(place);
    let answer = ask(place, Some(challenge.answer(with, method, &uri))).await?;
    Ok(answer.judge())
}

/// Method and address of what is asked for.
fn request(place: Place<'_>) -> (&'static str, String) {
    if &*place.service.protocol == "rtsp" {
        return ("DESCRIBE", format!("rtsp://{}:{}/", place.target.address(), place.port));
    }
    ("GET", own_path(place))
}

/// The page at which the service asks: a path that it named itself, only one of its own.
pub(super) fn own_path(place: Place<'_>) -> String {
    let path = place.service.notes.get("path").filter(|it| it.starts_with('/') && !it.contains(['\r', '\n', ' ']));
    path.map_or_else(|| "/".to_owned(), ToString::to_string)
}

async fn ask(place: Place<'_>, authorization: Option<String>) -> io::Result<Answer> {
    let (method, uri) = request(place);
    let mut line = place.line().await?;
    let version = if method == "GET" { "HTTP/1.1" } else { "RTSP/1.0" };
    let host = place.target.address();
    let authorization = authorization.map(|it| format!("Authorization: {it}\r\n")).unwrap_or_default();
    let head =
        format!("{method} {uri} {version}\r\nHost: {host}\r\nCSeq: 1\r\nConnection: close\r\n{authorization}\r\n");
    line.say(head.as_bytes()).await?;
    let answer = hear_until(&mut line, |heard| heard.windows(4).any(|it| it == b"\r\n\r\n")).await?;
    Ok(Answer::read(&String::from_utf8_lossy(&answer)))
}

/// Of an answer, what matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: u16,
    challenges: Vec<String>,
    locked: bool,
}

impl Answer {
    fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|it| it.parse().ok()).unwrap_or(0);
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("www-authenticate").then(|| value.trim().to_owned())
        };
        let challenges = lines.take_while(|line| !line.is_empty()).filter_map(header).collect();
        Self { status, challenges, locked: status >= 400 && says_locked(text) }
    }

    fn judge(&self) -> Reply {
        match self.status {
            423 | 429 => Reply::Locked,
            _ if self.locked => Reply::Locked,
            503 => Reply::Busy,
            200..=399 => Reply::Open,
            401 | 403 => Reply::Refused(self.status.to_string()),
            _ => Reply::Strange,
        }
    }

    /// Digest where both are offered: it shows the password to nobody on the way.
    fn challenge(&self) -> Option<Challenge> {
        let of = |scheme: &str| {
            self.challenges.iter().find_map(|it| {
                let (name, rest) = it.split_once(' ').unwrap_or((it, ""));
                name.eq_ignore_ascii_case(scheme).then_some(rest)
            })
        };
        of("digest").and_then(Challenge::digest).or_else(|| of("basic").map(|_| Challenge::Basic))
    }
}

enum Challenge {
    Basic,
    Digest { realm: String, nonce: String, opaque: Option<String>, with_qop: bool, sha256: bool },
}

impl Challenge {
    /// `None` for algorithms that are not known here.
    fn digest(parameters: &str) -> Option<Self> {
        let get = |name: &str| parameter(parameters, name);
        let sha256 = match get("algorithm") {
            None => false,
            Some(it) if it.eq_ignore_ascii_case("md5") => false,
            Some(it) if it.eq_ignore_ascii_case("sha-256") => true,
            Some(_) => return None,
        };
        let with_qop = match get("qop") {
            None => false,
            Some(list) if list.split(',').any(|it| it.trim() == "auth") => true,
            Some(_) => return None,
        };
        Some(Self::Digest { realm: get("realm")?, nonce: get("nonce")?, opaque: get("opaque"), with_qop, sha256 })
    }

    fn answer(&self, with: Try<'_>, method: &str, uri: &str) -> String {
        let Self::Digest { realm, nonce, opaque, with_qop, sha256 } = self else {
            return format!("Basic {}", STANDARD.encode([with.user.as_bytes(), b":", with.password].concat()));
        };
        let hash = |bytes: &[u8]| {
            if *sha256 { hexadecimal(&Sha256::digest(bytes)) } else { hexadecimal(&Md5::digest(bytes)) }
        };
        let who = hash(&[with.user.as_bytes(), b":", realm.as_bytes(), b":", with.password].concat());
        let what = hash(format!("{method}:{uri}").as_bytes());
        // The client's nonce guards a client against servers that choose; there is nothing to guard here.
        let middle = if *with_qop { format!("{nonce}:00000001:00c0ffee:auth") } else { nonce.clone() };
        let response = hash(format!("{who}:{middle}:{what}").as_bytes());
        let mut line = format!(
            "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm={}",
            with.user,
            if *sha256 { "SHA-256" } else { "MD5" }
        );
        if *with_qop {
            line.push_str(", qop=auth, nc=00000001, cnonce=\"00c0ffee\"");
        }
        let opaque = opaque.as_ref().map(|it| format!(", opaque=\"{it}\"")).unwrap_or_default();
        line + &opaque
    }
}

/// What would be sent to the challenge in this answer.
pub(super) fn authorization(answer: &str, with: Try<'_>) -> Option<String> {
    Some(Answer::read(answer).challenge()?.answer(with, "GET", "/"))
}

/// `name="value"` or `name=value` of a challenge; a comma within quotes does not end it.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',', '\t']);
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value.trim().to_owned());
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2617 §3.5 has this example with another client nonce; the response was computed with `openssl md5`.
    #[test]
    fn digest_without_qop_as_in_rfc_2069() {
        let challenge =
            Challenge::digest("realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"").unwrap();
        let line = challenge.answer(Try { user: "Mufasa", password: b"Circle Of Life" }, "GET", "/dir/index.html");
        assert!(line.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""), "{line}");
    }

    #[test]
    fn answers() {
        let of = |text: &str| Answer::read(text);
        let asked = of("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a, b\"\r\n\r\n");
        assert!(matches!(asked.challenge(), Some(Challenge::Basic)));
        assert_eq!(asked.judge(), Reply::Refused("401".into()));
        assert_eq!(of("HTTP/1.0 200 OK\r\n\r\n").judge(), Reply::Open);
        assert_eq!(of("HTTP/1.1 401 Account locked\r\n\r\n").judge(), Reply::Locked);
        assert_eq!(of("HTTP/1.1 503 Service Unavailable\r\n\r\n").judge(), Reply::Busy);
        assert_eq!(of("\u{fffd}").judge(), Reply::Strange);
        assert_eq!(parameter("realm=\"a, b\", qop=\"auth,auth-int\", x=y", "x"), Some("y".into()));
    }
}

//! One answer of HTTP, RTSP or SIP: status, headers, body.

use crate::speak::way::head_end;

/// What was heard, in parts.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) status_line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: &'a [u8],
}

impl<'a> Response<'a> {
    /// An answer of HTTP.
    pub(crate) fn read(heard: &'a [u8]) -> Option<Self> {
        Self::of("HTTP/", heard)
    }

    /// An answer of a protocol whose version begins so; it may have been cut.
    pub(crate) fn of(version: &str, heard: &'a [u8]) -> Option<Self> {
        let end = head_end(heard).unwrap_or(heard.len());
        let text = String::from_utf8_lossy(&heard[..end.min(HEAD)]);
        let mut lines = text.lines();
        let status_line = lines.next().filter(|it| it.starts_with(version))?.trim_end().to_owned();
        let status = status_line.split_whitespace().nth(1)?.parse().ok().filter(|it| (100..1000).contains(it))?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers = lines.take(HEADERS).filter_map(header).collect();
        Some(Self { status, status_line, headers, body: &heard[end..] })
    }

    /// The first header of that name (in small letters).
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |it| it.0 == name).map(|it| it.1.as_str())
    }

    /// Schemes of `WWW-Authenticate`, in small letters, each once.
    pub(crate) fn challenges(&self) -> Vec<String> {
        let mut schemes = Vec::new();
        for value in self.all("www-authenticate") {
            let scheme: String = value.chars().take_while(char::is_ascii_alphanumeric).collect();
            let scheme = scheme.to_ascii_lowercase();
            if !scheme.is_empty() && !schemes.contains(&scheme) {
                schemes.push(scheme);
            }
        }
        schemes
    }

    /// The page's title, where its element is whole.
    pub(super) fn title(&self) -> Option<String> {
        let body = String::from_utf8_lossy(self.body);
        let lower = body.to_ascii_lowercase();
        let begin = lower.find("<title")?;
        let begin = begin + lower[begin..].find('>')? + 1;
        let end = begin + lower[begin..].find("</title")?;
        Some(body[begin..end].trim().to_owned())
    }

    /// Names of cookies that lack an attribute (RFC 6265 §4.1.2), with what they lack; never their values.
    pub(super) fn cookies(&self) -> String {
        let lacks = |cookie: &str| {
            let (name, rest) = cookie.split_once('=')?;
            let has = |wanted: &str| rest.split(';').skip(1).any(|it| it.trim().eq_ignore_ascii_case(wanted));
            let lacks: Vec<_> = ["Secure", "HttpOnly"].into_iter().filter(|it| !has(it)).collect();
            let name = name.trim();
            (!lacks.is_empty()).then(|| format!("{name} without {}", lacks.join(" and ")))
        };
        let all: Vec<_> = self.all("set-cookie").filter_map(lacks).collect();
        all.join(", ")
    }
}

/// `realm="..."` of a challenge.
pub(crate) fn realm(challenge: &str) -> Option<String> {
    let lower = challenge.to_ascii_lowercase();
    let rest = &challenge[lower.find("realm=")? + "realm=".len()..];
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([',', ' ']).next(),
    };
    value.filter(|it| !it.is_empty()).map(str::to_owned)
}

/// Octets of a head, and headers of it, that are read.
const HEAD: usize = 8 * 1024;
const HEADERS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_and_cut_heads() {
        let text =
            b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"a b\", nonce=\"x\"\r\nwww-authenticate: Basic\r\n";
        let answer = Response::read(text).unwrap();
        assert_eq!(answer.challenges(), ["digest", "basic"]);
        assert_eq!(answer.header("www-authenticate").and_then(realm).unwrap(), "a b");
        assert!(Response::read(b"HTTP/1.1 99999 No\r\n\r\n").is_none());
        assert!(Response::read(b"SSH-2.0-x\r\n").is_none());
    }
}

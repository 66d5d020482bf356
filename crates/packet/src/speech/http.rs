//! The head of an HTTP/1 request (RFC 9112 §3): its host, who asks, and whether a password stands in it.

/// What one request says; slices of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) target: &'a [u8],
    pub(crate) host: Option<&'a [u8]>,
    pub(crate) agent: Option<&'a [u8]>,
    pub(crate) has_basic: bool,
    pub(crate) is_form: bool,
    /// What follows the head in the same segment.
    pub(crate) body: &'a [u8],
}

/// Methods of RFC 9110 §9, RFC 5789, `WebDAV` (RFC 4918), and UPnP's.
const METHODS: [&[u8]; 16] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"CONNECT ",
    b"TRACE ",
    b"PATCH ",
    b"PROPFIND ",
    b"SUBSCRIBE ",
    b"UNSUBSCRIBE ",
    b"NOTIFY ",
    b"M-POST ",
    b"MKCOL ",
    b"REPORT ",
];

/// It begins as a request does (its method, not more).
pub(crate) fn is_request(bytes: &[u8]) -> bool {
    METHODS.iter().any(|method| bytes.starts_with(method))
}

/// Reads a request's head, as far as this segment has it.
pub(crate) fn request(bytes: &[u8]) -> Option<Request<'_>> {
    let mut lines = Lines { rest: bytes };
    let first = lines.next()?;
    let mut words = first.splitn(3, |it| *it == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next());
    let is_rtsp = version.is_some_and(|it| it.starts_with(b"RTSP/"));
    if !(is_rtsp || is_request(bytes))
        || method.is_empty()
        || version.is_some_and(|it| !it.starts_with(b"HTTP/1") && !it.starts_with(b"RTSP/"))
    {
        return None;
    }
    let mut request = Request { target, ..Request::default() };
    for line in lines.by_ref() {
        if line.is_empty() {
            break;
        }
        let Some(colon) = line.iter().position(|it| *it == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"host") && request.host.is_none() {
            request.host = Some(value);
        } else if name.eq_ignore_ascii_case(b"user-agent") {
            request.agent = Some(value);
        } else if name.eq_ignore_ascii_case(b"authorization") {
            request.has_basic |= value.get(..6).is_some_and(|it| it.eq_ignore_ascii_case(b"basic "));
        } else if name.eq_ignore_ascii_case(b"content-type") {
            request.is_form = value.starts_with(b"application/x-www-form-urlencoded");
        }
    }
    request.body = lines.rest;
    Some(request)
}

/// Code of a response's first line.
pub(crate) fn status(bytes: &[u8]) -> Option<u16> {
    let rest = bytes.strip_prefix(b"HTTP/1.").or_else(|| bytes.strip_prefix(b"RTSP/1."))?;
    let digits: [u8; 3] = *rest.get(2..)?.first_chunk()?;
    let number = digits.iter().try_fold(0, |sum, it| it.is_ascii_digit().then(|| sum * 10 + u16::from(it - b'0')));
    number.filter(|_| rest.get(1) == Some(&b' '))
}

/// The host without its port (RFC 9110 §7.2), where it is a name and no address.
pub(crate) fn name_of_host(host: &[u8]) -> Option<Box<str>> {
    let host = match host.iter().rposition(|it| *it == b':') {
        Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) => &host[..colon],
        _ => host,
    };
    let text = str::from_utf8(host).ok()?;
    let is_address = text.starts_with('[') || text.parse::<std::net::IpAddr>().is_ok();
    if is_address { None } else { crate::name::host_name(host) }
}

/// Fields by which forms send a password. The value is never looked at.
pub(crate) fn has_password(form: &[u8]) -> bool {
    const FIELDS: [&[u8]; 6] = [b"password", b"passwd", b"pwd", b"pass", b"psw", b"passphrase"];
    let pairs = form.split(|it| *it == b'&').take(64);
    pairs.filter_map(|pair| pair.split_once_equals()).any(|(name, value)| {
        let name = name.rsplit(|it| matches!(it, b'_' | b'-' | b'.' | b'[')).next().unwrap_or(name);
        !value.is_empty() && FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
    })
}

trait SplitOnce {
    fn split_once_equals(&self) -> Option<(&[u8], &[u8])>;
}

impl SplitOnce for [u8] {
    fn split_once_equals(&self) -> Option<(&[u8], &[u8])> {
        let at = self.iter().position(|it| *it == b'=')?;
        Some((&self[..at], &self[at + 1..]))
    }
}

/// Lines that are whole, at most 100 of them.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|it| *it == b'\n')?;
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_what_stands_in_it() {
        let bytes = b"POST /login?a=b HTTP/1.1\r\nhost: Hub.Example:8080\r\nUser-Agent: Bulb/1.2\r\n\
            Authorization: Basic dXNlcjpwYXNz\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nuser=a&pass=b";
        let request = request(bytes).expect("it is a request");
        assert_eq!(request.target, b"/login?a=b");
        assert_eq!(request.host.and_then(name_of_host).as_deref(), Some("hub.example"));
        assert_eq!(request.agent, Some(&b"Bulb/1.2"[..]));
        assert!(request.has_basic && request.is_form && has_password(request.body));
        assert!(!has_password(b"user=a&pass=&bypass=1"));
        assert_eq!(status(b"HTTP/1.1 401 Unauthorized\r\n"), Some(401));
        assert_eq!(status(b"HTTP/1.1 40x"), None);
    }

    #[test]
    fn hosts_that_are_addresses_are_no_names() {
        for host in ["192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", ""] {
            assert_eq!(name_of_host(host.as_bytes()), None, "{host}");
        }
        assert!(request(b"OPTIONS rtsp://a RTSP/1.0\r\n").is_some(), "written alike");
        assert_eq!(request(b"OPTIONS a FTP/1.0\r\n"), None);
        assert_eq!(request(b"GET"), None);
    }
}

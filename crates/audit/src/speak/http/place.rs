//! Where a page leads: only to another path of the very server that said so.

use super::{Response, usual_port};
use crate::speak::way::Way;

/// The path that the page leads to, where it is one of the same scheme, address and port.
pub(super) fn own(way: &Way, path: &str, page: &Response<'_>) -> Option<String> {
    let to = match page.status {
        300..=399 => page.header("location")?.to_owned(),
        200 => refresh(page.body)?,
        _ => return None,
    };
    let scheme = if way.is_inside { "https://" } else { "http://" };
    path_of(&to, path, scheme, &way.host(), way.port)
}

/// `to`, said on the page `from`, as a path of that host and port; `None` where it is elsewhere, or no path.
pub(crate) fn path_of(to: &str, from: &str, scheme: &str, host: &str, port: u16) -> Option<String> {
    let to = to.split('#').next().unwrap_or_default().trim();
    let path = if let Some(rest) = to.strip_prefix(scheme) {
        let at = rest.find('/').unwrap_or(rest.len());
        let (name, path) = rest.split_at(at);
        let is_same = name == format!("{host}:{port}") || name == host && port == usual_port(scheme == "https://");
        is_same.then(|| if path.is_empty() { "/" } else { path }.to_owned())?
    } else if to.contains("://") || to.starts_with("//") || to.contains('\\') || to.starts_with("javascript:") {
        return None;
    } else if to.starts_with('/') {
        to.to_owned()
    } else {
        let folder = from.split('?').next().unwrap_or_default();
        format!("{}{to}", &folder[..folder.rfind('/').map_or(0, |at| at + 1)])
    };
    let is_path = path.starts_with('/') && path.len() <= 512 && path.bytes().all(|it| it.is_ascii_graphic());
    is_path.then_some(path)
}

/// `<meta http-equiv=refresh content="0; url=/login.htm">`, by which devices without a `Location` lead on.
fn refresh(body: &[u8]) -> Option<String> {
    let body = String::from_utf8_lossy(&body[..body.len().min(16 * 1024)]).into_owned();
    let lower = body.to_ascii_lowercase();
    let meta = lower.find("http-equiv=\"refresh\"").or_else(|| lower.find("http-equiv=refresh"))?;
    let end = meta + lower[meta..].find('>')?;
    let at = meta + lower[meta..end].find("url=")? + "url=".len();
    let url = body[at..end].trim_start_matches(['\'', '"', ' ']);
    Some(url.split(['\'', '"', ' ', ';']).next().unwrap_or_default().to_owned()).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_same_server() {
        let to = |text: &str| path_of(text, "/a/b?c=/d", "http://", "10.0.0.1", 80);
        assert_eq!(to("/login").as_deref(), Some("/login"));
        assert_eq!(to("login.htm").as_deref(), Some("/a/login.htm"));
        assert_eq!(to("http://10.0.0.1/x#y").as_deref(), Some("/x"));
        assert_eq!(to("http://10.0.0.1:80").as_deref(), Some("/"));
        for elsewhere in [
            "http://10.0.0.2/",
            "https://10.0.0.1/",
            "http://10.0.0.1:81/",
            "//evil/",
            "/\\evil",
            "/a b",
            "http://10.0.0.1@evil/",
        ] {
            assert_eq!(to(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn refreshes() {
        let page = b"<META HTTP-EQUIV=\"Refresh\" CONTENT=\"0; URL=/web/Login.htm\">";
        assert_eq!(refresh(page).as_deref(), Some("/web/Login.htm"));
        assert_eq!(refresh(b"<meta name=x>"), None);
    }

    proptest::proptest! {
        #[test]
        fn anything_leads_to_a_path_or_nowhere(to: String, from: String) {
            let path = path_of(&to, &from, "http://", "10.0.0.1", 80);
            proptest::prop_assert!(path.is_none_or(|it| it.starts_with('/') && it.is_ascii()));
        }
    }
}

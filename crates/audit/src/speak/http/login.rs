//! Whether a page has a form that asks for a password.

/// An `input` of the type `password`, as HTML writes it: `type="password"`, `TYPE = password`.
pub(super) fn is_form(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    let is_password = |element: &str| {
        let element = element.split('>').next().unwrap_or_default();
        let blank = |it: char| it.is_whitespace() || matches!(it, '\'' | '"');
        element.split("type").skip(1).any(|rest| {
            let value = rest.trim_start().strip_prefix('=').map(|it| it.trim_start_matches(blank));
            value.is_some_and(|it| it.starts_with("password"))
        })
    };
    text.split("<input").skip(1).any(is_password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert!(is_form(b"<INPUT name=x TYPE = \"password\">"));
        assert!(is_form(b"<input type=password>"));
        assert!(!is_form(b"<input type=text> set a password"));
        assert!(!is_form(b"<input name=type>type=password"));
    }
}

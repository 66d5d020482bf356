//! Log-in forms of a page, read as a browser reads them (HTML, "Constructing the entry list").
//!
//! A form is filled in only where it can be nothing but a log-in: one password, one name at most, sent by the page itself
//! and not by a script. A page on which a password is *chosen* looks much the same, and to fill that in would change the device.

use html5gum::{DefaultEmitter, HtmlString, Spanned, StartTag, Token, Tokenizer};
use std::collections::BTreeMap;

/// A form with one field for a password.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it is sent to, as written; nothing: to the page's own address.
    pub(crate) action: String,
    /// Name and value of what is sent, in order.
    fields: Vec<(String, String)>,
    /// Which of them is the account's name, where one is asked.
    user: Option<usize>,
    password: Option<usize>,
    /// Its first button is among what is sent.
    has_button: bool,
    /// It is not to be filled in by us.
    unfit: bool,
}

/// What is of interest on a page.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// The first form that asks for a password, unless it may be something else than a log-in.
    pub(crate) form: Option<Form>,
    /// Something on it asks for a password.
    pub(crate) asks: bool,
    /// Where a link by which one logs out leads.
    pub(crate) way_out: Option<String>,
    /// What a person reads, in small letters, up to a bound.
    pub(crate) text: String,
}

impl Shown {
    /// Of a page's body.
    pub(crate) fn read(body: &[u8]) -> Self {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        let (mut shown, mut open, mut hidden) = (Self::default(), Form::outside(), false);
        let mut forms = Vec::new();
        for Ok(token) in Tokenizer::new_with_emitter(body, emitter) {
            match token {
                Token::StartTag(tag) => {
                    let element = Element { tag: &tag };
                    hidden = matches!(&tag.name[..], b"script" | b"style");
                    match &tag.name[..] {
                        b"form" => forms.push(std::mem::replace(&mut open, Form::begin(&element))),
                        b"a" => shown.way_out = shown.way_out.take().or_else(|| element.way_out()),
                        b"input" | b"button" | b"select" | b"option" => open.take(&element),
                        _ => {}
                    }
                    shown.asks |= element.is_password();
                }
                Token::EndTag(tag) => {
                    hidden = false;
                    if &tag.name[..] == b"form" {
                        forms.push(std::mem::replace(&mut open, Form::outside()));
                    }
                }
                Token::String(text) => {
                    let text = String::from_utf8_lossy(&text).to_lowercase();
                    // A script may write the field that a person sees.
                    shown.asks |= hidden && text.contains("<input") && text.contains("password");
                    if !hidden && shown.text.len() < TEXT {
                        shown.text.extend([&text, " "]);
                    }
                }
                _ => {}
            }
        }
        forms.push(open);
        let is_log_in = !CHOOSING.iter().any(|word| shown.text.contains(word));
        shown.form = forms.into_iter().find(|it| it.password.is_some()).filter(|it| is_log_in && !it.unfit);
        shown
    }
}

impl Form {
    /// What stands outside a form is never sent.
    fn outside() -> Self {
        Self { unfit: true, ..Self::default() }
    }

    fn begin(element: &Element<'_>) -> Self {
        let action = element.get("action").unwrap_or_default();
        let is_post = element.get("method").is_some_and(|it| it.eq_ignore_ascii_case("post"));
        let is_plain =
            element.get("enctype").is_none_or(|it| it.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        // A password in an address would lie in the logs of the device.
        let unfit = !is_post || !is_plain || element.has("onsubmit") || action.trim_start().starts_with("javascript:");
        Self { action, unfit, ..Self::default() }
    }

    /// One more control of it.
    fn take(&mut self, element: &Element<'_>) {
        let value = element.get("value");
        let kind = element.kind();
        if element.is("option") {
            let is_first = self.fields.last().is_some_and(|(_, it)| it.is_empty());
            if let Some((_, chosen)) = self.fields.last_mut().filter(|_| is_first || element.has("selected")) {
                *chosen = value.unwrap_or_default();
            }
            return;
        }
        // What cannot be named is not sent; a button that a script listens to does who knows what.
        self.unfit |= element.has("onclick") || element.has("onchange") || kind == "file";
        let Some(name) = element.get("name").filter(|it| !it.is_empty()) else {
            self.unfit |= kind == "password";
            return;
        };
        let at = self.fields.len();
        match kind.as_str() {
            "reset" | "button" => return,
            "submit" | "image" if std::mem::replace(&mut self.has_button, true) => return,
            "checkbox" | "radio" if !element.has("checked") => return,
            "password"
                if self.password.is_some() || element.get("autocomplete").is_some_and(|it| it == "new-password") =>
            {
                self.unfit = true;
            }
            "password" => self.password = Some(at),
            "hidden" | "submit" | "image" | "checkbox" | "radio" | "select" => {}
            _ if self.user.is_some() => self.unfit = true,
            _ => self.user = Some(at),
        }
        let value = value.unwrap_or_else(|| if kind == "checkbox" { "on".into() } else { String::new() });
        self.fields.push((name, value));
    }

    /// It asks for a name beside the password.
    pub(crate) fn asks_name(&self) -> bool {
        self.user.is_some()
    }

    /// What a person fills in, in a form in which two forms that ask the same are equal.
    pub(crate) fn shape(&self) -> String {
        let name = |at: Option<usize>| at.and_then(|at| self.fields.get(at)).map_or("", |it| &it.0);
        format!("form {:?} {:?}", name(self.user), name(self.password))
    }

    /// The body of the request that sends it, as `application/x-www-form-urlencoded`.
    pub(crate) fn filled(&self, user: &str, password: &[u8]) -> String {
        let of = |at: usize, value: &str| -> String {
            let said = match at {
                _ if self.user == Some(at) => user.as_bytes(),
                _ if self.password == Some(at) => password,
                _ => value.as_bytes(),
            };
            form_urlencoded::byte_serialize(said).collect()
        };
        let pair = |(at, (name, value)): (usize, &(String, String))| {
            let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            format!("{name}={}", of(at, value))
        };
        self.fields.iter().enumerate().map(pair).collect::<Vec<_>>().join("&")
    }
}

/// A start tag that is asked for attributes.
struct Element<'a> {
    tag: &'a StartTag<()>,
}

impl Element<'_> {
    fn is(&self, name: &str) -> bool {
        &self.tag.name[..] == name.as_bytes()
    }

    fn get(&self, name: &str) -> Option<String> {
        let attributes: &BTreeMap<HtmlString, Spanned<HtmlString, ()>> = &self.tag.attributes;
        attributes.get(name.as_bytes()).map(|it| String::from_utf8_lossy(it).into_owned())
    }

    fn has(&self, name: &str) -> bool {
        self.tag.attributes.contains_key(name.as_bytes())
    }

    /// The type of an `input` or `button` in small letters; `select` of a list.
    fn kind(&self) -> String {
        let usual = match &self.tag.name[..] {
            b"select" => return "select".into(),
            b"button" => "submit",
            _ => "text",
        };
        self.get("type").map_or_else(|| usual.into(), |it| it.trim().to_ascii_lowercase())
    }

    fn is_password(&self) -> bool {
        self.is("input") && self.kind() == "password"
    }

    /// Where a link whose last step is named so leads.
    fn way_out(&self) -> Option<String> {
        let to = self.get("href")?;
        let path = to.split(['?', '#']).next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        ["logout", "logoff", "signout"].iter().any(|it| last.starts_with(it)).then_some(to)
    }
}

/// Words of pages on which a password is set, not asked.
const CHOOSING: [&str; 9] = [
    "new password",
    "confirm password",
    "repeat password",
    "retype",
    "create",
    "register",
    "sign up",
    "set a password",
    "choose a password",
];

/// Octets of text that are read.
const TEXT: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const LOG_IN: &str = "<title>Panel</title><script>var x = 'locked <input type=password>';</script>
        <FORM action=check.cgi METHOD='POST'><input type=hidden name=token value='a&amp;b'>
        <input name=name><input TYPE = 'Password' name=pass>
        <select name=lang><option value=en><option value=de selected></select>
        <input type=checkbox name=keep><button name=go value=1>Go</button></form>";

    fn form(body: &str) -> Option<Form> {
        Shown::read(body.as_bytes()).form
    }

    #[test]
    fn a_form_is_sent_as_a_browser_would() {
        let form = form(LOG_IN).unwrap();
        assert_eq!(form.action, "check.cgi");
        assert_eq!(form.filled("admin", "pä ss".as_bytes()), "token=a%26b&name=admin&pass=p%C3%A4+ss&lang=de&go=1");
        assert!(form.asks_name());
        assert_eq!(form.shape(), "form \"name\" \"pass\"");
    }

    #[test]
    fn what_may_be_no_log_in_is_left_alone() {
        let with = |from: &str, to: &str| form(&LOG_IN.replace(from, to));
        for (what, unfit) in [
            ("a script sends it", with("METHOD", "onsubmit='return hash()' METHOD")),
            ("a script is asked", with("<button", "<button onclick='send()'")),
            ("by address", with("'POST'", "'GET'")),
            ("more is asked", with("<input name=name>", "<input name=name><input name=captcha>")),
            ("a second password", with("<button", "<input type=password name=again><button")),
            ("a new password", with("name=pass>", "name=pass autocomplete=new-password>")),
            ("words", with("<button", "Create your account <button")),
        ] {
            assert_eq!(unfit, None, "{what}");
        }
        assert!(form("<input type=password name=x>").is_none(), "it is in no form");
    }

    #[test]
    fn what_a_page_asks() {
        let asks = |body: &str| Shown::read(body.as_bytes()).asks;
        assert!(asks("<INPUT name=x TYPE = \"password\">") && asks("<input type=password>") && asks(LOG_IN));
        assert!(!asks("<input type=text> set a password") && !asks("<input name=type>type=password"));
        assert!(asks("<script>write('<input type=password>')</script>"), "a script may write it");
        assert!(form("<script>'<form method=post><input type=password name=x></form>'</script>").is_none());
    }

    #[test]
    fn the_way_out_and_what_is_read() {
        let shown = Shown::read(b"<a href='/x?y=logout'>a</a><a href='cgi/Logout.cgi?s=1'>B</a><style>c</style>");
        assert_eq!(shown.way_out.as_deref(), Some("cgi/Logout.cgi?s=1"));
        assert_eq!(shown.text.split_whitespace().collect::<Vec<_>>(), ["a", "b"]);
    }

    proptest::proptest! {
        #[test]
        fn any_page_is_read_and_adds_no_line_to_a_request(body: Vec<u8>, user: String) {
            let shown = Shown::read(&body);
            let sent = shown.form.map(|it| it.filled(&user, b"x")).unwrap_or_default();
            proptest::prop_assert!(sent.bytes().all(|it| it.is_ascii_graphic()));
        }
    }
}

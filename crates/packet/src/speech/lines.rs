//! Protocols of lines, and the dialogue of a log-in: FTP, SMTP, POP3, IMAP, Telnet. What was typed is never looked at beyond its place.

use crate::{Application, Told};

/// Who is in dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialogue {
    /// A server said `220`, which FTP and SMTP do.
    Greeted,
    Ftp,
    Smtp,
    Pop3,
    Imap,
    Telnet,
}

/// What one payload of a dialogue told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// It turned out to be this.
    pub(super) becomes: Option<Dialogue>,
    pub(super) told: Option<Told>,
    /// It goes on encrypted.
    pub(super) is_over: bool,
}

/// A password went over, its result is awaited.
const SENT: u8 = 1;
/// That a password went over was told.
const TOLD: u8 = 2;
/// Telnet: a password was asked for.
const ASKED: u8 = 4;
/// FTP: the user is `anonymous`, so what follows is no password.
const ANONYMOUS: u8 = 8;

impl Dialogue {
    /// By what a server says first.
    pub(super) fn of_greeting(bytes: &[u8]) -> Option<Self> {
        match bytes {
            // RFC 854: IAC WILL, WONT, DO or DONT, and an option.
            [0xff, 0xfb..=0xfe, _, ..] => Some(Self::Telnet),
            [b'2', b'2', b'0', b' ' | b'-', ..] => {
                let line = bytes.split(|it| *it == b'\n').next().unwrap_or_default();
                match (has(line, b"smtp"), has(line, b"ftp")) {
                    (true, _) => Some(Self::Smtp),
                    (false, true) => Some(Self::Ftp),
                    (false, false) => Some(Self::Greeted),
                }
            }
            [b'+', b'O', b'K', ..] => Some(Self::Pop3),
            _ if bytes.starts_with(b"* OK") || bytes.starts_with(b"* PREAUTH") => Some(Self::Imap),
            _ => None,
        }
    }

    pub(super) fn application(self) -> Option<Application> {
        match self {
            Self::Greeted => None,
            Self::Ftp => Some(Application::Ftp),
            Self::Smtp => Some(Application::Smtp),
            Self::Pop3 => Some(Application::Pop3),
            Self::Imap => Some(Application::Imap),
            Self::Telnet => Some(Application::Telnet),
        }
    }

    /// Hears one payload. `note` is kept between them.
    pub(super) fn hear(self, note: &mut u8, bytes: &[u8], from_client: bool) -> Said {
        match (self, from_client) {
            (Self::Telnet, true) => telnet_client(note, bytes),
            (Self::Telnet, false) => telnet_server(note, bytes),
            (_, true) => self.client(note, bytes),
            (_, false) => self.server(note, bytes),
        }
    }

    fn client(self, note: &mut u8, bytes: &[u8]) -> Said {
        let mut said = Said::default();
        for line in bytes.split(|it| *it == b'\n').take(8) {
            let verb = |verb: &[u8]| line.get(..verb.len()).is_some_and(|it| it.eq_ignore_ascii_case(verb));
            if self == Self::Greeted {
                said.becomes = match () {
                    () if verb(b"USER ") || verb(b"AUTH ") => Some(Self::Ftp),
                    () if verb(b"EHLO") || verb(b"HELO") => Some(Self::Smtp),
                    () => said.becomes,
                };
            }
            let how = match self {
                Self::Greeted | Self::Ftp if verb(b"USER anonymous") || verb(b"USER ftp\r") => {
                    *note |= ANONYMOUS;
                    None
                }
                Self::Greeted | Self::Ftp if verb(b"PASS ") && *note & ANONYMOUS == 0 => Some("USER/PASS"),
                Self::Pop3 if verb(b"PASS ") => Some("USER/PASS"),
                Self::Imap if after_tag(line).is_some_and(|it| begins(it, b"LOGIN ")) => Some("USER/PASS"),
                Self::Smtp if verb(b"AUTH PLAIN") || verb(b"AUTH LOGIN") => Some("AUTH"),
                _ => None,
            };
            if let Some(how) = how {
                *note |= SENT;
                if *note & TOLD == 0 {
                    *note |= TOLD;
                    let by = said.becomes.unwrap_or(self).application().unwrap_or(Application::Ftp);
                    said.told = Some(Told::CredentialsInClear { by, how });
                }
            }
            let starts = verb(b"STARTTLS") || verb(b"STLS") || (self == Self::Ftp && verb(b"AUTH "));
            said.is_over |= starts || after_tag(line).is_some_and(|it| self == Self::Imap && begins(it, b"STARTTLS"));
        }
        said
    }

    fn server(self, note: &mut u8, bytes: &[u8]) -> Said {
        if *note & SENT == 0 {
            return Said::default();
        }
        let ok = bytes.split(|it| *it == b'\n').take(8).find_map(|line| match self {
            Self::Greeted | Self::Ftp if line.starts_with(b"230") => Some(true),
            Self::Greeted | Self::Ftp if line.starts_with(b"530") => Some(false),
            Self::Smtp if line.starts_with(b"235") => Some(true),
            Self::Smtp if line.starts_with(b"535") => Some(false),
            Self::Pop3 if line.starts_with(b"+OK") => Some(true),
            Self::Pop3 if line.starts_with(b"-ERR") => Some(false),
            Self::Imap => {
                let word = after_tag(line).filter(|_| !line.starts_with(b"*"))?;
                if begins(word, b"OK") { Some(true) } else { begins(word, b"NO").then_some(false) }
            }
            _ => None,
        });
        result(self.application().unwrap_or(Application::Ftp), note, ok)
    }
}

fn result(by: Application, note: &mut u8, ok: Option<bool>) -> Said {
    let Some(ok) = ok else { return Said::default() };
    *note &= !SENT;
    Said { told: Some(Told::Login { by, ok }), ..Said::default() }
}

fn telnet_server(note: &mut u8, bytes: &[u8]) -> Said {
    if *note & SENT != 0 {
        let refused = [&b"incorrect"[..], b"failed", b"denied", b"invalid", b"bad password", b"login:", b"username:"];
        let end = bytes.trim_ascii_end();
        let ok = match () {
            () if refused.iter().any(|word| has(bytes, word)) => Some(false),
            () if matches!(end.last(), Some(b'$' | b'#' | b'>' | b'~')) => Some(true),
            () if has(bytes, b"welcome") || has(bytes, b"last login") || has(bytes, b"busybox") => Some(true),
            () => None,
        };
        let said = result(Application::Telnet, note, ok);
        if said.told.is_some() {
            return said;
        }
    }
    if has(bytes, b"password:") || has(bytes, b"passwd:") || has(bytes, b"passcode:") {
        *note |= ASKED;
    }
    Said::default()
}

fn telnet_client(note: &mut u8, bytes: &[u8]) -> Said {
    // Options are no typing.
    if *note & ASKED == 0 || bytes.first() == Some(&0xff) {
        return Said::default();
    }
    if bytes.iter().any(|it| matches!(it, b'\r' | b'\n')) {
        *note = *note & !ASKED | SENT;
    }
    if *note & TOLD != 0 {
        return Said::default();
    }
    *note |= TOLD;
    let told = Told::CredentialsInClear { by: Application::Telnet, how: "login prompt" };
    Said { told: Some(told), ..Said::default() }
}

/// IMAP: what follows the tag (RFC 9051 §2.2.1).
fn after_tag(line: &[u8]) -> Option<&[u8]> {
    let space = line.iter().position(|it| *it == b' ')?;
    line.get(space + 1..)
}

fn begins(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word))
}

/// `word` (lower case) stands somewhere in the text.
fn has(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|it| it.eq_ignore_ascii_case(word))
}

/// What else a client's first line shows: IRC (RFC 2812 §3.1).
pub(super) fn is_irc(bytes: &[u8]) -> bool {
    let line = bytes.split(|it| *it == b'\n').next().unwrap_or_default();
    let words = line.split(|it| *it == b' ').filter(|it| !it.is_empty()).count();
    (begins(line, b"NICK ") && words == 2) || (begins(line, b"USER ") && words >= 5 && has(line, b" :"))
}

/// A server of IRC that greets.
pub(super) fn is_irc_notice(bytes: &[u8]) -> bool {
    let line = bytes.split(|it| *it == b'\n').next().unwrap_or_default();
    begins(line, b"NOTICE AUTH :")
        || (line.first() == Some(&b':') && after_tag(line).is_some_and(|it| begins(it, b"NOTICE ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialogue(lines: &[(bool, &str)]) -> Vec<Told> {
        let mut who = Dialogue::of_greeting(lines[0].1.as_bytes()).expect("a greeting");
        let (mut note, mut told) = (0, Vec::new());
        for (from_client, line) in &lines[1..] {
            let said = who.hear(&mut note, line.as_bytes(), *from_client);
            who = said.becomes.unwrap_or(who);
            told.extend(said.told);
            if said.is_over {
                break;
            }
        }
        told
    }

    #[test]
    fn passwords_are_noticed_and_so_is_their_result() {
        let clear = |by, how| Told::CredentialsInClear { by, how };
        let login = |by, ok| Told::Login { by, ok };
        let ftp = [
            (false, "220 ready\r\n"),
            (true, "USER admin\r\n"),
            (false, "331 \r\n"),
            (true, "PASS x\r\n"),
            (false, "530 no\r\n"),
            (true, "PASS y\r\n"),
            (false, "230 in\r\n"),
        ];
        let by = Application::Ftp;
        assert_eq!(dialogue(&ftp), [clear(by, "USER/PASS"), login(by, false), login(by, true)]);
        let anonymous = [(false, "220 FTP\r\n"), (true, "USER anonymous\r\n"), (true, "PASS a@b\r\n")];
        assert_eq!(dialogue(&anonymous), []);
        let smtp = [
            (false, "220 mx ESMTP\r\n"),
            (true, "EHLO a\r\n"),
            (true, "AUTH PLAIN AGEAYg==\r\n"),
            (false, "535 no\r\n"),
        ];
        let by = Application::Smtp;
        assert_eq!(dialogue(&smtp), [clear(by, "AUTH"), login(by, false)]);
        let encrypted = [(false, "220 mx ESMTP\r\n"), (true, "STARTTLS\r\n"), (true, "AUTH PLAIN \r\n")];
        assert_eq!(dialogue(&encrypted), []);
        let imap = [(false, "* OK IMAP4\r\n"), (true, "a1 LOGIN u p\r\n"), (false, "a1 NO\r\n")];
        let by = Application::Imap;
        assert_eq!(dialogue(&imap), [clear(by, "USER/PASS"), login(by, false)]);
    }

    #[test]
    fn telnet_is_read_letter_by_letter() {
        let mut note = 0;
        let mut hear = |bytes: &[u8], client| Dialogue::Telnet.hear(&mut note, bytes, client).told;
        assert_eq!(hear(b"\xff\xfd\x18", true), None);
        assert_eq!(hear(b"login: ", false), None);
        assert_eq!(hear(b"root\r\n", true), None);
        assert_eq!(hear(b"Password: ", false), None);
        let clear = Told::CredentialsInClear { by: Application::Telnet, how: "login prompt" };
        assert_eq!(hear(b"x", true), Some(clear));
        assert_eq!(hear(b"\r\n", true), None);
        assert_eq!(
            hear(b"Login incorrect\r\nlogin: ", false),
            Some(Told::Login { by: Application::Telnet, ok: false })
        );
    }

    #[test]
    fn irc_shows_itself() {
        assert!(is_irc(b"NICK bot1234\r\n") && is_irc(b"USER a 0 * :b\r\n") && !is_irc(b"USER admin\r\n"));
        assert!(is_irc_notice(b":irc.example NOTICE * :*** Looking up\r\n") && !is_irc_notice(b"NOTICE * HTTP/1.1"));
    }
}

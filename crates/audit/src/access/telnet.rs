//! Telnet (RFC 854): refuses every option, answers the prompts for account and password, and knows a shell's prompt.

use std::io;

use super::knock::{Place, Reply, Try, says_locked};
use crate::door::Line;

pub(super) async fn knock(place: Place<'_>, with: Option<Try<'_>>) -> io::Result<Reply> {
    let mut talk = Talk { line: place.line().await?, raw: Vec::new(), answered: 0, text: String::new() };
    let Some(with) = with else {
        return Ok(match talk.prompt().await? {
            Prompt::Shell => Reply::Open,
            Prompt::Account | Prompt::Password => Reply::Refused(String::new()),
            Prompt::End => Reply::Strange,
        });
    };
    let mut sent = 0;
    loop {
        match talk.prompt().await? {
            Prompt::Shell if sent == 2 => return Ok(Reply::Open),
            Prompt::Account if sent == 0 => {
                talk.answer(with.user.as_bytes()).await?;
                sent = 1;
            }
            Prompt::Password if sent < 2 => {
                talk.answer(with.password).await?;
                sent = 2;
            }
            _ if says_locked(&talk.text) => return Ok(Reply::Locked),
            Prompt::Account | Prompt::Password | Prompt::End if sent == 2 => return Ok(Reply::Refused("again".into())),
            _ => return Ok(Reply::Strange),
        }
    }
}

/// What the other side waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    Account,
    Password,
    Shell,
    End,
}

struct Talk {
    line: Line,
    raw: Vec<u8>,
    /// How far `raw` was read.
    answered: usize,
    /// Since our last answer.
    text: String,
}

impl Talk {
    async fn answer(&mut self, words: &[u8]) -> io::Result<()> {
        self.text.clear();
        self.line.say(&[words, b"\r\n"].concat()).await
    }

    async fn prompt(&mut self) -> io::Result<Prompt> {
        loop {
            if let Some(prompt) = prompt_of(&self.text) {
                return Ok(prompt);
            }
            match self.line.hear(&mut self.raw).await {
                Ok(0) => return Ok(Prompt::End),
                Ok(_) => {}
                // Silence where no prompt is known is an end, too: the conversation has had its time.
                Err(error) if error.kind() == io::ErrorKind::TimedOut && self.answered > 0 => return Ok(Prompt::End),
                Err(error) => return Err(error),
            }
            let (read, refusals) = strip(&self.raw[self.answered..], &mut self.text);
            self.answered += read;
            if !refusals.is_empty() {
                self.line.say(&refusals).await?;
            }
        }
    }
}

/// Adds the text without commands to `text`; returns how many octets were whole, and what refuses the options.
pub(crate) fn strip(raw: &[u8], text: &mut String) -> (usize, Vec<u8>) {
    const IAC: u8 = 255;
    let (mut at, mut refusals) = (0, Vec::new());
    while let Some(&octet) = raw.get(at) {
        let step = match (octet, raw.get(at + 1), raw.get(at + 2)) {
            (IAC, Some(250), _) => match raw[at..].windows(2).position(|it| it == [IAC, 240]) {
                Some(end) => end + 2,
                None => break,
            },
            (IAC, Some(verb @ (251..=254)), Some(option)) => {
                // WILL and WONT get DONT, DO and DONT get WONT; what is off already needs no answer.
                match verb {
                    251 => refusals.extend([IAC, 254, *option]),
                    253 => refusals.extend([IAC, 252, *option]),
                    _ => {}
                }
                3
            }
            (IAC, None, _) | (IAC, Some(251..=254), None) => break,
            (IAC, Some(_), _) => 2,
            _ => {
                text.push(if octet.is_ascii() { char::from(octet) } else { '\u{fffd}' });
                1
            }
        };
        at += step;
    }
    (at, refusals)
}

/// By the last line, which has no end yet.
pub(crate) fn prompt_of(text: &str) -> Option<Prompt> {
    let last = text.rsplit(['\n', '\r']).next().unwrap_or_default().trim_end();
    let word = last.to_ascii_lowercase();
    let ends = |words: &[&str]| words.iter().any(|it| word.ends_with(it));
    if ends(&["login:", "username:", "user:", "user name:", "account:"]) {
        Some(Prompt::Account)
    } else if ends(&["password:", "passwd:", "passcode:"]) {
        Some(Prompt::Password)
    } else if last.len() < 80 && last.ends_with(['$', '#', '>']) {
        Some(Prompt::Shell)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_refused_and_cut_commands_wait() {
        let mut text = String::new();
        let raw = [b'a', 255, 253, 24, 255, 251, 1, 255, 250, 24, 1, 255, 240, b'b', 255, 253];
        assert_eq!(strip(&raw, &mut text), (14, vec![255, 252, 24, 255, 254, 1]));
        assert_eq!(text, "ab");
    }

    #[test]
    fn prompts() {
        assert_eq!(prompt_of("Linux\r\nvm login: "), Some(Prompt::Account));
        assert_eq!(prompt_of("Password: "), Some(Prompt::Password));
        assert_eq!(prompt_of("BusyBox v1\r\n~ # "), Some(Prompt::Shell));
        assert_eq!(prompt_of("Login incorrect\r\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_heard(raw: Vec<u8>) {
            let mut text = String::new();
            proptest::prop_assert!(strip(&raw, &mut text).0 <= raw.len());
        }
    }
}

//! Telnet (RFC 854): every option is refused until it shows a prompt; nothing is typed.

use std::io;

use super::product;
use super::way::{Answer, Way};
use super::words::shown;
use crate::access::telnet::{Prompt, prompt_of, strip};
use crate::door::Line;
use crate::fact::{Access, Service};

/// Goes on from what it said first.
pub(super) async fn ask(way: &Way, mut line: Line, first: Vec<u8>) -> io::Result<Answer> {
    let (mut raw, mut read, mut text) = (first, 0, String::new());
    // Log-ins look their client up in the DNS first, which may take as long as its patience.
    line.extend(way.patience() * 2);
    loop {
        let (whole, refusals) = strip(&raw[read..], &mut text);
        read += whole;
        let is_over = raw.len() > MOST || prompt_of(&text).is_some();
        if is_over || !refusals.is_empty() && line.say(&refusals).await.is_err() {
            break;
        }
        if !matches!(line.hear(&mut raw).await, Ok(1..)) {
            break;
        }
    }
    Ok(Answer::of(self::read(&raw), raw))
}

/// What a whole conversation shows; `None` where neither an option nor a prompt was in it.
pub(super) fn read(raw: &[u8]) -> Option<Service> {
    let mut text = String::new();
    strip(raw, &mut text);
    let negotiates = raw.windows(2).any(|it| matches!(it, [255, 251..=254]));
    let access = match prompt_of(&text) {
        Some(Prompt::Account | Prompt::Password) => Access::Asks { methods: vec!["password".into()] },
        Some(Prompt::Shell) if negotiates => Access::Anybody,
        _ if negotiates => Access::Unasked,
        _ => return None,
    };
    let evidence = shown(&text);
    let mut service = Service { protocol: "telnet".into(), access, evidence, ..Service::default() };
    product::find(&mut service, &text);
    Some(service)
}

/// Octets until a prompt has to be there: banners are long, but not that long.
const MOST: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_asks_and_a_shell_does_not() {
        let of = |text: &str| read(&[&[255, 253, 24][..], text.as_bytes()].concat()).unwrap();
        assert_eq!(of("cam login: ").access, Access::Asks { methods: vec!["password".into()] });
        let shell = of("BusyBox v1.20.2 built-in shell\r\n~ # ");
        assert_eq!((shell.access, shell.product.as_deref()), (Access::Anybody, Some("BusyBox")));
        assert_eq!(of("").access, Access::Unasked);
        assert!(read(b"# ").is_none(), "anything may end so");
    }
}

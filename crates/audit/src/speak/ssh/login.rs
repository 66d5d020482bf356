//! Authentication (RFC 4252): which methods there are, and one password.

use std::io;

use super::exchange::Agreed;
use super::offer::{HOST_KEYS, Offer};
use super::talk::Talk;
use super::wire::{names, string};
use crate::door::Line;
use crate::fact::Access;
use crate::speak::cursor::Cursor;

/// Account and password.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    pub user: &'a str,
    pub password: &'a [u8],
}

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// In.
    Success,
    /// Not so; these methods may go on.
    Failure(Vec<Box<str>>),
    /// The server hung up, with these words.
    Disconnected(String),
    /// Something else.
    Strange,
}

/// Encrypts, and asks with the method `none`, which servers answer with those that they have (RFC 4252 §5.2).
pub(super) async fn methods(talk: &mut Talk, offer: &Offer, agreed: &Agreed) -> Option<Access> {
    if !offer.encrypts() {
        return None;
    }
    match begin(talk, agreed, ACCOUNT).await.ok()? {
        Said::Success => Some(Access::Anybody),
        Said::Failure(methods) => Some(super::asks(&methods)),
        Said::Disconnected(_) | Said::Strange => None,
    }
}

/// A whole conversation: `none`, then the password where there is one and the server takes one.
pub(crate) async fn log_in(line: Line, with: Option<Login<'_>>) -> io::Result<Said> {
    let Some(mut talk) = Talk::open(line, Vec::new()).await? else { return Ok(Said::Strange) };
    let (offer, agreed) = talk.exchange(&HOST_KEYS).await?;
    let (Some(_), Some(agreed)) = (offer.filter(Offer::encrypts), agreed) else { return Ok(Said::Strange) };
    let first = begin(&mut talk, &agreed, with.map_or(ACCOUNT, |it| it.user)).await?;
    let (Said::Failure(methods), Some(with)) = (&first, with) else { return Ok(first) };
    let has = |method: &str| methods.iter().any(|it| &**it == method);
    if has(PASSWORD) {
        talk.say(&password(with)).await?;
        answer(&mut talk).await
    } else if has(PROMPTS) {
        prompted(&mut talk, with).await
    } else {
        Ok(first)
    }
}

async fn begin(talk: &mut Talk, agreed: &Agreed, user: &str) -> io::Result<Said> {
    talk.encrypt(agreed).await?;
    let mut service = vec![SERVICE_REQUEST];
    string(&mut service, b"ssh-userauth");
    talk.say(&service).await?;
    if talk.hear(SERVICE_ACCEPT).await?.is_none() {
        return Ok(Said::Strange);
    }
    talk.say(&request(user, "none")).await?;
    answer(talk).await
}

/// RFC 4256: the prompts come one by one; the first one is answered, as there is one for a password.
async fn prompted(talk: &mut Talk, with: Login<'_>) -> io::Result<Said> {
    let mut ask = request(with.user, PROMPTS);
    string(&mut ask, b"");
    string(&mut ask, b"");
    talk.say(&ask).await?;
    for _ in 0..MOST_PROMPTS {
        let Some(heard) = talk.next().await? else { return Ok(Said::Disconnected(String::new())) };
        let Some(prompts) = prompts(&heard) else { return Ok(read(&heard)) };
        if prompts > 1 {
            return Ok(Said::Strange);
        }
        let mut response = vec![INFO_RESPONSE];
        response.extend(prompts.to_be_bytes());
        if prompts == 1 {
            string(&mut response, with.password);
        }
        talk.say(&response).await?;
    }
    Ok(Said::Strange)
}

async fn answer(talk: &mut Talk) -> io::Result<Said> {
    loop {
        match talk.next().await? {
            Some(heard) if heard.first() == Some(&BANNER) => {}
            Some(heard) => return Ok(read(&heard)),
            None => return Ok(Said::Disconnected(String::new())),
        }
    }
}

fn read(payload: &[u8]) -> Said {
    let mut at = Cursor(payload);
    match at.u8() {
        // Who asks for a new password took the old one (RFC 4252 §8).
        Some(SUCCESS | CHANGE) => Said::Success,
        Some(FAILURE) => names(&mut at).map_or(Said::Strange, Said::Failure),
        Some(DISCONNECT) => {
            let words = at.u32().and_then(|_| at.string()).unwrap_or_default();
            Said::Disconnected(String::from_utf8_lossy(words).chars().take(256).collect())
        }
        _ => Said::Strange,
    }
}

/// Number of prompts of a `SSH_MSG_USERAUTH_INFO_REQUEST`.
fn prompts(payload: &[u8]) -> Option<u32> {
    let mut at = Cursor(payload);
    (at.u8()? == INFO_REQUEST).then_some(())?;
    at.string().and_then(|_| at.string()).and_then(|_| at.string())?;
    at.u32()
}

fn request(user: &str, method: &str) -> Vec<u8> {
    let mut out = vec![REQUEST];
    for part in [user, "ssh-connection", method] {
        string(&mut out, part.as_bytes());
    }
    out
}

fn password(with: Login<'_>) -> Vec<u8> {
    let mut out = request(with.user, PASSWORD);
    out.push(0);
    string(&mut out, with.password);
    out
}

pub(super) fn read_anything(octets: &[u8]) {
    if let Said::Disconnected(words) = read(octets) {
        assert!(words.chars().count() <= 256);
    }
    let _count = prompts(octets);
}

/// Every system has it; a `none` is no failure in anybody's count.
const ACCOUNT: &str = "root";
const PASSWORD: &str = "password";
const PROMPTS: &str = "keyboard-interactive";
const MOST_PROMPTS: usize = 4;

const DISCONNECT: u8 = 1;
const SERVICE_REQUEST: u8 = 5;
const SERVICE_ACCEPT: u8 = 6;
const REQUEST: u8 = 50;
const FAILURE: u8 = 51;
const SUCCESS: u8 = 52;
const BANNER: u8 = 53;
/// Of the method `password`; the same number asks for prompts in `keyboard-interactive`.
const CHANGE: u8 = 60;
const INFO_REQUEST: u8 = 60;
const INFO_RESPONSE: u8 = 61;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let failure = [&[FAILURE, 0, 0, 0, 18][..], b"publickey,password", &[0]].concat();
        assert_eq!(read(&failure), Said::Failure(vec!["publickey".into(), "password".into()]));
        assert_eq!((read(&[SUCCESS]), read(&[CHANGE]), read(&[99])), (Said::Success, Said::Success, Said::Strange));
        let bye = [&[DISCONNECT, 0, 0, 0, 2, 0, 0, 0, 8][..], b"too many"].concat();
        assert_eq!(read(&bye), Said::Disconnected("too many".into()));
        let prompt = [&[INFO_REQUEST][..], &[0; 12], &[0, 0, 0, 1]].concat();
        assert_eq!((prompts(&prompt), prompts(&[SUCCESS])), (Some(1), None));
    }
}

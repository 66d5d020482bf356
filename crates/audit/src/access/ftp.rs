//! FTP (RFC 959): USER, PASS. Without a pair: `anonymous`, as RFC 1635 has it.

use std::io;

use super::knock::{Place, Reply, Try, hear_until, says_locked};
use crate::door::Line;

pub(super) async fn knock(place: Place<'_>, with: Option<Try<'_>>) -> io::Result<Reply> {
    let with = with.unwrap_or(Try { user: "anonymous", password: b"audit@" });
    let mut line = place.line().await?;
    if !reply(&mut line).await?.starts_with("220") {
        return Ok(Reply::Strange);
    }
    line.say(format!("USER {}\r\n", with.user).as_bytes()).await?;
    let asked = reply(&mut line).await?;
    if !asked.starts_with("331") {
        return Ok(judge(&asked));
    }
    line.say(&[b"PASS ", with.password, b"\r\n"].concat()).await?;
    let answer = reply(&mut line).await?;
    line.say(b"QUIT\r\n").await.ok();
    Ok(judge(&answer))
}

pub(super) fn judge(answer: &str) -> Reply {
    match answer.get(..3) {
        Some("230") => Reply::Open,
        _ if says_locked(answer) => Reply::Locked,
        Some("421") => Reply::Locked,
        Some(code) if code.starts_with(['4', '5']) => Reply::Refused(code.into()),
        _ => Reply::Strange,
    }
}

/// All lines of a reply, the last of which has a blank after its code (RFC 959 §4.2); begins with the code.
async fn reply(line: &mut Line) -> io::Result<String> {
    let is_last = |it: &[u8]| it.len() > 3 && it[..3].iter().all(u8::is_ascii_digit) && it[3] == b' ';
    let done = |heard: &[u8]| heard.ends_with(b"\n") && heard.split(|it| *it == b'\n').any(is_last);
    Ok(String::from_utf8_lossy(&hear_until(line, done).await?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies() {
        assert_eq!(judge("230 Login successful."), Reply::Open);
        assert_eq!(judge("530 Login incorrect."), Reply::Refused("530".into()));
        assert_eq!(judge("530 Too many failures"), Reply::Locked);
        assert_eq!(judge("\u{fffd}\u{fffd}"), Reply::Strange);
    }
}

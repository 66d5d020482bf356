//! Redis (RESP): PING, which everybody may or nobody without AUTH.

use std::io;

use super::knock::{Place, Reply, Try, hear_until, says_locked};

pub(super) async fn knock(place: Place<'_>, with: Option<Try<'_>>) -> io::Result<Reply> {
    let mut line = place.line().await?;
    match with {
        None => line.say(b"PING\r\n").await?,
        Some(with) => {
            let head = format!("*2\r\n$4\r\nAUTH\r\n${}\r\n", with.password.len());
            line.say(&[head.as_bytes(), with.password, b"\r\n"].concat()).await?;
        }
    }
    let answer = hear_until(&mut line, |heard| heard.contains(&b'\n')).await?;
    Ok(judge(&String::from_utf8_lossy(&answer)))
}

pub(super) fn judge(answer: &str) -> Reply {
    if answer.starts_with("+PONG") || answer.starts_with("+OK") {
        return Reply::Open;
    }
    let word = answer.split_whitespace().next().unwrap_or_default();
    match word {
        "-NOAUTH" | "-WRONGPASS" | "-DENIED" | "-NOPERM" => Reply::Refused(word.into()),
        _ if says_locked(answer) => Reply::Locked,
        "-ERR" if answer.contains("invalid password") => Reply::Refused(word.into()),
        _ => Reply::Strange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies() {
        assert_eq!(judge("+PONG\r\n"), Reply::Open);
        assert_eq!(judge("-NOAUTH Authentication required.\r\n"), Reply::Refused("-NOAUTH".into()));
        assert_eq!(judge("HTTP/1.1 400"), Reply::Strange);
    }
}

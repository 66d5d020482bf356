//! SSH: what the methods are, and one password a conversation.

use std::io;

use super::knock::{Place, Reply, Try, says_locked};
use crate::speak::ssh::{Login, Said, log_in};

pub(super) async fn knock(place: Place<'_>, with: Option<Try<'_>>) -> io::Result<Reply> {
    let login = with.map(|it| Login { user: it.user, password: it.password });
    Ok(judge(&log_in(place.line().await?, login).await?))
}

/// A server that takes keys alone cannot be asked for a password.
fn judge(said: &Said) -> Reply {
    match said {
        Said::Success => Reply::Open,
        Said::Failure(methods) if methods.iter().any(|it| matches!(&**it, "password" | "keyboard-interactive")) => {
            Reply::Refused("again".into())
        }
        Said::Disconnected(words) if says_locked(words) => Reply::Locked,
        Said::Failure(_) | Said::Disconnected(_) | Said::Strange => Reply::Strange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies() {
        let failure = |method: &str| judge(&Said::Failure(vec![method.into()]));
        assert_eq!((failure("password"), failure("publickey")), (Reply::Refused("again".into()), Reply::Strange));
        assert_eq!(judge(&Said::Disconnected("Too many authentication failures".into())), Reply::Locked);
        assert_eq!(judge(&Said::Success), Reply::Open);
    }
}

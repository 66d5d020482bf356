//! Lists of pairs: the format, and which pairs fit a service.
//!
//! A line is `user:password`, cut at the first colon; what follows a tab narrows it: `protocol=telnet`, `model=AX-3`.
//! A line that begins with `#`, and an empty one, says nothing. `:password` is a password without an account (an SNMP
//! community, Redis). Lists of others in the form `user:password` can be read as they are.

use fleetward_fleet::Secret;

use crate::fact::Service;
use crate::speak::http::{FORM, PASSWORD_ALONE};

/// A pair that may be tried, and by which name it is spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// `well-known:3`, `user-is-password`, `empty`.
    pub rule: Box<str>,
    pub user: Box<str>,
    pub password: Secret,
    protocol: Option<Box<str>>,
    model: Option<Box<str>>,
}

/// Why a list is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidList {
    /// Not `user:password`.
    #[error("line {line}: no colon between user and password")]
    NoColon {
        /// From 1.
        line: usize,
    },
    /// Neither `protocol=` nor `model=` after a tab. What it is, is not said: it may be a password's end.
    #[error("line {line}: after a tab only protocol=... and model=... may stand")]
    Unknown {
        /// From 1.
        line: usize,
    },
}

/// Reads a list; its rules are called `name:line`.
pub(super) fn read(name: &str, text: &str) -> Result<Vec<Pair>, InvalidList> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(line, number)| pair(name, line, number)).collect()
}

fn pair(name: &str, line: &str, number: usize) -> Result<Pair, InvalidList> {
    let mut parts = line.split('\t');
    let (user, password) =
        parts.next().and_then(|pair| pair.split_once(':')).ok_or(InvalidList::NoColon { line: number })?;
    let mut pair = Pair::new(format!("{name}:{number}"), user, password);
    for part in parts {
        match part.split_once('=') {
            Some(("protocol", value)) => pair.protocol = Some(value.into()),
            Some(("model", value)) => pair.model = Some(value.into()),
            _ => return Err(InvalidList::Unknown { line: number }),
        }
    }
    Ok(pair)
}

impl Pair {
    fn new(rule: String, user: &str, password: &str) -> Self {
        let password = Secret::new(password.as_bytes());
        Self { rule: rule.into(), user: user.into(), password, protocol: None, model: None }
    }

    fn fits(&self, service: &Service) -> bool {
        let model = |wanted: &str| {
            let said = [&service.device_model, &service.product].into_iter().flatten();
            said.into_iter().any(|it| it.to_ascii_lowercase().contains(&wanted.to_ascii_lowercase()))
        };
        self.protocol.as_deref().is_none_or(|it| it == &*service.protocol) && self.model.as_deref().is_none_or(model)
    }
}

/// What to try at a service, in order, each pair once: those for its model, then the account's name as password, the
/// lists in their order, the empty password; accounts take turns of two, so that an account's budget is used before the port's.
pub(super) fn candidates(pairs: &[Pair], service: &Service) -> Vec<Pair> {
    let without_account = matches!(&*service.protocol, "snmp" | "redis");
    // One account only, whatever it is called; so it has the budget of one.
    let of_owner = service.notes.get(FORM).is_some_and(|it| &**it == PASSWORD_ALONE);
    let is_meant = |user: &str| user.is_empty() == without_account && (!of_owner || user == "admin");
    let fitting: Vec<&Pair> = pairs.iter().filter(|pair| pair.fits(service) && is_meant(&pair.user)).collect();
    let mut users: Vec<&str> = Vec::new();
    for pair in &fitting {
        if !users.contains(&&*pair.user) {
            users.push(&pair.user);
        }
    }
    let own = users.iter().map(|user| {
        let listed = |narrow: bool| fitting.iter().filter(move |it| &*it.user == *user && it.model.is_some() == narrow);
        let made = |rule: &str, password| (!user.is_empty()).then(|| Pair::new(rule.into(), user, password));
        let all = listed(true).map(|it| (*it).clone()).chain(made("user-is-password", user));
        let all = all.chain(listed(false).map(|it| (*it).clone())).chain(made("empty", ""));
        all.fold(Vec::new(), |mut once: Vec<Pair>, pair| {
            if !once.iter().any(|it| it.password == pair.password) {
                once.push(pair);
            }
            once
        })
    });
    let mut queues: Vec<_> = own.map(|list| list.into_iter().rev().collect::<Vec<_>>()).collect();
    let mut order: Vec<Pair> = Vec::new();
    while queues.iter().any(|queue| !queue.is_empty()) {
        order.extend(queues.iter_mut().flat_map(|queue| [queue.pop(), queue.pop()]).flatten());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str, service: &Service) -> Vec<String> {
        let pairs = read("mine", text).unwrap();
        candidates(&pairs, service).iter().map(|it| format!("{} {}", it.user, it.rule)).collect()
    }

    #[test]
    fn accounts_take_turns_and_no_pair_comes_twice() {
        let http = Service { protocol: "http".into(), device_model: Some("Cam AX-3".into()), ..Service::default() };
        let text =
            "# mine\nadmin:a:b\nadmin:admin\n\nroot:x\tprotocol=http\tmodel=ax-3\nroot:y\tprotocol=ssh\n:public\n";
        let expected =
            ["admin user-is-password", "admin mine:2", "root mine:5", "root user-is-password", "admin empty"];
        assert_eq!(rules(text, &http)[..5], expected);
        assert_eq!(rules(text, &Service { protocol: "snmp".into(), ..Service::default() }), [" mine:7"]);
        let notes = [(FORM.into(), PASSWORD_ALONE.into())].into();
        let alone = Service { protocol: "http".into(), notes, ..Service::default() };
        assert_eq!(rules(text, &alone), ["admin user-is-password", "admin mine:2", "admin empty"]);
    }

    #[test]
    fn a_wrong_line_is_told_without_what_is_in_it() {
        assert_eq!(read("mine", "a:b\nsecret"), Err(InvalidList::NoColon { line: 2 }));
        assert_eq!(read("mine", "a:b\tsecret"), Err(InvalidList::Unknown { line: 1 }));
        assert!(!format!("{:?}", read("mine", "a:hidden").unwrap()).contains("hidden"));
    }
}

//! An audit that comes again and again, as the configuration says it.

use std::path::{Path, PathBuf};

use fleetward_audit::pace::Temperament;
use fleetward_audit::ports::PortSet;

use super::when::{Days, When};
use crate::config::{Passwords, Scheduled};

/// One entry of `audit.schedule`.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    /// Its name; a file's name, too.
    pub(crate) name: String,
    /// When it runs.
    pub(crate) when: When,
    /// The same in words.
    pub(crate) words: String,
    /// As on the command line; none: every device with an address in the networks.
    pub(crate) targets: Vec<String>,
    /// Which ports.
    pub(crate) ports: PortSet,
    /// How gently.
    pub(crate) temperament: Temperament,
    /// Lists of the owner's; none: no password is tried.
    pub(crate) lists: Option<Vec<PathBuf>>,
}

impl Schedule {
    /// From a configuration that was checked; `base`: the folder of its file.
    pub(crate) fn new(wanted: &Scheduled, base: &Path) -> Self {
        let lists = wanted.lists.iter().map(|it| base.join(&it.value)).collect();
        Self {
            name: wanted.name.value.clone(),
            when: when(wanted),
            words: words(wanted),
            targets: wanted.targets.iter().map(|it| it.value.clone()).collect(),
            ports: wanted.ports.0.clone(),
            temperament: wanted.temperament.into(),
            lists: (wanted.passwords == Passwords::Known).then_some(lists),
        }
    }
}

fn when(wanted: &Scheduled) -> When {
    match (wanted.at, wanted.every) {
        (Some(at), _) => {
            let days = Days::of(wanted.days.iter().map(|day| *day as u8));
            let days = if wanted.days.is_empty() { Days::ALL } else { days };
            When::At { minute: at.0, days, until: wanted.until.map(|it| it.0) }
        }
        (None, every) => When::Every(every.map(|it| it.0).unwrap_or_default()),
    }
}

fn words(wanted: &Scheduled) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let Some(at) = wanted.at else {
        let every = wanted.every.map(|it| it.0.as_secs()).unwrap_or_default();
        return match every {
            secs if secs % 86_400 == 0 => format!("every {} d", secs / 86_400),
            secs if secs % 3600 == 0 => format!("every {} h", secs / 3600),
            secs if secs % 60 == 0 => format!("every {} min", secs / 60),
            secs => format!("every {secs} s"),
        };
    };
    let days: Vec<String> = wanted.days.iter().map(|day| format!("{day:?}").to_lowercase()).collect();
    let days = if days.is_empty() { "daily".to_owned() } else { days.join(",") };
    let until = wanted.until.map(|it| format!(" to {}", clock(it.0))).unwrap_or_default();
    format!("{days} {}{until} UTC", clock(at.0))
}

//! `audit.schedule`: what is wrong with it is said before anything starts.

use std::path::Path;
use std::time::Duration;

use fleetward_audit::scope::Scope;
use serde_saphyr::Location;

use super::types::{Audit, Scheduled};
use crate::audit::{check_list, spelled};

/// More often nobody needs to know.
const OFTEN: Duration = Duration::from_secs(10);
/// Audits by themselves: they run one after the other.
const MOST: usize = 64;
/// A name is a file's name, too.
const LONGEST_NAME: usize = 64;

impl Audit {
    /// What may be audited without somebody at the keyboard: public addresses take a statement there.
    pub(crate) fn scope(&self) -> Scope {
        Scope::new(self.networks.iter().map(|it| it.0).collect(), false)
    }

    /// Each with its place.
    pub(super) fn problems(&self, base: &Path) -> Vec<(Location, String)> {
        let mut problems = Vec::new();
        let scope = self.scope();
        let mut seen: Vec<&str> = Vec::new();
        for wanted in &self.schedule {
            let name = wanted.name.value.as_str();
            let mut wrong = |at, why: String| problems.push((at, format!("audit.schedule: {name:?}{why}")));
            let here = wanted.name.referenced;
            let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
            if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
                wrong(here, format!(": a name has 1 to {LONGEST_NAME} of a-z, A-Z, 0-9, - and _"));
            }
            if seen.contains(&name) {
                wrong(here, " is there twice; what ran last is remembered by name".into());
            }
            seen.push(name);
            if self.networks.is_empty() {
                wrong(here, ": no network is listed as yours; list them: `networks: [10.9.0.0/24]`".into());
            }
            if let Some(why) = wanted.time_problem() {
                wrong(here, why);
            }
            for word in &wanted.targets {
                let addresses = spelled(&word.value);
                let refused = match addresses {
                    Some(Ok(all)) => all.into_iter().find_map(|it| scope.admit(it).err()).map(|it| it.to_string()),
                    Some(Err(error)) => Some(error.to_string()),
                    None => None,
                };
                if let Some(refused) = refused.filter(|_| !self.networks.is_empty()) {
                    let way =
                        "list your networks in `audit.networks`; public ones are audited from the command line alone";
                    wrong(word.referenced, format!(": {:?}: {refused}; {way}", word.value));
                }
            }
            for list in &wanted.lists {
                if let Err(error) = check_list(&base.join(&list.value)) {
                    wrong(list.referenced, format!(": {error}"));
                }
            }
        }
        if let Some(more) = self.schedule.get(MOST) {
            problems.push((more.name.referenced, format!("audit.schedule: at most {MOST}; one may have many targets")));
        }
        problems
    }
}

impl Scheduled {
    fn time_problem(&self) -> Option<String> {
        let why = match (&self.at, &self.every) {
            (None, None) | (Some(_), Some(_)) => " needs one of `at: \"02:30\"` (UTC) and `every: 6 h`",
            (None, Some(_)) if self.until.is_some() || !self.days.is_empty() => {
                ": `until` and `days` go with `at`; with `every` it runs at any time"
            }
            (None, Some(every)) if every.0 < OFTEN => ": `every` of less than 10 s would never leave a device alone",
            (Some(at), None) if self.until == Some(*at) => ": `until` is the same as `at`; leave it out for no end",
            _ => return None,
        };
        Some(why.to_owned())
    }
}

//! Which hello comes next, and what the answers add up to: no I/O, so it is held against imagined servers.
//!
//! A handshake tells one suite, so all suites cost as many hellos as there are. A suite is asked for in the highest
//! version that takes it; lower versions are asked only for what is left, which is nothing on most servers. Weak suites
//! are asked for before the rest, so that what a bounded number of hellos leaves out is not what is looked for.

use super::Version;
use super::answer::Answer;
use super::flight::Flight;
use super::hello::Question;
use super::suites;

/// The hellos of one endpoint.
#[derive(Debug)]
pub(super) struct Plan {
    left: u32,
    asked: u32,
    stage: Stage,
    /// Suites of one hello at most: fewer where a long one is too much for the server.
    at_once: usize,
    /// Versions that were taken, the highest first.
    pub versions: Vec<Version>,
    /// Suites with the highest version that took them, in the order of being found.
    pub suites: Vec<(Version, u16)>,
    /// Something was heard that only TLS says.
    pub speaks: bool,
    /// Why there may be more suites than were found.
    pub cut: Option<&'static str>,
    /// Refused without a word at the first hello.
    silent: bool,
}

/// What is being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Which of these versions.
    Versions(Vec<Version>),
    /// Which of these suites in this version; then the rest.
    Suites(Vec<(Version, Vec<u16>)>),
    Done,
}

impl Plan {
    /// With so many hellos at most.
    pub(super) fn new(left: u32) -> Self {
        let (versions, suites) = (Vec::new(), Vec::new());
        let stage = Stage::Versions(Self::order());
        Self { left, asked: 0, stage, at_once: usize::MAX, versions, suites, speaks: false, cut: None, silent: false }
    }

    /// Hellos so far.
    pub(super) fn asked(&self) -> u32 {
        self.asked
    }

    /// No more, for this reason.
    pub(super) fn stop(&mut self, why: &'static str) {
        self.stage = Stage::Done;
        self.cut = Some(why);
    }

    /// What to say next.
    pub(super) fn next(&mut self) -> Option<Question> {
        let question = self.question()?;
        if self.left == 0 {
            self.stop("the number of connections is bounded");
            return None;
        }
        (self.left, self.asked) = (self.left - 1, self.asked + 1);
        Some(question)
    }

    /// How it was answered.
    pub(super) fn learn(&mut self, question: &Question, answer: &Answer) {
        let took = if let Answer::Took(flight) = answer { Some(&**flight) } else { None };
        self.speaks |= took.is_some() || matches!(answer, Answer::Refused(Some(_)));
        match &mut self.stage {
            Stage::Versions(_) if *answer == Answer::NotTls && !self.speaks => self.stage = Stage::Done,
            Stage::Versions(_) if *answer == Answer::Refused(None) && !self.speaks && self.silent => {
                self.stage = Stage::Done;
            }
            Stage::Versions(left) => {
                left.retain(|it| *it != question.version);
                self.silent = *answer == Answer::Refused(None);
                if let Some(flight) = took.filter(|it| it.version == question.version) {
                    self.versions.push(flight.version);
                    self.found(flight);
                }
            }
            Stage::Suites(groups) => {
                let fits = |it: &&Flight| it.version == question.version && question.suites.contains(&it.suite);
                match took.filter(fits) {
                    Some(flight) => self.found(flight),
                    None => drop(groups.pop()),
                }
            }
            Stage::Done => {}
        }
    }

    fn found(&mut self, flight: &Flight) {
        match self.suites.iter_mut().find(|it| it.1 == flight.suite) {
            Some(known) => known.0 = known.0.max(flight.version),
            None => self.suites.push((flight.version, flight.suite)),
        }
    }

    fn question(&mut self) -> Option<Question> {
        loop {
            match &mut self.stage {
                Stage::Versions(left) => match left.first().copied() {
                    Some(version) => return Some(Question { version, suites: self.offer(version) }),
                    None if self.versions.is_empty() && self.at_once == usize::MAX => {
                        self.at_once = suites::COMMON.len();
                        self.stage = Stage::Versions(Self::order());
                    }
                    None => self.stage = self.groups(),
                },
                Stage::Suites(groups) => {
                    let (version, mut suites) = groups.last().cloned()?;
                    suites.retain(|code| !self.suites.iter().any(|it| it.1 == *code && it.0 >= version));
                    if !suites.is_empty() {
                        return Some(Question { version, suites });
                    }
                    groups.pop();
                }
                Stage::Done => return None,
            }
        }
    }

    /// For a question about the version alone.
    fn offer(&self, version: Version) -> Vec<u16> {
        let mut all = suites::of(version);
        if self.at_once < usize::MAX {
            all.retain(|it| suites::COMMON.contains(it));
        }
        all
    }

    /// Of each version the weak ones first; taken from the end.
    fn groups(&mut self) -> Stage {
        self.versions.sort_unstable_by(|a, b| b.cmp(a));
        let mut groups = Vec::new();
        for weak in [true, false] {
            for version in &self.versions {
                let all = suites::of(*version).into_iter().filter(|it| suites::is_weak(&suites::name(*it)) == weak);
                let all: Vec<u16> = all.collect();
                groups.extend(all.chunks(self.at_once.min(all.len().max(1))).map(|it| (*version, it.to_vec())));
            }
        }
        groups.reverse();
        Stage::Suites(groups)
    }

    /// What most servers answer first: whoever does not speak TLS is let alone the sooner.
    fn order() -> Vec<Version> {
        vec![Version::Tls12, Version::Tls13, Version::Tls11, Version::Tls10, Version::Ssl3]
    }
}

#[cfg(test)]
mod tests;

//! Lists of names that the operator chose: trackers, resolvers over HTTPS.
//!
//! A line is a plain name (`tracker.example`), a line of a hosts file (`0.0.0.0 tracker.example`), or an adblock rule for a whole host
//! (`||tracker.example^`). A name stands for itself and everything below it. `#` and `!` begin comments; every other line is counted as
//! skipped and changes nothing.

use hashbrown::HashSet;

/// Names of one list are at most so many.
const MAX_NAMES: usize = 2_000_000;

/// Names, and everything below them.
#[derive(Debug, Default, Clone)]
pub struct NameList {
    names: HashSet<Box<str>>,
    /// Lines that are no name.
    pub skipped: usize,
}

impl NameList {
    /// Adds the lines of a file; how many names are new.
    pub fn add(&mut self, text: &str) -> usize {
        let before = self.names.len();
        for line in text.lines() {
            match name(line) {
                Some(name) if self.names.len() < MAX_NAMES => drop(self.names.insert(name)),
                None if is_comment(line) => {}
                Some(_) | None => self.skipped += 1,
            }
        }
        self.names.len() - before
    }

    /// How many names.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The listed name that this name is, or lies below.
    pub fn find<'a>(&self, name: &'a str) -> Option<&'a str> {
        if self.names.is_empty() {
            return None;
        }
        let mut rest = name;
        loop {
            if self.names.contains(rest) {
                return Some(rest);
            }
            rest = rest.split_once('.')?.1;
        }
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with(['#', '!', '['])
}

fn name(line: &str) -> Option<Box<str>> {
    let line = line.split('#').next().unwrap_or_default().trim();
    if line.starts_with('!') || line.starts_with('[') {
        return None;
    }
    let text = if let Some(rule) = line.strip_prefix("||") {
        rule.strip_suffix('^')?
    } else {
        let mut words = line.split_ascii_whitespace();
        let first = words.next()?;
        match (first.parse::<std::net::IpAddr>(), words.next()) {
            (Ok(_), Some(name)) => name,
            (Err(_), None) => first.strip_prefix("*.").unwrap_or(first),
            _ => return None,
        }
    };
    let text = text.trim_end_matches('.').to_ascii_lowercase();
    let good = text.contains('.')
        && text.len() <= 253
        && text.split('.').all(|label| !label.is_empty() && label.len() <= 63)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    good.then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_three_forms_and_counts_the_rest() {
        let mut list = NameList::default();
        let text = "# a comment\nTracker.example\n0.0.0.0 ads.example # why\n||metrics.vendor.example^\n||x.example/path^$third-party\n\
                    localhost\n/regex/\n*.wild.example\n127.0.0.1 localhost\n";
        assert_eq!(list.add(text), 4);
        assert_eq!(list.skipped, 4);
        assert_eq!(list.find("a.b.tracker.example"), Some("tracker.example"));
        assert_eq!(list.find("metrics.vendor.example"), Some("metrics.vendor.example"));
        assert_eq!(list.find("vendor.example"), None);
        assert_eq!(list.find("nottracker.example"), None);
    }
}

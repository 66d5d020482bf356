//! A translated rule as a YAML document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rsigma_parser::{CorrelationRule, Level, SigmaRule};

/// What a Sigma rule says about itself.
pub(crate) struct About {
    title: String,
    id: Option<String>,
    author: Option<String>,
    license: Option<String>,
    description: Option<String>,
    level: Option<Level>,
    tags: Vec<String>,
    references: Vec<String>,
    falsepositives: Vec<String>,
}

impl About {
    pub(crate) fn of_rule(rule: &SigmaRule) -> Self {
        Self {
            title: rule.title.clone(),
            id: rule.id.clone(),
            author: rule.author.clone(),
            license: rule.license.clone(),
            description: rule.description.clone(),
            level: rule.level,
            tags: rule.tags.clone(),
            references: rule.references.clone(),
            falsepositives: rule.falsepositives.clone(),
        }
    }

    pub(crate) fn of_correlation(rule: &CorrelationRule) -> Self {
        Self {
            title: rule.title.clone(),
            id: rule.id.clone(),
            author: rule.author.clone(),
            license: rule.license.clone(),
            description: rule.description.clone(),
            level: rule.level,
            tags: rule.tags.clone(),
            references: rule.references.clone(),
            falsepositives: rule.falsepositives.clone(),
        }
    }
}

/// A window of a translated correlation.
pub(crate) struct Window {
    pub(crate) name: String,
    aggregate: &'static str,
    of: String,
    pub(crate) filter: Option<String>,
}

impl Window {
    pub(crate) fn new(name: String, aggregate: &'static str, of: String) -> Self {
        Self { name, aggregate, of, filter: None }
    }
}

/// A translated rule.
pub(crate) struct Written {
    pub(crate) name: String,
    about: About,
    pub(crate) per: Option<&'static str>,
    /// The length of its windows.
    pub(crate) over: String,
    pub(crate) watch: Vec<Window>,
    when: String,
    pub(crate) notes: Vec<String>,
}

impl Written {
    pub(crate) fn new(about: About, when: String) -> Self {
        let name = slug(&about.title);
        Self { name, about, per: None, over: String::new(), watch: Vec::new(), when, notes: Vec::new() }
    }

    /// Two rules of one name: the second becomes `name-2`.
    pub(crate) fn make_unique(&mut self, names: &mut BTreeMap<String, u32>) {
        let seen = names.entry(self.name.clone()).or_default();
        *seen += 1;
        if *seen > 1 {
            self.name = format!("{}-{seen}", self.name);
        }
    }

    /// As our language writes it.
    pub(crate) fn document(&self) -> String {
        let mut out = String::new();
        let about = &self.about;
        let origin = [("rule", &about.id), ("by", &about.author), ("under", &about.license)];
        let origin: Vec<String> =
            origin.iter().filter_map(|(word, value)| Some(format!("{word} {}", one_line(value.as_ref()?)))).collect();
        let origin =
            if origin.is_empty() { " a rule without id".to_owned() } else { format!(" {}", origin.join(", ")) };
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        line(format!("# From Sigma:{origin}."));
        for note in &self.notes {
            line(format!("# Note: {note}."));
        }
        line(format!("rule: {}", self.name));
        line(format!("title: {}", scalar(&braces(&about.title))));
        if let Some(per) = self.per {
            line(format!("per: {per}"));
        }
        if !self.watch.is_empty() {
            line("watch:".into());
        }
        for window in &self.watch {
            line(self.window(window));
        }
        line(format!("when: {}", scalar(&self.when)));
        line(format!("severity: {}", severity(about.level)));
        line("mode: dry-run".into());
        line("budget: { max_alarms_per_day: 50 }".into());
        if let Some(text) = &about.description {
            line(format!("why: {}", scalar(text.trim())));
        }
        if !about.falsepositives.is_empty() {
            line(format!("false_alarms: {}", scalar(&about.falsepositives.join("; "))));
        }
        let references = list(&about.references);
        if let Some(list) = references {
            line(format!("references: {list}"));
        }
        let tags: Vec<String> = about.tags.iter().filter_map(|tag| technique(tag)).collect();
        if let Some(list) = list(&tags) {
            line(format!("tags: {list}"));
        }
        out
    }

    fn window(&self, window: &Window) -> String {
        let mut text =
            format!("  {}: {{ {}: {}, over: {}", window.name, window.aggregate, scalar(&window.of), self.over);
        if let Some(filter) = &window.filter {
            let _ = write!(text, ", where: {}", scalar(filter));
        }
        text.push_str(" }");
        text
    }
}

fn list(items: &[String]) -> Option<String> {
    let items: Vec<String> = items.iter().map(|item| scalar(item)).collect();
    (!items.is_empty()).then(|| format!("[{}]", items.join(", ")))
}

/// A JSON string is a YAML scalar whatever it holds.
fn scalar(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Braces are holes in our titles.
fn braces(text: &str) -> String {
    one_line(text).replace('{', "{{").replace('}', "}}")
}

fn severity(level: Option<Level>) -> &'static str {
    match level {
        Some(Level::Informational) => "info",
        None => "medium",
        Some(level) => level.as_str(),
    }
}

/// `attack.t1110.001` is a technique of ATT&CK; tactics, groups and other schemes have no place in our tags.
fn technique(tag: &str) -> Option<String> {
    let id = tag.strip_prefix("attack.t")?;
    let digits: String = id.chars().take_while(char::is_ascii_digit).collect();
    let matrix = match digits.len() {
        4 if digits.starts_with('0') => "ics",
        4 => "enterprise",
        _ => return None,
    };
    Some(format!("attack.{matrix}:T{id}"))
}

fn slug(title: &str) -> String {
    let mut slug = "sigma".to_owned();
    for word in title.to_lowercase().split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if slug.len() + word.len() + 1 > 58 {
            break;
        }
        slug.push('-');
        slug.push_str(word);
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn techniques_are_kept_and_tactics_are_not() {
        assert_eq!(technique("attack.t1110.001").as_deref(), Some("attack.enterprise:T1110.001"));
        assert_eq!(technique("attack.t0812").as_deref(), Some("attack.ics:T0812"));
        assert_eq!(technique("attack.credential-access"), None);
        assert_eq!(slug("Mirai: Telnet scan!"), "sigma-mirai-telnet-scan");
    }
}

//! What differs between two versions of a rule: what it judges, what it does, and what it says.

use crate::explain::{actions, excused_by, whom, words};
use crate::expr::units;
use crate::rule::Rule;

/// One aspect in which two versions of a rule differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `scope`, `watch used`, `when`, `respond`, `advice` ...
    pub aspect: String,
    /// As the first has it; `None` where it does not state it.
    pub before: Option<String>,
    /// As the second has it.
    pub after: Option<String>,
    /// It changes which findings there are or what is done; otherwise only words differ.
    pub meaning: bool,
}

impl Rule {
    /// In what `after` differs from this rule. Spacing and the way of writing a number (`1000 kB`, `1 MB`) do not count.
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let (before, after) = (aspects(self), aspects(after));
        let names = before.iter().chain(after.iter().filter(|aspect| find(&before, &aspect.name).is_none()));
        let changed = names.filter_map(|aspect| {
            let (old, new) = (find(&before, &aspect.name), find(&after, &aspect.name));
            let same = old.map(|old| normal(&old.text, aspect.kind)) == new.map(|new| normal(&new.text, aspect.kind));
            let text = |aspect: Option<&Aspect>| aspect.map(|aspect| aspect.text.clone());
            (!same).then(|| Difference {
                aspect: aspect.name.clone(),
                before: text(old),
                after: text(new),
                meaning: aspect.kind != Kind::Words,
            })
        });
        changed.collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Expression,
    Setting,
    Words,
}

struct Aspect {
    name: String,
    text: String,
    kind: Kind,
}

fn find<'a>(aspects: &'a [Aspect], name: &str) -> Option<&'a Aspect> {
    aspects.iter().find(|aspect| aspect.name == name)
}

fn aspects(rule: &Rule) -> Vec<Aspect> {
    let text = &rule.text;
    let expression = |name: &str, text: &str| Aspect { name: name.into(), text: text.into(), kind: Kind::Expression };
    let mut found = vec![setting("about", whom(rule.subject))];
    found.extend(text.scope.as_ref().map(|scope| expression("scope", scope)));
    found.extend(text.watch.iter().map(|(name, what)| expression(&format!("watch {name}"), what)));
    found.push(expression("when", &text.when));
    if !text.excuses.is_empty() {
        found.push(expression("unless", &text.excuses.join("; ")));
    }
    found.extend(text.clear.as_ref().map(|clear| expression("clear", clear)));
    found.extend(settings(rule));
    let title = Some(rule.title.to_string());
    let words = [
        ("title", &title),
        ("expected", &text.expected),
        ("observed", &text.observed),
        ("advice", &text.advice),
        ("confidence", &text.confidence),
    ];
    found.extend(
        words
            .into_iter()
            .filter_map(|(name, words)| Some(Aspect { name: name.into(), text: words.clone()?, kind: Kind::Words })),
    );
    if !rule.tags.is_empty() {
        found.push(Aspect { name: "tags".into(), text: rule.tags.join(", "), kind: Kind::Words });
    }
    found
}

fn settings(rule: &Rule) -> Vec<Aspect> {
    let every = words(rule.repeat.every);
    let repeat = match (&rule.text.repeat, rule.repeat.per_value) {
        (Some(text), true) => text.clone(),
        _ => format!("once per {every}"),
    };
    let mut found = vec![
        setting("repeat", repeat),
        setting("severity", format!("{:?}", rule.severity).to_lowercase()),
        setting("mode", serde_name(rule)),
    ];
    let budget = [
        ("budget max_alarms_per_day", rule.budget.max_alarms_per_day),
        ("budget max_actions_per_hour", rule.budget.max_actions_per_hour),
    ];
    found.extend(budget.into_iter().filter_map(|(name, most)| Some(setting(name, most?.to_string()))));
    found.extend(excused_by(rule).map(|kinds| setting("planned", kinds)));
    found.extend((!rule.responds.is_empty()).then(|| setting("respond", actions(rule).join(", "))));
    found
}

fn setting(name: &str, text: impl Into<String>) -> Aspect {
    Aspect { name: name.into(), text: text.into(), kind: Kind::Setting }
}

fn serde_name(rule: &Rule) -> &'static str {
    match rule.mode {
        crate::rule::Mode::Off => "off",
        crate::rule::Mode::DryRun => "dry-run",
        crate::rule::Mode::NotifyOnly => "notify-only",
        crate::rule::Mode::Enforce => "enforce",
    }
}

/// An expression without what does not matter: units become numbers, and white space outside texts goes.
fn normal(text: &str, kind: Kind) -> String {
    if kind != Kind::Expression {
        return text.to_owned();
    }
    let mut plain = String::new();
    let rewritten = units::rewrite(text);
    let mut quote = None;
    let mut skip_number = false;
    for (at, c) in rewritten.text.chars().enumerate() {
        if let Some((factor, dimension)) = rewritten.units.get(&at) {
            let digits: String =
                rewritten.text.chars().skip(at).take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            plain += &(digits.parse::<f64>().unwrap_or(f64::NAN) * factor).to_string();
            plain += dimension.describe();
            skip_number = true;
        }
        skip_number &= c.is_ascii_digit() || c == '.';
        quote = match quote {
            None if c == '"' || c == '\'' => Some(c),
            Some(open) if open == c => None,
            quote => quote,
        };
        if !skip_number && (quote.is_some() || !c.is_whitespace()) {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacing_and_units_do_not_change_the_meaning() {
        let normal = |text| normal(text, Kind::Expression);
        assert_eq!(normal("used>1000 kB"), normal("used > 1 MB"));
        assert_eq!(normal("used > 60 min"), normal("used > 1 h"));
        assert_ne!(normal("used > 1 MB"), normal("used > 2 MB"));
        assert_ne!(normal("x == \"a b\""), normal("x == \"ab\""));
        assert_ne!(normal("used > 1"), normal("used > 1 B"));
    }
}

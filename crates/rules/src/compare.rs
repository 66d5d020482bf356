//! What differs between two versions of a rule: what it judges, what it does, and what it says; and what it names that
//! differs: a macro, a list, an exception.

use std::collections::BTreeSet;

use fleetward_fleet::counted;

use crate::explain::{actions, excused_by, whom, words};
use crate::expr::units;
use crate::named::Meaning;
use crate::places::{Area, Positions};
use crate::rule::{Excepted, Rule};

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
    /// It stands outside the rule's own document, in a macro, a list, an area or an exception: no new version of the rule.
    pub outside: bool,
}

/// Most entries of a list that a difference shows.
const MAX_SHOWN: usize = 5;

impl Rule {
    /// In what `after` differs from this rule. Spacing and the way of writing a number (`1000 kB`, `1 MB`) do not count.
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let (mine, theirs) = (aspects(self), aspects(after));
        let names = mine.iter().chain(theirs.iter().filter(|aspect| find(&mine, &aspect.name).is_none()));
        let changed = names.filter_map(|aspect| {
            let (old, new) = (find(&mine, &aspect.name), find(&theirs, &aspect.name));
            let same = old.map(|old| normal(&old.text, aspect.kind)) == new.map(|new| normal(&new.text, aspect.kind));
            let text = |aspect: Option<&Aspect>| aspect.map(|aspect| aspect.text.clone());
            (!same).then(|| Difference {
                aspect: aspect.name.clone(),
                before: text(old),
                after: text(new),
                meaning: aspect.kind != Kind::Words,
                outside: false,
            })
        });
        changed.chain(outside(self, after)).collect()
    }
}

/// What differs in what the rules name, and in what operators excepted.
fn outside(before: &Rule, after: &Rule) -> Vec<Difference> {
    let (old, new) = (&before.text.named, &after.text.named);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut found: Vec<Difference> = names
        .into_iter()
        // Where only one of them names it, its own words differ.
        .filter_map(|name| Some((name, old.get(name)?, new.get(name)?)))
        .filter_map(|(name, old, new)| sides(old, new).map(|sides| (name.clone(), sides)))
        .map(|(aspect, (before, after))| Difference { aspect, before, after, meaning: true, outside: true })
        .collect();
    found.extend(exceptions(before, after));
    found
}

fn exceptions(before: &Rule, after: &Rule) -> Option<Difference> {
    let (old, new) = (before.exceptions(), after.exceptions());
    let key = |it: &Excepted| (normal(&it.when, Kind::Expression), it.until);
    let keys = |all: &[Excepted]| all.iter().map(key).collect::<BTreeSet<_>>();
    let meaning = keys(old) != keys(new);
    let reasons = |all: &[Excepted]| all.iter().map(|it| (key(it), it.reason.clone())).collect::<BTreeSet<_>>();
    let text = |it: &Excepted| format!("`{}` until {} ({})", it.when, it.until_text, it.reason);
    let side = |all: &[Excepted]| (!all.is_empty()).then(|| all.iter().map(text).collect::<Vec<_>>().join("; "));
    let differ = meaning || reasons(old) != reasons(new);
    differ.then(|| Difference {
        aspect: "exceptions".into(),
        before: side(old),
        after: side(new),
        meaning,
        outside: true,
    })
}

/// Two meanings of one name in words; `None` where they are the same.
fn sides(before: &Meaning, after: &Meaning) -> Option<(Option<String>, Option<String>)> {
    match (before, after) {
        (Meaning::Macro(old), Meaning::Macro(new)) => {
            let same = normal(old, Kind::Expression) == normal(new, Kind::Expression);
            (!same).then(|| (Some(old.to_string()), Some(new.to_string())))
        }
        (Meaning::List(old), Meaning::List(new)) => {
            let (old, new): (BTreeSet<&String>, BTreeSet<&String>) = (old.iter().collect(), new.iter().collect());
            (old != new).then(|| (entries(old.difference(&new)), entries(new.difference(&old))))
        }
        (Meaning::Area(old), Meaning::Area(new)) => {
            (old != new).then(|| (Some(area_in_words(old)), Some(area_in_words(new))))
        }
        (Meaning::Positions(old), Meaning::Positions(new)) => {
            let count = |positions: &Positions| counted(positions.len(), "cell");
            let moved = format!("{}, not all of them where they were", count(new));
            (old != new).then(|| (Some(count(old)), Some(moved)))
        }
        _ => None,
    }
}

/// Entries that only one side has.
fn entries<'a>(of: impl Iterator<Item = &'a &'a String>) -> Option<String> {
    let all: Vec<&str> = of.map(|entry| entry.as_str()).collect();
    let shown = all.iter().take(MAX_SHOWN).copied().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(MAX_SHOWN) {
        _ if all.is_empty() => None,
        0 => Some(shown),
        more => Some(format!("{shown} and {more} more")),
    }
}

fn area_in_words(area: &Area) -> String {
    let countries = area.countries.iter().map(ToString::to_string);
    let networks = area.networks.iter().map(ToString::to_string);
    let any = |part: Option<String>| part.unwrap_or_else(|| "*".to_owned());
    let cells = area.cells.iter().map(|pattern| {
        let (area, cell) = (pattern.area.map(|it| it.to_string()), pattern.cell.map(|it| it.to_string()));
        format!("{}-{}-{}", pattern.network, any(area), any(cell))
    });
    let circles = area.circles.iter().map(|(centre, km)| format!("{km} km around {}, {}", centre.lat, centre.lon));
    countries.chain(networks).chain(cells).chain(circles).collect::<Vec<_>>().join(", ")
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

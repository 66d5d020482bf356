//! `fleetward rules diff`: in what two versions of rules differ.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleetward_rules::{BUILTIN_FILES, Difference, Rule};
use serde_json::{Value, json};

use super::files::{rules, with_builtin};
use crate::cli::Global;
use crate::exit::{Exit, Failure};

/// Two versions of one rule; one of them is missing where the rule is new or gone.
struct Pair {
    before: Option<Arc<Rule>>,
    after: Option<Arc<Rule>>,
}

/// The rules that an argument names.
struct Side {
    own: Vec<Arc<Rule>>,
    /// The built-in rules, with the lists and exceptions beside `own`; empty where the argument names a rule.
    builtin: Vec<Arc<Rule>>,
}

pub(super) fn diff(global: &Global, first: &str, second: Option<&str>) -> anyhow::Result<Exit> {
    let first = named(global, first)?;
    let pairs = match second {
        Some(second) => {
            let second = named(global, second)?;
            let mut pairs = pair(&first.own, &second.own);
            pairs.extend(pair_builtin(&first, &second));
            pairs
        }
        None => against_force(global, first)?,
    };
    let changed: Vec<&Pair> = pairs.iter().filter(|pair| pair.is_changed()).collect();
    let json: Vec<Value> = changed.iter().map(|pair| pair.json()).collect();
    let text = || changed.iter().map(|pair| pair.text()).collect::<Vec<_>>().join("\n");
    global.printer().object(&json, || if changed.is_empty() { "no difference".to_owned() } else { text() })?;
    Ok(if changed.is_empty() { Exit::Done } else { Exit::Found })
}

/// The rules of a file or folder, or the rule in force of this name.
fn named(global: &Global, name: &str) -> anyhow::Result<Side> {
    if Path::new(name).exists() {
        let all = with_builtin(global, &[PathBuf::from(name)])?;
        let is_builtin = |rule: &Arc<Rule>| BUILTIN_FILES.iter().any(|(file, _)| **file == *rule.file);
        let (builtin, own) = all.rules().iter().cloned().partition(is_builtin);
        return Ok(Side { own, builtin });
    }
    let in_force = rules(global, &[])?;
    let Some(rule) = in_force.rule(name) else {
        let message = format!("there is neither a file nor a rule {name:?}");
        return Err(Failure::input(message, "fleetward rules list shows the rules in force").into());
    };
    Ok(Side { own: vec![rule.clone()], builtin: Vec::new() })
}

/// One rule each: those two, whatever their names. Otherwise those of the same name.
fn pair(before: &[Arc<Rule>], after: &[Arc<Rule>]) -> Vec<Pair> {
    if let ([one], [other]) = (before, after) {
        return vec![Pair { before: Some(one.clone()), after: Some(other.clone()) }];
    }
    let same = |rules: &[Arc<Rule>], name: &str| rules.iter().find(|rule| *rule.name == *name).cloned();
    let mut pairs: Vec<Pair> =
        before.iter().map(|rule| Pair { before: Some(rule.clone()), after: same(after, &rule.name) }).collect();
    let new = after.iter().filter(|rule| same(before, &rule.name).is_none());
    pairs.extend(new.map(|rule| Pair { before: None, after: Some(rule.clone()) }));
    pairs
}

/// Built-in rules that both sides have: their lists and exceptions may differ.
fn pair_builtin(before: &Side, after: &Side) -> Vec<Pair> {
    let of = |side: &Side, name: &str| side.builtin.iter().find(|rule| *rule.name == *name).cloned();
    let names = before.builtin.iter().map(|rule| &rule.name);
    let both = names.filter_map(|name| Some((of(before, name)?, of(after, name)?)));
    both.map(|(before, after)| Pair { before: Some(before), after: Some(after) }).collect()
}

/// What would change if these took the place of those in force. A built-in rule is among them where the file makes an exception to it.
fn against_force(global: &Global, after: Side) -> anyhow::Result<Vec<Pair>> {
    let in_force = rules(global, &[])?;
    let with = |rule: Arc<Rule>| Pair { before: in_force.rule(&rule.name).cloned(), after: Some(rule) };
    let excepted = after.builtin.into_iter().filter(|rule| !rule.exceptions().is_empty());
    let pairs: Vec<Pair> = after.own.into_iter().chain(excepted).map(with).collect();
    if pairs.is_empty() {
        let hint = "compare the folder before with the folder after: fleetward rules diff BEFORE AFTER";
        return Err(
            Failure::input("there is neither a rule nor an exception to compare with those in force", hint).into()
        );
    }
    Ok(pairs)
}

impl Pair {
    fn differences(&self) -> Vec<Difference> {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => before.differences(after),
            _ => Vec::new(),
        }
    }

    fn is_changed(&self) -> bool {
        self.before.is_none() || self.after.is_none() || !self.differences().is_empty()
    }

    fn json(&self) -> Value {
        let side = |rule: &Option<Arc<Rule>>| {
            rule.as_ref().map(|rule| json!({ "rule": rule.name, "version": rule.version, "file": rule.file }))
        };
        let differences: Vec<Value> = self
            .differences()
            .iter()
            .map(|difference| {
                json!({
                    "aspect": difference.aspect, "before": difference.before, "after": difference.after,
                    "meaning": difference.meaning, "outside": difference.outside,
                })
            })
            .collect();
        json!({ "before": side(&self.before), "after": side(&self.after), "differences": differences })
    }

    fn text(&self) -> String {
        match (&self.before, &self.after) {
            (None, Some(rule)) => format!("{} is new ({})\n  {}\n", rule.name, rule.file, rule.explain()),
            (Some(rule), None) => format!("{} is gone ({})\n", rule.name, rule.file),
            (Some(before), Some(after)) => self.changes(before, after),
            (None, None) => String::new(),
        }
    }

    fn changes(&self, before: &Rule, after: &Rule) -> String {
        let name = if before.name == after.name {
            after.name.to_string()
        } else {
            format!("{} -> {}", before.name, after.name)
        };
        let differences = self.differences();
        let mut lines = vec![format!("{name} ({} -> {})", before.file, after.file)];
        let own_meaning = differences.iter().any(|difference| difference.meaning && !difference.outside);
        let same_version = own_meaning && before.name == after.name && before.version == after.version;
        if same_version {
            lines.push(format!("  its meaning changed, its version did not (both {})", after.version));
        }
        for (meaning, heading) in [(true, "  what it judges and does"), (false, "  only what it says")] {
            let group: Vec<&Difference> = differences.iter().filter(|held| held.meaning == meaning).collect();
            if !group.is_empty() {
                lines.push(heading.to_owned());
                lines.extend(group.into_iter().flat_map(sides));
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

fn sides(difference: &Difference) -> Vec<String> {
    let side = |sign: char, text: &Option<String>| text.as_ref().map(|text| format!("      {sign} {text}"));
    let mut lines = vec![format!("    {}", difference.aspect)];
    lines.extend(side('-', &difference.before));
    lines.extend(side('+', &difference.after));
    lines
}

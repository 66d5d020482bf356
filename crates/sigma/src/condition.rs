//! Selections and the condition that joins them.

use std::collections::BTreeMap;

use rsigma_parser::{ConditionExpr, Detection, Quantifier, SelectorPattern, SigmaRule};

use crate::Refusal;
use crate::expression::Expression;
use crate::fields::{self, Events};
use crate::item;
use crate::write::{About, Written};

/// A rule without correlation.
pub(crate) fn rule(rule: &SigmaRule) -> Result<Written, Refusal> {
    let mut notes = Vec::new();
    let (events, expression) = matches(rule, &mut notes)?;
    if let Some(timeframe) = &rule.detection.timeframe {
        return Err(Refusal::because(format!("timeframe {timeframe}"), "write a correlation rule instead"));
    }
    let mut written = Written::new(About::of_rule(rule), events.guarded(&expression));
    written.notes = notes;
    Ok(written)
}

/// Which events, and when one of them matches.
pub(crate) fn matches(rule: &SigmaRule, notes: &mut Vec<String>) -> Result<(Events, Expression), Refusal> {
    let events = fields::events(&rule.logsource)?;
    let detections = &rule.detection;
    let mut named = BTreeMap::new();
    for (name, detection) in &detections.named {
        named.insert(name.as_str(), detection);
    }
    let mut parts = Vec::new();
    for condition in &detections.conditions {
        parts.push(joined(condition, &named, &events, notes)?);
    }
    Ok((events, Expression::Any(parts)))
}

impl Events {
    /// The condition, for events of this kind only.
    pub(crate) fn guarded(&self, expression: &Expression) -> String {
        let guard = Expression::Test { text: self.guard.to_owned(), reads: None };
        Expression::All(vec![guard, flat(expression)]).text()
    }
}

/// Without joints of one part, so that brackets stand only where they are needed.
fn flat(expression: &Expression) -> Expression {
    match expression {
        Expression::All(parts) | Expression::Any(parts) if parts.len() == 1 => flat(&parts[0]),
        Expression::All(parts) => Expression::All(parts.iter().map(flat).collect()),
        Expression::Any(parts) => Expression::Any(parts.iter().map(flat).collect()),
        Expression::Not(inner) => Expression::Not(Box::new(flat(inner))),
        Expression::Test { .. } => expression.clone(),
    }
}

type Named<'a> = BTreeMap<&'a str, &'a Detection>;

fn joined(
    condition: &ConditionExpr,
    named: &Named<'_>,
    events: &Events,
    notes: &mut Vec<String>,
) -> Result<Expression, Refusal> {
    let mut each = |parts: &[ConditionExpr]| {
        parts.iter().map(|part| joined(part, named, events, notes)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match condition {
        ConditionExpr::And(parts) => Expression::All(each(parts)?),
        ConditionExpr::Or(parts) => Expression::Any(each(parts)?),
        ConditionExpr::Not(part) => Expression::Not(Box::new(joined(part, named, events, notes)?)),
        ConditionExpr::Identifier(name) => selection(found(name, named)?, events, notes)?,
        ConditionExpr::Selector { quantifier, pattern } => {
            let chosen = named.iter().filter(|(name, _)| chosen(pattern, name)).map(|(_, detection)| *detection);
            let parts = chosen.map(|detection| selection(detection, events, notes)).collect::<Result<Vec<_>, _>>()?;
            match quantifier {
                _ if parts.is_empty() => return Err(Refusal::NotSigma(format!("nothing is called {pattern}"))),
                Quantifier::Any => Expression::Any(parts),
                Quantifier::All => Expression::All(parts),
                Quantifier::Count(n) => {
                    return Err(Refusal::because(
                        format!("{n} of {pattern}"),
                        "the language does not count conditions",
                    ));
                }
            }
        }
    })
}

fn found<'a>(name: &str, named: &Named<'a>) -> Result<&'a Detection, Refusal> {
    named.get(name).copied().ok_or_else(|| Refusal::NotSigma(format!("nothing is called {name}")))
}

fn chosen(pattern: &SelectorPattern, name: &str) -> bool {
    match pattern {
        SelectorPattern::Them => !name.starts_with('_'),
        SelectorPattern::Pattern(pattern) => match pattern.split_once('*') {
            Some((begin, end)) => {
                name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
            }
            None => name == pattern,
        },
    }
}

fn selection(detection: &Detection, events: &Events, notes: &mut Vec<String>) -> Result<Expression, Refusal> {
    Ok(match detection {
        Detection::AllOf(items) => {
            let parts = items.iter().map(|item| item::translate(item, events, notes));
            Expression::All(parts.collect::<Result<_, _>>()?)
        }
        Detection::AnyOf(parts) => {
            Expression::Any(parts.iter().map(|part| selection(part, events, notes)).collect::<Result<_, _>>()?)
        }
        Detection::And(parts) => {
            Expression::All(parts.iter().map(|part| selection(part, events, notes)).collect::<Result<_, _>>()?)
        }
        Detection::Keywords(_) => {
            let why = "our events are fields, not lines of text to search";
            return Err(Refusal::because("words without a field", why));
        }
        Detection::ArrayMatch { field, .. } => {
            return Err(Refusal::because(format!("members of `{field}`"), "no field of ours is an array of objects"));
        }
        Detection::Conditional { .. } => {
            return Err(Refusal::because("a condition inside a selection", "no field of ours is an array of objects"));
        }
    })
}

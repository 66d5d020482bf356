//! Correlations become windows: events counted, values counted or added up, several kinds of event together.

use rsigma_parser::ast::{ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode};
use rsigma_parser::{ConditionExpr, SigmaRule};

use crate::condition::matches;
use crate::expression::Expression;
use crate::fields::{self, Events, Kind};
use crate::write::{About, Window, Written};
use crate::{Refusal, called};

/// A correlation over rules of the same file.
pub(crate) fn rule(correlation: &CorrelationRule, rules: &[SigmaRule]) -> Result<Written, Refusal> {
    plain(correlation)?;
    let mut notes = Vec::new();
    let mut feeding = Vec::new();
    for name in &correlation.rules {
        let rule = rules.iter().find(|rule| called(rule).any(|called| called == name));
        let why = "put the rule into the same file; a correlation of correlations is not translated";
        let rule = rule.ok_or_else(|| Refusal::because(format!("the rule `{name}`"), why))?;
        feeding.push(matches(rule, &mut notes)?);
    }
    let Some((events, _)) = feeding.first() else { return Err(Refusal::NotSigma("no rules".into())) };
    let per = per(correlation, events)?;
    let (watch, when) = match correlation.correlation_type {
        CorrelationType::Temporal => {
            all_of(&correlation.condition, feeding.len())?;
            together(&feeding)
        }
        kind => counted(correlation, kind, events, &feeding)?,
    };
    let mut written = Written::new(About::of_correlation(correlation), when);
    written.per = per;
    written.over = over(correlation)?;
    written.watch = watch;
    notes.push("a window covers at least its length, and at most a twelfth more".into());
    written.notes = notes;
    Ok(written)
}

fn plain(correlation: &CorrelationRule) -> Result<(), Refusal> {
    let refuse = |what: &str, why: &str| Err(Refusal::because(what, why));
    match correlation.correlation_type {
        CorrelationType::TemporalOrdered => {
            return refuse("temporal_ordered", "windows do not know an order of events");
        }
        CorrelationType::ValueAvg | CorrelationType::ValuePercentile | CorrelationType::ValueMedian => {
            return refuse("an average or percentile", "a window sums, counts or takes the largest; see baselines");
        }
        _ => {}
    }
    match correlation.window {
        WindowMode::Sliding => {}
        WindowMode::Tumbling => return refuse("a tumbling window", "our windows slide"),
        WindowMode::Session => return refuse("a session window", "our windows slide"),
    }
    if correlation.aliases.is_empty() { Ok(()) } else { refuse("aliases", "write one condition for each rule") }
}

/// `per:` of our rule; `None` for a device.
fn per(correlation: &CorrelationRule, events: &Events) -> Result<Option<&'static str>, Refusal> {
    let mut keys = Vec::new();
    for name in &correlation.group_by {
        keys.push(fields::group(events, name)?);
    }
    match keys.as_slice() {
        [] => Ok(Some("fleet")),
        [None] => Ok(None),
        [key] => Ok(*key),
        [first, rest @ ..] if rest.iter().all(|key| key == first) => Ok(*first),
        _ => Err(Refusal::because("group-by several fields", "a rule of ours watches one key")),
    }
}

fn over(correlation: &CorrelationRule) -> Result<String, Refusal> {
    let seconds = correlation.timespan.seconds;
    if !(60..=31 * 86_400).contains(&seconds) {
        let why = "windows are from 1 minute to 31 days long";
        return Err(Refusal::because(format!("timespan {}", correlation.timespan.original), why));
    }
    Ok(match seconds {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    })
}

type Feeding = [(Events, Expression)];

/// All of them within the time.
fn together(feeding: &Feeding) -> (Vec<Window>, String) {
    let windows: Vec<Window> = feeding
        .iter()
        .enumerate()
        .map(|(at, (events, expression))| {
            Window::new(format!("events_{}", at + 1), "count", events.guarded(expression))
        })
        .collect();
    let when: Vec<String> = windows.iter().map(|window| format!("{} > 0", window.name)).collect();
    let when = when.join(" && ");
    (windows, when)
}

fn counted(
    correlation: &CorrelationRule,
    kind: CorrelationType,
    events: &Events,
    feeding: &Feeding,
) -> Result<(Vec<Window>, String), Refusal> {
    let CorrelationCondition::Threshold { predicates, field, .. } = &correlation.condition else {
        let shown = if let CorrelationCondition::Extended(shown) = &correlation.condition {
            shown.to_string()
        } else {
            String::new()
        };
        return Err(Refusal::because(format!("the condition `{shown}`"), "a threshold is needed"));
    };
    let any: Vec<String> = feeding.iter().map(|(events, expression)| events.guarded(expression)).collect();
    let any = if let [one] = any.as_slice() {
        one.clone()
    } else {
        any.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" || ")
    };
    let (window, unit) = match kind {
        CorrelationType::EventCount => (Window::new("events".into(), "count", any), ""),
        kind => {
            let Some([name]) = field.as_deref() else {
                return Err(Refusal::because("the values to count", "name one field"));
            };
            let field = events.field(name)?;
            let (aggregate, unit) = match (kind, field.kind) {
                (CorrelationType::ValueSum, Kind::Number(unit)) => ("sum", unit),
                (CorrelationType::ValueSum, _) => {
                    return Err(Refusal::because(format!("the sum of `{name}`"), "it is no amount"));
                }
                (_, Kind::Number(_) | Kind::Flag | Kind::Named(_)) => {
                    return Err(Refusal::because(
                        format!("different values of `{name}`"),
                        "only names and addresses are told apart",
                    ));
                }
                _ => ("distinct", ""),
            };
            let mut window = Window::new("values".into(), aggregate, field.ours.to_owned());
            window.filter = Some(any);
            (window, unit)
        }
    };
    let space = if unit.is_empty() { "" } else { " " };
    let when =
        predicates.iter().map(|(operator, value)| format!("{} {} {value}{space}{unit}", window.name, sign(*operator)));
    let when = when.collect::<Vec<_>>().join(" && ");
    if predicates.iter().any(|(operator, _)| !matches!(operator, ConditionOperator::Gt | ConditionOperator::Gte)) {
        let why = "a window that holds few events also holds few before it is full";
        return Err(Refusal::because(format!("the condition `{when}`"), why));
    }
    Ok((vec![window], when))
}

fn sign(operator: ConditionOperator) -> &'static str {
    match operator {
        ConditionOperator::Lt => "<",
        ConditionOperator::Lte => "<=",
        ConditionOperator::Gt => ">",
        ConditionOperator::Gte => ">=",
        ConditionOperator::Eq => "==",
        ConditionOperator::Neq => "!=",
    }
}

/// Of a temporal correlation: that each of its rules must match.
fn all_of(condition: &CorrelationCondition, rules: usize) -> Result<(), Refusal> {
    let (all, shown) = match condition {
        CorrelationCondition::Threshold { predicates, .. } => {
            // Without a condition the parser says "at least 1", where Sigma means all.
            let least = |(operator, value): &(ConditionOperator, u64)| {
                *operator == ConditionOperator::Gte && (*value == 1 || usize::try_from(*value) == Ok(rules))
            };
            (predicates.iter().all(least), "a threshold".to_owned())
        }
        CorrelationCondition::Extended(expression) => {
            let names = |parts: &[ConditionExpr]| parts.iter().all(|part| matches!(part, ConditionExpr::Identifier(_)));
            let all = matches!(expression, ConditionExpr::And(parts) if parts.len() == rules && names(parts));
            (all, expression.to_string())
        }
    };
    if all {
        Ok(())
    } else {
        Err(Refusal::because(format!("the condition `{shown}`"), "only all rules together are translated"))
    }
}

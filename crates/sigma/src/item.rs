//! One line of a selection: a field, modifiers, values.

use rsigma_parser::value::{SpecialChar, StringPart};
use rsigma_parser::{DetectionItem, Modifier, SigmaString, SigmaValue};

use crate::Refusal;
use crate::expression::Expression;
use crate::fields::{Events, Field, Kind};

/// How text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Equals,
    Contains,
    StartsWith,
    EndsWith,
}

/// Translates it; `notes` gains in what ours differs.
pub(crate) fn translate(item: &DetectionItem, events: &Events, notes: &mut Vec<String>) -> Result<Expression, Refusal> {
    let Some(name) = &item.field.name else {
        let why = "our events are fields, not lines of text to search";
        return Err(Refusal::because("words without a field", why));
    };
    let field = events.field(name)?;
    for modifier in &item.field.modifiers {
        allowed(*modifier, name)?;
    }
    let parts = item.values.iter().map(|value| one(value, item, field, notes));
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let all = item.field.has_modifier(Modifier::All);
    Ok(if all { Expression::All(parts) } else { Expression::Any(parts) })
}

fn allowed(modifier: Modifier, field: &str) -> Result<(), Refusal> {
    use Modifier as M;
    let why = match modifier {
        M::Contains
        | M::StartsWith
        | M::EndsWith
        | M::All
        | M::Cidr
        | M::Cased
        | M::Exists
        | M::Gt
        | M::Gte
        | M::Lt
        | M::Lte
        | M::Neq => return Ok(()),
        M::Re | M::IgnoreCase | M::Multiline | M::DotAll => {
            "regular expressions are not part of the language, so that the cost of a rule is known"
        }
        M::Base64 | M::Base64Offset | M::Wide | M::Utf16 | M::Utf16be | M::WindAsh => {
            "no field of ours is a command line"
        }
        M::Expand => "placeholders are filled in by a pipeline; write a list and `in_list`",
        M::FieldRef => "two fields of an event are compared by a rule of ours, not by a translation",
        M::Minute | M::Hour | M::Day | M::Week | M::Month | M::Year => "use `hour_of_day` and `weekday`",
    };
    Err(Refusal::because(format!("`{field}|{}`", format!("{modifier:?}").to_lowercase()), why))
}

fn one(value: &SigmaValue, item: &DetectionItem, field: Field, notes: &mut Vec<String>) -> Result<Expression, Refusal> {
    let test = |text: String| Expression::Test { text, reads: may_be_missing(field) };
    let ours = field.ours;
    if item.field.has_modifier(Modifier::Exists) {
        let there = Expression::Test { text: format!("has({ours})"), reads: None };
        return Ok(if matches!(value, SigmaValue::Bool(false)) { Expression::Not(Box::new(there)) } else { there });
    }
    if *value == SigmaValue::Null {
        return Ok(Expression::Not(Box::new(Expression::Test { text: format!("has({ours})"), reads: None })));
    }
    if item.field.has_modifier(Modifier::Neq) {
        let same = equal(value, Way::Equals, item, field, notes)?;
        return Ok(Expression::Not(Box::new(same)));
    }
    if let Some(operator) = item.field.modifiers.iter().find_map(|modifier| operator(*modifier)) {
        return compare(value, operator, field).map(test);
    }
    if item.field.has_modifier(Modifier::Cidr) {
        return cidr(value, field).map(test);
    }
    let way = item.field.modifiers.iter().find_map(|modifier| way(*modifier)).unwrap_or(Way::Equals);
    equal(value, way, item, field, notes)
}

fn may_be_missing(field: Field) -> Option<&'static str> {
    match field.kind {
        Kind::Flag | Kind::Named(_) => None,
        _ => Some(field.ours),
    }
}

fn operator(modifier: Modifier) -> Option<&'static str> {
    match modifier {
        Modifier::Gt => Some(">"),
        Modifier::Gte => Some(">="),
        Modifier::Lt => Some("<"),
        Modifier::Lte => Some("<="),
        _ => None,
    }
}

fn way(modifier: Modifier) -> Option<Way> {
    match modifier {
        Modifier::Contains => Some(Way::Contains),
        Modifier::StartsWith => Some(Way::StartsWith),
        Modifier::EndsWith => Some(Way::EndsWith),
        _ => None,
    }
}

fn compare(value: &SigmaValue, operator: &str, field: Field) -> Result<String, Refusal> {
    let Kind::Number(unit) = field.kind else {
        return Err(Refusal::because(format!("`{operator} {value}`"), format!("`{}` is no amount", field.ours)));
    };
    Ok(format!("{} {operator} {}", field.ours, amount(value, unit)?))
}

fn amount(value: &SigmaValue, unit: &str) -> Result<String, Refusal> {
    let text = value.to_string();
    if text.parse::<f64>().is_err() {
        return Err(Refusal::because(format!("the value `{text}`"), "it is no number"));
    }
    Ok(if unit.is_empty() { text } else { format!("{text} {unit}") })
}

fn cidr(value: &SigmaValue, field: Field) -> Result<String, Refusal> {
    if field.kind != Kind::Address {
        return Err(Refusal::because(format!("`{}|cidr`", field.ours), "it is no address"));
    }
    Ok(format!("in_cidr({}, {})", field.ours, quoted(&value.to_string())))
}

fn equal(
    value: &SigmaValue,
    way: Way,
    item: &DetectionItem,
    field: Field,
    notes: &mut Vec<String>,
) -> Result<Expression, Refusal> {
    let test = |text: String| Expression::Test { text, reads: may_be_missing(field) };
    let ours = field.ours;
    match field.kind {
        Kind::Text { lower } => {
            let cased = item.field.has_modifier(Modifier::Cased);
            text(value, way, field, lower && !cased).map(|found| {
                if !lower && !cased && value.to_string().chars().any(char::is_alphabetic) {
                    let note = format!("`{ours}` is compared with its case; Sigma does not look at case");
                    if !notes.contains(&note) {
                        notes.push(note);
                    }
                }
                match found {
                    Found::Always => Expression::Test { text: format!("has({ours})"), reads: None },
                    Found::Tests(tests) => Expression::All(tests.into_iter().map(test).collect()),
                }
            })
        }
        _ if way != Way::Equals || has_wildcard(value) => {
            Err(Refusal::because(format!("a part of `{ours}`"), "it is not text, so it has no parts to search"))
        }
        Kind::Number(unit) => Ok(test(format!("{ours} == {}", amount(value, unit)?))),
        Kind::Address | Kind::Symbol => {
            Ok(test(format!("{ours} == {}", quoted(&value.to_string().to_lowercase_where(field)))))
        }
        Kind::Flag => match value {
            SigmaValue::Bool(true) => Ok(test(ours.to_owned())),
            SigmaValue::Bool(false) => Ok(Expression::Not(Box::new(test(ours.to_owned())))),
            other => Err(Refusal::because(format!("`{ours}: {other}`"), "it is true or false")),
        },
        Kind::Named(names) => {
            let said = value.to_string().to_lowercase();
            let known = names.iter().find(|(name, _)| *name == said).map(|(_, text)| test((*text).to_owned()));
            known.ok_or_else(|| {
                Refusal::because(format!("the value `{value}` of `{}`", item_name(item)), "we do not know it")
            })
        }
    }
}

fn item_name(item: &DetectionItem) -> &str {
    item.field.name.as_deref().unwrap_or_default()
}

/// Protocols are written small, countries large.
trait CaseOfSymbol {
    fn to_lowercase_where(&self, field: Field) -> String;
}

impl CaseOfSymbol for String {
    fn to_lowercase_where(&self, field: Field) -> String {
        if field.ours == "flow.protocol" { self.to_lowercase() } else { self.clone() }
    }
}

fn has_wildcard(value: &SigmaValue) -> bool {
    matches!(value, SigmaValue::String(text) if text.contains_wildcards())
}

enum Found {
    /// `*`: it matches whatever there is.
    Always,
    Tests(Vec<String>),
}

/// `*` at the ends and one in between can be said with `startsWith`, `endsWith` and `contains`.
fn text(value: &SigmaValue, way: Way, field: Field, lower: bool) -> Result<Found, Refusal> {
    let whole = match value {
        SigmaValue::String(text) => text.clone(),
        other => SigmaString::from_raw(&other.to_string()),
    };
    let refuse = |why: &str| Err(Refusal::because(format!("the pattern `{}`", whole.original), why));
    let mut pieces = vec![String::new()];
    for part in &whole.parts {
        match part {
            StringPart::Plain(plain) => pieces.last_mut().expect("there is one").push_str(plain),
            StringPart::Special(SpecialChar::WildcardMulti) => pieces.push(String::new()),
            StringPart::Special(SpecialChar::WildcardSingle) => {
                return refuse("`?` has no counterpart in the language");
            }
        }
    }
    if matches!(way, Way::Contains | Way::EndsWith) {
        pieces.insert(0, String::new());
    }
    if matches!(way, Way::Contains | Way::StartsWith) {
        pieces.push(String::new());
    }
    if lower {
        pieces = pieces.iter().map(|piece| piece.to_lowercase()).collect();
    }
    let ours = field.ours;
    let call = |name: &str, piece: &str| format!("{ours}.{name}({})", quoted(piece));
    let (first, last) = (pieces[0].clone(), pieces[pieces.len() - 1].clone());
    let inner: Vec<&String> = pieces[1..pieces.len().max(2) - 1].iter().filter(|piece| !piece.is_empty()).collect();
    let tests = match (pieces.len(), first.is_empty(), last.is_empty(), inner.as_slice()) {
        (1, ..) => vec![format!("{ours} == {}", quoted(&first))],
        (_, true, true, []) => return Ok(Found::Always),
        (_, true, true, [only]) => vec![call("contains", only)],
        (_, false, true, []) => vec![call("startsWith", &first)],
        (_, true, false, []) => vec![call("endsWith", &last)],
        (_, false, false, []) if overlap(&first, &last) => return refuse("its beginning and its end may overlap"),
        (_, false, false, []) => vec![call("startsWith", &first), call("endsWith", &last)],
        _ => return refuse("the order of several pieces cannot be said"),
    };
    Ok(Found::Tests(tests))
}

/// Whether a text shorter than both together can begin with `first` and end with `last`.
fn overlap(first: &str, last: &str) -> bool {
    let ends = first.char_indices().map(|(at, _)| &first[at..]);
    ends.into_iter().any(|end| last.starts_with(end))
        || first.contains(last) && first.ends_with(last)
        || last.starts_with(first)
}

/// A text of the language.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_may_overlap_are_known() {
        assert!(overlap("ab", "ba"));
        assert!(overlap("abc", "bc"));
        assert!(!overlap("ab", "cd"));
    }
}

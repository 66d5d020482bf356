//! Sentences with holes: `Used {used} in an hour; the profile says {profile.volume.per_hour}.`
//!
//! A hole is an expression of any type. What comes out is for people: volumes as `38 MB`, durations as `26 h`,
//! identities masked, what is not known as `unknown`.

use std::borrow::Cow;

use crate::detail::Detail;
use crate::evaluate::masked;
use crate::expr::build::{self, Amount, Condition};
use crate::expr::ir::Address;
use crate::expr::read::Context;
use crate::expr::{Names, Sym, Text, Typed, Wrong, check_any};
use crate::symbol::SymbolType;
use crate::vocabulary::{Dimension, ListField, TextField};

/// A compiled sentence.
#[derive(Default)]
pub(crate) struct Template(Vec<Part>);

enum Part {
    Fixed(String),
    Bool(Condition),
    Number(Amount, Dimension),
    Symbol(Sym, SymbolType),
    Text(Text),
    List(ListField),
}

impl Template {
    /// Compiles `text`; `{{` and `}}` stand for braces. Positions of mistakes count from the start of `text`.
    pub(crate) fn compile(text: &str, names: &Names) -> Result<(Self, Vec<Typed>), Vec<Wrong>> {
        let (mut parts, mut typed, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        let chars: Vec<char> = text.chars().collect();
        let mut fixed = String::new();
        let mut at = 0;
        while at < chars.len() {
            let c = chars[at];
            if matches!(c, '{' | '}') && chars.get(at + 1) == Some(&c) {
                fixed.push(c);
                at += 2;
            } else if c == '{' {
                let Some(len) = chars[at..].iter().position(|c| *c == '}') else {
                    let hint = "write `{{` for a brace".to_owned();
                    wrong.push(Wrong { at, message: "`{` without `}`".into(), hint: Some(hint) });
                    break;
                };
                let hole: String = chars[at + 1..at + len].iter().collect();
                parts.push(Part::Fixed(std::mem::take(&mut fixed)));
                match check_any(&hole, names) {
                    Ok(checked) => {
                        parts.push(part(&checked));
                        typed.push(checked);
                    }
                    Err(errors) => {
                        wrong.extend(errors.into_iter().map(|error| Wrong { at: error.at + at + 1, ..error }));
                    }
                }
                at += len + 1;
            } else {
                fixed.push(c);
                at += 1;
            }
        }
        parts.push(Part::Fixed(fixed));
        if wrong.is_empty() { Ok((Self(parts), typed)) } else { Err(wrong) }
    }

    /// The sentence for one event.
    pub(crate) fn render(&self, context: &Context<'_>) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Fixed(text) => out.push_str(text),
                Part::Bool(condition) => out.push_str(match condition(context) {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "unknown",
                }),
                Part::Number(amount, dimension) => out.push_str(&number(amount(context), *dimension)),
                Part::Symbol(Sym::Field(field), SymbolType::Ip) => {
                    let address = context.address(Address::Field(*field));
                    out.push_str(&address.map_or("unknown".to_owned(), |address| address.to_string()));
                }
                Part::Symbol(sym, kind) => {
                    out.push_str(&sym.read(context).map_or("unknown".to_owned(), |value| kind.show(value)));
                }
                Part::Text(Text::Field(TextField::DeviceName)) => out.push_str(&masked(context.facts.subject)),
                Part::Text(text) => out.push_str(&for_people(text, text.read(context).unwrap_or("unknown"), context)),
                Part::List(list) => out.push_str(&list_text(*list, context)),
            }
        }
        out
    }
}

fn part(typed: &Typed) -> Part {
    match typed.clone() {
        Typed::Bool(node) => Part::Bool(build::condition(&node)),
        Typed::Number(node, dimension) => Part::Number(build::amount(&node), dimension),
        Typed::Amount(value) => Part::Fixed(number(value, Dimension::Plain)),
        Typed::Symbol(sym, kind) => Part::Symbol(sym, kind),
        Typed::Text(text) => Part::Text(text),
        Typed::Literal(text) => Part::Fixed(text),
        Typed::Literals(texts) => Part::Fixed(texts.join(", ")),
        Typed::List(list) => Part::List(list.field),
        Typed::Error => Part::Fixed(String::new()),
    }
}

/// Numbers of other people and identities of a SIM are masked: findings are read by many.
fn for_people<'a>(text: &Text, value: &'a str, context: &Context<'_>) -> Cow<'a, str> {
    let (Text::Field(field) | Text::Previous(field)) = text else { return Cow::Borrowed(value) };
    match (field, context.facts.detail) {
        (TextField::MessagePeer | TextField::CallPeer, _) => Cow::Owned(fleetward_fleet::masked(value)),
        (TextField::SimFrom | TextField::SimTo, Detail::SimChange(change)) => Cow::Owned(change.shown(value)),
        _ => Cow::Borrowed(value),
    }
}

fn list_text(list: ListField, context: &Context<'_>) -> String {
    fn joined<T: ToString>(entries: &[T]) -> Option<String> {
        let shown: Vec<String> = entries.iter().take(8).map(ToString::to_string).collect();
        let rest = entries.len().saturating_sub(8);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        (!shown.is_empty()).then(|| shown.join(", ") + &more)
    }
    let facts = context.facts;
    let profile = facts.profile;
    let text = match list {
        ListField::Groups => facts.device.and_then(|device| joined(&device.groups)),
        ListField::Tacs => profile.and_then(|profile| joined(&profile.tacs)),
        ListField::Countries => profile.and_then(|profile| joined(&profile.countries)),
        ListField::Networks => profile.and_then(|profile| joined(&profile.networks)),
        ListField::Apns => profile.and_then(|profile| joined(&profile.apns)),
        ListField::Rats => profile.and_then(|profile| joined(&profile.rats)),
        ListField::Destinations => profile.and_then(|profile| joined(&profile.destinations)),
    };
    text.unwrap_or_else(|| "not stated".to_owned())
}

/// A number for people.
pub(crate) fn number(value: f64, dimension: Dimension) -> String {
    if value.is_nan() {
        return "unknown".to_owned();
    }
    match dimension {
        Dimension::Plain => short(value),
        Dimension::Bytes => scaled(value, &[(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")]),
        Dimension::Duration => scaled(value, &[(172_800.0, "d"), (7200.0, "h"), (120.0, "min"), (1.0, "s")]),
    }
}

/// `steps`: from which value on which unit; days and hours begin at two of them, so that `26 h` stays `26 h`.
fn scaled(value: f64, steps: &[(f64, &str)]) -> String {
    let step = steps.iter().find(|(from, _)| value.abs() >= *from).or(steps.last());
    let Some((_, unit)) = step else { return short(value) };
    let factor = crate::expr::units::unit(unit).map_or(1.0, |(factor, _)| factor);
    format!("{} {unit}", short(value / factor))
}

/// Three digits that matter, no zeros behind the point.
fn short(value: f64) -> String {
    let digits = if value.abs() >= 100.0 || value.fract() == 0.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if digits == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_to_people() {
        assert_eq!(number(38_400_000.0, Dimension::Bytes), "38.4 MB");
        assert_eq!(number(999.0, Dimension::Bytes), "999 B");
        assert_eq!(number(93_600.0, Dimension::Duration), "26 h");
        assert_eq!(number(604_800.0, Dimension::Duration), "7 d");
        assert_eq!(number(90.0, Dimension::Duration), "90 s");
        assert_eq!(number(2.0, Dimension::Plain), "2");
        assert_eq!(number(f64::NAN, Dimension::Plain), "unknown");
    }
}

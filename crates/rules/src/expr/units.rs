//! Unit literals: `50 MB` becomes `50   ` and a note that the number at that place counts megabytes.
//!
//! The text keeps its length, so every column that the parser reports is a column of what the user wrote. `has(` becomes
//! `hAs(`, because the parser's own macro of that name takes field selections only.

use std::collections::BTreeMap;

use crate::diagnostic::{did_you_mean, did_you_mean_text};
use crate::vocabulary::Dimension;

/// The text for the parser, and the units by character position of their number.
pub(crate) struct Rewritten {
    pub(crate) text: String,
    pub(crate) units: BTreeMap<usize, (f64, Dimension)>,
    /// Position, message, hint.
    pub(crate) errors: Vec<(usize, String, Option<String>)>,
}

/// What `has` is called in the parser's input.
pub(crate) const HAS: &str = "hAs";

const UNITS: &[(&str, f64, Dimension)] = &[
    ("B", 1.0, Dimension::Bytes),
    ("kB", 1e3, Dimension::Bytes),
    ("KB", 1e3, Dimension::Bytes),
    ("MB", 1e6, Dimension::Bytes),
    ("GB", 1e9, Dimension::Bytes),
    ("TB", 1e12, Dimension::Bytes),
    ("KiB", 1024.0, Dimension::Bytes),
    ("MiB", 1_048_576.0, Dimension::Bytes),
    ("GiB", 1_073_741_824.0, Dimension::Bytes),
    ("s", 1.0, Dimension::Duration),
    ("m", 60.0, Dimension::Duration),
    ("min", 60.0, Dimension::Duration),
    ("h", 3600.0, Dimension::Duration),
    ("d", 86_400.0, Dimension::Duration),
];

/// Rewrites one expression.
pub(crate) fn rewrite(text: &str) -> Rewritten {
    let mut chars: Vec<char> = text.chars().collect();
    let mut out = Rewritten { text: String::new(), units: BTreeMap::new(), errors: Vec::new() };
    let mut at = 0;
    while at < chars.len() {
        at = match chars[at] {
            '"' | '\'' => skip_string(&chars, at),
            c if c.is_ascii_digit() => number(&mut chars, at, &mut out),
            c if is_word(c) => word(&mut chars, at),
            _ => at + 1,
        };
    }
    out.text = chars.into_iter().collect();
    out
}

/// The dimension and factor of a unit, for durations and volumes outside expressions too.
pub(crate) fn unit(name: &str) -> Option<(f64, Dimension)> {
    UNITS.iter().find(|(known, ..)| *known == name).map(|(_, factor, dimension)| (*factor, *dimension))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_end(chars: &[char], start: usize) -> usize {
    chars[start..].iter().position(|c| !is_word(*c)).map_or(chars.len(), |len| start + len)
}

fn skip_spaces(chars: &[char], start: usize) -> usize {
    chars[start..].iter().position(|c| !c.is_whitespace()).map_or(chars.len(), |len| start + len)
}

fn skip_string(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != chars[start] {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn word(chars: &mut [char], start: usize) -> usize {
    let end = word_end(chars, start);
    let open = skip_spaces(chars, end);
    if chars[start..end] == ['h', 'a', 's'] && chars.get(open) == Some(&'(') {
        chars[start + 1] = 'A';
    }
    end
}

/// Digits, perhaps a fraction, perhaps spaces, perhaps a unit.
fn number(chars: &mut [char], start: usize, out: &mut Rewritten) -> usize {
    let digits = |from: usize| chars[from..].iter().position(|c| !c.is_ascii_digit()).map_or(chars.len(), |n| from + n);
    let mut end = digits(start);
    if chars.get(end) == Some(&'.') && chars.get(end + 1).is_some_and(char::is_ascii_digit) {
        end = digits(end + 1);
    }
    let from = skip_spaces(chars, end);
    let to = word_end(chars, from);
    let name: String = chars[from..to].iter().collect();
    if name.is_empty() || name == "in" {
        return end;
    }
    if let Some((factor, dimension)) = unit(&name) {
        out.units.insert(start, (factor, dimension));
        chars[from..to].fill(' ');
    } else if from > end || name.chars().all(char::is_alphabetic) {
        let hint = did_you_mean(&name, UNITS.iter().map(|(known, ..)| *known));
        let hint = hint.map_or("units are B, kB, MB, GB, KiB, MiB, GiB, s, min, h, d".to_owned(), did_you_mean_text);
        out.errors.push((from, format!("unknown unit `{name}`"), Some(hint)));
        chars[from..to].fill(' ');
    }
    to
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_column() {
        let text = "used > 50 MB && silence() > 26h && apn == '3 MB' && has(imei)";
        let out = rewrite(text);
        assert_eq!(out.text, "used > 50    && silence() > 26  && apn == '3 MB' && hAs(imei)");
        assert_eq!(out.text.chars().count(), text.chars().count());
        assert_eq!(out.units.get(&7), Some(&(1e6, Dimension::Bytes)));
        assert_eq!(out.units.get(&28), Some(&(3600.0, Dimension::Duration)));
        assert_eq!(out.units.len(), 2);
    }

    #[test]
    fn names_unknown_units() {
        let out = rewrite("used > 50 Mb");
        assert_eq!(out.errors.len(), 1);
        assert_eq!(out.errors[0].0, 10);
        assert!(out.errors[0].2.as_deref().is_some_and(|hint| hint.contains("MB")));
    }
}

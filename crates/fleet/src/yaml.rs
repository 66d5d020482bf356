//! YAML that a person writes: read strictly, and its mistakes in words that say what to write instead.

mod bang;

use serde::de::DeserializeOwned;
use serde_saphyr::Error;

use crate::spelling::{did_you_mean, did_you_mean_text};

/// Why a text is not the YAML that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct YamlError {
    /// 1-based; 0 where the place is unknown.
    pub line: u64,
    /// 1-based, in characters; 0 where the place is unknown.
    pub column: u64,
    /// What is wrong, without the place.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// Reads one document. A tag (YAML 1.2.2, 6.9.1) is a mistake: a condition that begins with `!` would lose its first word to one.
pub fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let options = serde_saphyr::options! { with_snippet: false, reject_unsupported_tags: true };
    let read = serde_saphyr::from_str_with_options(text, options).map_err(|error| YamlError::of(&error, text))?;
    bang::lost(text).map_or(Ok(read), Err)
}

impl YamlError {
    fn of(error: &Error, text: &str) -> Self {
        let error = error.without_snippet();
        let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
        let (message, hint) = in_words(error);
        let column = match error {
            Error::UnsupportedTag { tag, .. } => tag_column(text, (line, column), tag).unwrap_or(column),
            _ => column,
        };
        Self { line, column, message, hint }
    }
}

/// Where the tag stands whose value begins at `at`, if on the same line.
fn tag_column(text: &str, at: (u64, u64), tag: &str) -> Option<u64> {
    let line = text.lines().nth(usize::try_from(at.0.checked_sub(1)?).ok()?)?;
    let before: String = line.chars().take(usize::try_from(at.1).ok()?).collect();
    let start = before.rfind(tag)?;
    u64::try_from(before[..start].chars().count() + 1).ok()
}

/// What is wrong, and what to write instead.
type Words = (String, Option<String>);

fn in_words(error: &Error) -> Words {
    match error {
        Error::Eof { .. } => ("there is nothing in it".to_owned(), None),
        Error::NullIntoString { .. } => ("the value is missing".to_owned(), None),
        Error::DuplicateMappingKey { key: Some(key), .. } => (format!("the key `{key}` is there twice"), None),
        Error::SerdeUnknownField { field, expected, .. } => unknown("field", field, expected),
        Error::SerdeUnknownVariant { variant, expected, .. } => unknown("variant", variant, expected),
        Error::UnknownAnchor { .. } => {
            hinted("a value cannot begin with `*`", "put it between quotes: '*.vendor.example'")
        }
        // Not which one: it may be the beginning of a secret.
        Error::UnsupportedTag { .. } => tag_words(),
        Error::Unexpected { expected, .. } => shape(expected),
        Error::InvalidScalar { ty, .. } => (scalar(ty), None),
        _ => syntax(bare(error)),
    }
}

fn tag_words() -> Words {
    hinted("a value cannot begin with `!`: YAML would take the word for a tag", "put the whole value between quotes")
}

fn hinted(message: impl Into<String>, hint: &str) -> Words {
    (message.into(), Some(hint.to_owned()))
}

/// With a suggestion, the long list of all names would only hide it.
fn unknown(what: &str, word: &str, known: &[&'static str]) -> Words {
    match did_you_mean(word, known.iter().copied()) {
        Some(meant) => (format!("unknown {what} `{word}`"), Some(did_you_mean_text(meant))),
        None if known.is_empty() => (format!("unknown {what} `{word}`; nothing may stand here: write `{{}}`"), None),
        None => (format!("unknown {what} `{word}`, expected one of {}", known.join(", ")), None),
    }
}

fn shape(expected: &str) -> Words {
    match expected {
        "mapping start" => hinted("keys with values are expected here", "write `key: value`, a key a line"),
        "sequence start" => hinted("a list is expected here", "write `[one, two]`, or an entry a line after `- `"),
        "string scalar" => ("one value is expected here, not a list and not keys".to_owned(), None),
        other => (format!("expected {other}"), None),
    }
}

fn scalar(kind: &str) -> String {
    match kind.as_bytes().first() {
        Some(b'u') => "a whole number of 0 or more is expected here".to_owned(),
        Some(b'i') => "a whole number is expected here".to_owned(),
        Some(b'f') => "a number is expected here".to_owned(),
        Some(b'b') => "`true` or `false` is expected here".to_owned(),
        _ => format!("invalid {kind}"),
    }
}

/// The parser's sentence about a text that is no YAML, where that says little to whoever wrote it.
fn syntax(said: String) -> Words {
    let known = SYNTAX.iter().find(|(theirs, ..)| said.contains(theirs));
    known.map_or((said, None), |(_, ours, hint)| hinted(*ours, hint))
}

/// The message without its place.
fn bare(error: &Error) -> String {
    let text = error.to_string();
    let place = error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column()));
    place.and_then(|place| text.strip_suffix(&place).map(str::to_owned)).unwrap_or(text)
}

/// What the parser says, what is meant, and what to do.
const SYNTAX: [(&str, &str, &str); 12] = [
    ("found a tab", "a tab where only spaces may stand", "indent with spaces"),
    ("tabs disallowed", "a tab where only spaces may stand", "indent with spaces"),
    ("tab cannot be used", "a tab where only spaces may stand", "indent with spaces"),
    (
        "mapping values are not allowed",
        "a `:` where no key can stand",
        "put a text with `: ` in it between quotes; keys that belong together begin in the same column",
    ),
    (
        "did not find expected key",
        "the line stands in no column of the keys above it",
        "keys that belong together begin in the same column",
    ),
    ("expected ',' or '}'", "a `{` that is not closed, or a `,` that is missing", "close it before the next key"),
    ("expected ',' or ']'", "a `[` that is not closed, or a `,` that is missing", "close it before the next key"),
    ("illegal placement of ':'", "a `:` where no key can stand", "is a bracket before it not closed?"),
    ("unclosed bracket", "a bracket that is not closed", "close it before the next key"),
    ("unclosed quote", "a quote that is not closed", "close it, or put the text between quotes of the other kind"),
    (
        "double-quoted scalar",
        "text after the quote that ends the value",
        "put the whole value between single quotes: '\"lab\" in device.groups'",
    ),
    (
        "single-quoted scalar",
        "text after the quote that ends the value",
        "put the whole value between double quotes: \"'lab' in device.groups\"",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "what a text may state")]
    struct Sample {
        when: String,
        scope: Option<String>,
        #[serde(default)]
        list: Vec<String>,
        #[serde(default)]
        count: u32,
        #[serde(default)]
        keys: BTreeMap<String, u32>,
    }

    #[test]
    fn no_word_of_a_condition_is_lost_to_a_tag() {
        for (text, column) in [
            ("when: !rejected && late", 7),
            ("when: a\nscope: !critical", 8),
            ("when: a\nlist: [!b c]", 8),
            ("when: ! rejected && late", 7),
            ("when: a\nlist: [a, ! b]", 11),
            ("when: a\nkeys:\n  b: ! 1", 6),
        ] {
            let error = from_yaml::<Sample>(text).expect_err(text);
            assert!(error.message.contains("a value cannot begin with `!`"), "{text}: {error}");
            assert_eq!(error.column, column, "{text}");
            assert!(!error.to_string().contains("!rejected"), "{error}");
        }
        assert!(from_yaml::<Sample>("when: '!rejected && late'").is_ok());
        assert!(from_yaml::<Sample>("when: late && !rejected").is_ok());
        assert!(from_yaml::<Sample>("when: '! rejected'\nlist: [a! b, 'c! ']\nscope: |\n  - ! d\n").is_ok());
    }

    #[test]
    fn where_nothing_may_stand_no_empty_list_is_told() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        let error = from_yaml::<Nothing>("a: 1").expect_err("a key");
        assert_eq!(error.to_string(), "unknown field `a`; nothing may stand here: write `{}`");
    }

    #[test]
    fn mistakes_say_what_to_write_instead() {
        const COLUMN: &str = "begin in the same column";
        for (text, place, message, hint) in [
            ("when: a\n\tscope: b", "1:7", "a tab where", "indent with spaces"),
            ("when: a\nkeys:\n\tb: 1", "3:2", "a tab where", "indent with spaces"),
            ("when: Attention: a", "1:16", "a `:` where no key can stand", "between quotes"),
            ("when: a\n scope: b", "2:7", "a `:` where no key can stand", COLUMN),
            ("when: a\nkeys:\n  b: 1\n c: 2", "4:2", "in no column of the keys above it", COLUMN),
            ("when: \"lab\" in groups", "1:13", "after the quote that ends", "between single quotes"),
            ("when: 'lab' in groups", "1:13", "after the quote that ends", "between double quotes"),
            ("when: \"lab", "1:7", "a quote that is not closed", "close it"),
            ("when: a\nkeys: { b: 1", "2:7", "a bracket that is not closed", "close it"),
            ("when: a\nlist: [b\ncount: 1", "3:6", "a `:` where no key can stand", "bracket"),
            ("when: a\nlist: [*.example]", "2:8", "cannot begin with `*`", "between quotes"),
            ("when: a\nlist: b", "2:7", "a list is expected", "`[one, two]`"),
            ("when: [a]", "1:7", "one value is expected", ""),
            ("when:", "1:5", "the value is missing", ""),
            ("when: a\nwhen: b", "2:1", "the key `when` is there twice", ""),
            ("when: a\ncount: -1", "2:8", "a whole number of 0 or more", ""),
            ("wehn: a", "1:1", "unknown field `wehn`", "did you mean `when`?"),
            ("- a", "1:1", "keys with values are expected", "`key: value`"),
            ("", "1:1", "there is nothing in it", ""),
        ] {
            let error = from_yaml::<Sample>(text).expect_err(text);
            assert_eq!(format!("{}:{}", error.line, error.column), place, "{text:?}: {error}");
            assert!(error.message.contains(message), "{text:?}: {error}");
            assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{text:?}: {error}");
        }
    }
}

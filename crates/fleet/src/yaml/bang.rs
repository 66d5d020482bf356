//! `! late` as a value: to YAML (1.2.2, 6.9.1) a tag without a name and `late`, so that the `!` would be lost.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned, Tagged};

use super::{YamlError, tag_column, tag_words};

/// The first value of a text, which is known to be YAML, that lost its `!`.
pub(super) fn lost(text: &str) -> Option<YamlError> {
    let may = text.lines().any(|line| line.contains("! ") || line.ends_with('!'));
    let at = may.then(|| serde_saphyr::from_str::<Node>(text).ok()).flatten()?.0?;
    let column = tag_column(text, (at.line(), at.column()), "!").unwrap_or(at.column());
    let (message, hint) = tag_words();
    Some(YamlError { line: at.line(), column, message, hint })
}

/// Where the first tag without a name is, of a value or in it.
struct Node(Option<Location>);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: Tagged(inside, tag), defined, .. } = Spanned::<Tagged<Inside>>::deserialize(deserializer)?;
        Ok(Self(if tag.as_deref() == Some("!") { Some(defined) } else { inside.0 }))
    }
}

struct Inside(Option<Location>);

impl<'de> Deserialize<'de> for Inside {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Inside;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Inside, E> {
        Ok(Inside(None))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Inside, E> {
        Ok(Inside(None))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Inside, E> {
        Ok(Inside(None))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Inside, E> {
        Ok(Inside(None))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Inside, E> {
        Ok(Inside(None))
    }

    fn visit_unit<E: Error>(self) -> Result<Inside, E> {
        Ok(Inside(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Inside, A::Error> {
        let mut first = None;
        while let Some(Node(found)) = entries.next_element()? {
            first = first.or(found);
        }
        Ok(Inside(first))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Inside, A::Error> {
        let mut first = None;
        while let Some((_, Node(found))) = entries.next_entry::<IgnoredAny, _>()? {
            first = first.or(found);
        }
        Ok(Inside(first))
    }
}

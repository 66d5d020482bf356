//! What excuses a rule (`unless`, `except`): one condition, or a list of which any does.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// Conditions, each with its place.
pub(super) fn one_or_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Spanned<String>>, D::Error> {
    let Spanned { value, referenced, defined } = Spanned::deserialize(deserializer)?;
    Ok(match value {
        OneOrList::One(value) => vec![Spanned { value, referenced, defined }],
        OneOrList::List(conditions) => conditions,
    })
}

enum OneOrList {
    One(String),
    List(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for OneOrList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrListVisitor)
    }
}

struct OneOrListVisitor;

impl<'de> Visitor<'de> for OneOrListVisitor {
    type Value = OneOrList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a condition, or a list of them")
    }

    fn visit_str<E: Error>(self, condition: &str) -> Result<OneOrList, E> {
        Ok(OneOrList::One(condition.to_owned()))
    }

    // YAML reads `on` and `no` like this too, and a macro may have such a name: what was written is lost.
    fn visit_bool<E: Error>(self, _: bool) -> Result<OneOrList, E> {
        Err(E::custom("YAML takes this word for `true` or `false`; put it between quotes"))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<OneOrList, E> {
        Ok(OneOrList::One(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<OneOrList, E> {
        Ok(OneOrList::One(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<OneOrList, E> {
        Ok(OneOrList::One(number.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<OneOrList, E> {
        Ok(OneOrList::List(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<OneOrList, A::Error> {
        let mut conditions = Vec::new();
        while let Some(condition) = entries.next_element()? {
            conditions.push(condition);
        }
        Ok(OneOrList::List(conditions))
    }
}

//! What a rule asks for: the entries of `respond`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_saphyr::Spanned;

/// `disconnect`, or `notify: ops`, or `suspend_sim: { approval: human, unless: device.critical }`.
#[derive(Debug, Default)]
pub(crate) struct RespondDocument {
    pub(crate) action: String,
    pub(crate) options: RespondOptions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RespondOptions {
    #[serde(default)]
    pub(crate) channel: Option<String>,
    #[serde(default)]
    pub(crate) approval: Option<ApprovalDocument>,
    #[serde(default)]
    pub(crate) unless: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) session_timeout: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ApprovalDocument {
    Human,
    None,
}

impl<'de> Deserialize<'de> for RespondDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RespondVisitor)
    }
}

struct RespondVisitor;

impl<'de> Visitor<'de> for RespondVisitor {
    type Value = RespondDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a response such as `disconnect` or `notify: ops`")
    }

    fn visit_str<E: Error>(self, action: &str) -> Result<RespondDocument, E> {
        Ok(RespondDocument { action: action.to_owned(), options: RespondOptions::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RespondDocument, A::Error> {
        let action: String = map.next_key()?.ok_or_else(|| A::Error::custom("a response needs a name"))?;
        let options = if action == "notify" {
            map.next_value::<Notify>()?.0
        } else {
            map.next_value::<Option<RespondOptions>>()?.unwrap_or_default()
        };
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom("one response an entry: begin each with `-`"));
        }
        Ok(RespondDocument { action, options })
    }
}

/// `ops`, or `{ channel: ops, unless: … }`.
struct Notify(RespondOptions);

impl<'de> Deserialize<'de> for Notify {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NotifyVisitor;
        impl<'de> Visitor<'de> for NotifyVisitor {
            type Value = Notify;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a channel")
            }
            fn visit_str<E: Error>(self, channel: &str) -> Result<Notify, E> {
                Ok(Notify(RespondOptions { channel: Some(channel.to_owned()), ..RespondOptions::default() }))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Notify, A::Error> {
                RespondOptions::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Notify)
            }
        }
        deserializer.deserialize_any(NotifyVisitor)
    }
}

//! A rule file as YAML: what may stand where. Meaning is checked in `compile`.

use std::collections::BTreeMap;
use std::fmt;

use fleetward_fleet::Severity;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::rule::{Budget, Mode};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleDocument {
    pub(crate) rule: Spanned<String>,
    #[serde(default = "one")]
    pub(crate) version: u32,
    pub(crate) title: Spanned<String>,
    #[serde(default)]
    pub(crate) per: Option<Spanned<String>>,
    /// `level: fleet`: the same as `per: fleet`, where `per` says nothing else.
    #[serde(default)]
    pub(crate) level: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) scope: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) watch: BTreeMap<String, Spanned<WatchDocument>>,
    pub(crate) when: Spanned<String>,
    #[serde(default, deserialize_with = "one_or_list")]
    pub(crate) unless: Vec<Spanned<String>>,
    #[serde(default, deserialize_with = "one_or_list")]
    pub(crate) except: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) clear: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) repeat: Option<Spanned<String>>,
    #[serde(default = "medium")]
    pub(crate) severity: Severity,
    #[serde(default)]
    pub(crate) respond: Vec<Spanned<RespondDocument>>,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(default)]
    pub(crate) budget: Budget,
    #[serde(default)]
    pub(crate) expected: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) observed: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) advice: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) confidence: Option<Spanned<String>>,
    /// Kinds of planned change that excuse it; without it, those that fit what it reads (see `planned`).
    #[serde(default)]
    pub(crate) planned: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub(crate) tags: Vec<Spanned<String>>,
    /// Why it matters, for the page about the rule.
    #[serde(default)]
    pub(crate) why: Option<String>,
    /// What makes it speak though nothing is wrong.
    #[serde(default)]
    pub(crate) false_alarms: Option<String>,
    /// Where to read more.
    #[serde(default)]
    pub(crate) references: Vec<Box<str>>,
    #[serde(default)]
    pub(crate) tests: Vec<Spanned<TestDocument>>,
}

fn one() -> u32 {
    1
}

fn medium() -> Severity {
    Severity::Medium
}

/// Conditions, each with its place.
fn one_or_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Spanned<String>>, D::Error> {
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

/// A named list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListDocument {
    pub(crate) list: Spanned<String>,
    #[serde(default)]
    pub(crate) values: Vec<Scalar>,
    /// A file beside the rules: an entry a line, `#` begins a remark, of a table the first column.
    #[serde(default)]
    pub(crate) file: Option<Spanned<String>>,
}

/// A named expression.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MacroDocument {
    #[serde(rename = "macro")]
    pub(crate) name: Spanned<String>,
    pub(crate) is: Spanned<String>,
}

/// A named area: any of this.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AreaDocument {
    pub(crate) area: Spanned<String>,
    #[serde(default)]
    pub(crate) countries: Vec<Spanned<Scalar>>,
    #[serde(default)]
    pub(crate) networks: Vec<Spanned<Scalar>>,
    /// `network-area-cell`, `*` for any.
    #[serde(default)]
    pub(crate) cells: Vec<Spanned<Scalar>>,
    #[serde(default)]
    pub(crate) circles: Vec<Spanned<CircleDocument>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CircleDocument {
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    pub(crate) km: f64,
}

/// Where cells are: a table beside the rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PositionsDocument {
    #[expect(dead_code, reason = "the key that says what the document is")]
    pub(crate) positions: Spanned<String>,
    pub(crate) file: Spanned<String>,
}

/// A case in which a rule, built-in or own, is not meant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionDocument {
    /// The rule.
    pub(crate) exception: Spanned<String>,
    pub(crate) when: Spanned<String>,
    pub(crate) reason: Spanned<String>,
    pub(crate) until: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchDocument {
    #[serde(default)]
    pub(crate) sum: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) count: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) distinct: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) max: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) min: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) last: Option<Spanned<String>>,
    #[serde(default, alias = "silence")]
    pub(crate) absent: Option<Spanned<String>>,
    pub(crate) over: Spanned<String>,
    #[serde(default, rename = "where")]
    pub(crate) filter: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) per: Option<Spanned<String>>,
}

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

/// One example: these events, on such a device, and what the rule must say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestDocument {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) device: DeviceDocument,
    #[serde(default)]
    pub(crate) profile: Option<ProfileDocument>,
    /// A planned change that covers the device of the example.
    #[serde(default)]
    pub(crate) planned: Option<PlannedDocument>,
    pub(crate) given: Vec<Spanned<EventDocument>>,
    pub(crate) expect: Expect,
    #[serde(default)]
    pub(crate) count: Option<usize>,
    /// The names of the responses of the first finding.
    #[serde(default)]
    pub(crate) respond: Option<Vec<String>>,
}

/// A planned change in an example: `{ excuses: [move], from: 10m, until: 2h }`; without times, for all of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PlannedDocument {
    pub(crate) excuses: Vec<String>,
    pub(crate) rules: Vec<Box<str>>,
    pub(crate) from: Option<Scalar>,
    pub(crate) until: Option<Scalar>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expect {
    Alarm,
    None,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeviceDocument {
    pub(crate) known: Option<bool>,
    pub(crate) state: Option<Scalar>,
    pub(crate) model: Option<Scalar>,
    pub(crate) groups: Vec<Box<str>>,
    pub(crate) critical: bool,
    pub(crate) imei: Option<Scalar>,
    pub(crate) imei_lock: Option<Scalar>,
    pub(crate) ip: Option<Scalar>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProfileDocument {
    pub(crate) tacs: Vec<Scalar>,
    pub(crate) countries: Vec<Scalar>,
    pub(crate) networks: Vec<Scalar>,
    pub(crate) apns: Vec<Box<str>>,
    pub(crate) rats: Vec<Box<str>>,
    pub(crate) destinations: Vec<Box<str>>,
    pub(crate) time_zone: Option<Scalar>,
    pub(crate) hours: Option<Scalar>,
    pub(crate) volume: VolumeDocument,
    pub(crate) sessions_per_day: Option<u32>,
    pub(crate) messages_per_day: Option<u32>,
    pub(crate) calls_per_day: Option<u32>,
    pub(crate) fixed: bool,
    pub(crate) contact_every: Option<Scalar>,
    pub(crate) critical: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the keys of a file")]
pub(crate) struct VolumeDocument {
    pub(crate) per_hour: Option<Scalar>,
    pub(crate) per_day: Option<Scalar>,
    pub(crate) per_cycle: Option<Scalar>,
    pub(crate) per_life: Option<Scalar>,
}

/// One event of an example. Without `kind` it is a session record: an interim, or what `status` says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "what a file may state, each with a name")]
pub(crate) struct EventDocument {
    pub(crate) at: Option<Scalar>,
    pub(crate) kind: Option<Scalar>,
    pub(crate) status: Option<Scalar>,
    pub(crate) rejected: Option<Scalar>,
    pub(crate) admitted: Option<bool>,
    pub(crate) session: Option<Scalar>,
    pub(crate) bytes: Option<Scalar>,
    pub(crate) bytes_up: Option<Scalar>,
    pub(crate) bytes_down: Option<Scalar>,
    pub(crate) packets_up: Option<u32>,
    pub(crate) packets_down: Option<u32>,
    pub(crate) over_secs: Option<Scalar>,
    pub(crate) total_bytes: Option<Scalar>,
    pub(crate) session_secs: Option<Scalar>,
    pub(crate) terminate_cause: Option<u32>,
    pub(crate) open_sessions: Option<u32>,
    pub(crate) is_new: Option<bool>,
    pub(crate) overlaps: Option<bool>,
    pub(crate) country: Option<Scalar>,
    pub(crate) network: Option<Scalar>,
    pub(crate) imei: Option<Scalar>,
    pub(crate) apn: Option<Scalar>,
    pub(crate) rat: Option<u8>,
    pub(crate) cell: Option<Scalar>,
    pub(crate) msisdn: Option<Scalar>,
    pub(crate) ip: Option<Scalar>,
    pub(crate) age: Option<Scalar>,
    pub(crate) source: Option<Scalar>,
    /// From this event on the device is in this state.
    pub(crate) device_state: Option<Scalar>,
    /// The device of this event, where a rule is about a group.
    pub(crate) device: Option<Scalar>,
    /// Of a sign in the network traffic: its kind.
    pub(crate) sign: Option<Scalar>,
    /// Of a flow: its name, or its address.
    pub(crate) destination: Option<Scalar>,
    pub(crate) address: Option<Scalar>,
    pub(crate) port: Option<u16>,
    pub(crate) protocol: Option<u8>,
    /// `out` or `in`, of a flow, message or call.
    pub(crate) direction: Option<Scalar>,
    pub(crate) count: Option<u32>,
    pub(crate) peer: Option<Scalar>,
    /// Of a call.
    pub(crate) duration: Option<Scalar>,
    pub(crate) service: Option<Scalar>,
    pub(crate) account: Option<Scalar>,
    /// Of a login.
    pub(crate) ok: Option<bool>,
    /// Of a login the address, of a SIM change the old value.
    pub(crate) from: Option<Scalar>,
    pub(crate) to: Option<Scalar>,
    /// Which part of the SIM changed.
    pub(crate) part: Option<Scalar>,
    /// Of a source state: since when it is silent; without it the source is back.
    pub(crate) silent_for: Option<Scalar>,
    /// A verdict of the baseline: the metric.
    pub(crate) unusual: Option<Scalar>,
    pub(crate) drift: Option<Scalar>,
    pub(crate) model_wide: Option<Scalar>,
    /// A verdict that says it is over.
    pub(crate) over: bool,
    pub(crate) now: Option<Scalar>,
    pub(crate) usual: Option<Scalar>,
    pub(crate) devices: Option<u32>,
    pub(crate) identity_changed: bool,
    pub(crate) place_changed: bool,
    pub(crate) new_destination: bool,
    /// What the second stage knows: every value of this event is new to its model.
    pub(crate) new: Option<bool>,
    /// The share of the devices of its network that is silent.
    pub(crate) outage: Option<f64>,
}

/// Text, or a number or truth value that YAML took for one, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a single value")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(value.to_owned()))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string()))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

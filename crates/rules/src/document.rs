//! A rule file as YAML: what may stand where. Meaning is checked in `compile`.

mod example;
mod excuses;
mod respond;
mod scalar;

use std::collections::BTreeMap;

use fleetward_fleet::Severity;
use serde::Deserialize;
use serde_saphyr::Spanned;

pub(crate) use self::example::{DeviceDocument, EventDocument, Expect, PlannedDocument, ProfileDocument, TestDocument};
use self::excuses::one_or_list;
pub(crate) use self::respond::{ApprovalDocument, RespondDocument};
pub(crate) use self::scalar::Scalar;

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

//! The JSON Schema of rule files, for editors. A test holds it against the parser and the built-in rules.

/// The schema (draft 7) of one document of a rule file.
pub const SCHEMA: &str = include_str!("../../../docs/rules/rule.schema.json");

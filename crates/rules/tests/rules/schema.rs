//! `docs/rules/rule.schema.json`: it knows the keys that the parser knows, every rule that we ship and show fits it, and
//! mistakes do not.

use std::collections::BTreeSet;

use boon::{Compiler, SchemaIndex, Schemas};
use fleetward_rules::{BUILTIN_FILES, Options, RuleSet, SCHEMA};
use serde_json::Value;

const DOCS: &str = include_str!("../../../../docs/rules.md");

struct Judge {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Judge {
    fn new() -> Self {
        let schema = serde_json::from_str(SCHEMA).expect("the schema is JSON");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("rule.schema.json", schema).expect("the schema has a name");
        let index = compiler.compile("rule.schema.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    fn judge(&self, document: &str) -> Result<(), String> {
        let value: Value = serde_saphyr::from_str(document).map_err(|error| error.to_string())?;
        self.schemas.validate(&value, self.index).map_err(|error| format!("{error:#}"))
    }
}

/// The documents of a file, comments only left out.
fn documents(text: &str) -> impl Iterator<Item = &str> {
    let says = |document: &&str| document.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#'));
    text.split("\n---\n").filter(says)
}

#[test]
fn every_rule_that_we_ship_and_show_fits() {
    let judge = Judge::new();
    let shown = DOCS.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    for document in BUILTIN_FILES.iter().map(|(_, text)| *text).chain(shown).flat_map(documents) {
        judge.judge(document).unwrap_or_else(|error| panic!("{document}\n{error}"));
    }
}

#[test]
fn mistakes_do_not_fit() {
    let judge = Judge::new();
    let rule = "rule: a\ntitle: t\nwhen: session_start\n";
    for right in
        ["", "unless: contact\n", "unless: [contact, late]\n", "except: contact\n", "except: [contact, late]\n"]
    {
        assert_eq!(judge.judge(&format!("{rule}{right}")), Ok(()));
    }
    for wrong in [
        "title: t\nwhen: x\n",
        "rule: A b\ntitle: t\nwhen: x\n",
        &format!("{rule}severty: high\n"),
        &format!("{rule}severity: terrible\n"),
        &format!("{rule}mode: shadow\n"),
        &format!("{rule}unless: {{ a: b }}\n"),
        &format!("{rule}respond: [explode]\n"),
        &format!("{rule}watch: {{ a: {{ sum: bytes, count: x, over: 1h }} }}\n"),
        &format!("{rule}watch: {{ a: {{ sum: bytes }} }}\n"),
        &format!("{rule}tests: [{{ given: [], expect: maybe }}]\n"),
        &format!("{rule}tests: [{{ given: [{{ bites: 1 }}], expect: none }}]\n"),
    ] {
        assert!(judge.judge(wrong).is_err(), "{wrong}");
    }
}

/// The parser names the keys that it knows when it meets one that it does not.
#[test]
fn it_knows_the_keys_that_the_parser_knows() {
    let rule = "rule: a\ntitle: t\nwhen: session_start\n";
    let test = |inner: &str| format!("{rule}tests: [{{ given: [{{ at: 1m }}], expect: none, {inner} }}]\n");
    for (definition, document) in [
        ("rule", format!("{rule}nonsense: 1\n")),
        ("list", "list: a\nvalues: [1]\nnonsense: 1\n".to_owned()),
        ("area", "area: a\nnonsense: 1\n".to_owned()),
        ("positions", "positions: a\nnonsense: 1\n".to_owned()),
        ("macro", "macro: a\nis: contact\nnonsense: 1\n".to_owned()),
        ("exception", "exception: a\nnonsense: 1\n".to_owned()),
        ("window", format!("{rule}watch: {{ a: {{ nonsense: 1 }} }}\n")),
        ("options", format!("{rule}respond: [disconnect: {{ nonsense: 1 }}]\n")),
        ("budget", format!("{rule}budget: {{ nonsense: 1 }}\n")),
        ("test", test("nonsense: 1")),
        ("device", test("device: { nonsense: 1 }")),
        ("profile", test("profile: { nonsense: 1 }")),
        ("event", format!("{rule}tests: [{{ expect: none, given: [{{ nonsense: 1 }}] }}]\n")),
    ] {
        assert_eq!(keys_of_schema(definition), keys_of_parser(&document), "{definition}");
    }
}

fn keys_of_schema(definition: &str) -> BTreeSet<String> {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let properties = schema["definitions"][definition]["properties"].as_object();
    properties.unwrap_or_else(|| panic!("{definition}")).keys().cloned().collect()
}

fn keys_of_parser(document: &str) -> BTreeSet<String> {
    let errors = RuleSet::compile(&[("f", document)], &Options::default()).expect_err("the key is unknown");
    let message = errors.iter().map(|error| &error.message).find(|message| message.contains("nonsense"));
    let message = message.unwrap_or_else(|| panic!("{errors:?}"));
    let (_, known) = message.split_once("expected ").unwrap_or_else(|| panic!("{message}"));
    let words = known.trim_start_matches("one of ").split([',', ' ', '`']);
    words.filter(|word| !word.is_empty() && *word != "or").map(str::to_owned).collect()
}

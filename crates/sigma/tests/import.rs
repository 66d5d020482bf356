//! Sigma files of our own, translated; what the translation means is tried with examples of the language.

use fleetward_rules::{Options, RuleSet, run_tests};
use fleetward_sigma::{Import, Refusal, import, mapping};

fn account(import: &Import) -> String {
    let lines = import.accounts.iter().map(|account| match &account.outcome {
        Ok(name) => format!("{} -> {name}{}", account.title, notes(&account.notes)),
        Err(refusal) => format!("{}: {refusal}", account.title),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn notes(notes: &[String]) -> String {
    notes.iter().flat_map(|note| ["\n  note: ", note]).collect()
}

#[test]
fn what_can_be_expressed_is() {
    for (name, text) in [
        ("telnet", include_str!("rules/telnet.yml")),
        ("names", include_str!("rules/names.yml")),
        ("guessing", include_str!("rules/guessing.yml")),
        ("sums", include_str!("rules/sums.yml")),
        ("native", include_str!("rules/native.yml")),
    ] {
        let import = import(text);
        assert!(import.is_whole(), "{name}: {}", account(&import));
        RuleSet::compile(&[(name, &import.yaml)], &Options::default()).expect(name);
        insta::assert_snapshot!(name, format!("{}\n\n{}", account(&import), import.yaml));
    }
}

#[test]
fn what_cannot_be_expressed_is_said() {
    let import = import(include_str!("rules/refused.yml"));
    assert!(!import.is_whole());
    assert_eq!(import.yaml, "");
    insta::assert_snapshot!("refused", account(&import));
    for broken in ["title: x\ndetection: [", "just words", "title: no detection\nlogsource: { category: dns }\n"] {
        let import = fleetward_sigma::import(broken);
        assert!(!import.is_whole() && matches!(import.accounts[0].outcome, Err(Refusal::NotSigma(_))), "{import:?}");
    }
}

/// Translated, it alarms where Sigma would, also where a field is missing behind `not`.
#[test]
fn the_translation_means_the_same() {
    for (text, name, examples) in [
        (
            include_str!("rules/telnet.yml"),
            "sigma-outbound-telnet-to-many-hosts",
            [
                ("{ address: 198.51.100.7, port: 23 }", "alarm"),
                ("{ address: 10.1.1.1, port: 23 }", "none"),
                ("{ address: 198.51.100.7, destination: a.vendor.example, port: 2323 }", "none"),
                ("{ address: 198.51.100.7, port: 22 }", "none"),
                ("{ destination: a.other.example, port: 23 }", "alarm"),
            ]
            .as_slice(),
        ),
        (
            include_str!("rules/names.yml"),
            "sigma-names-of-a-tunnel",
            [
                ("{ destination: x.iodine.example }", "alarm"),
                ("{ destination: y.t.example }", "alarm"),
                ("{ destination: abczz.example }", "alarm"),
                ("{ address: 198.51.100.7 }", "alarm"),
                ("{ destination: example.org }", "none"),
            ]
            .as_slice(),
        ),
    ] {
        let yaml = import(text).yaml;
        let document = yaml.split("---\n").find(|document| document.contains(&format!("rule: {name}\n")));
        let mut document = document.unwrap_or_else(|| panic!("{yaml}")).to_owned();
        document.push_str("tests:\n");
        for (event, expected) in examples {
            document += &["  - { given: [", event, "], expect: ", expected, " }\n"].concat();
        }
        for result in run_tests(&[("sigma", &document)], &Options::default()).expect(name) {
            assert_eq!(result.failure, None, "{name} {}: {document}", result.name);
        }
    }
}

#[test]
fn the_page_knows_the_mapping() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules/sigma.md");
    let text = std::fs::read_to_string(page).unwrap_or_else(|error| panic!("{page}: {error}"));
    for (events, names, ours) in mapping() {
        let row = format!("| {events} | {names} | {ours} |");
        assert!(text.contains(&row), "docs/rules/sigma.md lacks the row\n{row}");
    }
}

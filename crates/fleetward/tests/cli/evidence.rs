//! The pages for operators: the table of provisions is the one that rules and checks make, and every command that they show exists.
//! `FLEETWARD_UPDATE_DOCS=1 cargo test -p fleetward --test cli evidence` writes the table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fleetward_audit::judge::CHECKS;
use fleetward_rules::{Options, RuleSet};

use crate::support::Place;

const SCHEME: &str = "etsi-en-303-645:";
const BEGIN: &str = "FLEETWARD_UPDATE_DOCS=1 cargo test -p fleetward --test cli evidence -->\n";
const END: &str = "<!-- end of provisions -->";

/// Number in V3.1.3, how it binds there (M mandatory, R recommended), how far an observation goes, and what it asks, in our words.
const PROVISIONS: &[(&str, &str, &str, &str)] = &[
    ("5.1-1", "M", "refutes", "every password is unique per device or chosen by the user"),
    ("5.1-2", "M", "refutes", "passwords set in the factory cannot be guessed in bulk"),
    ("5.1-3", "M", "refutes", "authentication uses cryptography of good practice"),
    ("5.1-5", "M", "supports", "guessing over a network is impractical"),
    ("5.3-2", "M", "supports", "there is a secure way to update"),
    ("5.4-2", "M", "supports", "an identity in hardware that security rests on withstands tampering"),
    ("5.4-4", "M", "refutes", "secrets of services and updates are unique per device"),
    ("5.5-1", "M", "refutes", "communication is secured by cryptography of good practice"),
    ("5.5-5", "M", "refutes", "settings are changed over a network only after authentication"),
    ("5.5-7", "M", "refutes", "secrets stay confidential on interfaces that are reached from afar"),
    ("5.6-1", "M", "decides", "unused network interfaces and services are off"),
    ("5.6-2", "M", "refutes", "little is revealed before authentication"),
    ("5.7-2", "R", "supports", "a change of software that nobody authorised is told, and the device keeps to itself"),
    ("5.8-1", "R", "refutes", "personal data on its way to services is encrypted"),
    ("5.9-1", "R", "supports", "outages of network and power are reckoned with"),
    ("5.9-3", "R", "refutes", "devices connect in an orderly way that the network can bear"),
    ("5.10-1", "R", "shows", "telemetry is looked through for signs of trouble"),
    ("6-5", "M", "supports", "telemetry is disclosed: what, why, to whom"),
];

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(page(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What speaks for (or against) each provision: rules, then checks of audits.
fn speakers() -> BTreeMap<String, [Vec<String>; 2]> {
    let mut found: BTreeMap<String, [Vec<String>; 2]> = BTreeMap::new();
    let mut add = |tags: &[&str], at: usize, name: &str| {
        for provision in tags.iter().filter_map(|tag| tag.strip_prefix(SCHEME)) {
            found.entry(provision.to_owned()).or_default()[at].push(format!("`{name}`"));
        }
    };
    for rule in RuleSet::builtin(&Options::default()).rules() {
        add(&rule.tags.iter().map(|tag| &**tag).collect::<Vec<_>>(), 0, &rule.name);
    }
    for check in CHECKS {
        add(check.tags, 1, check.name);
    }
    found
}

fn table() -> String {
    let mut speakers = speakers();
    let mut text = String::from(
        "\n| provision | | an observation | default rules | checks of audits |\n| --- | --- | --- | --- | --- |\n",
    );
    let row = |(number, binds, goes, words): &(&str, &str, &str, &str)| {
        let [rules, checks] = speakers.remove(*number).unwrap_or_else(|| panic!("nothing speaks of {number}"));
        format!("| {number}: {words} | {binds} | {goes} | {} | {} |\n", rules.join(", "), checks.join(", "))
    };
    text.extend(PROVISIONS.iter().map(row));
    assert!(speakers.is_empty(), "tags of provisions that the table does not explain: {:?}", speakers.keys());
    text + "\n"
}

#[test]
fn the_table_of_provisions_is_the_one_that_rules_and_checks_make() {
    let held = read("docs/evidence.md");
    let (before, rest) = held.split_once(BEGIN).unwrap();
    let (now, after) = rest.split_once(END).unwrap();
    let made = table();
    if std::env::var_os("FLEETWARD_UPDATE_DOCS").is_some() {
        std::fs::write(page("docs/evidence.md"), format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
    } else {
        assert_eq!(now, made, "stale: FLEETWARD_UPDATE_DOCS=1 cargo test -p fleetward --test cli evidence");
    }
}

#[test]
fn every_command_that_operators_are_shown_exists() {
    let place = Place::empty();
    let mut tried = 0;
    for name in ["docs/evidence.md", "docs/operate.md", "contrib/fleetward.service"] {
        let text = read(name);
        let of_unit =
            |line| str::strip_prefix(line, "ExecStart")?.split_once("/fleetward ").map(|(_, command)| command);
        for line in text.lines().filter_map(|line| line.strip_prefix("fleetward ").or_else(|| of_unit(line))) {
            let line = line.split(['#', '>', '|', '&', ';']).next().unwrap_or_default();
            let mut arguments: Vec<&str> = line.split_whitespace().collect();
            arguments.push("--help");
            let ran = place.run(&arguments);
            assert_eq!(ran.code, 0, "{name}: {line}: {}", ran.err);
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried}");
}

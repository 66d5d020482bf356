use std::sync::Arc;

use fleetward_detect::Compiled;
use fleetward_rules::{Options, RuleSet};
use fleetward_simulate::{Class, Config, Overlay, World, misuse};

use super::*;

fn small(overlay: &str) -> (Trial, Judges) {
    let yaml = misuse::PUBLIC.iter().find(|(name, _)| *name == overlay).unwrap().1;
    let scenarios = Overlay::from_yaml(yaml).unwrap().scenarios;
    let classes = ["meter", "camera"].map(|name| (Class::find(name).unwrap().0, 60)).to_vec();
    let world = Config { classes, scenarios, days: 21, training_days: 14, misused: 4, ..Config::default() };
    let profiles = World::new(world.clone()).unwrap().profiles();
    let rules = Arc::new(RuleSet::builtin(&Options::default()));
    let compiled = Arc::new(Compiled::new(rules, profiles));
    (Trial { world, worlds: 2, threads: 2 }, Judges { compiled, textbook: Vec::new, nominal: 0.01 })
}

#[test]
fn identity_rules_find_a_sim_in_a_telephone_at_once_and_the_number_of_threads_changes_nothing() {
    let (trial, judges) = small("stolen-sim");
    let outcome = trial.run(&judges).unwrap();
    let phone = outcome.scenario("sim-in-a-phone");
    assert_eq!((phone.misused, phone.found[1]), (16, 16));
    assert!(phone.median_hours(1).unwrap() < 5.0);
    let alone = Trial { threads: 1, ..trial }.run(&judges).unwrap();
    assert_eq!(alone.quiet, outcome.quiet);
    assert_eq!(alone.rules, outcome.rules);
    let report = Report { outcome, nominal: 0.01, cost: None };
    assert!(report.text().contains("| sim-in-a-phone | 16 |"));
    assert!(report.json()["ours"]["found_with_rules"].as_f64().unwrap() >= 0.25);
    // Nobody's volume grew slowly: what share of them is found is not known, and not 0.
    assert!(report.json()["ours"]["slow_exfiltration_found"].is_null());
    assert!(report.text().contains("% | — |"), "{}", report.text());
}

#[test]
fn who_brings_scenarios_of_his_own_gets_figures_of_them() {
    let mut outcome = Outcome::new(vec!["baselines alone".to_owned(), "with rules".to_owned()]);
    let found = |share: u64| crate::outcome::Cell {
        misused: 4,
        found: vec![1, share],
        hours: vec![vec![2.0], vec![1.0]],
        ..Default::default()
    };
    outcome.cells.insert(("of-mine".to_owned(), "meter".to_owned()), found(3));
    let ours = |outcome: &Outcome| Report { outcome: outcome.clone(), nominal: 0.01, cost: None }.ours();
    let alone = ours(&outcome);
    assert_eq!((alone.found_by_volume_alone, alone.found_with_rules), (Some(0.25), Some(0.75)));
    assert_eq!((alone.slow_exfiltration_found, alone.median_hours_to_detect), (None, Some(1.0)));
    // Beside a public one it is not among the figures of those.
    outcome.cells.insert(("ddos".to_owned(), "meter".to_owned()), found(4));
    assert_eq!(ours(&outcome).found_with_rules, Some(1.0));
}

#[test]
fn the_curve_does_not_depend_on_the_number_of_threads_and_says_what_it_stands_on() {
    let curve = |threads: usize| {
        let (trial, _) = small("slow-leak");
        let world = Config { days: 6, training_days: 4, misused: 2, ..trial.world };
        let study = study::Study {
            trial: Trial { world, worlds: 1, threads },
            judges: &|nominal| Judges { nominal, ..small("slow-leak").1 },
            nominal: 0.01,
            curve: vec![0.1],
            cold_starts: Vec::new(),
            nuisances: false,
            progress: &|_| {},
        };
        study.run().unwrap()
    };
    let (one, three) = (curve(1), curve(3));
    assert_eq!(one.json["curve"], three.json["curve"]);
    assert!(one.text.contains("Of 2 worlds with a third of the devices: 40 devices each."), "{}", one.text);
}

#[test]
fn an_overlay_that_asks_for_too_many_is_refused() {
    let (mut trial, judges) = small("stolen-sim");
    trial.world.misused = 100;
    let error = trial.run(&judges).unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("100 devices of class meter wanted"));
}

//! The rules that come with Fleetward do what their files say.

use fleetward_rules::{BUILTIN_FILES, Options, RuleSet, run_tests};

#[test]
fn every_example_of_every_builtin_rule_holds() {
    let results = run_tests(BUILTIN_FILES, &Options::default()).unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    });
    let failed: Vec<String> = results
        .iter()
        .filter_map(|result| {
            Some(format!(
                "{}:{} {} {}: {}",
                result.file,
                result.line,
                result.rule,
                result.name,
                result.failure.as_ref()?
            ))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(results.len() > 60, "{}", results.len());
}

#[test]
fn each_has_examples_both_ways_a_budget_and_advice() {
    let set = RuleSet::builtin(&Options::default());
    assert!(set.rules().len() >= 50, "{}", set.rules().len());
    for rule in set.rules() {
        assert!(rule.tests >= 2, "{}", rule.name);
        assert!(rule.budget.max_alarms_per_day.is_some(), "{}", rule.name);
        let acts = rule.responds.iter().any(|respond| respond.action.is_intervention());
        assert_eq!(acts, rule.budget.max_actions_per_hour.is_some(), "{}", rule.name);
        assert!(!rule.explain().is_empty());
        assert!(!rule.why.is_empty() && !rule.false_alarms.is_empty() && !rule.advice().is_empty(), "{}", rule.name);
    }
}

#[test]
fn a_channel_that_is_not_configured_is_left_out() {
    let options = Options { channels: Some(vec!["pager".into()]), ..Options::default() };
    let set = RuleSet::builtin(&options);
    assert!(set.rules().iter().flat_map(|rule| &rule.responds).all(|respond| respond.action.name() != "notify"));
    assert!(set.rule("stock-sim-talks").is_some_and(|rule| rule.responds.len() == 2));
}

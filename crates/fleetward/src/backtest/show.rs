//! A report as text.

use fleetward_detect::backtest::{Example, Report, RuleReport};
use fleetward_fleet::counted;

/// Longest bar of a histogram.
const BAR: u64 = 40;

/// The whole report, for people.
pub(crate) fn show(report: &Report) -> String {
    let mut text = format!(
        "{} judged; {} to {} counts ({:.1} days)\n",
        counted(report.records, "record"),
        report.from,
        report.to,
        report.days
    );
    if let Some(nanos) = report.nanos_per_record {
        text += &format!(
            "{nanos:.0} ns CPU a record: sessions and these rules together (what one rule costs: rules explain)\n"
        );
    }
    for rule in &report.rules {
        text += "\n";
        text += &one(rule);
    }
    text
}

fn one(rule: &RuleReport) -> String {
    let mut text = format!(
        "{} (version {}, {})\n  {}, {:.2} a day, on {}\n",
        rule.rule,
        rule.version,
        format!("{:?}", rule.severity).to_lowercase(),
        counted(rule.alarms, "alarm"),
        rule.alarms_per_day,
        counted(rule.devices, "device")
    );
    if rule.is_about_nobody {
        text += "  no device in these records is in its scope: see `scope` of the rule, and models and groups of the inventory\n";
    }
    for (count, words) in [
        (rule.untold, "beyond max_alarms_per_day: kept, nobody told"),
        (rule.at_least, "not measured exactly: \"at least\""),
        (rule.late, "from late records"),
    ] {
        if count > 0 {
            text += &format!("  {count} {words}\n");
        }
    }
    text += &days(rule);
    text += &would(rule);
    if let Some(difference) = &rule.difference {
        text += &format!(
            "  against version {} in force: {} the same, {} new, {} gone\n",
            difference.version, difference.same, difference.new, difference.gone
        );
        text += &examples("new", &difference.new_examples);
        text += &examples("gone", &difference.gone_examples);
    }
    text + &examples("examples", &rule.examples)
}

fn days(rule: &RuleReport) -> String {
    let most = rule.per_day.values().copied().max().unwrap_or(1).max(1);
    let line = |(day, alarms): (&String, &u64)| {
        let bar = "#".repeat((alarms * BAR).div_ceil(most) as usize);
        format!("    {day}  {alarms:>6}  {bar}\n")
    };
    rule.per_day.iter().map(line).collect()
}

fn would(rule: &RuleReport) -> String {
    let line = |(action, would): (&&str, &fleetward_detect::backtest::Would)| {
        let mut text = format!(
            "  would have done {action}: {}, {}",
            counted(would.done, "time"),
            counted(would.devices, "device")
        );
        if would.waiting > 0 {
            text += &format!("; {} waited for a person", counted(would.waiting, "time"));
        }
        if would.over_budget > 0 {
            text += &format!("; {} stopped by the budget", counted(would.over_budget, "time"));
        }
        text + "\n"
    };
    rule.would.iter().map(line).collect()
}

fn examples(title: &str, examples: &[Example]) -> String {
    if examples.is_empty() {
        return String::new();
    }
    let line = |example: &Example| {
        let sure = if example.confidence.is_empty() { String::new() } else { format!(" ({})", example.confidence) };
        let expected = if example.expected.is_empty() { "" } else { &example.expected };
        format!("    {}  {}: {}; expected {expected}{sure}\n", example.at, example.subject, example.observed)
    };
    format!("  {title}:\n{}", examples.iter().map(line).collect::<String>())
}

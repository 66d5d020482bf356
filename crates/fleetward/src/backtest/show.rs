//! A report as text.

use fleetward_detect::backtest::{Example, Report, RuleReport};
use fleetward_fleet::counted;

/// Longest bar of a histogram.
const BAR: u64 = 40;

/// The whole report, for people.
pub(crate) fn show(report: &Report) -> String {
    let mut text = format!(
        "{} judged; {} to {} counts ({})\n",
        counted(report.records, "record"),
        report.from,
        report.to,
        length(report)
    );
    if let Some(nanos) = report.nanos_per_record {
        text += &format!(
            "{nanos:.0} ns CPU a record: sessions and these rules together (what one rule costs: rules explain)\n"
        );
    }
    for rule in &report.rules {
        text += "\n";
        text += &one(rule, &length(report));
    }
    text
}

/// How long the span is.
fn length(report: &Report) -> String {
    let secs = report.to.since(report.from).as_secs();
    match secs {
        0..120 => counted(secs.max(1), "second"),
        120..7200 => counted(secs / 60, "minute"),
        7200..86_400 => counted(secs / 3600, "hour"),
        _ => format!("{:.1} days", report.days),
    }
}

fn one(rule: &RuleReport, length: &str) -> String {
    let alarms = counted(rule.alarms, "alarm");
    // What a part of a day says of a whole one is a guess.
    let alarms = match rule.alarms_per_day {
        Some(per_day) => format!("{alarms}, {per_day:.2} a day"),
        None => format!("{alarms} in {length}"),
    };
    let severity = format!("{:?}", rule.severity).to_lowercase();
    let mut text = format!("{} (version {}, {severity})\n  {alarms}, on {}\n", rule.rule, rule.version, found(rule));
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
            "  against version {} in {}: {} the same, {} new, {} gone\n",
            difference.version, difference.file, difference.same, difference.new, difference.gone
        );
        text += &examples("new", &difference.new_examples);
        text += &examples("gone", &difference.gone_examples);
    }
    text + &examples("examples", &rule.examples)
}

/// How many devices, groups, networks, ...
fn found(rule: &RuleReport) -> String {
    let word = match rule.per {
        "country" if rule.subjects != 1 => return format!("{} countries", rule.subjects),
        "fleet" if rule.subjects > 0 => return "the whole fleet".to_owned(),
        "fleet" => return "nobody".to_owned(),
        "flow.destination" => "destination",
        "ip" => "address",
        "apn" => "APN",
        "imei" => "IMEI",
        word => word,
    };
    counted(rule.subjects, word)
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
        let mut text = format!("  would have done {action}: {}", counted(would.done, "time"));
        // Of what is about a group, people are told: on no device.
        if would.devices > 0 || would.done == 0 {
            text += &format!(", {}", counted(would.devices, "device"));
        }
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

//! A hundred rules as an operator with ten models and five regions might have them: 60 about one model, 20 about one
//! region, 20 about everything. So 30 of them, with 8 windows, concern a device.

use std::fmt::Write as _;
use std::sync::Arc;

use fleetward_rules::{Options, RuleSet};

use crate::fleet::{MODELS, REGIONS};

/// What every model has, with its own limits.
const OF_MODEL: [&str; 6] = [
    "watch: { used: { sum: bytes, over: 1h } }\nwhen: used > @0 MB && hour_of_day < 23",
    "watch: { sent: { sum: bytes_up, over: 6h } }\nwhen: sent > @0 MB",
    "watch: { starts: { count: session_start, over: 1h } }\nwhen: starts > @",
    "when: country in [\"FR\", \"ES\"] && bytes > @ KB",
    "when: session_stop && terminate_cause == 2 && session_secs < @ s",
    "when: changed(imei) && tac != \"35693800\" && bytes > @ KB",
];
/// What every region has.
const OF_REGION: [&str; 4] = [
    "watch: { used: { sum: bytes, over: 24h } }\nwhen: used > @00 MB",
    "when: network != \"26201\" && network != \"26202\" && rat == \"eutran\"",
    "when: '!apn.startsWith(\"iot.\") && bytes > @ KB'",
    "when: bytes_up > @0 * bytes_down && bytes_up > 1 MB",
];
/// Four of each about the whole fleet, with other limits.
const OF_ALL: [&str; 5] = [
    "watch: { used: { sum: bytes, over: @h } }\nwhen: used > 500 MB",
    "when: session_start && hour_of_day >= 22 && weekday >= @ && !device.critical && country == \"CH\"",
    "when: changed(country) && country != \"DE\" && bytes > @ KB",
    "when: total_bytes > @0 GB",
    "when: session.open_sessions > 2@ || (session.is_new && age > @ h)",
];

/// The default rules and the hundred.
pub(crate) fn all() -> Arc<RuleSet> {
    let text = custom();
    let set = RuleSet::with_builtin(&[("custom.yaml", &text)], &Options::default());
    Arc::new(set.unwrap_or_else(|errors| panic!("{errors:?}")))
}

fn custom() -> String {
    let mut text = String::new();
    for model in 0..MODELS {
        let scope = format!("device.model == \"model-{model}\"");
        add(&mut text, &format!("model-{model}"), &scope, &OF_MODEL, model + 2);
    }
    for region in 0..REGIONS {
        let scope = format!("'\"region-{region}\" in device.groups'");
        add(&mut text, &format!("region-{region}"), &scope, &OF_REGION, region + 2);
    }
    for limit in 2..6 {
        add(&mut text, &format!("all-{limit}"), "device.known", &OF_ALL, limit);
    }
    text
}

fn add(text: &mut String, name: &str, scope: &str, rules: &[&str], limit: u64) {
    for (number, body) in rules.iter().enumerate() {
        let body = body.replace('@', &limit.to_string());
        write!(text, "---\nrule: {name}-{number}\ntitle: t\nscope: {scope}\n{body}\n").expect("memory takes it");
    }
}

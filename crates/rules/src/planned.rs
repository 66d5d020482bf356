//! Which planned changes excuse a rule.
//!
//! A planned change names kinds of deviation (`module_swap`, `move`, ...). Which rules notice such a deviation follows from
//! what a rule reads: one that compares `imei` notices an exchanged module. So nobody has to list rules in a work order,
//! and a rule of one's own is excused like a built-in one. A rule can say it itself with `planned: [...]`; `planned: []`
//! means never. A planned change can also name rules, which are then excused whatever they read.
//!
//! # Invariants
//!
//! * **Never by accident**: a rule whose `scope` is about the device's state in the inventory (a SIM in stock that talks) is
//!   excused by no kind, only by name.
//! * **Excused is not unseen**: windows are fed and values remembered as ever, so what still deviates after the end is told.

use std::collections::BTreeMap;

use fleetward_fleet::{PlannedChange, PlannedKind};

use crate::document::RuleDocument;
use crate::named::{expanded, names};
use crate::shared::Macro;

/// A set of [`PlannedKind`]s.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlannedKinds(u8);

impl PlannedKinds {
    /// The set of these.
    pub fn of(kinds: impl IntoIterator<Item = PlannedKind>) -> Self {
        Self(kinds.into_iter().fold(0, |set, kind| set | 1 << kind as u8))
    }

    /// Whether `kind` is in it.
    pub fn contains(self, kind: PlannedKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// The kinds, in their order.
    pub fn iter(self) -> impl Iterator<Item = PlannedKind> {
        PlannedKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Whether `change` excuses a rule of this name that is excused by these kinds. Not whether it covers the device.
pub(crate) fn excuses(change: &PlannedChange, rule: &str, kinds: PlannedKinds) -> bool {
    change.excuses.iter().any(|kind| kinds.contains(*kind)) || change.rules.iter().any(|name| **name == *rule)
}

/// The kinds that fit a rule that does not say it itself, and the first name in `planned` that is no kind.
pub(crate) fn kinds_of(document: &RuleDocument, macros: &BTreeMap<String, Macro>) -> Result<PlannedKinds, String> {
    if let Some(stated) = &document.planned {
        let kind = |name: &String| PlannedKind::named(name).ok_or_else(|| name.clone());
        return Ok(PlannedKinds::of(stated.value.iter().map(kind).collect::<Result<Vec<_>, _>>()?));
    }
    let words = |text| expanded(text, macros).into_iter().flat_map(words);
    if document.scope.as_ref().is_some_and(|scope| words(&scope.value).any(|word| word == "device.state")) {
        return Ok(PlannedKinds::default());
    }
    let watched = document.watch.values().flat_map(|watch| {
        let watch = &watch.value;
        let parts = [
            &watch.sum,
            &watch.count,
            &watch.distinct,
            &watch.max,
            &watch.min,
            &watch.last,
            &watch.absent,
            &watch.filter,
        ];
        parts.into_iter().flatten().map(|text| text.value.as_str())
    });
    let counted = watched.clone().flat_map(words).map(|word| if is_session(word) { SESSIONS } else { fits(word) });
    let read = words(&document.when.value).map(fits);
    let absent = document.watch.values().any(|watch| watch.value.absent.is_some());
    let silence = if absent { SILENCE } else { PlannedKinds::default() };
    Ok(counted.chain(read).fold(silence, PlannedKinds::or))
}

/// Names in an expression, and the text constants in it: `reject_reason == "imei_lock"` reads the module.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    names(text)
        .chain(text.split(move |c: char| !is_part(c)))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn is_session(word: &str) -> bool {
    matches!(
        word,
        "session_start" | "session_stop" | "session_is_new" | "session" | "admitted" | "contact" | "rejected"
    )
}

/// The table: which kinds of planned change make this word deviate.
fn fits(word: &str) -> PlannedKinds {
    let word = ["device.", "profile.", "session."].iter().find_map(|of| word.strip_prefix(of)).unwrap_or(word);
    match word {
        "imei" | "imeisv" | "tac" | "tacs" | "imei_lock" | "imei_missing" | "tac_not_of_model" | "imei_changed" => {
            MODULE
        }
        "svn" => MODULE.or(ROLL_OUT),
        "imsi" | "iccid" | "msisdn" | "esim_profile" | "sim_changed" => SIM,
        "ip" => SIM.or(MOVE),
        "country"
        | "countries"
        | "network"
        | "networks"
        | "cell"
        | "place"
        | "in_area"
        | "speed_kmh"
        | "distance_km"
        | "border_pair"
        | "country_not_allowed"
        | "network_not_allowed"
        | "rat"
        | "rats" => MOVE,
        "apn" | "apns" | "apn_not_allowed" => MOVE.or(ROLL_OUT),
        "bytes" | "bytes_up" | "bytes_down" | "total_bytes" | "uplink_ratio" | "unusual" | "drift" | "model_wide"
        | "flow" => VOLUME,
        word if word.starts_with("packets_") => VOLUME,
        "open_sessions" | "session_secs" | "age" | "sessions_per_day" | "in_hours" | "hour_of_day" | "weekday" => {
            SESSIONS
        }
        "silence" | "contact_every" | "absent" => SILENCE,
        word if PEERS.iter().any(|peer| word.starts_with(peer)) => VOLUME,
        word if word.starts_with("sim.") => SIM,
        _ => PlannedKinds(0),
    }
}

/// What a device does beside its sessions, and who talks to it.
const PEERS: [&str; 4] = ["flow.", "login", "message", "call"];

const fn bit(kind: PlannedKind) -> u8 {
    1 << kind as u8
}

/// The module, seen through the SIM: another module, or the SIM in another device.
const MODULE: PlannedKinds = PlannedKinds(bit(PlannedKind::ModuleSwap) | bit(PlannedKind::SimSwap));
const SIM: PlannedKinds = PlannedKinds(bit(PlannedKind::SimSwap));
const MOVE: PlannedKinds = PlannedKinds(bit(PlannedKind::Move));
const ROLL_OUT: PlannedKinds = PlannedKinds(bit(PlannedKind::RollOut));
const VOLUME: PlannedKinds = PlannedKinds(bit(PlannedKind::RollOut) | bit(PlannedKind::Maintenance));
const SESSIONS: PlannedKinds = VOLUME;
/// A device that is being changed in any way is off for a while.
const SILENCE: PlannedKinds = PlannedKinds(0b1_1111);

#[cfg(test)]
mod tests {
    use crate::{Options, RuleSet};

    fn kinds(rule: &str) -> Vec<&'static str> {
        let set = RuleSet::compile(&[("r.yaml", rule)], &Options::default()).unwrap();
        set.rules()[0].planned().iter().map(fleetward_fleet::PlannedKind::name).collect()
    }

    #[test]
    fn what_a_rule_reads_says_what_excuses_it() {
        let rule = |body: &str| format!("rule: r\ntitle: t\n{body}\n");
        let cases: [(&str, &[&str]); 13] = [
            ("when: apn.contains(\"iot\")", &["move", "roll_out"]),
            ("when: session.open_sessions > 1", &["roll_out", "maintenance"]),
            ("when: session_start && hour_of_day > 22", &["roll_out", "maintenance"]),
            ("when: sim_changed && sim.part == \"esim_profile\"", &["sim_swap"]),
            ("when: login_ok && login.account == \"root\"", &["roll_out", "maintenance"]),
            ("when: unusual(bytes)", &["roll_out", "maintenance"]),
            ("when: changed(imei)", &["sim_swap", "module_swap"]),
            ("when: reject_reason == \"country_not_allowed\"", &["move"]),
            ("watch: { used: { sum: bytes, over: 1h } }\nwhen: used > 1 MB", &["roll_out", "maintenance"]),
            ("watch: { starts: { count: session_start, over: 1h } }\nwhen: starts > 9", &["roll_out", "maintenance"]),
            ("when: silence() > 2 h", &["sim_swap", "module_swap", "move", "roll_out", "maintenance"]),
            ("scope: device.state == \"stock\"\nwhen: bytes > 1", &[]),
            ("planned: [move]\nwhen: changed(imei)", &["move"]),
        ];
        for (body, expected) in cases {
            assert_eq!(kinds(&rule(body)), expected, "{body}");
        }
    }

    #[test]
    fn a_macro_reads_what_it_stands_for() {
        let macros = "macro: roams\nis: session_start && country != \"DE\"\n---\nmacro: parked\nis: stock\n---\n\
                      macro: stock\nis: device.state == \"stock\"\n---\n";
        let rule = |body: &str| format!("{macros}rule: r\ntitle: t\n{body}\n");
        assert_eq!(kinds(&rule("when: roams")), ["move"]);
        assert_eq!(
            kinds(&rule("scope: parked\nwhen: bytes > 1 B")),
            [] as [&str; 0],
            "a stored SIM that talks is told"
        );
    }

    #[test]
    fn a_kind_that_is_none_is_a_mistake_with_its_place() {
        let wrong = RuleSet::compile(
            &[("r.yaml", "rule: r\ntitle: t\nplanned: [module-swap]\nwhen: bytes > 1\n")],
            &Options::default(),
        );
        let wrong = wrong.unwrap_err();
        assert_eq!((wrong[0].line, wrong.len()), (3, 1), "{wrong:?}");
        assert!(wrong[0].hint.as_deref().is_some_and(|hint| hint.contains("module_swap")), "{wrong:?}");
    }
}

//! What detection costs: CPU and memory for a fleet under the default rules (and 100 custom ones) and the baselines; snapshot and
//! restart; and the reference query, whose alarms other engines must share.
//!
//! `cargo bench -p fleetward-detect --bench detect -- observations [--sims N] [--hours N] [--rounds N] [--custom]`
//! `cargo bench -p fleetward-detect --bench detect -- events FILE [--count N]` writes the events of the reference query,
//! `... -- reference EVENTS ALARMS` judges them, `... -- by-hand EVENTS ALARMS` does so in thirty lines of Rust.
//! `cargo xtask bench detect` does it all, beside the peers.
//! Each prints one JSON object last. Memory is the growth of this process, so run it alone.

mod by_hand;
mod events;
mod fleet;
mod measure;
mod observations;
mod reference;
mod rules;

use measure::say;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["observations", rest @ ..] => {
            let is_custom = rest.contains(&"--custom");
            let which = if is_custom { observations::Which::Custom } else { observations::Which::Default };
            let times = (number(rest, "--hours", 2), number(rest, "--rounds", 4));
            observations::run(number(rest, "--sims", 1_000_000), which, times);
        }
        ["events", file, rest @ ..] => events::write(file.as_ref(), number(rest, "--count", 5_000_000)),
        ["reference", events, alarms] => reference::run(events.as_ref(), alarms.as_ref()),
        ["by-hand", events, alarms] => by_hand::run(events.as_ref(), alarms.as_ref()),
        [] => observations::run(100_000, observations::Which::Custom, (2, 4)),
        other => {
            say(&format!("not understood: {other:?}; see the head of this file"));
            std::process::exit(2);
        }
    }
}

fn number(words: &[&str], name: &str, default: u64) -> u64 {
    let at = words.iter().position(|word| *word == name);
    at.and_then(|at| words.get(at + 1)?.parse().ok()).unwrap_or(default)
}

//! The study from the command line, without the rest of the product: `quality [worlds] [devices a class] [misused a cell]`.

use std::sync::Arc;

use fleetward_evaluate::study::{Study, classes, compiled, public_scenarios};
use fleetward_evaluate::{Judges, Trial};
use fleetward_rules::{Options, RuleSet};
use fleetward_simulate::Config;

#[expect(clippy::print_stdout, reason = "an example says what it found")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let mut number = |otherwise: u32| numbers.next().unwrap_or(otherwise);
    let (worlds, devices, misused) = (number(2), number(1000), number(10));
    let rules = Arc::new(RuleSet::builtin(&Options::default()));
    let judges = |nominal| Judges {
        compiled: Arc::new(compiled(rules.clone(), nominal)),
        textbook: fleetward_evaluate::textbook,
        nominal,
    };
    let world =
        Config { classes: classes(devices), scenarios: public_scenarios()?, misused, seed: 1, ..Config::default() };
    let study = Study {
        trial: Trial { world, worlds, threads: 2 },
        judges: &judges,
        nominal: 0.01,
        curve: Vec::new(),
        cold_starts: Vec::new(),
        nuisances: false,
        progress: &|part| eprintln!("{part}"),
    };
    println!("{}", study.run()?.text);
    Ok(())
}

//! The main trial from the command line, without the rest of the product, for those who tune:
//! `quality [worlds] [devices a class] [misused a cell] [seed] [scenario,...] [curve,cold-start,nuisances] [folder]`.
//! Into the folder go the tables, everything as JSON, and the curve.

use std::sync::Arc;

use fleetward_evaluate::study::{Study, classes, compiled, public_scenarios};
use fleetward_evaluate::{Judges, Trial};
use fleetward_rules::{Options, RuleSet};
use fleetward_simulate::Config;

#[expect(clippy::print_stdout, reason = "an example says what it found")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u32| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (worlds, devices, misused, seed) = (number(0, 2), number(1, 1000), number(2, 10), number(3, 1));
    let wants = |part: &str| arguments.get(5).is_some_and(|parts| parts.split(',').any(|wanted| wanted == part));
    let mut scenarios = public_scenarios()?;
    if let Some(wanted) = arguments.get(4) {
        scenarios.retain(|scenario| wanted.split(',').any(|name| *name == *scenario.scenario));
    }
    let rules = Arc::new(RuleSet::builtin(&Options::default()));
    let judges = |nominal| Judges {
        compiled: Arc::new(compiled(rules.clone(), nominal)),
        textbook: fleetward_evaluate::textbook,
        nominal,
    };
    let world = Config { classes: classes(devices), scenarios, misused, seed: u64::from(seed), ..Config::default() };
    let study = Study {
        trial: Trial { world, worlds, threads: 2.min(worlds as usize).max(1) },
        judges: &judges,
        nominal: 0.01,
        curve: if wants("curve") { vec![0.0003, 0.001, 0.003, 0.01, 0.03, 0.1] } else { Vec::new() },
        cold_starts: if wants("cold-start") { vec![1, 3, 7, 28] } else { Vec::new() },
        nuisances: wants("nuisances"),
        progress: &|part| eprintln!("{part}"),
    };
    let findings = study.run()?;
    println!("{}", findings.text);
    if let Some(folder) = arguments.get(6).map(std::path::Path::new) {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("evaluation.md"), &findings.text)?;
        std::fs::write(folder.join("evaluation.json"), findings.json.to_string())?;
        if let Some(svg) = &findings.svg {
            std::fs::write(folder.join("curve.svg"), svg)?;
        }
    }
    Ok(())
}

//! Which fleet: what `simulate` and `evaluate` have in common.

use std::io::Write as _;
use std::path::Path;

use fleetward_fleet::{Timestamp, did_you_mean, did_you_mean_text};
use fleetward_simulate::{CLASSES, Class, Config, NUISANCES, Nuisances, Overlay, Scenario, World, misuse};

use crate::exit::Failure;
use crate::unread;

/// Which fleet.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Fleet {
    /// Devices of each class; one class may have its own number in --classes.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) devices: u32,
    /// Classes, with a number of their own or without: `meter=1000,camera`. Without it all of them; of `evaluate` the six of
    /// the study (meter, tracker, pos, alarm, camera, vehicle).
    #[arg(long, value_delimiter = ',', value_name = "CLASS[=N]")]
    pub(crate) classes: Vec<String>,
    /// Decides everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The first day.
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<Timestamp>,
    /// Misuse: overlay files, or names of public overlays (stolen-sim, botnet, slow-leak, identity, failure, activity), or
    /// `public` for all of these.
    #[arg(long, value_name = "FILE|NAME")]
    pub(crate) misuse: Vec<String>,
    /// Devices of each class that a scenario befalls which does not say how many.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) misused: u32,
    /// Only these nuisances (firmware, dst, outages, steps, records, borders, billing, growth, service); `none`, or `all`.
    #[arg(long, value_delimiter = ',', default_value = "all", value_name = "NAME")]
    pub(crate) nuisance: Vec<String>,
    /// Seconds between ticks of the clock.
    #[arg(long, default_value_t = 900, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tick: u32,
}

impl Fleet {
    /// The simulation, but for its days.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        let usual = Config::default();
        Ok(Config {
            seed: self.seed,
            start: self.start.unwrap_or(usual.start),
            classes: self.classes(&CLASSES.iter().map(|class| class.name).collect::<Vec<_>>())?,
            nuisances: self.nuisances()?,
            scenarios: self.scenarios()?,
            misused: self.misused,
            tick: self.tick,
            ..usual
        })
    }

    /// The classes that were asked for, or these.
    pub(crate) fn classes(&self, otherwise: &[&str]) -> anyhow::Result<Vec<(usize, u32)>> {
        let asked: Vec<&str> = self.classes.iter().map(String::as_str).collect();
        let names = if asked.is_empty() { otherwise } else { &asked };
        names.iter().map(|text| self.class(text)).collect()
    }

    fn class(&self, text: &str) -> anyhow::Result<(usize, u32)> {
        let (name, count) = text.split_once('=').map_or((text, None), |(name, count)| (name, Some(count)));
        let known: Vec<&str> = CLASSES.iter().map(|class| class.name).collect();
        let hint = || format!("there are {}; write for example meter=1000,camera", known.join(", "));
        let (class, _) =
            Class::find(name).ok_or_else(|| Failure::input(format!("there is no class {name:?}"), hint()))?;
        let count = match count {
            Some(count) => {
                count.parse().map_err(|_| Failure::input(format!("{text:?}: {count:?} is no number"), hint()))?
            }
            None => self.devices,
        };
        if count == 0 {
            let hint = format!("write for example {name}=100, or leave the class out");
            return Err(Failure::input(format!("--classes {text}: a class without devices"), hint).into());
        }
        Ok((class, count))
    }

    fn nuisances(&self) -> anyhow::Result<Nuisances> {
        let mut nuisances = Nuisances::NONE;
        for name in &self.nuisance {
            match name.as_str() {
                "all" => nuisances = Nuisances::ALL,
                "none" => nuisances = Nuisances::NONE,
                name if nuisances.set(name, true) => {}
                name => {
                    let hint = format!("there are {}, all and none", NUISANCES.join(", "));
                    return Err(Failure::input(format!("there is no nuisance {name:?}"), hint).into());
                }
            }
        }
        Ok(nuisances)
    }

    /// What the overlays do.
    pub(crate) fn scenarios(&self) -> anyhow::Result<Vec<Scenario>> {
        let mut scenarios: Vec<Scenario> = Vec::new();
        for name in &self.misuse {
            for (name, text) in texts(name)? {
                let overlay = Overlay::from_yaml(&text).map_err(|error| {
                    let hint = "docs/simulate.md describes overlays";
                    Failure::input(format!("{name}: {error}"), hint)
                })?;
                scenarios.extend(overlay.scenarios);
            }
        }
        let mut names: Vec<&str> = scenarios.iter().map(|scenario| &*scenario.scenario).collect();
        names.sort_unstable();
        let twice = names.iter().zip(names.iter().skip(1)).find(|(name, next)| name == next);
        if let Some((twice, _)) = twice {
            let message = format!("two scenarios have the name {twice:?}");
            return Err(Failure::input(message, "a scenario is a row of the tables: give each its own name").into());
        }
        Ok(scenarios)
    }
}

/// Says on standard error what the overlays ask for that the run does not have.
pub(crate) fn warn(world: &World) -> anyhow::Result<()> {
    let mut err = std::io::stderr().lock();
    for warning in world.warnings() {
        writeln!(err, "warning: {warning}")?;
    }
    Ok(())
}

/// The overlay, or overlays, of this name: (name, YAML).
fn texts(name: &str) -> anyhow::Result<Vec<(String, String)>> {
    let wanted = |(known, _): &&(&str, &str)| name == "public" || *known == name;
    if misuse::PUBLIC.iter().any(|overlay| wanted(&overlay)) && !Path::new(name).exists() {
        let overlays = misuse::PUBLIC.iter().filter(wanted);
        return Ok(overlays.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect());
    }
    let text = std::fs::read_to_string(name).map_err(|error| {
        let known = || misuse::PUBLIC.iter().map(|(known, _)| *known);
        let meant = did_you_mean(name, known()).map(did_you_mean_text);
        let way = || format!("name a file, or one of {}, public", known().collect::<Vec<_>>().join(", "));
        Failure::input(
            format!("cannot read the overlay {name}: {}", unread::why(Path::new(name), &error)),
            meant.unwrap_or_else(way),
        )
    })?;
    Ok(vec![(name.to_owned(), text)])
}

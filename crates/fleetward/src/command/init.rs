//! `fleetward init`: the commented configuration and an example profile, and nothing that is secret by default.

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::command::secret::write_new;
use crate::config::TEMPLATE;
use crate::exit::Exit;
use crate::printer::write_line;

/// Write a commented fleetward.yaml into a folder.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder; made if it is not there.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

const EXAMPLE_MODEL: &str = include_str!("../../assets/models/water-meter.yaml.example");
const EXAMPLE_RULE: &str = include_str!("../../assets/rules/night-traffic.yaml.example");

impl Init {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let config = self.folder.join("fleetward.yaml");
        write_new(&config, TEMPLATE.as_bytes())?;
        for (folder, name, text) in [
            ("models", "water-meter.yaml.example", EXAMPLE_MODEL),
            ("rules", "night-traffic.yaml.example", EXAMPLE_RULE),
        ] {
            let path = self.folder.join(folder).join(name);
            if !path.exists() {
                write_new(&path, text.as_bytes())?;
            }
        }
        let secrets = self.folder.join("secrets");
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&secrets);
        made.with_context(|| format!("cannot make {}", secrets.display()))?;
        let here = self.folder == std::path::Path::new(".");
        let there = if here { String::new() } else { format!("\x20 cd {}\n", self.folder.display()) };
        write_line(&format!(
            "{} is written; every setting is explained in it. Next:\n{there}\
             \x20 fleetward secret new secrets/pgw-1     a secret for your first gateway\n\
             \x20 edit fleetward.yaml                    name the gateway under radius.clients\n\
             \x20 fleetward check                        says what is still wrong\n\
             \x20 fleetward serve                        runs it\n\
             \x20 fleetward devices import devices.csv   says which SIMs there are",
            config.display()
        ))?;
        Ok(Exit::Done)
    }
}

//! Reading the configuration and all that it names. Collects every problem, not just the first.

mod secrets;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{Profile, Secret, YamlError, from_yaml};
use fleetward_rules::RuleSet;
use serde_saphyr::{Location, Spanned};

use super::types::{Config, Tls};
use crate::{clock, rulefiles, textfile, textfolder, unread};

/// Something wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) file: PathBuf,
    /// 1-based line and column; `None` where the whole file is meant.
    pub(crate) at: Option<(u64, u64)>,
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Problem {
    /// Of a file as a whole.
    pub(crate) fn whole(file: &Path, message: String) -> Self {
        Self { file: file.to_owned(), at: None, message }
    }

    /// Of a place in a file, where it is known.
    fn at(file: &Path, at: Location, message: String) -> Self {
        Self { file: file.to_owned(), at: place(at), message }
    }
}

/// The configuration with all that it names, read and checked.
pub(crate) struct Settings {
    /// The file itself.
    pub(crate) file: PathBuf,
    /// The folder of the file: relative paths start here.
    pub(crate) base: PathBuf,
    pub(crate) config: Config,
    pub(crate) profiles: Vec<Profile>,
    pub(crate) rules: Arc<RuleSet>,
    /// Secrets in the order of `radius.clients`; the RadSec secret is fixed by its RFC.
    pub(crate) client_secrets: Vec<Secret>,
    /// In the order of `radius.clients`, where there is a `disconnect`.
    pub(crate) disconnect_secrets: Vec<Option<Secret>>,
    /// Login and password.
    pub(crate) logins: Vec<(String, Secret)>,
    /// Secrets of channels, by channel name.
    pub(crate) channel_secrets: Vec<(String, Secret)>,
    /// Not wrong, and yet somebody should know.
    pub(crate) warnings: Vec<String>,
}

/// The channel that the built-in rules notify, and the server about itself.
pub(crate) const OPS: &str = "ops";

impl Settings {
    /// Reads `path` and everything that it names.
    pub(crate) fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        Self::read(path, None)
    }

    /// The same for a server that runs, with the channels that it was started with: it has no others until it is started again.
    pub(crate) fn reload(path: &Path, channels: &[String]) -> Result<Self, Vec<Problem>> {
        Self::read(path, Some(channels))
    }

    fn read(path: &Path, running: Option<&[String]>) -> Result<Self, Vec<Problem>> {
        let (config, base) = Self::outline(path).map_err(|problem| vec![problem])?;
        Loader { file: path.to_owned(), base, running, problems: Vec::new(), warnings: Vec::new() }.load(config)
    }

    /// The file alone and its folder: enough to find a running server.
    pub(crate) fn outline(path: &Path) -> Result<(Config, PathBuf), Problem> {
        let text = textfile::read(path).map_err(|problem| match path.try_exists() {
            Ok(false) => Problem::whole(
                path,
                format!("{} (make one: fleetward init, or name another with --config)", problem.message),
            ),
            _ => problem,
        })?;
        let config: Config = from_yaml(&text).map_err(|error| yaml_problem(path, &error))?;
        let base = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok((config, base))
    }

    /// `path`, if it is relative, from the folder of the configuration.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// Something wrong with what the configuration says there.
    pub(crate) fn problem(&self, at: Location, message: String) -> Problem {
        Problem::at(&self.file, at, message)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.path(&self.config.data)
    }
}

struct Loader<'a> {
    file: PathBuf,
    base: PathBuf,
    /// The channels of the server that runs, where one does.
    running: Option<&'a [String]>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Loader<'_> {
    fn load(mut self, config: Config) -> Result<Settings, Vec<Problem>> {
        let client_secrets = self.client_secrets(&config);
        let disconnect_secrets = self.disconnect_secrets(&config);
        let channel_secrets = self.channel_secrets(&config);
        let logins = self.logins(&config);
        let profiles = self.profiles(&config);
        let rules = self.rules(&config);
        let called = rulefiles::called(&profiles, &self.base.join(&config.data));
        let rules_in_force = rules.as_ref().map(RuleSet::rules).unwrap_or_default();
        self.warnings.extend(rulefiles::warnings(rules_in_force, &called, clock::now()));
        self.listeners(&config);
        self.sources(&config);
        self.capture(&config);
        let wrong = config.enforce.as_ref().map(super::Enforce::problems).unwrap_or_default();
        for message in wrong {
            self.problem(Location::UNKNOWN, message);
        }
        for (at, message) in config.audit.problems(&self.base) {
            self.problem(at, message);
        }
        self.baseline(&config, &profiles);
        match rules {
            Some(rules) if self.problems.is_empty() => Ok(Settings {
                file: self.file,
                base: self.base,
                config,
                profiles,
                rules: Arc::new(rules),
                client_secrets,
                disconnect_secrets,
                logins,
                channel_secrets,
                warnings: self.warnings,
            }),
            _ => Err(self.problems),
        }
    }

    fn problem(&mut self, at: Location, message: impl Into<String>) {
        self.problems.push(Problem::at(&self.file, at, message.into()));
    }

    /// Both dials at once contradict each other; a rate must be one; a model should exist.
    fn baseline(&mut self, config: &Config, profiles: &[Profile]) {
        let baseline = &config.baseline;
        let dials = [&baseline.alarms_per_day, &baseline.false_alarms_per_device_month];
        if let [Some(_), Some(second)] = dials {
            let message =
                "state `alarms_per_day` or `false_alarms_per_device_month`, not both: each follows from the other";
            self.problem(second.referenced, message);
        }
        for dial in dials.into_iter().flatten().filter(|dial| !(dial.value.is_finite() && dial.value > 0.0)) {
            self.problem(dial.referenced, format!("{} is no number of alarms; write for example `5`", dial.value));
        }
        for model in &baseline.off_for {
            if profiles.iter().all(|profile| *profile.model != *model.value) {
                let message = format!("baseline: off_for names the model {:?}, which has no profile", model.value);
                self.warnings.push(message);
            }
        }
    }

    fn profiles(&mut self, config: &Config) -> Vec<Profile> {
        let mut profiles: Vec<Profile> = Vec::new();
        for (path, text) in self.files("models", &config.models, rulefiles::is_rule_file) {
            match Profile::from_yaml(&text) {
                Ok(profile) if profiles.iter().any(|other| other.model == profile.model) => {
                    self.problems
                        .push(Problem::whole(&path, format!("model {:?} is in another file already", profile.model)));
                }
                Ok(profile) => profiles.push(profile),
                Err(error) => self.problems.push(Problem {
                    file: path,
                    at: (error.line > 0).then_some((error.line, error.column)),
                    message: error.message,
                }),
            }
        }
        profiles
    }

    fn rules(&mut self, config: &Config) -> Option<RuleSet> {
        let files = self.files("rules", &config.rules, rulefiles::is_file);
        let files: Vec<(String, String)> =
            files.into_iter().map(|(path, text)| (path.display().to_string(), text)).collect();
        let options = rulefiles::options(config, self.running);
        let rules = match rulefiles::compile(&files, config.builtin_rules, &options) {
            Ok(rules) => rules,
            Err(problems) => {
                self.problems.extend(problems);
                return None;
            }
        };
        for name in config.disable_rules.iter().filter(|name| rules.rule(&name.value).is_none()) {
            let message = format!("disable_rules: there is no rule {:?} (fleetward rules list)", name.value);
            self.problem(name.referenced, message);
        }
        if config.builtin_rules && !config.channels.contains_key(OPS) {
            let warning = "no channel `ops` is configured: nobody is told of what the built-in rules find, it is only shown \
                           (add it under `channels:`)";
            self.warnings.push(warning.into());
        }
        for channel in options.after_restart {
            let message =
                format!("the channel `{channel}` is not taken yet: nobody is told by it until the server is restarted");
            self.warnings.push(message);
        }
        let disabled: Vec<String> = config.disable_rules.iter().map(|name| name.value.clone()).collect();
        let rules = rules.without(&disabled);
        Some(rules)
    }

    fn listeners(&mut self, config: &Config) {
        let api = &config.api;
        if matches!(api.tls.value, Tls::Off) && !api.listen.0.ip().is_loopback() {
            let message = format!("api.tls is off and api.listen is {}: plain HTTP is for loopback only", api.listen.0);
            self.problem(api.tls.referenced, message);
        }
        let mut outside = config.radius.authentication.iter().chain(&config.radius.accounting);
        if outside.any(|address| address.0.ip().is_unspecified()) {
            self.warnings.push("radius listens on every interface; name the one that faces the private APN".into());
        }
        if config.radius.clients.is_empty() {
            self.warnings.push("no client is configured: every packet will be dropped".into());
        }
    }

    /// A source of packets is one thing, and its name says in the journal where something was seen.
    fn capture(&mut self, config: &Config) {
        let mut seen: Vec<&str> = Vec::new();
        for source in &config.capture.sources {
            let Spanned { value: name, referenced: at, .. } = &source.name;
            if name.is_empty() || seen.contains(&name.as_str()) {
                self.problem(*at, format!("capture.sources: {name:?} is empty or there twice"));
            }
            seen.push(name);
            let kinds = [source.interface.is_some(), source.file.is_some(), source.ipfix.is_some()];
            if kinds.into_iter().filter(|is| *is).count() != 1 {
                let message = format!("capture.sources: {name:?} needs one of `interface`, `file` and `ipfix`");
                self.problem(*at, message);
            }
            if source.ipfix.is_some_and(|at| !at.0.ip().is_loopback()) && source.from.is_empty() {
                let message = format!(
                    "capture.sources: {name:?} takes flows from the network: name the gateways, `from: [192.0.2.1]`"
                );
                self.problem(*at, message);
            }
            let silent_after = source.silent_after.is_some_and(|it| it.0 < Duration::from_secs(10));
            if silent_after {
                let message =
                    format!("capture.sources: {name:?}: `silent_after` of less than 10 s would cry at every pause");
                self.problem(*at, message);
            }
            if source.silent_after.is_some() && config.sources.iter().any(|other| other.name.value == *name) {
                self.problem(
                    *at,
                    format!("capture.sources: {name:?} is in `sources` already; say `silent_after` once"),
                );
            }
        }
        if config.capture.flush_every.0 < Duration::from_secs(1) {
            self.problem(Location::UNKNOWN, "capture.flush_every: less than a second would fill the journal");
        }
    }

    fn sources(&mut self, config: &Config) {
        let mut seen: Vec<&str> = Vec::new();
        for source in &config.sources {
            let name = source.name.value.as_str();
            if name.is_empty() || seen.contains(&name) {
                self.problem(source.name.referenced, format!("sources: {name:?} is empty or there twice"));
            }
            if source.silent_after.0 < Duration::from_secs(10) {
                let message = format!("sources: {name:?}: `silent_after` of less than 10 s would cry at every pause");
                self.problem(source.name.referenced, message);
            }
            seen.push(name);
        }
    }

    /// The YAML files of the folder that `key` names, by name. One that nobody named (it is called like its key) has none where
    /// it is not there; any other must be read.
    fn files(&mut self, key: &str, folder: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<(PathBuf, String)> {
        let is_named = folder != Path::new(key);
        let folder = self.base.join(folder);
        let found = match textfolder::look(&folder, wanted) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => return Vec::new(),
            Err(error) => {
                self.problem(
                    Location::UNKNOWN,
                    format!("{key}: cannot read the folder {}: {}", folder.display(), unread::why(&folder, &error)),
                );
                return Vec::new();
            }
        };
        self.warnings.extend(found.warnings());
        let mut files = Vec::new();
        for path in found.files {
            match rulefiles::read(&path) {
                Ok(text) => files.push((path, text)),
                Err(problem) => self.problems.push(problem),
            }
        }
        files
    }
}

/// Line and column, where the place is known.
fn place(at: Location) -> Option<(u64, u64)> {
    (at != Location::UNKNOWN).then(|| (at.line(), at.column()))
}

fn yaml_problem(file: &Path, error: &YamlError) -> Problem {
    let at = (error.line > 0).then_some((error.line, error.column));
    Problem { file: file.to_owned(), at, message: error.to_string() }
}

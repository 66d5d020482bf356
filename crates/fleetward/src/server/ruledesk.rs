//! The rules in force, and how they change while the server runs: from their files again, or one by one.
//!
//! # Invariants
//!
//! * **All or nothing**: with one mistake in one file everything stays as it was.
//! * **The folder is the truth**: a rule that is written here is a file first (written beside, synced, renamed), so a restart
//!   and a colleague with an editor see the same.
//! * **One change at a time**.
//! * **Nobody is left to wait for a notification**: a rule that notifies a channel which the server was not started with is refused.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleetward_aaa::Directory;
use fleetward_api::inventory::LineError;
use fleetward_api::{ControlError, NewRule, OwnRule, Reloaded, RuleCheck, RuleExample, RuleInfo, RuleWritten};
use fleetward_detect::Engine;
use fleetward_rules::{Diagnostic, Mode, Options, Rule, RuleSet};
use parking_lot::{Mutex, RwLock};

use super::capture::Watch;
use crate::config::{Problem, Settings};
use crate::{rulefiles, textfolder};

/// What a text is called that is no file yet.
const TEXT: &str = "text.yaml";
/// The folder beside the rules that keeps what was replaced.
const KEPT: &str = ".versions";

/// See the module.
pub(super) struct RuleDesk {
    /// Holds packets against the models.
    pub(super) capture: Watch,
    /// Lets through what the models need.
    pub(super) wall: Option<super::enforce::Door>,
    pub(super) config: PathBuf,
    /// The channels that the server was started with: the responder has no others.
    pub(super) channels: Vec<String>,
    pub(super) engine: Arc<Engine>,
    pub(super) directory: Arc<Directory>,
    pub(super) in_force: RwLock<Arc<RuleSet>>,
    pub(super) turn: Mutex<()>,
    /// Held while a backtest runs.
    pub(super) trying: Mutex<()>,
}

impl RuleDesk {
    /// The rules in force.
    pub(super) fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.in_force.read())
    }

    /// Reads the configuration's rules and models again.
    pub(super) fn reload(&self) -> Result<Reloaded, ControlError> {
        let _turn = self.turn.lock();
        self.take(&self.settings()?)
    }

    pub(super) fn settings(&self) -> Result<Settings, ControlError> {
        Settings::reload(&self.config, &self.channels).map_err(|problems| mistakes(&problems))
    }

    /// Judges by these from the next record on.
    fn take(&self, settings: &Settings) -> Result<Reloaded, ControlError> {
        let before = self.rules();
        let after = Arc::clone(&settings.rules);
        self.engine.reload(Arc::new(super::compiled(settings))).map_err(|_| super::control::stopped())?;
        self.capture.set_profiles(&settings.profiles);
        if let Some(wall) = &self.wall {
            wall.set_profiles(&settings.profiles);
        }
        self.directory.set_profiles(settings.profiles.iter().cloned().map(Arc::new));
        *self.in_force.write() = Arc::clone(&after);
        let mut reloaded = difference(&before, &after);
        reloaded.models = settings.profiles.len();
        reloaded.warnings.clone_from(&settings.warnings);
        tracing::info!(rules = reloaded.rules, models = reloaded.models, "rules reloaded");
        Ok(reloaded)
    }

    /// What is right and wrong in a text.
    pub(super) fn check(&self, text: &str) -> Result<RuleCheck, ControlError> {
        let (files, options) = self.surroundings(text)?;
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let (rules, examples) = match (RuleSet::compile(&files, &options), fleetward_rules::run_tests(&files, &options))
        {
            (Ok(rules), Ok(examples)) => (rules, examples),
            (Err(wrong), _) | (_, Err(wrong)) => {
                let mistakes = wrong.into_iter().map(|wrong| line_error(&rulefiles::problem(wrong))).collect();
                return Ok(RuleCheck { mistakes, ..RuleCheck::default() });
            }
        };
        let example = |result: fleetward_rules::TestResult| RuleExample {
            rule: result.rule.into(),
            line: result.line,
            name: result.name,
            failure: result.failure,
        };
        Ok(RuleCheck {
            mistakes: Vec::new(),
            rules: rules.rules().iter().map(|rule| info(rule)).collect(),
            examples: examples.into_iter().map(example).collect(),
        })
    }

    /// A text among the lists and macros of the folder, which it may use: as files of which it is the only one with rules.
    pub(super) fn surroundings(&self, text: &str) -> Result<(Vec<(String, String)>, Options), ControlError> {
        let (config, _) = Settings::outline(&self.config).map_err(|problem| mistakes(&[problem]))?;
        let mut files = files(&self.folder()?)?;
        files.retain(|(_, text)| !heads(text).any(|head| matches!(head, "rule" | "exception")));
        files.push((TEXT.to_owned(), text.to_owned()));
        Ok((files, rulefiles::options(&config, Some(&self.channels))))
    }

    /// The operator's own rules, from their files.
    pub(super) fn own(&self) -> Result<Vec<OwnRule>, ControlError> {
        let files = files(&self.folder()?)?;
        let named: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let wrong = |wrong: Vec<fleetward_rules::Diagnostic>| {
            mistakes(&wrong.into_iter().map(rulefiles::problem).collect::<Vec<_>>())
        };
        let rules = RuleSet::compile(&named, &Options::default()).map_err(wrong)?;
        let own = |rule: &Arc<Rule>| {
            let (name, text) = files.iter().find(|(name, _)| **name == *rule.file)?;
            let file = Path::new(name).file_name()?.to_string_lossy().into_owned();
            let shared_file = !is_alone(text);
            Some(OwnRule { name: rule.name.clone(), version: rule.version, file, shared_file, text: text.clone() })
        };
        Ok(rules.rules().iter().filter_map(own).collect())
    }

    /// Writes a rule and judges by it.
    pub(super) fn put(&self, new: &NewRule<'_>) -> Result<RuleWritten, ControlError> {
        let _turn = self.turn.lock();
        let rule = self.read(new)?;
        let folder = self.folder()?;
        let known = self.own()?.into_iter().find(|own| own.name == rule.name);
        let place = self.place(&folder, &rule, known.as_ref(), new)?;
        let warnings = self.warnings(&rule, known.as_ref());
        if known.as_ref().is_some_and(|known| known.text == new.text) {
            return Ok(written(&rule, warnings));
        }
        keep(&folder, known.as_ref())?;
        self.replace(&place, Some(new.text))?;
        Ok(written(&rule, warnings))
    }

    /// Takes a rule away.
    pub(super) fn remove(&self, name: &str) -> Result<(), ControlError> {
        let _turn = self.turn.lock();
        let folder = self.folder()?;
        let known = self.own()?.into_iter().find(|own| *own.name == *name);
        let known = known.ok_or_else(|| ControlError::NotFound { what: "rule of your own", key: name.to_owned() })?;
        refuse_shared(&known)?;
        keep(&folder, Some(&known))?;
        self.replace(&folder.join(&known.file), None)
    }

    /// The one rule of the text, as the configuration's channels and lists allow it.
    fn read(&self, new: &NewRule<'_>) -> Result<Arc<Rule>, ControlError> {
        let check = self.check(new.text)?;
        if !check.mistakes.is_empty() {
            return Err(ControlError::Mistakes(check.mistakes));
        }
        if let Some(failed) = check.examples.iter().find(|example| example.failure.is_some()) {
            let why = failed.failure.clone().unwrap_or_default();
            return Err(mistake(failed.line, format!("the rule's own example {}: {why}", failed.name)));
        }
        let (files, options) = self.surroundings(new.text)?;
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let rules = RuleSet::compile(&files, &options);
        match rules.as_ref().map(RuleSet::rules) {
            Ok([rule]) if *rule.name == *new.name && is_alone(new.text) => Ok(Arc::clone(rule)),
            Ok([rule]) if is_alone(new.text) => {
                Err(mistake(1, format!("the text is the rule `{}`, the path says `{}`", rule.name, new.name)))
            }
            _ => Err(mistake(1, "one rule and nothing else expected; write lists and macros as files".into())),
        }
    }

    /// Where the rule is written, if it may be.
    fn place(
        &self,
        folder: &Path,
        rule: &Rule,
        known: Option<&OwnRule>,
        new: &NewRule<'_>,
    ) -> Result<PathBuf, ControlError> {
        let Some(known) = known else {
            let replaces = self.rules().rule(&rule.name).map(|builtin| builtin.mode);
            let starts_softly = rule.mode == Mode::DryRun || rule.mode == Mode::Off || replaces == Some(rule.mode);
            if !starts_softly && !new.as_written {
                let why = format!(
                    "a new rule starts in dry-run and `{}` says {}: write `mode: dry-run`, see what it would have done, \
                     then raise it (or say as_written=true)",
                    rule.name,
                    mode(rule.mode)
                );
                return Err(ControlError::Refused(why));
            }
            return Ok(folder.join(format!("{}.yaml", rule.name)));
        };
        refuse_shared(known)?;
        if known.text != new.text && rule.version <= known.version {
            return Err(ControlError::Refused(format!(
                "version {} is in force: a changed text needs a higher one",
                known.version
            )));
        }
        Ok(folder.join(&known.file))
    }

    fn warnings(&self, rule: &Rule, known: Option<&OwnRule>) -> Vec<String> {
        let mut warnings = Vec::new();
        let before = known.and_then(|_| self.rules().rule(&rule.name).map(|rule| rule.mode));
        if rule.mode == Mode::Enforce && before != Some(Mode::Enforce) {
            warnings.push(format!(
                "{} acts from now on; `fleetward rules backtest` shows what it would have done",
                rule.name
            ));
        }
        if rule.tests == 0 {
            warnings.push(format!("{} has no examples (tests:)", rule.name));
        }
        let fleet = self.settings().map(|settings| rulefiles::called(&settings.profiles, &settings.data()));
        let nobody = rule.calls_nobody(&fleet.unwrap_or_default());
        let hint = |it: &Diagnostic| it.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        warnings.extend(rule.warnings().iter().map(|warning| warning.message.clone()));
        warnings.extend(nobody.iter().map(|warning| format!("{}{}", warning.message, hint(warning))));
        warnings
    }

    /// Writes or removes a file and takes the whole; where that does not work, the file is as before.
    fn replace(&self, place: &Path, text: Option<&str>) -> Result<(), ControlError> {
        let before = std::fs::read_to_string(place).ok();
        put_file(place, text).map_err(|error| unwritten(place, &error))?;
        let taken = self.settings().and_then(|settings| self.take(&settings));
        if let Err(why) = taken {
            put_file(place, before.as_deref()).map_err(|error| unwritten(place, &error))?;
            return Err(why);
        }
        Ok(())
    }

    pub(super) fn folder(&self) -> Result<PathBuf, ControlError> {
        let (config, base) = Settings::outline(&self.config).map_err(|problem| mistakes(&[problem]))?;
        Ok(base.join(config.rules))
    }
}

/// A rule for a list.
pub(super) fn info(rule: &Rule) -> RuleInfo {
    RuleInfo {
        name: rule.name.clone(),
        version: rule.version,
        title: rule.title.to_string(),
        mode: mode(rule.mode),
        severity: rule.severity,
        explain: rule.explain(),
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "off",
        Mode::DryRun => "dry-run",
        Mode::NotifyOnly => "notify-only",
        Mode::Enforce => "enforce",
    }
}

fn written(rule: &Rule, warnings: Vec<String>) -> RuleWritten {
    RuleWritten { version: rule.version, mode: mode(rule.mode), explain: rule.explain(), warnings }
}

fn difference(before: &RuleSet, after: &RuleSet) -> Reloaded {
    let names = |rules: &RuleSet, keep: &dyn Fn(&Rule) -> bool| {
        rules.rules().iter().filter(|rule| keep(rule)).map(|rule| rule.name.to_string()).collect::<Vec<_>>()
    };
    Reloaded {
        rules: after.rules().len(),
        added: names(after, &|rule| before.rule(&rule.name).is_none()),
        changed: names(after, &|rule| before.rule(&rule.name).is_some_and(|old| old.version != rule.version)),
        removed: names(before, &|rule| after.rule(&rule.name).is_none()),
        ..Reloaded::default()
    }
}

/// One document, which is a rule.
fn is_alone(text: &str) -> bool {
    heads(text).eq(["rule"])
}

/// What the documents of a file are: `rule`, `list`, ...
fn heads(text: &str) -> impl Iterator<Item = &str> {
    let heads = text.lines().filter_map(|line| line.split_once(':').map(|(head, _)| head));
    heads.filter(|head| matches!(*head, "rule" | "list" | "macro" | "area" | "exception"))
}

fn refuse_shared(known: &OwnRule) -> Result<(), ControlError> {
    if known.shared_file {
        let why = format!("{} holds other documents too: change it by hand, then reload", known.file);
        return Err(ControlError::Refused(why));
    }
    Ok(())
}

/// The files of the folder with their texts, by name: rules, lists, macros, and the data that lists name.
pub(super) fn files(folder: &Path) -> Result<Vec<(String, String)>, ControlError> {
    let Ok(found) = textfolder::look(folder, rulefiles::is_file) else { return Ok(Vec::new()) };
    let text = |path: PathBuf| match rulefiles::read(&path) {
        Ok(text) => Ok((path.display().to_string(), text)),
        Err(problem) => Err(unwritten(&path, &std::io::Error::other(problem.message))),
    };
    found.files.into_iter().map(text).collect()
}

/// Keeps what is about to be replaced, under its version.
fn keep(folder: &Path, known: Option<&OwnRule>) -> Result<(), ControlError> {
    let Some(known) = known else { return Ok(()) };
    let place = folder.join(KEPT).join(format!("{}.v{}.yaml", known.name, known.version));
    put_file(&place, Some(&known.text)).map_err(|error| unwritten(&place, &error))
}

/// Written beside, synced, renamed; `None` removes it.
fn put_file(place: &Path, text: Option<&str>) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    let Some(text) = text else {
        return match std::fs::remove_file(place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    };
    std::fs::create_dir_all(folder)?;
    let beside = place.with_extension("yaml.new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, place)?;
    std::fs::File::open(folder)?.sync_all()
}

fn unwritten(place: &Path, error: &std::io::Error) -> ControlError {
    ControlError::Unavailable(format!("{}: {error}; nothing was changed", place.display()))
}

fn mistake(line: usize, message: String) -> ControlError {
    ControlError::Mistakes(vec![LineError { line: line as u64, message, ..LineError::default() }])
}

pub(super) fn mistakes(problems: &[Problem]) -> ControlError {
    ControlError::Mistakes(problems.iter().map(line_error).collect())
}

fn line_error(problem: &Problem) -> LineError {
    let (line, column) = problem.at.unwrap_or_default();
    LineError {
        file: problem.file.display().to_string(),
        line,
        column: if column == 0 { String::new() } else { column.to_string() },
        message: problem.message.clone(),
    }
}

//! Which rule files a command is about: those named, or those of the configuration.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fleetward_fleet::Profile;
use fleetward_rules::{Called, Diagnostic, Options, RuleSet};

use crate::cli::Global;
use crate::config::{Config, Problem, Settings};
use crate::exit::{Exit, Failure};
use crate::{clock, rulefiles, textfile, textfolder, unread};

/// Files by name, each with its text.
type Texts = Vec<(String, String)>;

/// The rules of these files, or of the configuration.
pub(super) fn rules(global: &Global, files: &[PathBuf]) -> anyhow::Result<RuleSet> {
    compiled(global, files, &Options::default())
}

/// The rules of these files and the built-in ones, with what the files share with them.
pub(super) fn with_builtin(global: &Global, files: &[PathBuf]) -> anyhow::Result<RuleSet> {
    let texts = read(global, files)?;
    let named: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    RuleSet::with_builtin(&named, &Options::default()).map_err(|mistakes| mistaken(mistakes, &texts))
}

/// What somebody should know of these files, also of their exceptions to built-in rules.
pub(super) fn warnings(global: &Global, files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let rules = if files.is_empty() { rules(global, files)? } else { with_builtin(global, files)? };
    let mut warnings = Vec::new();
    for folder in own_folder(global)?.iter().filter(|_| files.is_empty()).chain(files).filter(|path| path.is_dir()) {
        let found = textfolder::look(folder, rulefiles::is_file).map_err(|error| unreadable(folder, &error))?;
        warnings.extend(found.warnings());
    }
    warnings.extend(rulefiles::warnings(rules.rules(), &called(global)?, clock::now()));
    Ok(warnings)
}

/// The names in the fleet, where there is a configuration that tells; a model that cannot be read is `check`'s to name.
pub(super) fn called(global: &Global) -> anyhow::Result<Called> {
    let Some((config, base)) = configured(global)? else { return Ok(Called::default()) };
    let models = textfolder::look(&base.join(&config.models), rulefiles::is_rule_file).unwrap_or_default();
    let profile = |path: &PathBuf| Profile::from_yaml(&textfile::read(path).ok()?).ok();
    let profiles: Vec<Profile> = models.files.iter().filter_map(profile).collect();
    Ok(rulefiles::called(&profiles, &base.join(config.data)))
}

/// The same, held against the channels of the configuration too, where there is one: what `serve` would refuse.
pub(super) fn strictly(global: &Global, files: &[PathBuf]) -> anyhow::Result<RuleSet> {
    let options = configured(global)?.map(|(config, _)| rulefiles::options(&config, None));
    compiled(global, files, &options.unwrap_or_default())
}

/// The rules of the configuration, compiled with these options.
pub(super) fn in_force(global: &Global, options: &Options) -> anyhow::Result<RuleSet> {
    compiled(global, &[], options)
}

/// The rules of the configuration as far as they can be read, and the mistakes of the files that are left out.
pub(super) fn readable(global: &Global) -> anyhow::Result<(RuleSet, Vec<Problem>)> {
    let (mut texts, mut left_out) = gather(global, &[])?;
    loop {
        let mistakes = match compile(global, &texts, &[], &Options::default())? {
            Ok(rules) => return Ok((rules, left_out)),
            Err(mistakes) => mistakes,
        };
        let (wrong_files, good): (Vec<_>, Vec<_>) =
            texts.iter().cloned().partition(|(name, _)| mistakes.iter().any(|mistake| mistake.file == *name));
        if wrong_files.is_empty() {
            return Err(mistaken(mistakes, &texts));
        }
        left_out.extend(mistakes.into_iter().map(|mistake| shown(mistake, &texts)));
        texts = good;
    }
}

/// Says on standard error what [`readable`] left out; how the command ends by it.
pub(super) fn warn(left_out: &[Problem]) -> anyhow::Result<Exit> {
    if left_out.is_empty() {
        return Ok(Exit::Done);
    }
    let mut err = std::io::stderr().lock();
    for problem in left_out {
        writeln!(err, "warning: {problem}")?;
    }
    writeln!(err, "hint: a file with a mistake is left out here, and `serve` and `reload` refuse it")?;
    Ok(Exit::Found)
}

fn compiled(global: &Global, files: &[PathBuf], options: &Options) -> anyhow::Result<RuleSet> {
    let (texts, mut problems) = gather(global, files)?;
    match compile(global, &texts, files, options)? {
        Ok(rules) if problems.is_empty() => Ok(rules),
        Ok(_) => Err(wrong(&problems)),
        Err(mistakes) => {
            problems.extend(mistakes.into_iter().map(|mistake| shown(mistake, &texts)));
            Err(wrong(&problems))
        }
    }
}

type Compiled = Result<RuleSet, Vec<Diagnostic>>;

/// With the built-in rules where no files are named.
fn compile(
    global: &Global,
    texts: &[(String, String)],
    files: &[PathBuf],
    options: &Options,
) -> anyhow::Result<Compiled> {
    let named: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let (builtin, disabled) = match configured(global)? {
        _ if !files.is_empty() => (false, Vec::new()),
        Some((config, _)) => (config.builtin_rules, config.disable_rules),
        None => (true, Vec::new()),
    };
    let compiled = if builtin { RuleSet::with_builtin(&named, options) } else { RuleSet::compile(&named, options) };
    let disabled: Vec<String> = disabled.into_iter().map(|name| name.value).collect();
    Ok(compiled.map(|rules| rules.without(&disabled)))
}

/// The configuration and its folder, where there is one; one that was named must be there.
pub(super) fn configured(global: &Global) -> anyhow::Result<Option<(Config, PathBuf)>> {
    if global.has_no_config() {
        return Ok(None);
    }
    let outline = Settings::outline(&global.config);
    Ok(Some(outline.map_err(|problem| Failure::input(problem.to_string(), "--config names another configuration"))?))
}

/// The configuration's folder of rules.
fn own_folder(global: &Global) -> anyhow::Result<Option<PathBuf>> {
    Ok(configured(global)?.map(|(config, base)| base.join(config.rules)))
}

/// Mistakes with the lines that they are about.
pub(super) fn mistaken(mistakes: Vec<Diagnostic>, texts: &[(String, String)]) -> anyhow::Error {
    wrong(&mistakes.into_iter().map(|mistake| shown(mistake, texts)).collect::<Vec<_>>())
}

fn shown(mistake: Diagnostic, texts: &[(String, String)]) -> Problem {
    let text = texts.iter().find(|(name, _)| *name == mistake.file);
    let excerpt = text.and_then(|(_, text)| mistake.excerpt(text));
    let mut problem = rulefiles::problem(mistake);
    if let Some(excerpt) = excerpt {
        problem.message = format!("{}\n{excerpt}", problem.message).replace('\n', "\n       ");
    }
    problem
}

/// Rule files by name; without any, those of the configuration's folder (where there is a configuration).
pub(super) fn read(global: &Global, files: &[PathBuf]) -> anyhow::Result<Texts> {
    let (texts, problems) = gather(global, files)?;
    if problems.is_empty() { Ok(texts) } else { Err(wrong(&problems)) }
}

/// The same, and the files that are no text.
fn gather(global: &Global, files: &[PathBuf]) -> anyhow::Result<(Texts, Vec<Problem>)> {
    let mut paths = Vec::new();
    if files.is_empty()
        && let Some(folder) = own_folder(global)?.filter(|folder| folder.is_dir())
    {
        add(&folder, &mut paths).map_err(|error| unreadable(&folder, &error))?;
    }
    for file in files {
        // Lists may lie in files beside the rule that names them.
        add_data(file, &mut paths);
        add(file, &mut paths).map_err(|error| unreadable(file, &error))?;
    }
    paths.sort();
    paths.dedup();
    let (mut texts, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match rulefiles::read(&path) {
            Ok(text) => texts.push((path.display().to_string(), text)),
            Err(problem) if problem.at.is_some() => problems.push(problem),
            Err(problem) => anyhow::bail!("cannot read {problem}"),
        }
    }
    Ok((texts, problems))
}

/// Nothing where the folder cannot be read: the file itself says so.
fn add_data(file: &Path, paths: &mut Vec<PathBuf>) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !file.is_file() || rulefiles::is_data_file(file) {
        return;
    }
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    paths.extend(
        entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(|path| rulefiles::is_data_file(path)),
    );
}

fn add(path: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    paths.extend(textfolder::look(path, rulefiles::is_file)?.files);
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow::anyhow!("cannot read {}: {}", path.display(), unread::why(path, error))
}

fn wrong(problems: &[Problem]) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Failure::input(lines.join("\n       "), "docs/rules.md describes the language").into()
}

//! Runs the fuzz targets with libFuzzer on the stable toolchain: coverage comes from LLVM's own passes, so neither a
//! nightly compiler nor cargo-fuzz is needed (`cargo fuzz run` on nightly works too, with sanitizers).

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, ensure};
use cargo_metadata::MetadataCommand;
use clap::Args;

use crate::release::root;

/// Run every fuzz target for a while, on the stable toolchain.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// Seconds a target.
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
}

const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

impl Fuzz {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let folder = root()?.join("fuzz");
        let host = host_triple()?;
        let built = Command::new("cargo")
            .args(["build", "--release", "--locked", "--target", &host])
            .current_dir(&folder)
            .env("RUSTFLAGS", COVERAGE)
            .status()
            .context("cargo build of the fuzz targets")?;
        ensure!(built.success(), "the fuzz targets do not build");
        let targets = targets(&folder)?;
        ensure!(!targets.is_empty(), "fuzz/Cargo.toml names no target");
        let only = |name: &String| self.target.as_ref().is_none_or(|only| only == name);
        let binaries = targets.into_iter().filter(|(name, _)| only(name));
        let failed =
            self.all(&folder, binaries.map(|(name, dir)| (dir.join(&host).join("release").join(&name), name)))?;
        if failed.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        println!("fuzz: {} failed; inputs are in fuzz/artifacts", failed.join(", "));
        Ok(ExitCode::FAILURE)
    }

    /// As many at a time as there are cores (a target is one thread); the names of those that failed.
    fn all(
        &self,
        folder: &Path,
        binaries: impl Iterator<Item = (PathBuf, String)> + Send,
    ) -> anyhow::Result<Vec<String>> {
        let waiting = Mutex::new(binaries);
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        let worker = || {
            let mut failed = Vec::new();
            while let Some((binary, name)) = next() {
                if !self.one(folder, &binary, &name)? {
                    failed.push(name);
                }
            }
            anyhow::Ok(failed)
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
            let ended = workers.into_iter().map(|it| it.join().unwrap_or_else(|it| std::panic::resume_unwind(it)));
            Ok(ended.collect::<anyhow::Result<Vec<_>>>()?.concat())
        })
    }

    fn one(&self, folder: &Path, binary: &Path, name: &str) -> anyhow::Result<bool> {
        let corpus = folder.join("corpus").join(name);
        let artifacts = folder.join("artifacts").join(name);
        std::fs::create_dir_all(&corpus)?;
        std::fs::create_dir_all(&artifacts)?;
        let output = Command::new(binary)
            .arg(&corpus)
            .args(Some(folder.join("seeds").join(name)).filter(|seeds| seeds.is_dir()))
            .arg(format!("-max_total_time={}", self.seconds))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args(["-rss_limit_mb=2048", "-timeout=10", "-max_len=8192", "-print_final_stats=1"])
            .output()
            .with_context(|| format!("cannot run {}", binary.display()))?;
        let log = String::from_utf8_lossy(&output.stderr);
        let executed = log.lines().find(|line| line.starts_with("stat::number_of_executed_units"));
        println!("fuzz: {name}, {} s: {}", self.seconds, executed.unwrap_or("no statistics"));
        if !output.status.success() {
            println!("{log}");
        }
        Ok(output.status.success() && executed.is_some())
    }
}

/// The names of the targets and where their binaries are.
fn targets(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let metadata = MetadataCommand::new().current_dir(folder).no_deps().exec().context("cargo metadata of fuzz/")?;
    let dir = metadata.target_directory.into_std_path_buf();
    let bins = metadata.packages.iter().flat_map(|package| &package.targets).filter(|target| target.is_bin());
    Ok(bins.map(|target| (target.name.clone(), dir.clone())).collect())
}

fn host_triple() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc -vV")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

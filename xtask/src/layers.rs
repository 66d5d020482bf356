//! Defends the arrows: a crate may only use crates that stand below it.

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::Context;
use cargo_metadata::{DependencyKind, MetadataCommand};

/// From the bottom up. A crate may use what stands in a lower row, never its own.
const LAYERS: &[&[&str]] = &[
    &["fleetward-fleet", "fleetward-radius"],
    &["fleetward-packet"],
    &["fleetward-capture", "fleetward-guard", "fleetward-audit"],
    &["fleetward-journal", "fleetward-rules", "fleetward-baseline", "fleetward-store", "fleetward-simulate"],
    &["fleetward-detect", "fleetward-sigma", "fleetward-aaa", "fleetward-respond", "fleetward-testkit"],
    &["fleetward-api", "fleetward-evaluate"],
    &["fleetward"],
    &["xtask"],
];

/// The words depend on nothing of ours, and neither does the wire.
const ALONE: &[&str] = &["fleetward-fleet", "fleetward-radius"];

/// Reads cargo's metadata and names every arrow that points up, and every crate that has no place.
pub(crate) fn check() -> anyhow::Result<ExitCode> {
    let metadata = MetadataCommand::new().no_deps().exec().context("cargo metadata")?;
    let rows = LAYERS.iter().enumerate();
    let place: HashMap<&str, usize> =
        rows.flat_map(|(row, names)| names.iter().map(move |name| (*name, row))).collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some(row) = place.get(name) else {
            wrong.push(format!("{name} has no place in xtask/src/layers.rs"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            let Some(below) = place.get(dependency.name.as_str()) else { continue };
            if below >= row || ALONE.contains(&name) {
                wrong.push(format!("{name} must not use {}: arrows point down", dependency.name));
            }
        }
    }
    if wrong.is_empty() {
        println!("layers: {} crates, every arrow points down", metadata.packages.len());
        return Ok(ExitCode::SUCCESS);
    }
    for line in &wrong {
        println!("layers: {line}");
    }
    Ok(ExitCode::FAILURE)
}

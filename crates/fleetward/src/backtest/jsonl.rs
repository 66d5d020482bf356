//! Observations as JSON lines.

use fleetward_fleet::Observation;

/// A line that is no observation.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {}: {error}", error.column())]
pub(crate) struct Mistake {
    line: usize,
    error: serde_json::Error,
}

/// Reads the lines, in order of arrival. Stops at the first mistake.
pub(crate) fn read(text: &[u8]) -> Result<Vec<Observation>, Mistake> {
    let lines = text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let parse = |(at, line)| serde_json::from_slice(line).map_err(|error| Mistake { line: at + 1, error });
    let mut records: Vec<Observation> = lines.map(parse).collect::<Result<_, _>>()?;
    records.sort_by_key(|record| record.observed_at);
    Ok(records)
}

//! Observations as JSON lines.

use fleetward_fleet::Observation;

/// A line that is no observation.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {}: {}", error.column(), bare(error))]
pub(crate) struct Mistake {
    line: usize,
    error: serde_json::Error,
}

/// The message without its place, of which the line would be 1 for every line.
fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map_or(text.clone(), str::to_owned)
}

/// Reads the lines, in order of arrival. Stops at the first mistake.
pub(crate) fn read(text: &[u8]) -> Result<Vec<Observation>, Mistake> {
    let lines = text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    let parse = |(at, line)| serde_json::from_slice(line).map_err(|error| Mistake { line: at + 1, error });
    let mut records: Vec<Observation> = lines.map(parse).collect::<Result<_, _>>()?;
    records.sort_by_key(|record| record.observed_at);
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_names_its_line_once() {
        let wrong = read(b"\n{\"kind\":\"session\"}\n").unwrap_err().to_string();
        assert_eq!(wrong, "line 2, column 18: missing field `event_time`");
    }
}

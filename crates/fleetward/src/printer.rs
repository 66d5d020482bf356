//! The one way to standard output. Data goes here; logs, progress and hints go to standard error.

use std::io::{self, Write};

use serde::Serialize;

/// How results are written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a heading, for lists; single things are JSON.
    Csv,
}

/// Writes results in the chosen format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    format: Format,
}

impl Printer {
    /// A printer for this format.
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    /// One object.
    pub(crate) fn object(self, value: &impl Serialize, human: impl FnOnce() -> String) -> io::Result<()> {
        match self.format {
            Format::Table => write_line(human().trim_end()),
            Format::Json => write_line(&serde_json::to_string_pretty(value)?),
            Format::Jsonl | Format::Csv => write_line(&serde_json::to_string(value)?),
        }
    }

    /// A list: a table with these headings for people, the whole objects for machines.
    pub(crate) fn rows(
        self,
        items: &[serde_json::Value],
        headings: &[&str],
        row: impl Fn(&serde_json::Value) -> Vec<String>,
    ) -> io::Result<()> {
        match self.format {
            Format::Table => write_line(table(headings, items.iter().map(row).collect(), 60).trim_end()),
            Format::Json => write_line(&serde_json::to_string_pretty(items)?),
            Format::Csv => {
                write_line(&csv_line(headings.iter().map(|heading| heading.to_lowercase())))?;
                items.iter().try_for_each(|item| write_line(&csv_line(row(item).into_iter())))
            }
            Format::Jsonl => items.iter().try_for_each(|item| write_line(&serde_json::to_string(item)?)),
        }
    }
}

/// Writes a line to standard output; a closed pipe is an error that ends the program quietly.
pub(crate) fn write_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")
}

/// RFC 4180
pub(crate) fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let quoted = |cell: String| {
        let must = cell.contains(['"', ',', '\n', '\r']);
        if must { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    cells.map(quoted).collect::<Vec<_>>().join(",")
}

/// Columns as wide as their widest cell (at most `most`), two spaces between them.
pub(crate) fn table(headings: &[&str], rows: Vec<Vec<String>>, most: usize) -> String {
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|cell| shorten(cell, most)).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(headings.to_vec());
    for row in &rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

/// The text, cut in the middle where it is longer than `most` characters.
fn shorten(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let keep = most.saturating_sub(1);
    let head: String = text.chars().take(keep / 2).collect();
    let tail: String = text.chars().skip(count - (keep - keep / 2)).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_long_cells_lose_their_middle() {
        let text = table(&["NAME", "N"], vec![vec!["a".into(), "1".into()], vec!["long-name".into(), "22".into()]], 60);
        assert_eq!(text, "NAME       N\na          1\nlong-name  22\n");
        assert_eq!(shorten("abcdefghij", 5), "ab…ij");
    }
}

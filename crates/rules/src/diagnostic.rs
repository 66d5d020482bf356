//! What is wrong with a rule file, where, and what would be right.

use std::fmt;

pub(crate) use fleetward_fleet::{did_you_mean, did_you_mean_text};

/// One mistake. Prints as `file:line:column: message`, then the hint on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name as it was given.
    pub file: String,
    /// 1-based; 0 where the place is unknown.
    pub line: usize,
    /// 1-based, in characters; 0 where the place is unknown.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

impl Diagnostic {
    /// The line that it is about, with a mark under the place; `text` is the whole file. `None` where the place is unknown.
    pub fn excerpt(&self, text: &str) -> Option<String> {
        let line = text.lines().nth(self.line.checked_sub(1)?)?;
        let chars: Vec<char> = line.chars().collect();
        let at = self.column.checked_sub(1)?.min(chars.len());
        let is_word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
        let length = chars[at..].iter().take_while(|c| is_word(c)).count().max(1);
        // Long lines are shown around the place.
        let from = at.saturating_sub(EXCERPT / 2);
        let shown: String = chars[from..].iter().take(EXCERPT).map(|c| if c.is_control() { ' ' } else { *c }).collect();
        let length = length.min(EXCERPT - (at - from));
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let mark = format!("{}{}", " ".repeat(at - from), "^".repeat(length));
        Some(format!("  {number} | {}\n  {margin} | {mark}", shown.trim_end()))
    }
}

/// Most characters of a line that are shown.
const EXCERPT: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_the_place() {
        let mistake =
            |line, column| Diagnostic { file: "r.yaml".into(), line, column, message: "x".into(), hint: None };
        let text = "rule: r\nwhen: bytes_upp > 5\n";
        assert_eq!(mistake(2, 7).excerpt(text).as_deref(), Some("  2 | when: bytes_upp > 5\n    |       ^^^^^^^^^"));
        assert_eq!(mistake(2, 99).excerpt(text).map(|shown| shown.ends_with('^')), Some(true));
        assert_eq!(mistake(9, 1).excerpt(text), None);
        assert_eq!(mistake(0, 0).excerpt(text), None);
        let long = format!("when: {}foo", "x ".repeat(500));
        assert!(mistake(1, 1007).excerpt(&long).is_some_and(|shown| shown.contains("foo") && shown.len() < 300));
    }
}

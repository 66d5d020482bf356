//! Where in a file something stands, through YAML quoting, folding and document borders.

use serde_saphyr::Spanned;

use crate::diagnostic::Diagnostic;

/// One YAML document of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    /// Lines of the file before this document.
    pub(crate) lines_before: usize,
    pub(crate) text: &'a str,
}

/// The documents of a file, empty ones left out.
pub(crate) fn documents<'a>(file: &'a str, text: &'a str) -> Vec<Source<'a>> {
    let mut found = Vec::new();
    let (mut start, mut lines_before, mut at) = (0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.trim_end() == "---" || line.starts_with("--- ") {
            found.push(Source { file, lines_before, text: &text[start..at] });
            (start, lines_before) = (at + line.len(), number + 1);
        }
        at += line.len();
    }
    found.push(Source { file, lines_before, text: &text[start..] });
    let says_something = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    found.retain(|source| source.text.lines().any(says_something));
    found
}

impl Source<'_> {
    /// A mistake at a place of this document.
    pub(crate) fn diagnostic(
        &self,
        line: usize,
        column: usize,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Diagnostic {
        let line = if line == 0 { 0 } else { line + self.lines_before };
        Diagnostic { file: self.file.to_owned(), line, column, message: message.into(), hint }
    }

    /// `file:line` of a line of this document.
    pub(crate) fn at_line(&self, line: usize) -> String {
        format!("{}:{}", self.file, line + self.lines_before)
    }

    /// A mistake about a whole value.
    pub(crate) fn about<T>(&self, value: &Spanned<T>, message: impl Into<String>, hint: Option<String>) -> Diagnostic {
        self.diagnostic(value.defined.line() as usize, value.defined.column() as usize, message, hint)
    }

    /// A mistake at character `at` of a text value.
    pub(crate) fn inside(
        &self,
        value: &Spanned<String>,
        at: usize,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Diagnostic {
        let (line, column) = self.place(value, at);
        self.diagnostic(line, column, message, hint)
    }

    /// Follows the value's characters through the file. White space may be folded, quotes escaped: what matters is the
    /// order of everything else.
    fn place(&self, value: &Spanned<String>, at: usize) -> (usize, usize) {
        let start = (value.defined.line() as usize, value.defined.column() as usize);
        let mut walk = Walk::new(self.text, start);
        match walk.peek() {
            Some('"' | '\'') => walk.step(),
            Some('|' | '>') => walk.next_line(),
            _ => {}
        }
        for (index, c) in value.value.chars().enumerate() {
            if index == at && c.is_whitespace() {
                return walk.place();
            }
            if c.is_whitespace() {
                continue;
            }
            while walk.peek().is_some_and(|held| held != c) {
                walk.step();
            }
            if index == at {
                break;
            }
            walk.step();
        }
        if walk.peek().is_none() && at < value.value.chars().count() { start } else { walk.place() }
    }
}

struct Walk<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
    column: usize,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str, to: (usize, usize)) -> Self {
        let mut walk = Self { rest: text.chars().peekable(), line: 1, column: 1 };
        while (walk.line, walk.column) < to && walk.peek().is_some() {
            walk.step();
        }
        walk
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn step(&mut self) {
        match self.rest.next() {
            Some('\n') => (self.line, self.column) = (self.line + 1, 1),
            Some(_) => self.column += 1,
            None => {}
        }
    }

    fn next_line(&mut self) {
        let line = self.line;
        while self.line == line && self.peek().is_some() {
            self.step();
        }
    }

    fn place(&self) -> (usize, usize) {
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_documents() {
        let found = documents("f", "# top\n---\na: 1\n---\n\nb: 2\n");
        assert_eq!(found.iter().map(|source| source.lines_before).collect::<Vec<_>>(), [2, 4]);
    }
}

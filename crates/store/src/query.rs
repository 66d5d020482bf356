//! A `SELECT` that grows a condition per filter; values only ever travel as parameters.

use rusqlite::types::Value;

/// `SELECT … WHERE TRUE AND …`.
pub(crate) struct Query {
    sql: String,
    pub(crate) values: Vec<Value>,
}

impl Query {
    /// `select` ends before `WHERE`.
    pub(crate) fn new(select: &str) -> Self {
        Self { sql: format!("{select} WHERE TRUE"), values: Vec::new() }
    }

    /// One more condition; every `?` in it is this value.
    pub(crate) fn and(&mut self, condition: &str, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let numbered = condition.replace('?', &format!("?{}", self.values.len()));
        self.sql.push_str(" AND (");
        self.sql.push_str(&numbered);
        self.sql.push(')');
        self
    }

    /// `column` is one of these; no condition where there are none.
    pub(crate) fn one_of(&mut self, column: &str, values: impl IntoIterator<Item = Value>) -> &mut Self {
        let first = self.values.len() + 1;
        self.values.extend(values);
        if self.values.len() >= first {
            let places: Vec<String> = (first..=self.values.len()).map(|n| format!("?{n}")).collect();
            self.sql.extend([" AND ", column, " IN (", &places.join(","), ")"]);
        }
        self
    }

    /// The whole statement with what follows the conditions.
    pub(crate) fn sql(&self, tail: &str) -> String {
        format!("{} {tail}", self.sql)
    }
}

/// A text with `*` and `?` as a `LIKE` pattern (`ESCAPE '\'`); without either it matches anywhere inside.
pub(crate) fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    for letter in text.chars() {
        match letter {
            '*' => pattern.push('%'),
            '?' => pattern.push('_'),
            '%' | '_' | '\\' => pattern.extend(['\\', letter]),
            _ => pattern.push(letter),
        }
    }
    if text.contains(['*', '?']) { pattern } else { format!("%{pattern}%") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_ours_and_sql_ones_are_letters() {
        assert_eq!(like("meter-*"), "meter-%");
        assert_eq!(like("50%_"), "%50\\%\\_%");
        assert_eq!(like("a?c"), "a_c");
    }
}

//! A condition under translation: tests of fields, joined.

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    /// All hold.
    All(Vec<Self>),
    /// One holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// A test of one field, as we write it. `reads` is the field where it may be missing.
    Test { text: String, reads: Option<&'static str> },
}

impl Expression {
    /// As text for `when`, `count` or `where`.
    pub(crate) fn text(&self) -> String {
        self.print(false)
    }

    /// `negated`: somewhere behind a `not`, where a missing field must count as "does not hold".
    fn print(&self, negated: bool) -> String {
        match self {
            Self::All(parts) => join(parts, " && ", "true", negated),
            Self::Any(parts) => join(parts, " || ", "false", negated),
            Self::Not(inner) => format!("!({})", inner.print(true)),
            Self::Test { text, reads: Some(field) } if negated => format!("(has({field}) && {text})"),
            Self::Test { text, .. } => text.clone(),
        }
    }

    /// Whether it must be put into brackets beside others.
    fn is_joined(&self) -> bool {
        matches!(self, Self::All(parts) | Self::Any(parts) if parts.len() > 1)
    }
}

fn join(parts: &[Expression], with: &str, none: &str, negated: bool) -> String {
    let alone = parts.len() == 1;
    let each = parts.iter().map(|part| {
        let text = part.print(negated);
        if part.is_joined() && !alone { format!("({text})") } else { text }
    });
    let texts: Vec<String> = each.collect();
    if texts.is_empty() { none.to_owned() } else { texts.join(with) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_field_does_not_hold_behind_not() {
        let test = |field: &'static str, text: &str| Expression::Test { text: text.into(), reads: Some(field) };
        let (port, name) = (test("flow.port", "flow.port == 23"), test("flow.name", "flow.name == \"a\""));
        let both = Expression::All(vec![
            port.clone(),
            Expression::Not(Box::new(Expression::Any(vec![name.clone(), port.clone()]))),
        ]);
        assert_eq!(
            both.text(),
            "flow.port == 23 && !((has(flow.name) && flow.name == \"a\") || (has(flow.port) && flow.port == 23))"
        );
        assert_eq!(
            Expression::All(vec![Expression::Any(vec![port, name])]).text(),
            "flow.port == 23 || flow.name == \"a\""
        );
    }
}

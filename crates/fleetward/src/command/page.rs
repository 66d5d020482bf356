//! One object as a page for people: its fields first, then the lists that belong to it.

use serde_json::Value;

use super::cell;
use crate::printer::table;

/// Lists that belong to an object, with their columns (a field path and its heading).
const LISTS: [(&str, &[(&str, &str)]); 5] = [
    ("excused", &[("at", "SINCE"), ("rule", "RULE"), ("subject", "WHOM")]),
    ("history", &[("at", "AT"), ("state", "STATE"), ("by", "BY"), ("note", "NOTE")]),
    ("responses", &[("id", "ID"), ("action.kind", "ACTION"), ("state", "STATE"), ("created_at", "SINCE")]),
    (
        "findings",
        &[("id", "ID"), ("severity", "SEVERITY"), ("state", "STATE"), ("rule", "RULE"), ("last_seen", "SEEN")],
    ),
    (
        "sessions",
        &[("nas", "GATEWAY"), ("id", "SESSION"), ("opened_at", "SINCE"), ("ip", "ADDRESS"), ("ended", "ENDED")],
    ),
];

/// The whole page. Fields that say nothing are left out.
pub(super) fn page(value: &Value) -> String {
    let Some(fields) = value.as_object() else { return value.to_string() };
    let says =
        |value: &Value| !value.is_null() && value != "" && value.as_array().is_none_or(|items| !items.is_empty());
    let is_list = |name: &str| LISTS.iter().any(|(list, _)| *list == name);
    let own: Vec<_> = fields.iter().filter(|(name, value)| says(value) && !is_list(name)).collect();
    let width = own.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in own {
        text.push_str(&format!("{name:<width$}  {}\n", plain(value)));
    }
    for (name, columns) in LISTS {
        let rows = value[name].as_array().filter(|rows| !rows.is_empty());
        text.push_str(&rows.map(|rows| format!("\n{name}\n{}", list(rows, columns))).unwrap_or_default());
    }
    text
}

fn list(rows: &[Value], columns: &[(&str, &str)]) -> String {
    let columns: Vec<_> = columns.iter().filter(|(field, _)| rows.iter().any(|row| cell(row, field) != "—")).collect();
    let headings: Vec<&str> = columns.iter().map(|(_, heading)| *heading).collect();
    let of = |row: &Value| columns.iter().map(|(field, _)| short(field, row)).collect();
    // Whoever asks for one thing wants to read all of it.
    table(&headings, rows.iter().map(of).collect(), 400)
}

fn short(field: &str, row: &Value) -> String {
    match field {
        "id" if cell(row, "id").len() == 32 => super::short_id(row),
        "at" | "created_at" | "last_seen" | "opened_at" => super::time(row, field),
        _ => cell(row, field),
    }
}

/// A value without the punctuation of JSON: `disconnect pgw-1 2e1d…`, `north, south`.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields.values().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_come_first_and_lists_below() {
        let value = json!({
            "name": "meter-1", "imsi": null, "groups": ["a", "b"], "advice": "",
            "history": [{ "at": "2026-11-22T14:30:00.754Z", "state": "new", "note": "" }],
        });
        let expected =
            "groups  a, b\nname    meter-1\n\nhistory\nAT                   STATE  NOTE\n2026-11-22 14:30:00  new\n";
        assert_eq!(page(&value), expected);
    }
}

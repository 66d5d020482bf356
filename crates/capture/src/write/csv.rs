//! RFC 4180, with a heading.

use super::{COLUMNS, Row, Value, text};

/// The line that names the columns.
pub fn csv_heading(out: &mut Vec<u8>) {
    for (at, column) in COLUMNS.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(column.as_bytes());
    }
    out.push(b'\n');
}

/// A flow of a device as a line.
pub fn csv_row(out: &mut Vec<u8>, row: &Row<'_>) {
    for (at, value) in row.values().into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match value {
            Value::Absent => {}
            Value::Free(text) => free(out, text),
            Value::Plain(text) => out.extend_from_slice(text.as_bytes()),
            Value::Number(number) => text::number(out, number),
            Value::Time(time) => text::time(out, time),
            Value::Address(ip) => text::address(out, ip),
            Value::Mac(mac) => text::mac(out, mac),
            Value::Flags(flags) => text::flags(out, flags),
            Value::Truth(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
        }
    }
    out.push(b'\n');
}

/// Quoted where it must be. What a spreadsheet would take for a formula is quoted with an apostrophe: names come from the network.
fn free(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let formula = matches!(bytes.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'));
    if !formula && !bytes.iter().any(|it| matches!(it, b'"' | b',' | b'\n' | b'\r')) {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    for octet in bytes {
        if *octet == b'"' {
            out.push(b'"');
        }
        out.push(*octet);
    }
    out.push(b'"');
}

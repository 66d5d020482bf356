//! One JSON object a line (RFC 8259); what is not known is left out.

use super::{COLUMNS, Row, Value, text};

/// A flow of a device as a line.
pub fn json_row(out: &mut Vec<u8>, row: &Row<'_>) {
    let mut lead = b'{';
    for (column, value) in COLUMNS.iter().zip(row.values()) {
        if matches!(value, Value::Absent) {
            continue;
        }
        out.push(std::mem::replace(&mut lead, b','));
        out.push(b'"');
        out.extend_from_slice(column.as_bytes());
        out.extend_from_slice(b"\":");
        match value {
            Value::Number(number) => text::number(out, number),
            Value::Truth(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
            quoted => {
                out.push(b'"');
                match quoted {
                    Value::Free(text) => free(out, text),
                    Value::Plain(text) => out.extend_from_slice(text.as_bytes()),
                    Value::Time(time) => text::time(out, time),
                    Value::Address(ip) => text::address(out, ip),
                    Value::Mac(mac) => text::mac(out, mac),
                    Value::Flags(flags) => text::flags(out, flags),
                    Value::Absent | Value::Number(_) | Value::Truth(_) => {}
                }
                out.push(b'"');
            }
        }
    }
    out.extend_from_slice(b"}\n");
}

fn free(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for octet in text.bytes() {
        match octet {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', octet]),
            0..0x20 | 0x7f => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(octet >> 4)], HEX[usize::from(octet & 15)]]);
            }
            _ => out.push(octet),
        }
    }
}

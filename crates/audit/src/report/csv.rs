//! The faults, RFC 4180.

use std::io::{self, Write};

use super::{addresses, place, severity};
use crate::run::Report;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"hosts,port,check,severity,title,expected,observed,advice,tags\r\n")?;
    for found in &report.found {
        let fault = &found.fault;
        let (hosts, port) = (addresses(found), place(fault.port));
        let tags = fault.tags.join(" ");
        let level = severity(fault.severity);
        let cells =
            [&hosts, &port, &*fault.check, level, &fault.title, &fault.expected, &fault.observed, &fault.advice, &tags];
        out.write_all(cells.map(cell).join(",").as_bytes())?;
        out.write_all(b"\r\n")?;
    }
    Ok(())
}

fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    let text = super::plain(&text);
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

//! One page that needs nothing else.

use std::io::{self, Write};

use super::{addresses, is_shown, outcome, place, severity, summary, transport_name};
use crate::run::Report;

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Exposure audit</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #d0d7de}
.critical,.high{font-weight:700}
@media(prefers-color-scheme:dark){body{background:#101418;color:#e6edf3}th,td{border-color:#30363d}}
</style></head><body><h1>Exposure audit</h1>
"#;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    writeln!(out, "<p>{}</p>", escape(&summary(report)))?;
    writeln!(out, "<h2>Faults</h2>\n<table><tr><th>Severity<th>Where<th>What<th>Seen<th>What to do</tr>")?;
    for found in &report.found {
        let fault = &found.fault;
        let level = severity(fault.severity);
        let at = format!("{} {}", addresses(found), place(fault.port));
        let cells = [at.trim_end(), &fault.title, &fault.observed, &fault.advice].map(escape);
        writeln!(out, "<tr><td class=\"{level}\">{level}<td>{}</tr>", cells.join("<td>"))?;
    }
    writeln!(
        out,
        "</table>\n<h2>Hosts</h2>\n<table><tr><th>Address<th>Device<th>Open<th>Closed<th>Unknown<th>Outcome</tr>"
    )?;
    for host in report.hosts.iter().filter(|host| is_shown(host)) {
        let open = host.open.iter().map(|open| {
            let service = open.service.as_ref().map_or_else(String::new, |service| format!(" {}", service.protocol));
            format!("{}/{}{service}", transport_name(open.transport), open.port)
        });
        let open = open.collect::<Vec<_>>().join(", ");
        let (closed, unknown) = (host.closed.to_string(), host.unknown.to_string());
        let device = host.device.as_deref().unwrap_or("");
        let address = host.address.to_string();
        let cells = [&*address, device, &open, &closed, &unknown, outcome(host.outcome)].map(escape);
        writeln!(out, "<tr><td>{}</tr>", cells.join("<td>"))?;
    }
    writeln!(out, "</table></body></html>")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            it if it.is_control() => out.push(' '),
            it => out.push(it),
        }
    }
    out
}

//! For people.

use std::io::{self, Write};

use super::{addresses, is_shown, outcome, place, plain, severity, summary, transport_name};
use crate::fact::OpenPort;
use crate::run::Report;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for host in report.hosts.iter().filter(|host| is_shown(host)) {
        let name = host.device.as_ref().map_or_else(String::new, |name| format!(" ({})", plain(name)));
        let (closed, unknown, end) = (host.closed, host.unknown, outcome(host.outcome));
        writeln!(out, "{}{name}: {closed} closed, {unknown} unknown, {end}", host.address)?;
        for open in &host.open {
            writeln!(out, "  {:<10} {}", format!("{}/{}", transport_name(open.transport), open.port), service(open))?;
        }
    }
    if !report.found.is_empty() {
        writeln!(out)?;
    }
    for found in &report.found {
        let fault = &found.fault;
        let at = format!("{} {}", addresses(found), place(fault.port));
        writeln!(out, "{:<8} {}: {}", severity(fault.severity), at.trim_end(), plain(&fault.title))?;
        writeln!(out, "         seen: {}", plain(&fault.observed))?;
        writeln!(out, "         do:   {}", plain(&fault.advice))?;
    }
    writeln!(out, "\n{}", summary(report))
}

fn service(open: &OpenPort) -> String {
    let Some(service) = &open.service else { return "open".into() };
    let secure = if service.encrypted { " (encrypted)" } else { "" };
    let words = [service.product.as_deref(), service.version.as_deref(), service.device_model.as_deref()];
    let words: Vec<&str> = words.into_iter().flatten().collect();
    plain(format!("{}{secure} {}", service.protocol, words.join(" ")).trim_end())
}

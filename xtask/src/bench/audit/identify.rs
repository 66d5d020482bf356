//! What speaks in the zoo: ours beside `nmap -sV`, both from the search for ports to the last answer.

use std::collections::BTreeMap;
use std::path::Path;

use fleetward_testkit::daemons::{Zoo, zoo};

use super::tool::{Run, measure};
use super::{Case, Figures, MEASURE};

pub(super) const NMAP: &str = "nmap -sV";

/// Device and TCP port, as the zoo has them.
const TCP: [(u8, u16); 16] = [
    (10, 22),
    (10, 443),
    (11, 23),
    (12, 22),
    (13, 22),
    (13, 80),
    (14, 21),
    (15, 80),
    (16, 443),
    (17, 1883),
    (18, 1883),
    (21, 6379),
    (22, 502),
    (23, 554),
    (24, 80),
    (26, 80),
];
const UDP: [(u8, u16); 2] = [(19, 161), (20, 5683)];
const PORTS: &str = "21-23,80,443,502,554,1883,6379";

pub(super) fn run(
    ours: &Path,
    alone: bool,
    patience: u64,
    figures: &mut BTreeMap<&'static str, Figures>,
) -> anyhow::Result<()> {
    let Some(zoo) = Zoo::try_start()? else { return Ok(()) };
    let hosts = (10..=26).map(|number| Zoo::address(number).to_string()).collect::<Vec<_>>().join(" ");
    let mut tools = vec![(MEASURE, ours, format!("identify raw normal {PORTS},udp:161,udp:5683 {hosts}"))];
    let nmap = format!("-n -Pn -sS -sU -sV -T4 --open -oG - -p T:{PORTS},U:161,5683 {hosts}");
    if !alone {
        tools.push((NMAP, Path::new("nmap"), nmap));
    }
    println!("Identify ({})\n  {:<22} {:>8} {:>8} {:>6} {:>7}", zoo::NETWORK, "", "wall s", "CPU s", "named", "missed");
    for (name, program, words) in tools {
        let (run, said) = measure(zoo.auditor(), program, &words, patience)?;
        let all = TCP.iter().chain(&UDP);
        let found = all.filter(|(number, port)| is_named(&said, &Zoo::address(*number).to_string(), *port)).count();
        let run = Run { found, missed: TCP.len() + UDP.len() - found, ..run };
        println!("  {name:<22} {run}");
        figures.entry(name).or_default().insert(Case::Identify, run);
    }
    Ok(())
}

/// Whether the protocol there was told: `speaks ADDRESS PORT PROTOCOL ...`, or `PORT/open/tcp//SERVICE/...` of nmap.
fn is_named(said: &str, address: &str, port: u16) -> bool {
    said.lines().any(|line| {
        let ours = line.strip_prefix("speaks ").is_some_and(|rest| rest.starts_with(&format!("{address} {port} ")));
        let of_host = line.starts_with(&format!("Host: {address} "));
        let theirs = line.split([',', '\t', ' ']).filter_map(|it| it.strip_prefix(&format!("{port}/open/")));
        let named = |rest: &str| rest.split('/').nth(2).is_some_and(|name| !name.is_empty() && !name.ends_with('?'));
        ours || of_host && theirs.into_iter().any(named)
    })
}

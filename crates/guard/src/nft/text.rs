//! The ruleset as text: one transaction, reviewable, the same for every fleet but for the elements.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::element::{Elements, Set, Table};
use super::probe::{Features, Probe};
use super::site::{OnBreach, Site, Unknown};
use super::{Mark, log::Why};

mod bridge;
mod declare;
mod inet;

pub(super) use declare::declare;

/// The whole text for `nft -f -`: deletes our tables and makes them anew, in one transaction.
pub fn ruleset(site: &Site, features: &Features, elements: &Elements) -> String {
    let mut text = String::with_capacity(4096);
    text.push_str(
        "# Fleetward made this from the profiles of the models; changes by hand are lost at the next load.\n",
    );
    let mut body = inet::table(site, features, elements);
    if !site.ports.is_empty() {
        body.push('\n');
        body.push_str(&bridge::table(site, features, elements));
    }
    for table in [Table::Inet, Table::Bridge] {
        // To name it first makes the deletion succeed where it does not exist.
        let words = table.words();
        put(&mut text, format_args!("table {words}\ndelete table {words}\n"));
    }
    text.push('\n');
    // So that a look at the kernel tells which rules are in force.
    let opening = format!("table {} {{\n", Table::Inet.words());
    let marked = format!("{opening}  comment \"rules {}\"\n", digest(&body));
    text.push_str(&body.replacen(&opening, &marked, 1));
    text
}

/// The digest that a text of [`ruleset`] carries.
pub fn digest_of(ruleset: &str) -> Option<&str> {
    let line = ruleset.lines().find_map(|line| line.trim().strip_prefix("comment \"rules "))?;
    Some(line.trim_end_matches('"'))
}

/// What a text says but for its elements: two texts with the same digest differ in elements only. In hexadecimal.
fn digest(text: &str) -> String {
    let lines = text.lines().filter(|line| !ELEMENTS.iter().any(|it| line.trim_start().starts_with(it)));
    // FNV-1a, 64 bits: it tells our own texts apart, it defends against nobody.
    let hash = lines
        .flat_map(str::bytes)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

/// Appends; a `String` takes everything.
pub(super) fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).unwrap_or_default();
}

/// A named set of interface names, or nothing where there are none (nft refuses an empty `elements`).
fn interfaces(name: &str, members: &[Box<str>]) -> String {
    let list: Vec<String> = members.iter().map(|it| format!("\"{it}\"")).collect();
    let elements = if list.is_empty() { String::new() } else { format!("    elements = {{ {} }}\n", list.join(", ")) };
    format!("  set {name} {{\n    type ifname\n{elements}  }}\n")
}

/// Tells us over NFLOG, at a bounded rate: whoever floods must not fill our queue.
pub(super) fn tell(features: &Features, why: Why) -> String {
    if !features.has(Probe::Log) {
        return String::new();
    }
    format!(
        "    limit rate {LOGS_PER_SECOND}/second burst {} packets log group {} snaplen {SNAPLEN}\n",
        LOGS_PER_SECOND * 2,
        why.group()
    )
}

/// The chain that a breach of a binding goes to: counted, told, and dropped or not.
fn breach(features: &Features, name: &str, why: Why, on: OnBreach) -> String {
    let end = if on == OnBreach::Drop { "drop" } else { "return" };
    format!("  chain {name} {{\n    counter name {name}\n{}    {end}\n  }}\n", tell(features, why))
}

fn counters(names: &[&str]) -> String {
    let each: Vec<String> = names.iter().map(|name| format!("  counter {name} {{\n  }}\n")).collect();
    each.concat()
}

/// Lines that change with the fleet and not with the rules.
const ELEMENTS: [&str; 2] = ["elements = ", "size "];
/// Packets a second that are told of, for each reason.
const LOGS_PER_SECOND: u32 = 200;
/// Octets of a packet that are told: headers, and the beginning of a question.
const SNAPLEN: u32 = 128;

#[cfg(test)]
mod tests;

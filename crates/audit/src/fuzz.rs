//! What the fuzz target reaches: each reader of octets that a device, or a file, brings.

use crate::report::{self, Format};
use crate::run::Report;

/// Reads these octets as everything that they could be; returns, whatever they are.
pub fn read_anything(octets: &[u8]) {
    crate::ports::read_anything(octets);
    crate::access::read_anything(octets);
    read_speech(octets);
    read_datagram(octets);
    read_tls(octets);
    read_ssh(octets);
    let Ok(report) = serde_json::from_slice::<Report>(octets) else { return };
    for format in [Format::Table, Format::Json, Format::Jsonl, Format::Sarif, Format::Csv, Format::Html] {
        let mut out = Vec::new();
        // Writing to memory does not fail, and what cannot be written would be an error of ours.
        report::write(&report, format, &mut out).unwrap_or_else(|error| panic!("{format:?}: {error}"));
        assert!(!out.contains(&0x1b), "{format:?} lets a device speak to the terminal");
    }
}

/// These octets as what speaks at a TCP port, in every protocol.
pub fn read_speech(octets: &[u8]) {
    crate::speak::read_anything(octets);
}

/// Reads these octets as the answer of every protocol over UDP.
pub fn read_datagram(octets: &[u8]) {
    crate::speak::read_datagram(octets);
}

/// These octets as what a TLS server says.
pub fn read_tls(octets: &[u8]) {
    crate::speak::tls::read_anything(octets);
}

/// These octets as what an SSH server says.
pub fn read_ssh(octets: &[u8]) {
    crate::speak::ssh::read_anything(octets);
}

#[cfg(test)]
mod tests {
    proptest::proptest! {
        #[test]
        fn anything_is_read(octets: Vec<u8>) {
            super::read_anything(&octets);
        }
    }
}

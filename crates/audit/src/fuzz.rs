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
    /// As answers of SNMP, CoAP, DNS, NTP, SSDP, SIP, TFTP, `BACnet` and IPMI begin.
    const HEADS: [&[u8]; 10] = [
        b"\x30\x6d\x02\x01\x03\x30\x0f",
        b"\x30\x41\x02\x01\x01\x04\x00\xa2\x34",
        b"\x62\x45\x46\x57fw",
        b"\x46\x59\x84\x00\x00\x00\x00\x09\x00\x00\x00\x00",
        b"\x16\x82\x00\x01\x00\x00\x00\x00\x00\x00\x00\x30",
        b"HTTP/1.1 200 OK\r\nLocation: http://192.0.2.7:",
        b"SIP/2.0 200 OK\r\nServer: ",
        b"\x00\x05\x00\x01",
        b"\x81\x0a\x00\x1b\x01\x08",
        b"\x06\x00\xff\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    ];

    proptest::proptest! {
        #[test]
        fn anything_is_read(octets: Vec<u8>) {
            super::read_anything(&octets);
        }

        /// Behind the head of each protocol, so that more is read than the head.
        #[test]
        fn any_datagram_is_read(head in 0..HEADS.len(), octets: Vec<u8>) {
            super::read_datagram(&[HEADS[head], &octets].concat());
        }
    }
}

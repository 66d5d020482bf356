//! Any bytes as the answer of every protocol that the audit speaks over UDP: read or refused, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fleetward_audit::fuzz::read_datagram(bytes));

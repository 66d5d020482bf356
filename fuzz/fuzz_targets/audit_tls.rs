//! Any bytes as what a TLS server says to an audit: read or refused, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fleetward_audit::fuzz::read_tls(bytes));

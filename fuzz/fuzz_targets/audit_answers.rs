//! Any bytes as what a device answers an audit, as a list of passwords, as ports, as a report: read or refused, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fleetward_audit::fuzz::read_anything(bytes));

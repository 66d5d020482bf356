//! Any bytes as what speaks at a TCP port: read or refused, and nothing is shown that cannot be printed.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fleetward_audit::fuzz::read_speech(bytes));

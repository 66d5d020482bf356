//! Any bytes as an observation from a journal: read or refused, never a panic; what is read, written and read is equal.
#![no_main]

use fleetward_fleet::wire::{from_wire, to_wire};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(observation) = from_wire(bytes) else { return };
    let mut again = Vec::new();
    to_wire(&observation, &mut again);
    assert_eq!(from_wire(&again).as_ref(), Ok(&observation));
});

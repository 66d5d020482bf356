//! Any bytes as an observation in JSON, as platforms send them and files hold them: read or refused, never a panic; what is
//! read, written and read is equal.
#![no_main]

use fleetward_fleet::Observation;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(observation) = serde_json::from_slice::<Observation>(bytes) else { return };
    let again = serde_json::to_vec(&observation).expect("an observation is plain data");
    assert_eq!(serde_json::from_slice::<Observation>(&again).ok().as_ref(), Some(&observation));
});

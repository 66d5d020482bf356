//! Any text as a MUD file: refused, or a profile that keeps its promises and survives going out and coming in again.
#![no_main]

use fleetward_fleet::Profile;
use fleetward_guard::learn::profile_yaml;
use fleetward_guard::mud::{export, import};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(imported) = import(text) else { return };
    for allow in &imported.profile.allow {
        assert_eq!(allow.protocol.has_ports(), !allow.ports.is_empty(), "{allow:?}");
    }
    import(&export("fuzz", &imported.profile)).expect("what we write we read");
    // What is taken is what a person may write by hand.
    let page = profile_yaml("fuzz", &imported.profile, None);
    if let Err(error) = Profile::from_yaml(&page) {
        panic!("{error}\n{page}");
    }
});

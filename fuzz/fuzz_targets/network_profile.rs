//! Any text as a profile: refused with a place in the file, or read; then its network part is written and read back as it was.
#![no_main]

use fleetward_fleet::Profile;
use fleetward_guard::fit::Fit;
use fleetward_guard::learn::{difference, profile_yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(profile) = Profile::from_yaml(text) else { return };
    let Some(network) = profile.network else { return };
    let _ = Fit::new(&network);
    let page = profile_yaml(&profile.model, &network, None);
    let back = Profile::from_yaml(&page).unwrap_or_else(|error| panic!("{error}\n{page}"));
    assert_eq!(back.network.as_ref(), Some(&network));
    assert!(difference(&network, &network).is_empty());
});

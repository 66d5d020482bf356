//! Any text as a misuse overlay: refused with a place in the file, or played for a day; never a panic, never for long.
#![no_main]

use fleetward_simulate::{CLASSES, Config, Overlay, World};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(overlay) = Overlay::from_yaml(text) else { return };
    // A few scenarios are enough to meet every effect.
    let scenarios = overlay.scenarios.into_iter().take(4).collect();
    let classes = (0..CLASSES.len()).map(|class| (class, 4)).collect();
    let config = Config { classes, scenarios, misused: 1, days: 2, training_days: 0, ..Config::default() };
    if let Ok(world) = World::new(config) {
        assert!(world.is_sorted_by_key(|observation| observation.observed_at));
    }
});

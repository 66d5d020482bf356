//! Any text as a rule file, and any as the file of a list or a table that it names: accepted, with its examples run, or
//! refused with places in the file; never a panic.
#![no_main]

use fleetward_rules::{Options, run_tests};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(all) = std::str::from_utf8(bytes) else { return };
    // What comes after a form feed is the other file.
    let (text, data) = all.split_once('\u{c}').unwrap_or((all, ""));
    if let Err(errors) = run_tests(&[("fuzz.yaml", text), ("data.csv", data)], &Options::default()) {
        assert!(!errors.is_empty());
        // YAML 1.2 §5.4: a carriage return ends a line, too; YAML 1.1 knew three more.
        let breaks = |c: &char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let lines = text.chars().filter(breaks).count() + 1;
        assert!(errors.iter().all(|error| error.line <= lines), "{errors:?}");
        for error in &errors {
            let _ = error.excerpt(text);
        }
    }
});

//! The kinds of observation by name.

use super::Body;

/// Names each kind once: who adds one is made to name it, and whoever lists them has it.
macro_rules! kinds {
    ($($kind:pat => $name:literal,)*) => {
        impl Body {
            /// The names of all kinds, as `kind` has them in JSON.
            pub const KINDS: &[&str] = &[$($name),*];

            /// What kind it is.
            pub fn kind(&self) -> &'static str {
                match self {
                    $($kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    Body::Session(_) => "session",
    Body::Admission(_) => "admission",
    Body::NasReset(_) => "nas_reset",
    Body::SessionVanished(_) => "session_vanished",
    Body::DeviceChange(_) => "device_change",
    Body::PlannedChange(_) => "planned_change",
    Body::Tick => "tick",
    Body::Flow(_) => "flow",
    Body::Message(_) => "message",
    Body::Call(_) => "call",
    Body::Login(_) => "login",
    Body::SimChange(_) => "sim_change",
    Body::SourceState(_) => "source_state",
    Body::Network(_) => "network",
    Body::Exposure(_) => "exposure",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_are_written() {
        let unknown = serde_json::from_value::<Body>(serde_json::json!({ "kind": "?" })).unwrap_err().to_string();
        let (_, known) = unknown.split_once("expected one of ").unwrap();
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let sorted = |names: &[&'static str]| {
            names.iter().map(|name| (*name).to_owned()).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(sorted(Body::KINDS), known.iter().map(|name| (*name).to_owned()).collect());
        let tick = serde_json::to_value(Body::Tick).unwrap();
        assert_eq!((tick["kind"].as_str(), Body::Tick.kind()), (Some("tick"), "tick"));
    }
}

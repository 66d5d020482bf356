//! Any octets as a location, a time zone, a network, a slice: what is read is written back as it was.
#![no_main]

use fleetward_radius::tgpp::{Location, PlmnOctets, Slice, TimeZone};
use fleetward_radius::{Ipv6Prefix, Text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    if let Some(location) = Location::from_wire(value) {
        let written = location.to_wire();
        assert_eq!(Location::from_wire(&written), Some(location));
        assert!(written.len() <= value.len() + 1, "only the padding of a routing area is added");
        let _ = (location.to_string(), location.plmn(), location.area(), location.cell(), location.is_readable());
    }
    if let Some(zone) = TimeZone::from_wire(value) {
        assert_eq!(zone.to_wire().and_then(|octets| TimeZone::from_wire(&octets)), Some(zone));
    }
    if let Ok(octets) = value.try_into().map(PlmnOctets)
        && octets.digits().is_some()
    {
        assert_eq!(PlmnOctets::from_digits(&octets.to_string()), Some(octets));
    }
    if let Some(slice) = Slice::from_wire(value) {
        assert_eq!(slice.to_wire(), value);
    }
    if let Some(prefix) = Ipv6Prefix::from_wire(value) {
        assert_eq!(Ipv6Prefix::from_wire(&prefix.to_wire()), Some(prefix));
    }
    let shown = Text::new(value).to_string();
    assert!(!shown.chars().any(char::is_control), "safe for a log line");
});

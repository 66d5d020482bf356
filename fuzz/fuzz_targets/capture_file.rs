//! Any bytes as a capture file: read, or refused with a place in it; never a panic, never more than the file holds.
#![no_main]

use std::io::Cursor;
use std::path::PathBuf;

use fleetward_capture::{Error, File};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(mut file) = File::from_reader(PathBuf::from("fuzz"), reader) else { return };
    let is_packed = matches!(bytes, [0x1f, 0x8b, ..] | [0x28, 0xb5, ..] | [0x50..=0x5f, 0x2a, ..]);
    let (mut packets, mut octets) = (0, 0);
    let error = loop {
        match file.batch() {
            Ok(Some(batch)) => {
                for packet in &batch {
                    packets += 1;
                    octets += packet.bytes.len();
                    assert!(packet.wire as usize >= packet.bytes.len());
                }
                assert!(!batch.is_empty(), "this is no pipe");
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert_eq!(file.summary().packets, packets);
    if !is_packed {
        assert!(octets <= bytes.len());
    }
    match error {
        Some(Error::Damaged { place, .. } | Error::Read { place, .. } | Error::Bomb { place, .. }) => {
            assert_eq!(place.packets, packets);
            assert!(is_packed || place.at <= bytes.len() as u64);
        }
        Some(error) => panic!("a file that was open: {error}"),
        None => {}
    }
});

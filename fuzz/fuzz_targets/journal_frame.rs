//! Any bytes as a group of records in a segment: read or refused, never a panic; what is read has dense offsets.
#![no_main]

use fleetward_journal::format::Frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // As it is; and with a right checksum, so that the records behind it are reached.
    check(bytes);
    let mut bytes = bytes.to_vec();
    if bytes.len() >= 32 {
        let body = (bytes.len() - 32) as u32;
        bytes[..4].copy_from_slice(b"FLWG");
        bytes[8..12].copy_from_slice(&body.to_le_bytes());
        bytes[24..26].copy_from_slice(&32_u16.to_le_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c(&SALT.to_le_bytes()), &bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        check(&bytes);
    }
});

const SALT: u64 = 0x0123_4567_89ab_cdef;

fn check(bytes: &[u8]) {
    let Ok(frame) = Frame::parse(bytes, SALT) else { return };
    let mut records = frame.records();
    let Some(first) = records.next() else { panic!("a frame without records") };
    let mut payload = first.bytes.len();
    for (at, record) in records.enumerate() {
        assert_eq!(record.offset.0, first.offset.0 + at as u64 + 1);
        payload += record.bytes.len();
    }
    assert!(payload < bytes.len());
}

//! Any bytes as a message of NFLOG, and as a datagram of DHCP: read or passed over, never a panic.
#![no_main]

use fleetward_guard::nft::{log, overhear};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // As the kernel frames it: length, type (ULOG, packet), the group of names.
    let mut message = (bytes.len() as u32 + 20).to_ne_bytes().to_vec();
    message.extend((4_u16 << 8).to_ne_bytes());
    message.extend([0; 12]);
    message.extend(log::Why::Names.group().to_be_bytes());
    message.extend(bytes);
    if let Some(told) = log::read(&message) {
        assert!(told.payload.len() <= bytes.len());
        let _lease = overhear::lease(&told.payload);
        assert!(overhear::whole(&told.payload).map(|it| it.len() + 2).sum::<usize>() <= told.payload.len());
    }
    let _any = log::read(bytes);
    let _lease = overhear::lease(bytes);
});

//! Any bytes as datagrams of an exporter, one after the other: read or counted, never a panic; no more flows than records.
#![no_main]

use fleetward_capture::Exported;
use fleetward_packet::{Event, Sink, Time};
use libfuzzer_sys::fuzz_target;

#[derive(Default)]
struct Told(u64);

impl Sink for Told {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Closed(flow) = event {
            assert!(flow.first <= flow.last);
            self.0 += 1;
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let (mut exported, mut told) = (Exported::default(), Told::default());
    let from = ([192, 0, 2, 1], 4739).into();
    // Each datagram stands behind its length.
    let mut rest = bytes;
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(more.len());
        exported.take(from, &more[..length], Time(0), &mut told);
        rest = &more[length..];
    }
    exported.finish(&mut told);
    let counts = exported.counts();
    assert_eq!(counts.flows, told.0);
    assert!(counts.flows <= counts.records);
});

//! Any bytes as frames, one after the other: never a panic, every flow opened is closed, the table stays within its limits.
#![no_main]

use fleetward_packet::{Event, Limits, NameLimits, Sink, Table, Time};
use libfuzzer_sys::fuzz_target;

#[derive(Default)]
struct Told {
    opened: u64,
    closed: u64,
}

impl Sink for Told {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Opened(_) => self.opened += 1,
            Event::Closed(flow) => {
                self.closed += 1;
                assert!(flow.first <= flow.last && flow.packets[0] + flow.packets[1] > 0);
            }
            Event::Named(flow) => {
                let name = flow.name.as_ref().map_or("", |name| &name.text);
                assert!(name.bytes().all(|it| (0x20..0x7f).contains(&it)), "{name:?}");
            }
            _ => {}
        }
    }
}

/// Ethernet, raw IP, Linux "any", loopback, 802.11, and one that is not known.
const LINKS: [u16; 8] = [1, 101, 113, 276, 0, 105, 228, 999];

fuzz_target!(|bytes: &[u8]| {
    let names = NameLimits { askers: 4, per_asker: 4, total: 8, gathers: 2, ..NameLimits::default() };
    let limits = Limits { flows: 8, names, ..Limits::default() };
    let (mut table, mut told) = (Table::new(limits, 7), Told::default());
    let mut time = 1_700_000_000_000_000_000_i64;
    // Link, seconds since the last frame, length.
    let mut rest = bytes;
    while let Some((&[link, seconds, length], more)) = rest.split_first_chunk() {
        let frame = &more[..usize::from(length).min(more.len())];
        rest = &more[frame.len()..];
        time += i64::from(seconds) * 1_000_000_000;
        let link = LINKS[usize::from(link) % LINKS.len()];
        table.push(link, Time(time), frame, frame.len() as u32, &mut told);
        assert!(table.len() <= 8);
    }
    table.finish(&mut told);
    assert_eq!(told.opened, told.closed);
    assert!(table.is_empty());
});

//! A flood from invented sources: it takes no more memory than the limit says, what gave way is counted, and what was answered stays.

use std::collections::BTreeMap;

use fleetward_packet::{Event, Limits, Sink, Table, Time};

const MILLISECOND: i64 = 1_000_000;
/// Conversations that the table may hold.
const ROOM: usize = 1 << 14;
const SYN: u8 = 2;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;

/// What was opened and closed, by the client's address.
#[derive(Default)]
struct Seen {
    opened: u64,
    closed: BTreeMap<std::net::IpAddr, Time>,
}

impl Sink for Seen {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Opened(_) => self.opened += 1,
            Event::Closed(flow) => drop(self.closed.insert(flow.client.ip, flow.last)),
            _ => {}
        }
    }
}

/// TCP over IPv4 between a client and the service at 198.51.100.7, port 443.
fn frame(client: [u8; 4], port: u16, flags: u8) -> [u8; 54] {
    let server = [198, 51, 100, 7];
    let is_answer = flags == SYN_ACK;
    let (from, to) = if is_answer { (server, client) } else { (client, server) };
    let (from_port, to_port) = if is_answer { (443, port) } else { (port, 443) };
    let mut frame = [0; 54];
    frame[12..14].copy_from_slice(&[8, 0]);
    frame[14..18].copy_from_slice(&[0x45, 0, 0, 40]);
    frame[23] = 6;
    frame[26..30].copy_from_slice(&from);
    frame[30..34].copy_from_slice(&to);
    frame[34..36].copy_from_slice(&u16::to_be_bytes(from_port));
    frame[36..38].copy_from_slice(&u16::to_be_bytes(to_port));
    (frame[46], frame[47]) = (5 << 4, flags);
    frame
}

fn table() -> Table {
    Table::new(Limits { flows: ROOM, ..Limits::default() }, 7)
}

fn push(table: &mut Table, seen: &mut Seen, at: i64, frame: &[u8]) {
    table.push(1, Time(at), frame, 54, seen);
}

/// An address and a port that nobody has twice.
fn invented(number: u32) -> ([u8; 4], u16) {
    (number.wrapping_mul(0x9e37_79b1).to_be_bytes(), 1024 + (number % 50_000) as u16)
}

#[test]
fn a_spoofed_flood_stays_within_the_room_and_leaves_what_was_answered() {
    let (mut table, mut seen) = (table(), Seen::default());
    let kept = |number: u16| ([10, 1, number.to_be_bytes()[0], number.to_be_bytes()[1]], 40_000);
    for number in 0..1_000 {
        let (client, port) = kept(number);
        for flags in [SYN, SYN_ACK, ACK] {
            push(&mut table, &mut seen, i64::from(number), &frame(client, port, flags));
        }
    }
    let mut full = 0;
    for number in 0..1_000_000 {
        let (client, port) = invented(number);
        // A million a second.
        push(&mut table, &mut seen, MILLISECOND + i64::from(number) * 1_000, &frame(client, port, SYN));
        assert!(table.len() <= ROOM);
        if number == 200_000 {
            full = table.memory();
        }
    }
    let counts = table.counts();
    assert_eq!(table.len(), ROOM);
    assert_eq!(counts.flows, 1_001_000);
    assert_eq!(counts.evicted, counts.flows - ROOM as u64, "what gave way is counted");
    assert_eq!(counts.evicted, seen.closed.len() as u64, "and told, once");
    assert!(table.memory() <= full + full / 4, "{full} octets became {}", table.memory());
    let each = table.memory() / ROOM;
    assert!(each <= 256, "{each} octets a conversation");
    let opened = seen.opened;
    for number in 0..1_000 {
        let (client, port) = kept(number);
        push(&mut table, &mut seen, 2_000 * MILLISECOND, &frame(client, port, ACK));
    }
    assert_eq!(seen.opened, opened, "what was answered went on in the same conversation");
}

#[test]
fn an_unanswered_call_outlives_the_flood_that_came_before_it() {
    let (mut table, mut seen) = (table(), Seen::default());
    let call = ([10, 1, 2, 3], 40_000);
    for number in 0..3 * ROOM as u32 {
        let (client, port) = invented(number);
        push(&mut table, &mut seen, i64::from(number), &frame(client, port, SYN));
        if number == 2 * ROOM as u32 + 1 {
            push(&mut table, &mut seen, i64::from(number), &frame(call.0, call.1, SYN));
        }
    }
    assert!(!seen.closed.contains_key(&call.0.into()), "whatever came before it gave way first");
}

#[test]
fn the_longest_idle_gives_way_first() {
    let (mut table, mut seen) = (table(), Seen::default());
    let open = |table: &mut Table, seen: &mut Seen, number: u32, at: i64| {
        let [_, b, c, d] = number.to_be_bytes();
        for flags in [SYN, SYN_ACK, ACK] {
            push(table, seen, at, &frame([10, b, c, d], 40_000, flags));
        }
    };
    // One in two speaks again ten seconds later.
    for number in 0..ROOM as u32 {
        open(&mut table, &mut seen, number, 0);
    }
    let late = 10_000 * MILLISECOND;
    for number in (0..ROOM as u32).step_by(2) {
        let [_, b, c, d] = number.to_be_bytes();
        push(&mut table, &mut seen, late, &frame([10, b, c, d], 40_000, ACK));
    }
    for number in 0..ROOM as u32 / 4 {
        open(&mut table, &mut seen, 1 << 20 | number, late + MILLISECOND);
    }
    assert_eq!(seen.closed.len(), ROOM / 4);
    let idle = seen.closed.values().filter(|last| last.0 == 0).count();
    // Ends that lie beyond the wheel are compared among some.
    assert!(idle * 100 >= seen.closed.len() * 99, "{idle} of {} were idle", seen.closed.len());
}

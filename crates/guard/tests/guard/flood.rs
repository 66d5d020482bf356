//! A flood from invented hardware and IP addresses: the watch tells it within its first second and takes no more memory for it.

use std::net::IpAddr;

use fleetward_fleet::SignKind;
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::watch::{Noticed, Settings, Watch};
use fleetward_packet::{Event, Limits, Sink, Table, Time};

struct Heard {
    watch: Watch,
    hosts: Hosts,
    noticed: Vec<Noticed>,
}

impl Sink for Heard {
    fn event(&mut self, event: Event<'_>) {
        self.watch.event(&event, &self.hosts, &mut |noticed| self.noticed.push(noticed));
    }
}

/// A SYN to the device's port 80 from an address and a hardware address that nobody has twice, on the site.
fn syn(number: u32) -> [u8; 54] {
    let mut frame = [0; 54];
    let [a, b, c, d] = number.to_be_bytes();
    frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 7]);
    frame[6..12].copy_from_slice(&[6, 0, a, b, c, d]);
    frame[12..18].copy_from_slice(&[8, 0, 0x45, 0, 0, 40]);
    frame[23] = 6;
    frame[26..30].copy_from_slice(&[10, b, c, d]);
    frame[30..34].copy_from_slice(&[192, 168, 1, 20]);
    frame[34..38].copy_from_slice(&[0x9c, 0x40, 0, 80]);
    (frame[46], frame[47]) = (5 << 4, 2);
    frame
}

#[test]
fn a_spoofed_flood_is_told_within_a_second_and_costs_what_its_victim_costs() {
    let mut hosts = Hosts::default();
    hosts.local = vec!["192.168.1.0/24".parse().expect("a network")];
    let ip: IpAddr = "192.168.1.20".parse().expect("an address");
    hosts.add(Host { name: "victim".into(), model: None }, &[], &[ip]);
    let mut heard = Heard { watch: Watch::new(Settings::default()), hosts, noticed: Vec::new() };
    let mut table = Table::new(Limits { flows: 10_000, ..Limits::default() }, 7);
    // 20,000 a second, for ten seconds.
    for number in 0..200_000 {
        table.push(1, Time(i64::from(number) * 50_000), &syn(number), 54, &mut heard);
    }
    let flood = heard.noticed.iter().find(|it| it.sign.sign == SignKind::FloodIn).expect("it is told");
    assert!(flood.time.0 <= 1_000_000_000, "after {} ns", flood.time.0);
    assert!(heard.watch.devices() <= 4_097, "{} are remembered", heard.watch.devices());
    assert!(heard.watch.counts().untracked > 0, "whom there was no room for is counted");
    assert!(heard.noticed.len() < 100, "{} signs", heard.noticed.len());
}

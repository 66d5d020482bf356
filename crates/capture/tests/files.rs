//! Files as they come: formats, compressions, damage; and every real capture at hand, held against another reader.

#![expect(clippy::cast_sign_loss, reason = "times and link types of tests are positive")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use fleetward_capture::{Damage, Error, File, Summary};
use fleetward_packet::Time;
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{PcapBlockOwned, PcapError, create_reader};
use proptest::prelude::*;

/// A packet that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    link: u16,
    time: Time,
    bytes: Vec<u8>,
    wire: u32,
}

fn open(bytes: &[u8]) -> Result<File, Error> {
    File::from_reader(PathBuf::from("test.pcap"), Box::new(Cursor::new(bytes.to_vec())))
}

fn all(bytes: &[u8]) -> Result<(Vec<Owned>, Summary), Error> {
    let mut file = open(bytes)?;
    let mut packets = Vec::new();
    while let Some(batch) = file.batch()? {
        packets.extend(batch.iter().map(|it| Owned {
            link: it.link,
            time: it.time,
            bytes: it.bytes.to_vec(),
            wire: it.wire,
        }));
    }
    Ok((packets, file.summary().clone()))
}

#[derive(Clone, Copy)]
struct Classic {
    big: bool,
    nanoseconds: bool,
}

impl Classic {
    fn number(self, number: u32) -> [u8; 4] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn file(self, packets: &[Owned]) -> Vec<u8> {
        let magic = if self.nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        let version = if self.big { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
        let mut out = [self.number(magic), version, [0; 4], [0; 4], self.number(262_144), self.number(1)].concat();
        let unit = if self.nanoseconds { 1 } else { 1000 };
        for packet in packets {
            let (seconds, fraction) = (packet.time.0 / 1_000_000_000, packet.time.0 % 1_000_000_000 / unit);
            for number in [seconds as u32, fraction as u32, packet.bytes.len() as u32, packet.wire] {
                out.extend(self.number(number));
            }
            out.extend(&packet.bytes);
        }
        out
    }
}

/// Of the newer format.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = body.len().next_multiple_of(4) - body.len();
    let length = (12 + body.len() + padding) as u32;
    [&kind.to_le_bytes(), &length.to_le_bytes(), body, &vec![0; padding], &length.to_le_bytes()].concat()
}

fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat())
}

fn interface(link: u16, snap: u32, options: &[u8]) -> Vec<u8> {
    block(1, &[&link.to_le_bytes()[..], &[0, 0], &snap.to_le_bytes(), options].concat())
}

fn enhanced(interface: u32, ticks: u64, bytes: &[u8], wire: u32) -> Vec<u8> {
    let (high, low) = ((ticks >> 32) as u32, ticks as u32);
    let numbers = [interface, high, low, bytes.len() as u32, wire].map(u32::to_le_bytes).concat();
    block(6, &[&numbers, bytes].concat())
}

fn packet(seconds: i64, bytes: &[u8]) -> Owned {
    Owned { link: 1, time: Time(seconds * 1_000_000_000 + 5_000), bytes: bytes.to_vec(), wire: bytes.len() as u32 }
}

#[test]
fn a_file_that_is_cut_gives_what_is_whole() {
    let packets = [packet(1, b"one"), packet(2, b"two"), packet(3, b"three")];
    let whole = Classic { big: false, nanoseconds: false }.file(&packets);
    let (read, summary) = all(&whole[..whole.len() - 2]).expect("a cut file is no error");
    assert_eq!(read, packets[..2]);
    assert_eq!(summary.cut, Some(24 + 19 * 2));
    assert_eq!((summary.packets, summary.octets), (2, 6));
    assert_eq!((summary.first, summary.last), (Some(packets[0].time), Some(packets[1].time)));
}

#[test]
fn damage_names_the_place_and_comes_after_what_is_whole() {
    let packets = [packet(1, b"one"), packet(2, b"two")];
    let mut file = Classic { big: false, nanoseconds: false }.file(&packets);
    file.extend([0xff; 64]);
    let mut file = open(&file).expect("opens");
    assert_eq!(file.batch().expect("two are whole").map(|it| it.len()), Some(2));
    let error = file.batch().expect_err("then damage");
    assert_eq!(
        error.to_string(),
        "test.pcap at byte 62, after 2 packets, is damaged: a record of 4294967295 octets; 16777216 are the most"
    );
    assert!(file.batch().is_err(), "again");
}

#[test]
fn says_what_else_a_file_is() {
    let found = |bytes: &[u8]| all(bytes).expect_err("no capture").to_string();
    insta::assert_snapshot!(
        [&b""[..], b"\xd4\xc3\xb2\xa1\x02", b"\xfd7zXZ\0\0", b"<html>", b"version https://git-lfs.github.com/spec/v1"]
            .map(found)
            .join("\n"),
        @r"
    test.pcap is no capture that can be read here: it is empty
    test.pcap is no capture that can be read here: it ends within its header
    test.pcap is no capture that can be read here: it is packed by xz; unpack it first (`xz -d`)
    test.pcap is no capture that can be read here: expected pcap or pcapng, plain or packed by gzip or zstd
    test.pcap is no capture that can be read here: it is only a pointer of git-lfs; fetch the file itself (`git lfs pull`)
    "
    );
}

#[test]
fn interfaces_have_clocks_and_links_of_their_own() {
    let nanoseconds = [9, 0, 1, 0, 9, 0, 0, 0];
    let power_of_two = [9, 0, 1, 0, 0x8a, 0, 0, 0];
    let later = [&[14, 0, 8, 0][..], &3600_i64.to_le_bytes()].concat();
    let mut file = section();
    file.extend(interface(1, 0, &nanoseconds));
    file.extend(interface(101, 0, &power_of_two));
    file.extend(interface(113, 2, &later));
    file.extend(enhanced(0, 1_700_000_000_123_456_789, b"a", 1));
    file.extend(enhanced(1, 1_700_000_000 * 1024 + 512, b"bb", 2));
    file.extend(enhanced(2, 1_700_000_000_000_000, b"cc", 900));
    file.extend(block(5, &[&[0; 12][..], &[5, 0, 8, 0], &7_u64.to_le_bytes()].concat()));
    let (read, summary) = all(&file).expect("reads");
    let expect =
        [(1, 1_700_000_000_123_456_789, 1), (101, 1_700_000_000_500_000_000, 2), (113, 1_700_003_600_000_000_000, 900)];
    assert_eq!(read.iter().map(|it| (it.link, it.time.0, it.wire)).collect::<Vec<_>>(), expect);
    assert_eq!(summary.dropped, 7);
}

#[test]
fn simple_packets_have_the_snap_length_of_the_first_interface_and_the_time_of_the_last_packet() {
    let mut file = section();
    file.extend(interface(1, 3, &[]));
    file.extend(enhanced(0, 5_000_000, b"abc", 3));
    file.extend(block(3, &[&5_u32.to_le_bytes()[..], b"xyz"].concat()));
    let (read, _) = all(&file).expect("reads");
    assert_eq!(read[1], Owned { link: 1, time: Time(5_000_000_000), bytes: b"xyz".to_vec(), wire: 5 });
}

#[test]
fn a_packet_of_nowhere_is_damage() {
    let mut file = section();
    file.extend(enhanced(0, 0, b"a", 1));
    let error = all(&file).expect_err("no interface");
    assert!(matches!(error, Error::Damaged { damage: Damage::Interface { interface: 0, known: 0 }, .. }), "{error}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).expect("memory");
    packer.finish().expect("memory")
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn compression_is_told_by_its_bytes_and_may_have_several_members() {
    let packets: Vec<_> = (0..50_000).map(|at| packet(at, &at.to_be_bytes())).collect();
    let whole = Classic { big: true, nanoseconds: true }.file(&packets);
    let (front, back) = whole.split_at(400_000);
    let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
    let packed = [
        gzip(&whole),
        [gzip(front), gzip(back)].concat(),
        zstandard(&whole),
        [skippable.clone(), zstandard(front), skippable, zstandard(back)].concat(),
    ];
    for (at, packed) in packed.iter().enumerate() {
        let (read, summary) = all(packed).unwrap_or_else(|error| panic!("form {at}: {error}"));
        assert_eq!(read, packets, "form {at}");
        assert_eq!(summary.cut, None, "form {at}");
        let (read, summary) = all(&packed[..packed.len() - 9]).unwrap_or_else(|error| panic!("cut form {at}: {error}"));
        assert!(summary.cut.is_some() && read.len() <= packets.len(), "form {at}");
    }
}

#[test]
fn damaged_compression_is_an_error_with_a_place() {
    let whole = Classic { big: false, nanoseconds: false }.file(&[packet(1, &[7; 5000])]);
    let mut packed = gzip(&whole);
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    let error = all(&packed).expect_err("its checksum is wrong");
    assert!(matches!(&error, Error::Read { place, .. } if place.unpacked), "{error}");
}

#[test]
fn a_bomb_is_given_up() {
    let mut whole = Classic { big: false, nanoseconds: false }.file(&[]);
    whole.resize(128 << 20, 0);
    let mut file = open(&gzip(&whole)).expect("its header is one");
    let error = loop {
        match file.batch() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("zeros without end were read to their end"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Bomb { .. }), "{error}");
}

#[test]
fn a_pipe_is_read_as_it_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let mut file = File::open(&path).expect("nobody writes yet");
    assert!(file.batch().expect("no error").expect("not the end").is_empty());
    let mut writer = std::fs::OpenOptions::new().write(true).open(&path).expect("somebody writes");
    let whole = Classic { big: false, nanoseconds: false }.file(&[packet(1, b"one"), packet(2, b"two")]);
    for (from, to, expect) in [(0, 10, 0), (10, 30, 0), (30, 43, 1), (43, whole.len(), 1)] {
        writer.write_all(&whole[from..to]).expect("written");
        assert_eq!(file.batch().expect("no error").expect("not the end").len(), expect, "octets {from} to {to}");
    }
    assert!(file.batch().expect("no error").expect("not the end").is_empty(), "the writer is still there");
    drop(writer);
    assert!(file.batch().expect("no error").is_none(), "the end");
    assert_eq!(file.summary().packets, 2);
}

/// What another reader finds: link, bytes, length on the wire.
fn other_reader(path: &Path) -> Option<Vec<(u16, Vec<u8>, u32)>> {
    let file = std::fs::File::open(path).ok()?;
    let mut reader = create_reader(1 << 20, file).ok()?;
    let (mut packets, mut links) = (Vec::new(), Vec::new());
    loop {
        match reader.next() {
            Ok((offset, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => links = vec![header.network.0 as u16],
                    PcapBlockOwned::Legacy(it) => packets.push((links[0], it.data.to_vec(), it.origlen)),
                    PcapBlockOwned::NG(pcap_parser::Block::SectionHeader(_)) => links.clear(),
                    PcapBlockOwned::NG(pcap_parser::Block::InterfaceDescription(it)) => {
                        links.push(it.linktype.0 as u16);
                    }
                    PcapBlockOwned::NG(pcap_parser::Block::EnhancedPacket(it)) => {
                        packets.push((links[it.if_id as usize], it.packet_data().to_vec(), it.origlen));
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                reader.consume(offset);
            }
            Err(PcapError::Eof) => return Some(packets),
            Err(PcapError::Incomplete(_)) => reader.refill().ok()?,
            Err(_) => return None,
        }
    }
}

#[test]
fn finds_in_real_captures_what_another_reader_finds() {
    let Some(data) = testdata() else { return };
    let (mut compared, mut unread, mut other_failed) = (0, Vec::new(), Vec::new());
    for path in captures(&data) {
        let mut ours = Vec::new();
        let summary = fleetward_capture::read(&path, |it| ours.push((it.link, it.bytes.to_vec(), it.wire)));
        let (Ok(summary), Some(other)) = (&summary, other_reader(&path)) else {
            match summary {
                Ok(summary) => other_failed.push(format!("{} ({} packets)", path.display(), summary.packets)),
                Err(error) => unread.push(error.to_string()),
            }
            continue;
        };
        let other: Vec<_> = other
            .into_iter()
            .map(|(link, bytes, wire)| {
                let least = bytes.len() as u32;
                (link, bytes, wire.max(least))
            })
            .collect();
        assert_eq!(summary.packets, other.len() as u64, "{}", path.display());
        assert!(ours == other, "{}", path.display());
        compared += 1;
    }
    println!("{compared} captures equal; the other reader failed on {other_failed:#?}; we on {unread:#?}");
    assert!(compared > 400, "only {compared} captures were read");
    assert!(unread.len() < 8, "{unread:#?}");
}

fn testdata() -> Option<PathBuf> {
    let path = std::env::var_os("FLEETWARD_TESTDATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let found = path.is_dir();
    if !found {
        println!("SKIPPED: no captures at {}; set FLEETWARD_TESTDATA", path.display());
    }
    found.then_some(path)
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "pcap" || it == "pcapng" || it == "cap") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

prop_compose! {
    fn any_packet(unit: i64)(
        seconds in 0..i64::from(u32::MAX), fraction in 0..1_000_000_000_i64, bytes in prop::collection::vec(any::<u8>(), 0..300), more in 0..2000_u32,
    ) -> Owned {
        let wire = bytes.len() as u32 + more;
        Owned { link: 1, time: Time(seconds * 1_000_000_000 + fraction / unit * unit), bytes, wire }
    }
}

proptest! {
    #[test]
    fn classic_files_of_both_orders_and_clocks_come_back(
        packets in prop::collection::vec(any_packet(1000), 0..50), big in any::<bool>(), nanoseconds in any::<bool>(),
    ) {
        let (read, summary) = all(&Classic { big, nanoseconds }.file(&packets)).expect("what was written");
        prop_assert_eq!(read, packets);
        prop_assert_eq!(summary.cut, None);
    }

    #[test]
    fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..600), form in 0..4) {
        let head = match form {
            0 => Classic { big: false, nanoseconds: false }.file(&[]),
            1 => [section(), interface(1, 0, &[])].concat(),
            2 => vec![0x1f, 0x8b, 8],
            _ => vec![0x28, 0xb5, 0x2f, 0xfd],
        };
        bytes.splice(0..0, head);
        let _unused = all(&bytes);
    }
}

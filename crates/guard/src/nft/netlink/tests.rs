use std::time::Duration;

use fleetward_fleet::{PortRange, Protocol};

use super::super::element::{Change, Element, Verdict, sets};
use super::super::log::{Why, read};
use super::super::mark::Mark;
use super::{batch, write};

fn port(number: u16) -> Element {
    Element::Port(Mark(0x0f00_0001), [192, 0, 2, 7].into(), Protocol::TCP, number)
}

#[test]
fn a_batch_is_begun_filled_and_ended() {
    let put = Change::Put { set: sets::OUT4, element: port(443), life: Some(Duration::from_mins(6)) };
    let bytes = batch(std::slice::from_ref(&put), false);
    assert_eq!(bytes.len() % 4, 0);
    assert_eq!(write::acknowledgements(&bytes), 1);
    assert_eq!(write::acknowledgements(&batch(&[put], true)), 3, "put in, taken out, put in");
    let key = [&0x0f00_0001_u32.to_ne_bytes()[..], &[192, 0, 2, 7, 6, 0, 0, 0, 1, 187, 0, 0]].concat();
    assert!(bytes.windows(key.len()).any(|it| it == key), "fields fill words of four octets");
    assert!(bytes.windows(8).any(|it| it == 360_000_u64.to_be_bytes()), "milliseconds");
    assert!(batch(&[], false).len() == 40, "nothing is a begin and an end");
}

#[test]
fn many_changes_are_few_messages() {
    let many: Vec<Change> =
        (0..1000).map(|it| Change::Put { set: sets::OUT4, element: port(it), life: None }).collect();
    assert_eq!(write::acknowledgements(&batch(&many, false)), 3);
    let mixed = [
        Change::Put { set: sets::MODE, element: Element::Mode(Mark(1), Verdict::Audit), life: None },
        Change::Take { set: sets::MODE, element: Element::Mode(Mark(2), Verdict::Audit) },
    ];
    assert_eq!(write::acknowledgements(&batch(&mixed, false)), 3);
}

#[test]
fn an_interval_has_two_ends_in_network_order() {
    let ports = PortRange { first: 7000, last: 7100 };
    let element = Element::Span(Mark(0x0f00_0001), "192.0.2.0/24".parse().expect("a network"), Protocol::UDP, ports);
    let bytes = batch(&[Change::Put { set: sets::OUT_NET4, element, life: None }], false);
    for end in [
        [0x0f, 0, 0, 1, 192, 0, 2, 0, 17, 0, 0, 0, 0x1b, 0x58],
        [0x0f, 0, 0, 1, 192, 0, 2, 255, 17, 0, 0, 0, 0x1b, 0xbc],
    ] {
        assert!(bytes.windows(end.len()).any(|it| it == end));
    }
}

#[test]
fn what_is_no_packet_is_no_packet() {
    assert_eq!(read(&[]), None);
    assert_eq!(read(&batch(&[], false)), None);
    let mut message = vec![20, 0, 0, 0];
    message.extend((4_u16 << 8).to_ne_bytes());
    message.extend([0; 12]);
    message.extend(Why::Spoofed.group().to_be_bytes());
    let told = read(&message).expect("an empty one is one");
    assert_eq!((told.why, told.mac, told.to), (Why::Spoofed, None, None));
}

proptest::proptest! {
    #[test]
    fn reading_never_fails_hard(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let mut message = (bytes.len() as u32 + 20).to_ne_bytes().to_vec();
        message.extend((4_u16 << 8).to_ne_bytes());
        message.extend([0; 12]);
        message.extend([0, 100]);
        message.extend(&bytes);
        read(&message);
        read(&bytes);
    }
}

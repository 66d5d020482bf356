//! RFC 4180, with a heading.

use fleetward_fleet::Mac;
use fleetward_packet::Endpoint;

use super::{COLUMNS, Row, text};

/// The line that names the columns.
pub fn csv_heading(out: &mut Vec<u8>) {
    for (at, column) in COLUMNS.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(column.as_bytes());
    }
    out.push(b'\n');
}

/// A flow of a device as a line. Cell by cell and not by the list of values that JSON walks, because there are millions; a test holds
/// the two against each other.
pub fn csv_row(out: &mut Vec<u8>, row: &Row<'_>) {
    // Everything but names fits, so that cells ask for room no more.
    out.reserve(320);
    let flow = row.flow;
    let (own, peer) = row.ends();
    text::time(out, flow.first);
    out.push(b',');
    text::time_after(out, flow.last, flow.first);
    out.push(b',');
    free(out, row.device);
    out.push(b',');
    mac(out, own.mac);
    text::address(out, own.ip);
    out.push(b',');
    let has_ports = row.has_ports();
    port(out, own, has_ports);
    plain(out, row.begins.name());
    text::address(out, peer.ip);
    out.push(b',');
    mac(out, peer.mac);
    port(out, peer, has_ports);
    match super::protocol_name(flow.protocol) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => text::number(out, flow.protocol.into()),
    }
    out.push(b',');
    if flow.vlan != 0 {
        text::number(out, flow.vlan.into());
    }
    out.push(b',');
    match row.name() {
        Some(name) => {
            free(out, &name.text);
            out.push(b',');
            plain(out, name.source.name());
        }
        None => out.extend_from_slice(b",,"),
    }
    if let Some(application) = flow.application {
        out.extend_from_slice(application.name().as_bytes());
    }
    let (packets_out, packets_in) = row.turned(flow.packets);
    let (bytes_out, bytes_in) = row.turned(flow.bytes);
    for number in [packets_out, packets_in, bytes_out, bytes_in] {
        out.push(b',');
        text::number(out, number);
    }
    out.push(b',');
    if flow.protocol == 6 {
        let (tcp_out, tcp_in) = row.turned([flow.tcp.client, flow.tcp.server]);
        text::flags(out, tcp_out);
        out.push(b',');
        text::flags(out, tcp_in);
    } else {
        out.push(b',');
    }
    out.extend_from_slice(if flow.begun { b",true\n" } else { b",false\n" });
}

fn mac(out: &mut Vec<u8>, mac: Mac) {
    if !mac.is_unknown() {
        text::mac(out, mac);
    }
    out.push(b',');
}

fn port(out: &mut Vec<u8>, end: &Endpoint, has_ports: bool) {
    if has_ports {
        text::number(out, end.port.into());
    }
    out.push(b',');
}

fn plain(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(b',');
}

/// Quoted where it must be. What a spreadsheet would take for a formula is quoted with an apostrophe: names come from the network.
fn free(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let formula = matches!(bytes.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'));
    if !formula && !bytes.iter().any(|it| matches!(it, b'"' | b',' | b'\n' | b'\r')) {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    for octet in bytes {
        if *octet == b'"' {
            out.push(b'"');
        }
        out.push(*octet);
    }
    out.push(b'"');
}

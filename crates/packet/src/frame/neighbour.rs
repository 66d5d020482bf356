//! Who says that he holds which address: ARP (RFC 826) and neighbour discovery (RFC 4861).

use fleetward_fleet::Mac;

use super::{Address, Claim, Link, Neighbours, Packet, Reject, Seen, mapped, short, take};
use crate::NeighbourDoes;

/// ARP for IPv4 over Ethernet.
pub(super) fn arp(bytes: &[u8], link: Link) -> Result<Seen<'_>, Reject> {
    let body: &[u8; 28] = bytes.first_chunk().ok_or(Reject::Truncated)?;
    if body[..6] != [0, 1, 8, 0, 6, 4] {
        return Err(Reject::NotIp);
    }
    let mac = Mac(take(body, 8)?);
    let (sender, target) = (mapped(take(body, 14)?), mapped(take(body, 24)?));
    let claim = (sender != mapped([0; 4])).then_some(Claim { does: NeighbourDoes::Claims, mac, ip: sender });
    let asks = Claim { does: NeighbourDoes::Asks, mac, ip: target };
    let neighbours = match short(body, 6)? {
        1 if sender == target => [claim, None],
        1 => [Some(asks), claim],
        2 => [claim, None],
        _ => return Err(Reject::NotIp),
    };
    Ok(Seen::Neighbours(link, neighbours))
}

/// Solicitation 135, advertisement 136, router advertisement 134; nothing else, and nothing that came over a router (RFC 4861 §7.1 wants
/// a hop limit of 255, which a fragment or a tunnel does not show here).
pub(super) fn discovery(packet: &Packet<'_>) -> Neighbours {
    let [kind, _] = packet.target_port.to_be_bytes();
    // Behind type, code, checksum and the four octets that follow these.
    let body = packet.payload;
    let stated = |at, option| link_address(body.get(at..).unwrap_or_default(), option).unwrap_or(packet.link.source);
    let target = || take(body, 0).map(Address::from_be_bytes).ok();
    let claim = match kind {
        134 => Some(Claim { does: NeighbourDoes::Advertises, mac: stated(8, 1), ip: packet.source }),
        135 => target().map(|ip| Claim { does: NeighbourDoes::Asks, mac: stated(16, 1), ip }),
        136 => target().map(|ip| Claim { does: NeighbourDoes::Claims, mac: stated(16, 2), ip }),
        _ => None,
    };
    [claim, None]
}

/// The link-layer address among the options: source 1, target 2 (RFC 4861 §4.6.1).
fn link_address(mut options: &[u8], wanted: u8) -> Option<Mac> {
    while let [kind, units, ..] = *options {
        let size = usize::from(units) * 8;
        let option = options.get(..size).filter(|_| size > 0)?;
        if kind == wanted && size == 8 {
            return take(option, 2).map(Mac).ok();
        }
        options = &options[size..];
    }
    None
}

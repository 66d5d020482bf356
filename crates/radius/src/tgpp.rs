//! The 3GPP vendor attributes (10415; TS 29.061 §16.4.7, TS 29.561 §11.3), typed.
//!
//! They are set by the gateway, not by the device, and so are what a SIM is judged by: which card ([`Tgpp::imsi`]), in which
//! module ([`Tgpp::imeisv`]), on which network ([`Tgpp::serving_network`]), where ([`Tgpp::location`]), over which radio.
//!
//! A value that does not have the form the specification gives it reads as `None` and its type is in [`Tgpp::malformed`];
//! an unknown type is left to [`crate::Packet::vendor`].

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::dictionary::VENDOR_3GPP;
use crate::subject::first;
use crate::{Attribute, Packet, Text};

mod encode;
pub mod kind;
mod location;
mod plmn;
mod rat;
mod time_zone;

pub use encode::Packing;
pub use location::Location;
pub use plmn::PlmnOctets;
pub use rat::Rat;
pub use time_zone::TimeZone;

/// All 3GPP attributes of a packet, read in one pass. Of one that comes twice the first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tgpp<'a> {
    /// 1: the SIM, 6 to 15 digits.
    pub imsi: Option<&'a str>,
    /// 2: with the gateway's address unique per bearer.
    pub charging_id: Option<u32>,
    /// 3: 0 IPv4, 1 PPP, 2 IPv6, 3 `IPv4v6`, 4 non-IP, 5 unstructured, 6 Ethernet.
    pub pdp_type: Option<u32>,
    /// 4: charging gateway.
    pub cg_address: Option<Ipv4Addr>,
    /// 5: release indicator, "-", hex; raw.
    pub qos_profile: Option<Text<'a>>,
    /// 6: SGSN, S-GW, ePDG or AMF side.
    pub sgsn_address: Option<Ipv4Addr>,
    /// 7: GGSN, P-GW or SMF.
    pub ggsn_address: Option<Ipv4Addr>,
    /// 8: home network, 5 or 6 digits.
    pub home_network: Option<&'a str>,
    /// 9: the gateway's network, 5 or 6 digits.
    pub gateway_network: Option<&'a str>,
    /// 10: one hex digit, as sent; some gateways want it back in a Disconnect.
    pub nsapi: Option<Text<'a>>,
    /// 11: this Stop is the session's last.
    pub is_session_stop: bool,
    /// 12: `0` subscribed, `1` the device's own choice, not verified (a red flag on a private APN), `2` the network's.
    pub selection_mode: Option<u8>,
    /// 13: four hex digits.
    pub charging_characteristics: Option<Text<'a>>,
    /// 14.
    pub cg_ipv6: Option<Ipv6Addr>,
    /// 15.
    pub sgsn_ipv6: Option<Ipv6Addr>,
    /// 16.
    pub ggsn_ipv6: Option<Ipv6Addr>,
    /// 17: 16 octets each; see [`Tgpp::ipv6_dns_servers`].
    pub ipv6_dns: Option<&'a [u8]>,
    /// 18: serving (visited) network, 5 or 6 digits.
    pub serving_network: Option<&'a str>,
    /// 19: in a Disconnect, whether all contexts go.
    pub teardown: Option<u8>,
    /// 20: 14 to 16 digits. Compare the first 14 (see [`Tgpp::imei14`]): the rest is check digit or software version.
    pub imeisv: Option<&'a str>,
    /// 21: radio access.
    pub rat: Option<Rat>,
    /// 22: where.
    pub location: Option<Location<'a>>,
    /// 23: the device's local time.
    pub time_zone: Option<TimeZone>,
    /// 24.
    pub camel: Option<&'a [u8]>,
    /// 25: the first packet filter.
    pub packet_filter: Option<&'a [u8]>,
    /// 26.
    pub dscp: Option<u8>,
    /// 27: which address the AAA server should give: 0 none, 1 IPv4, 2 IPv6 prefix, 3 both.
    pub allocate_ip_type: Option<u8>,
    /// 28: user@domain.
    pub external_identifier: Option<Text<'a>>,
    /// 29.
    pub twan_identifier: Option<&'a [u8]>,
    /// 30: seconds of an epoch that is not settled among implementations.
    pub location_time: Option<u32>,
    /// 31.
    pub secondary_rat_usage: Option<&'a [u8]>,
    /// 32.
    pub ue_local_address: Option<&'a [u8]>,
    /// 33.
    pub ue_source_port: Option<&'a [u8]>,
    /// 125: network slice.
    pub slice: Option<Slice>,
    /// 126: charging function.
    pub chf_fqdn: Option<Text<'a>>,
    /// 127: serving network function.
    pub serving_nf_fqdn: Option<Text<'a>>,
    /// Types that were there with a value of the wrong form.
    pub malformed: Kinds,
}

/// S-NSSAI: `0x01abcdef` is slice type 1, differentiator abcdef.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slice {
    /// Slice/service type.
    pub sst: u8,
    /// Slice differentiator, 24 bits, if there is one.
    pub sd: Option<u32>,
}

impl<'a> Tgpp<'a> {
    /// Reads every VSA of vendor 10415, packed or single.
    pub fn read(packet: &Packet<'a>) -> Self {
        let mut view = Self::default();
        for attribute in packet.vendor(VENDOR_3GPP) {
            view.take(attribute);
        }
        view
    }

    /// TAC and serial number: the 14 digits that are the device.
    pub fn imei14(&self) -> Option<&'a str> {
        self.imeisv.and_then(|imeisv| imeisv.get(..14))
    }

    /// The first 8 digits of the IMEI: the model.
    pub fn tac(&self) -> Option<&'a str> {
        self.imeisv.and_then(|imeisv| imeisv.get(..8))
    }

    /// The DNS servers of attribute 17.
    pub fn ipv6_dns_servers(&self) -> impl Iterator<Item = Ipv6Addr> + use<'a> {
        self.ipv6_dns.unwrap_or_default().as_chunks::<16>().0.iter().map(|octets| Ipv6Addr::from(*octets))
    }

    fn take(&mut self, attribute: Attribute<'a>) {
        if !(self.take_identity(attribute) || self.take_network(attribute) || self.take_rest(attribute)) {
            return;
        }
        if !self.is_well_formed(attribute) {
            self.malformed.add(attribute.kind);
        }
    }

    fn take_identity(&mut self, attribute: Attribute<'a>) -> bool {
        let text = attribute.text();
        match attribute.kind {
            kind::IMSI => first(&mut self.imsi, text.digits(6, 15)),
            kind::IMEISV => first(&mut self.imeisv, text.digits(14, 16)),
            kind::IMSI_MCC_MNC => first(&mut self.home_network, text.digits(5, 6)),
            kind::GGSN_MCC_MNC => first(&mut self.gateway_network, text.digits(5, 6)),
            kind::SGSN_MCC_MNC => first(&mut self.serving_network, text.digits(5, 6)),
            kind::EXTERNAL_IDENTIFIER => first(&mut self.external_identifier, Some(text)),
            _ => return false,
        }
        true
    }

    fn take_network(&mut self, attribute: Attribute<'a>) -> bool {
        match attribute.kind {
            kind::CG_ADDRESS => first(&mut self.cg_address, attribute.ipv4()),
            kind::SGSN_ADDRESS => first(&mut self.sgsn_address, attribute.ipv4()),
            kind::GGSN_ADDRESS => first(&mut self.ggsn_address, attribute.ipv4()),
            kind::CG_IPV6_ADDRESS => first(&mut self.cg_ipv6, attribute.ipv6()),
            kind::SGSN_IPV6_ADDRESS => first(&mut self.sgsn_ipv6, attribute.ipv6()),
            kind::GGSN_IPV6_ADDRESS => first(&mut self.ggsn_ipv6, attribute.ipv6()),
            kind::RAT_TYPE => first(&mut self.rat, octet(attribute).map(Rat)),
            kind::USER_LOCATION_INFO => first(&mut self.location, Location::from_wire(attribute.value)),
            kind::MS_TIME_ZONE => first(&mut self.time_zone, TimeZone::from_wire(attribute.value)),
            kind::SESSION_S_NSSAI => first(&mut self.slice, Slice::from_wire(attribute.value)),
            _ => return false,
        }
        true
    }

    fn take_rest(&mut self, attribute: Attribute<'a>) -> bool {
        let (text, value) = (attribute.text(), attribute.value);
        match attribute.kind {
            kind::CHARGING_ID => first(&mut self.charging_id, attribute.u32()),
            kind::PDP_TYPE => first(&mut self.pdp_type, attribute.u32()),
            kind::GPRS_NEGOTIATED_QOS_PROFILE => first(&mut self.qos_profile, Some(text)),
            kind::NSAPI => first(&mut self.nsapi, Some(text)),
            kind::SESSION_STOP_INDICATOR => self.is_session_stop |= value == [0xFF],
            kind::SELECTION_MODE => first(&mut self.selection_mode, selection_mode(text)),
            kind::CHARGING_CHARACTERISTICS => first(&mut self.charging_characteristics, Some(text)),
            kind::IPV6_DNS_SERVERS => first(&mut self.ipv6_dns, servers(value)),
            kind::TEARDOWN_INDICATOR => first(&mut self.teardown, octet(attribute)),
            kind::CAMEL_CHARGING_INFO => first(&mut self.camel, Some(value)),
            kind::PACKET_FILTER => first(&mut self.packet_filter, Some(value)),
            kind::NEGOTIATED_DSCP => first(&mut self.dscp, octet(attribute)),
            kind::ALLOCATE_IP_TYPE => first(&mut self.allocate_ip_type, octet(attribute)),
            kind::TWAN_IDENTIFIER => first(&mut self.twan_identifier, Some(value)),
            kind::USER_LOCATION_INFO_TIME => first(&mut self.location_time, attribute.u32()),
            kind::SECONDARY_RAT_USAGE => first(&mut self.secondary_rat_usage, Some(value)),
            kind::UE_LOCAL_IP_ADDRESS => first(&mut self.ue_local_address, Some(value)),
            kind::UE_SOURCE_PORT => first(&mut self.ue_source_port, Some(value)),
            kind::CHF_FQDN => first(&mut self.chf_fqdn, Some(text)),
            kind::SERVING_NF_FQDN => first(&mut self.serving_nf_fqdn, Some(text)),
            _ => return false,
        }
        true
    }

    /// Whether the value has the form its type asks for. Raw and text types always do.
    fn is_well_formed(&self, attribute: Attribute<'a>) -> bool {
        match attribute.kind {
            kind::IMSI => self.imsi.is_some(),
            kind::IMEISV => self.imeisv.is_some(),
            kind::IMSI_MCC_MNC => self.home_network.is_some(),
            kind::GGSN_MCC_MNC => self.gateway_network.is_some(),
            kind::SGSN_MCC_MNC => self.serving_network.is_some(),
            kind::CG_ADDRESS => self.cg_address.is_some(),
            kind::SGSN_ADDRESS => self.sgsn_address.is_some(),
            kind::GGSN_ADDRESS => self.ggsn_address.is_some(),
            kind::CG_IPV6_ADDRESS => self.cg_ipv6.is_some(),
            kind::SGSN_IPV6_ADDRESS => self.sgsn_ipv6.is_some(),
            kind::GGSN_IPV6_ADDRESS => self.ggsn_ipv6.is_some(),
            kind::RAT_TYPE => self.rat.is_some(),
            kind::USER_LOCATION_INFO => self.location.is_some_and(|location| location.is_readable()),
            kind::MS_TIME_ZONE => self.time_zone.is_some(),
            kind::SESSION_S_NSSAI => self.slice.is_some(),
            kind::CHARGING_ID => self.charging_id.is_some(),
            kind::PDP_TYPE => self.pdp_type.is_some(),
            kind::SELECTION_MODE => self.selection_mode.is_some(),
            kind::IPV6_DNS_SERVERS => self.ipv6_dns.is_some(),
            kind::USER_LOCATION_INFO_TIME => self.location_time.is_some(),
            kind::TEARDOWN_INDICATOR | kind::NEGOTIATED_DSCP | kind::ALLOCATE_IP_TYPE => attribute.value.len() == 1,
            _ => true,
        }
    }
}

impl Slice {
    /// One octet (no differentiator) or four.
    pub fn from_wire(value: &[u8]) -> Option<Self> {
        match *value {
            [sst] => Some(Self { sst, sd: None }),
            [sst, a, b, c] => Some(Self { sst, sd: Some(u32::from_be_bytes([0, a, b, c])) }),
            _ => None,
        }
    }
}

/// A set of sub-attribute types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds([u64; 4]);

impl Kinds {
    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether `kind` is in it.
    pub fn has(self, kind: u8) -> bool {
        self.0[usize::from(kind >> 6)] >> (kind & 63) & 1 == 1
    }

    /// The types, ascending.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |kind| self.has(*kind))
    }

    fn add(&mut self, kind: u8) {
        self.0[usize::from(kind >> 6)] |= 1 << (kind & 63);
    }
}

fn octet(attribute: Attribute<'_>) -> Option<u8> {
    if let [octet] = *attribute.value { Some(octet) } else { None }
}

fn selection_mode(text: Text<'_>) -> Option<u8> {
    if let [digit @ b'0'..=b'9'] = *text.as_bytes() { Some(digit - b'0') } else { None }
}

fn servers(value: &[u8]) -> Option<&[u8]> {
    (!value.is_empty() && value.len().is_multiple_of(16)).then_some(value)
}

//! Writing the 3GPP attributes back: for simulated gateways, tests and Disconnects.

use super::{Slice, Tgpp, TimeZone, kind};
use crate::Builder;
use crate::dictionary::VENDOR_3GPP;

/// How sub-attributes are laid into VSAs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// One per VSA, as most gateways do.
    Single,
    /// As many per VSA as fit, as Nokia's do.
    Packed,
}

impl Tgpp<'_> {
    /// Appends every attribute that is there, in the order of its type.
    pub fn write(&self, builder: &mut Builder, packing: Packing) {
        let list = self.list();
        let mut rest = list.as_slice();
        while !rest.is_empty() {
            let take = if packing == Packing::Single { 1 } else { fitting(rest) };
            let (now, later) = rest.split_at(take);
            let now: Vec<(u8, &[u8])> = now.iter().map(|(kind, value)| (*kind, value.as_slice())).collect();
            builder.vendor_list(VENDOR_3GPP, &now);
            rest = later;
        }
    }

    fn list(&self) -> Vec<(u8, Vec<u8>)> {
        let text = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        let number = |number: Option<u32>| number.map(|number| number.to_be_bytes().to_vec());
        let octet = |octet: Option<u8>| octet.map(|octet| vec![octet]);
        let octets = |octets: Option<&[u8]>| octets.map(<[u8]>::to_vec);
        let raw = |text: Option<crate::Text<'_>>| text.map(|text| text.as_bytes().to_vec());
        let v4 = |address: Option<std::net::Ipv4Addr>| address.map(|address| address.octets().to_vec());
        let v6 = |address: Option<std::net::Ipv6Addr>| address.map(|address| address.octets().to_vec());
        let list = [
            (kind::IMSI, text(self.imsi)),
            (kind::CHARGING_ID, number(self.charging_id)),
            (kind::PDP_TYPE, number(self.pdp_type)),
            (kind::CG_ADDRESS, v4(self.cg_address)),
            (kind::GPRS_NEGOTIATED_QOS_PROFILE, raw(self.qos_profile)),
            (kind::SGSN_ADDRESS, v4(self.sgsn_address)),
            (kind::GGSN_ADDRESS, v4(self.ggsn_address)),
            (kind::IMSI_MCC_MNC, text(self.home_network)),
            (kind::GGSN_MCC_MNC, text(self.gateway_network)),
            (kind::NSAPI, raw(self.nsapi)),
            (kind::SESSION_STOP_INDICATOR, self.is_session_stop.then(|| vec![0xFF])),
            (kind::SELECTION_MODE, self.selection_mode.map(|mode| vec![b'0' + mode.min(9)])),
            (kind::CHARGING_CHARACTERISTICS, raw(self.charging_characteristics)),
            (kind::CG_IPV6_ADDRESS, v6(self.cg_ipv6)),
            (kind::SGSN_IPV6_ADDRESS, v6(self.sgsn_ipv6)),
            (kind::GGSN_IPV6_ADDRESS, v6(self.ggsn_ipv6)),
            (kind::IPV6_DNS_SERVERS, octets(self.ipv6_dns)),
            (kind::SGSN_MCC_MNC, text(self.serving_network)),
            (kind::TEARDOWN_INDICATOR, octet(self.teardown)),
            (kind::IMEISV, text(self.imeisv)),
            (kind::RAT_TYPE, octet(self.rat.map(|rat| rat.0))),
            (kind::USER_LOCATION_INFO, self.location.map(|location| location.to_wire())),
            (kind::MS_TIME_ZONE, self.time_zone.and_then(TimeZone::to_wire).map(|zone| zone.to_vec())),
            (kind::CAMEL_CHARGING_INFO, octets(self.camel)),
            (kind::PACKET_FILTER, octets(self.packet_filter)),
            (kind::NEGOTIATED_DSCP, octet(self.dscp)),
            (kind::ALLOCATE_IP_TYPE, octet(self.allocate_ip_type)),
            (kind::EXTERNAL_IDENTIFIER, raw(self.external_identifier)),
            (kind::TWAN_IDENTIFIER, octets(self.twan_identifier)),
            (kind::USER_LOCATION_INFO_TIME, number(self.location_time)),
            (kind::SECONDARY_RAT_USAGE, octets(self.secondary_rat_usage)),
            (kind::UE_LOCAL_IP_ADDRESS, octets(self.ue_local_address)),
            (kind::UE_SOURCE_PORT, octets(self.ue_source_port)),
            (kind::SESSION_S_NSSAI, self.slice.map(Slice::to_wire)),
            (kind::CHF_FQDN, raw(self.chf_fqdn)),
            (kind::SERVING_NF_FQDN, raw(self.serving_nf_fqdn)),
        ];
        list.into_iter().filter_map(|(kind, value)| Some((kind, value?))).collect()
    }
}

impl Slice {
    /// One octet, or four with a differentiator.
    pub fn to_wire(self) -> Vec<u8> {
        let mut value = vec![self.sst];
        if let Some(sd) = self.sd {
            value.extend_from_slice(&sd.to_be_bytes()[1..]);
        }
        value
    }
}

/// How many of the next sub-attributes fit into one VSA's 249 octets; at least one.
fn fitting(list: &[(u8, Vec<u8>)]) -> usize {
    let mut octets = 0;
    let fits = list.iter().take_while(|(_, value)| {
        octets += value.len() + 2;
        octets <= 249
    });
    fits.count().max(1)
}

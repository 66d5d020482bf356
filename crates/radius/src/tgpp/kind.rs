//! Sub-attribute types of vendor 10415 (TS 29.061 §16.4.7, TS 29.561 §11.3).

use crate::dictionary::{self, Format, Row};

/// `3GPP-IMSI`. Digits, at most 15: the SIM. Set by the network.
pub const IMSI: u8 = 1;
/// `3GPP-Charging-ID`. With the GGSN address unique per bearer.
pub const CHARGING_ID: u8 = 2;
/// `3GPP-PDP-Type`. 0 IPv4, 1 PPP, 2 IPv6, 3 `IPv4v6`, 4 non-IP, 5 unstructured, 6 Ethernet.
pub const PDP_TYPE: u8 = 3;
/// `3GPP-CG-Address`. Charging gateway.
pub const CG_ADDRESS: u8 = 4;
/// `3GPP-GPRS-Negotiated-QoS-Profile`. Release indicator, "-", hex.
pub const GPRS_NEGOTIATED_QOS_PROFILE: u8 = 5;
/// `3GPP-SGSN-Address`. SGSN, S-GW, ePDG or AMF side.
pub const SGSN_ADDRESS: u8 = 6;
/// `3GPP-GGSN-Address`. GGSN, P-GW or SMF.
pub const GGSN_ADDRESS: u8 = 7;
/// `3GPP-IMSI-MCC-MNC`. Home network, 5 or 6 digits.
pub const IMSI_MCC_MNC: u8 = 8;
/// `3GPP-GGSN-MCC-MNC`. Network of the gateway.
pub const GGSN_MCC_MNC: u8 = 9;
/// `3GPP-NSAPI`. One hex digit; the EPS bearer id in LTE.
pub const NSAPI: u8 = 10;
/// `3GPP-Session-Stop-Indicator`. 0xFF in the last Stop of a session.
pub const SESSION_STOP_INDICATOR: u8 = 11;
/// `3GPP-Selection-Mode`. "0" subscribed, "1" the device's own choice, not verified, "2" the network's.
pub const SELECTION_MODE: u8 = 12;
/// `3GPP-Charging-Characteristics`. Four hex digits.
pub const CHARGING_CHARACTERISTICS: u8 = 13;
/// `3GPP-CG-IPv6-Address`.
pub const CG_IPV6_ADDRESS: u8 = 14;
/// `3GPP-SGSN-IPv6-Address`.
pub const SGSN_IPV6_ADDRESS: u8 = 15;
/// `3GPP-GGSN-IPv6-Address`.
pub const GGSN_IPV6_ADDRESS: u8 = 16;
/// `3GPP-IPv6-DNS-Servers`. 16 octets each.
pub const IPV6_DNS_SERVERS: u8 = 17;
/// `3GPP-SGSN-MCC-MNC`. The serving (visited) network.
pub const SGSN_MCC_MNC: u8 = 18;
/// `3GPP-Teardown-Indicator`. In a Disconnect: 0 this context, 1 all.
pub const TEARDOWN_INDICATOR: u8 = 19;
/// `3GPP-IMEISV`. 14 to 16 digits; the first 14 are the device.
pub const IMEISV: u8 = 20;
/// `3GPP-RAT-Type`. See [`super::Rat`].
pub const RAT_TYPE: u8 = 21;
/// `3GPP-User-Location-Info`. See [`super::Location`].
pub const USER_LOCATION_INFO: u8 = 22;
/// `3GPP-MS-TimeZone`. See [`super::TimeZone`].
pub const MS_TIME_ZONE: u8 = 23;
/// `3GPP-CAMEL-Charging-Info`.
pub const CAMEL_CHARGING_INFO: u8 = 24;
/// `3GPP-Packet-Filter`.
pub const PACKET_FILTER: u8 = 25;
/// `3GPP-Negotiated-DSCP`.
pub const NEGOTIATED_DSCP: u8 = 26;
/// `3GPP-Allocate-IP-Type`. 0 none, 1 IPv4, 2 IPv6 prefix, 3 both.
pub const ALLOCATE_IP_TYPE: u8 = 27;
/// `3GPP-External-Identifier`. user@domain.
pub const EXTERNAL_IDENTIFIER: u8 = 28;
/// `3GPP-TWAN-Identifier`.
pub const TWAN_IDENTIFIER: u8 = 29;
/// `3GPP-User-Location-Info-Time`. Seconds; the epoch is not settled, so it stays raw.
pub const USER_LOCATION_INFO_TIME: u8 = 30;
/// `3GPP-Secondary-RAT-Usage`.
pub const SECONDARY_RAT_USAGE: u8 = 31;
/// `3GPP-UE-Local-IP-Address`. Untrusted access.
pub const UE_LOCAL_IP_ADDRESS: u8 = 32;
/// `3GPP-UE-Source-Port`. Untrusted access.
pub const UE_SOURCE_PORT: u8 = 33;
/// `3GPP-Notification`. TS 29.561, like all that follow.
pub const NOTIFICATION: u8 = 110;
/// `3GPP-UE-MAC-Address`.
pub const UE_MAC_ADDRESS: u8 = 111;
/// `3GPP-Authorization-Reference`.
pub const AUTHORIZATION_REFERENCE: u8 = 112;
/// `3GPP-Policy-Reference`.
pub const POLICY_REFERENCE: u8 = 113;
/// `3GPP-Session-AMBR`.
pub const SESSION_AMBR: u8 = 114;
/// `3GPP-NAI`.
pub const NAI: u8 = 115;
/// `3GPP-Session-AMBR-v2`.
pub const SESSION_AMBR_V2: u8 = 116;
/// `3GPP-Supported-Features`. Inferred from a Nokia trace; absent from public dictionaries.
pub const SUPPORTED_FEATURES: u8 = 117;
/// `3GPP-IP-Address-Pool-Info`.
pub const IP_ADDRESS_POOL_INFO: u8 = 118;
/// `3GPP-VLAN-Id`.
pub const VLAN_ID: u8 = 119;
/// `3GPP-TNAP-Identifier`.
pub const TNAP_IDENTIFIER: u8 = 120;
/// `3GPP-HFC-NodeId`.
pub const HFC_NODE_ID: u8 = 121;
/// `3GPP-GLI`.
pub const GLI: u8 = 122;
/// `3GPP-Line-Type`.
pub const LINE_TYPE: u8 = 123;
/// `3GPP-NID`.
pub const NID: u8 = 124;
/// `3GPP-Session-S-NSSAI`. SST (1 octet) and SD (3): see [`super::Slice`].
pub const SESSION_S_NSSAI: u8 = 125;
/// `3GPP-CHF-FQDN`.
pub const CHF_FQDN: u8 = 126;
/// `3GPP-Serving-NF-FQDN`.
pub const SERVING_NF_FQDN: u8 = 127;
/// `3GPP-Session-Id`.
pub const SESSION_ID: u8 = 128;
/// `3GPP-GCI`.
pub const GCI: u8 = 129;

/// The name and format of a sub-attribute type.
pub fn look_up(kind: u8) -> Option<(&'static str, Format)> {
    dictionary::find(NAMES, kind)
}

/// Sorted by type.
#[rustfmt::skip]
const NAMES: &[Row] = &[
    (IMSI, "3GPP-IMSI", Format::Identity),
    (CHARGING_ID, "3GPP-Charging-ID", Format::Number),
    (PDP_TYPE, "3GPP-PDP-Type", Format::Number),
    (CG_ADDRESS, "3GPP-CG-Address", Format::Ipv4),
    (GPRS_NEGOTIATED_QOS_PROFILE, "3GPP-GPRS-Negotiated-QoS-Profile", Format::Text),
    (SGSN_ADDRESS, "3GPP-SGSN-Address", Format::Ipv4),
    (GGSN_ADDRESS, "3GPP-GGSN-Address", Format::Ipv4),
    (IMSI_MCC_MNC, "3GPP-IMSI-MCC-MNC", Format::Text),
    (GGSN_MCC_MNC, "3GPP-GGSN-MCC-MNC", Format::Text),
    (NSAPI, "3GPP-NSAPI", Format::Text),
    (SESSION_STOP_INDICATOR, "3GPP-Session-Stop-Indicator", Format::Octets),
    (SELECTION_MODE, "3GPP-Selection-Mode", Format::Text),
    (CHARGING_CHARACTERISTICS, "3GPP-Charging-Characteristics", Format::Text),
    (CG_IPV6_ADDRESS, "3GPP-CG-IPv6-Address", Format::Ipv6),
    (SGSN_IPV6_ADDRESS, "3GPP-SGSN-IPv6-Address", Format::Ipv6),
    (GGSN_IPV6_ADDRESS, "3GPP-GGSN-IPv6-Address", Format::Ipv6),
    (IPV6_DNS_SERVERS, "3GPP-IPv6-DNS-Servers", Format::Octets),
    (SGSN_MCC_MNC, "3GPP-SGSN-MCC-MNC", Format::Text),
    (TEARDOWN_INDICATOR, "3GPP-Teardown-Indicator", Format::Octets),
    (IMEISV, "3GPP-IMEISV", Format::Identity),
    (RAT_TYPE, "3GPP-RAT-Type", Format::Octets),
    (USER_LOCATION_INFO, "3GPP-User-Location-Info", Format::Octets),
    (MS_TIME_ZONE, "3GPP-MS-TimeZone", Format::Octets),
    (CAMEL_CHARGING_INFO, "3GPP-CAMEL-Charging-Info", Format::Octets),
    (PACKET_FILTER, "3GPP-Packet-Filter", Format::Octets),
    (NEGOTIATED_DSCP, "3GPP-Negotiated-DSCP", Format::Octets),
    (ALLOCATE_IP_TYPE, "3GPP-Allocate-IP-Type", Format::Octets),
    (EXTERNAL_IDENTIFIER, "3GPP-External-Identifier", Format::Identity),
    (TWAN_IDENTIFIER, "3GPP-TWAN-Identifier", Format::Octets),
    (USER_LOCATION_INFO_TIME, "3GPP-User-Location-Info-Time", Format::Number),
    (SECONDARY_RAT_USAGE, "3GPP-Secondary-RAT-Usage", Format::Octets),
    (UE_LOCAL_IP_ADDRESS, "3GPP-UE-Local-IP-Address", Format::Octets),
    (UE_SOURCE_PORT, "3GPP-UE-Source-Port", Format::Octets),
    (NOTIFICATION, "3GPP-Notification", Format::Octets),
    (UE_MAC_ADDRESS, "3GPP-UE-MAC-Address", Format::Identity),
    (AUTHORIZATION_REFERENCE, "3GPP-Authorization-Reference", Format::Octets),
    (POLICY_REFERENCE, "3GPP-Policy-Reference", Format::Octets),
    (SESSION_AMBR, "3GPP-Session-AMBR", Format::Octets),
    (NAI, "3GPP-NAI", Format::Identity),
    (SESSION_AMBR_V2, "3GPP-Session-AMBR-v2", Format::Octets),
    (SUPPORTED_FEATURES, "3GPP-Supported-Features", Format::Octets),
    (IP_ADDRESS_POOL_INFO, "3GPP-IP-Address-Pool-Info", Format::Octets),
    (VLAN_ID, "3GPP-VLAN-Id", Format::Octets),
    (TNAP_IDENTIFIER, "3GPP-TNAP-Identifier", Format::Octets),
    (HFC_NODE_ID, "3GPP-HFC-NodeId", Format::Octets),
    (GLI, "3GPP-GLI", Format::Octets),
    (LINE_TYPE, "3GPP-Line-Type", Format::Octets),
    (NID, "3GPP-NID", Format::Octets),
    (SESSION_S_NSSAI, "3GPP-Session-S-NSSAI", Format::Octets),
    (CHF_FQDN, "3GPP-CHF-FQDN", Format::Text),
    (SERVING_NF_FQDN, "3GPP-Serving-NF-FQDN", Format::Text),
    (SESSION_ID, "3GPP-Session-Id", Format::Octets),
    (GCI, "3GPP-GCI", Format::Octets),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_sorted() {
        assert!(NAMES.is_sorted_by_key(|row| row.0));
    }
}

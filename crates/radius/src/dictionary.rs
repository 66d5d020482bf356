//! Attribute types by name, and how each is shown (RFC 2865, 2866, 2869, 3162, 4372, 4818, 4849, 5176, 6911, 6929).
//!
//! Only what a SIM platform reads, writes or shows; unknown types stay raw everywhere else in this crate.

pub mod terminate_cause;

/// `User-Name`. Chosen by the device on most APNs: never the identity to trust.
pub const USER_NAME: u8 = 1;
/// `User-Password`. Hidden with the secret (RFC 2865 §5.2).
pub const USER_PASSWORD: u8 = 2;
/// `CHAP-Password`. CHAP identifier and answer.
pub const CHAP_PASSWORD: u8 = 3;
/// `NAS-IP-Address`. What the NAS thinks its address is; data, not identity.
pub const NAS_IP_ADDRESS: u8 = 4;
/// `NAS-Port`.
pub const NAS_PORT: u8 = 5;
/// `Service-Type`. 2 is Framed.
pub const SERVICE_TYPE: u8 = 6;
/// `Framed-Protocol`. 7 is GPRS-PDP-Context.
pub const FRAMED_PROTOCOL: u8 = 7;
/// `Framed-IP-Address`. 255.255.255.254 lets the NAS pick, 255.255.255.255 the user.
pub const FRAMED_IP_ADDRESS: u8 = 8;
/// `Framed-IP-Netmask`.
pub const FRAMED_IP_NETMASK: u8 = 9;
/// `Filter-Id`. Name of a filter that the NAS knows.
pub const FILTER_ID: u8 = 11;
/// `Framed-MTU`. Octets.
pub const FRAMED_MTU: u8 = 12;
/// `Reply-Message`. The only words a Reject may carry.
pub const REPLY_MESSAGE: u8 = 18;
/// `Framed-Route`.
pub const FRAMED_ROUTE: u8 = 22;
/// `State`. Echoed after a challenge.
pub const STATE: u8 = 24;
/// `Class`. Opaque, echoed in accounting; may repeat.
pub const CLASS: u8 = 25;
/// `Vendor-Specific`. Vendor id and sub-attributes.
pub const VENDOR_SPECIFIC: u8 = 26;
/// `Session-Timeout`. Seconds.
pub const SESSION_TIMEOUT: u8 = 27;
/// `Idle-Timeout`. Seconds.
pub const IDLE_TIMEOUT: u8 = 28;
/// `Termination-Action`.
pub const TERMINATION_ACTION: u8 = 29;
/// `Called-Station-Id`. The APN or DNN on a mobile gateway.
pub const CALLED_STATION_ID: u8 = 30;
/// `Calling-Station-Id`. MSISDN on most gateways, IMSI or IMEI on some; a MAC address on a switch.
pub const CALLING_STATION_ID: u8 = 31;
/// `NAS-Identifier`.
pub const NAS_IDENTIFIER: u8 = 32;
/// `Proxy-State`. Copied to the reply, all of them, in order.
pub const PROXY_STATE: u8 = 33;
/// `Acct-Status-Type`. See [`crate::accounting::Status`].
pub const ACCT_STATUS_TYPE: u8 = 40;
/// `Acct-Delay-Time`. Seconds the NAS has been trying to send this record.
pub const ACCT_DELAY_TIME: u8 = 41;
/// `Acct-Input-Octets`. From the device into the NAS, low 32 bits.
pub const ACCT_INPUT_OCTETS: u8 = 42;
/// `Acct-Output-Octets`. From the NAS to the device, low 32 bits.
pub const ACCT_OUTPUT_OCTETS: u8 = 43;
/// `Acct-Session-Id`.
pub const ACCT_SESSION_ID: u8 = 44;
/// `Acct-Authentic`.
pub const ACCT_AUTHENTIC: u8 = 45;
/// `Acct-Session-Time`. Seconds.
pub const ACCT_SESSION_TIME: u8 = 46;
/// `Acct-Input-Packets`.
pub const ACCT_INPUT_PACKETS: u8 = 47;
/// `Acct-Output-Packets`.
pub const ACCT_OUTPUT_PACKETS: u8 = 48;
/// `Acct-Terminate-Cause`. See [`terminate_cause`].
pub const ACCT_TERMINATE_CAUSE: u8 = 49;
/// `Acct-Multi-Session-Id`.
pub const ACCT_MULTI_SESSION_ID: u8 = 50;
/// `Acct-Link-Count`.
pub const ACCT_LINK_COUNT: u8 = 51;
/// `Acct-Input-Gigawords`. High 32 bits (RFC 2869 §5.1); optional.
pub const ACCT_INPUT_GIGAWORDS: u8 = 52;
/// `Acct-Output-Gigawords`. High 32 bits (RFC 2869 §5.2); optional.
pub const ACCT_OUTPUT_GIGAWORDS: u8 = 53;
/// `Event-Timestamp`. Seconds since 1970, UTC (RFC 2869 §5.3).
pub const EVENT_TIMESTAMP: u8 = 55;
/// `CHAP-Challenge`. Else the Request Authenticator is the challenge.
pub const CHAP_CHALLENGE: u8 = 60;
/// `NAS-Port-Type`. 5 virtual, 15 Ethernet, 18 wireless other.
pub const NAS_PORT_TYPE: u8 = 61;
/// `Port-Limit`.
pub const PORT_LIMIT: u8 = 62;
/// `Tunnel-Type`.
pub const TUNNEL_TYPE: u8 = 64;
/// `Tunnel-Medium-Type`.
pub const TUNNEL_MEDIUM_TYPE: u8 = 65;
/// `Tunnel-Client-Endpoint`.
pub const TUNNEL_CLIENT_ENDPOINT: u8 = 66;
/// `Tunnel-Server-Endpoint`.
pub const TUNNEL_SERVER_ENDPOINT: u8 = 67;
/// `Tunnel-Password`.
pub const TUNNEL_PASSWORD: u8 = 69;
/// `Connect-Info`.
pub const CONNECT_INFO: u8 = 77;
/// `EAP-Message`. In order, concatenated.
pub const EAP_MESSAGE: u8 = 79;
/// `Message-Authenticator`. HMAC-MD5 over the packet.
pub const MESSAGE_AUTHENTICATOR: u8 = 80;
/// `Tunnel-Private-Group-Id`.
pub const TUNNEL_PRIVATE_GROUP_ID: u8 = 81;
/// `Acct-Interim-Interval`. Seconds; 60 is the least that is useful.
pub const ACCT_INTERIM_INTERVAL: u8 = 85;
/// `NAS-Port-Id`.
pub const NAS_PORT_ID: u8 = 87;
/// `Framed-Pool`.
pub const FRAMED_POOL: u8 = 88;
/// `Chargeable-User-Identity`. RFC 4372.
pub const CHARGEABLE_USER_IDENTITY: u8 = 89;
/// `NAS-Filter-Rule`. RFC 4849.
pub const NAS_FILTER_RULE: u8 = 92;
/// `NAS-IPv6-Address`.
pub const NAS_IPV6_ADDRESS: u8 = 95;
/// `Framed-Interface-Id`. 8 octets.
pub const FRAMED_INTERFACE_ID: u8 = 96;
/// `Framed-IPv6-Prefix`.
pub const FRAMED_IPV6_PREFIX: u8 = 97;
/// `Framed-IPv6-Route`.
pub const FRAMED_IPV6_ROUTE: u8 = 99;
/// `Framed-IPv6-Pool`.
pub const FRAMED_IPV6_POOL: u8 = 100;
/// `Error-Cause`. See [`crate::dae::ErrorCause`].
pub const ERROR_CAUSE: u8 = 101;
/// `Delegated-IPv6-Prefix`. RFC 4818.
pub const DELEGATED_IPV6_PREFIX: u8 = 123;
/// `Framed-IPv6-Address`. RFC 6911.
pub const FRAMED_IPV6_ADDRESS: u8 = 168;
/// `Extended-Attribute-1`. RFC 6929; skipped, like the next five.
pub const EXTENDED_1: u8 = 241;
/// `Extended-Attribute-2`.
pub const EXTENDED_2: u8 = 242;
/// `Extended-Attribute-3`.
pub const EXTENDED_3: u8 = 243;
/// `Extended-Attribute-4`.
pub const EXTENDED_4: u8 = 244;
/// `Extended-Attribute-5`. Long form.
pub const EXTENDED_5: u8 = 245;
/// `Extended-Attribute-6`. Long form.
pub const EXTENDED_6: u8 = 246;

/// 3GPP: the vendor of every attribute in [`crate::tgpp`].
pub const VENDOR_3GPP: u32 = 10415;

/// How a value is read, and whether a person may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text.
    Text,
    /// Text or octets that name a subscriber or device: shown masked.
    Identity,
    /// Never shown.
    Secret,
    /// A 32-bit number.
    Number,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// An IPv6 prefix.
    Prefix,
    /// Anything else, as hex.
    Octets,
}

/// The name and format of an attribute type; `None` for types that this dictionary does not know.
pub fn look_up(kind: u8) -> Option<(&'static str, Format)> {
    find(NAMES, kind)
}

/// The row of `kind` in a table that is sorted by type.
pub(crate) fn find(table: &[Row], kind: u8) -> Option<(&'static str, Format)> {
    let at = table.binary_search_by_key(&kind, |row| row.0).ok()?;
    Some((table[at].1, table[at].2))
}

/// Type, name, format.
pub(crate) type Row = (u8, &'static str, Format);

/// Sorted by type.
#[rustfmt::skip]
const NAMES: &[Row] = &[
    (USER_NAME, "User-Name", Format::Identity),
    (USER_PASSWORD, "User-Password", Format::Secret),
    (CHAP_PASSWORD, "CHAP-Password", Format::Secret),
    (NAS_IP_ADDRESS, "NAS-IP-Address", Format::Ipv4),
    (NAS_PORT, "NAS-Port", Format::Number),
    (SERVICE_TYPE, "Service-Type", Format::Number),
    (FRAMED_PROTOCOL, "Framed-Protocol", Format::Number),
    (FRAMED_IP_ADDRESS, "Framed-IP-Address", Format::Ipv4),
    (FRAMED_IP_NETMASK, "Framed-IP-Netmask", Format::Ipv4),
    (FILTER_ID, "Filter-Id", Format::Text),
    (FRAMED_MTU, "Framed-MTU", Format::Number),
    (REPLY_MESSAGE, "Reply-Message", Format::Text),
    (FRAMED_ROUTE, "Framed-Route", Format::Text),
    (STATE, "State", Format::Octets),
    (CLASS, "Class", Format::Octets),
    (VENDOR_SPECIFIC, "Vendor-Specific", Format::Octets),
    (SESSION_TIMEOUT, "Session-Timeout", Format::Number),
    (IDLE_TIMEOUT, "Idle-Timeout", Format::Number),
    (TERMINATION_ACTION, "Termination-Action", Format::Number),
    (CALLED_STATION_ID, "Called-Station-Id", Format::Text),
    (CALLING_STATION_ID, "Calling-Station-Id", Format::Identity),
    (NAS_IDENTIFIER, "NAS-Identifier", Format::Text),
    (PROXY_STATE, "Proxy-State", Format::Octets),
    (ACCT_STATUS_TYPE, "Acct-Status-Type", Format::Number),
    (ACCT_DELAY_TIME, "Acct-Delay-Time", Format::Number),
    (ACCT_INPUT_OCTETS, "Acct-Input-Octets", Format::Number),
    (ACCT_OUTPUT_OCTETS, "Acct-Output-Octets", Format::Number),
    (ACCT_SESSION_ID, "Acct-Session-Id", Format::Text),
    (ACCT_AUTHENTIC, "Acct-Authentic", Format::Number),
    (ACCT_SESSION_TIME, "Acct-Session-Time", Format::Number),
    (ACCT_INPUT_PACKETS, "Acct-Input-Packets", Format::Number),
    (ACCT_OUTPUT_PACKETS, "Acct-Output-Packets", Format::Number),
    (ACCT_TERMINATE_CAUSE, "Acct-Terminate-Cause", Format::Number),
    (ACCT_MULTI_SESSION_ID, "Acct-Multi-Session-Id", Format::Text),
    (ACCT_LINK_COUNT, "Acct-Link-Count", Format::Number),
    (ACCT_INPUT_GIGAWORDS, "Acct-Input-Gigawords", Format::Number),
    (ACCT_OUTPUT_GIGAWORDS, "Acct-Output-Gigawords", Format::Number),
    (EVENT_TIMESTAMP, "Event-Timestamp", Format::Number),
    (CHAP_CHALLENGE, "CHAP-Challenge", Format::Octets),
    (NAS_PORT_TYPE, "NAS-Port-Type", Format::Number),
    (PORT_LIMIT, "Port-Limit", Format::Number),
    (TUNNEL_TYPE, "Tunnel-Type", Format::Number),
    (TUNNEL_MEDIUM_TYPE, "Tunnel-Medium-Type", Format::Number),
    (TUNNEL_CLIENT_ENDPOINT, "Tunnel-Client-Endpoint", Format::Text),
    (TUNNEL_SERVER_ENDPOINT, "Tunnel-Server-Endpoint", Format::Text),
    (TUNNEL_PASSWORD, "Tunnel-Password", Format::Secret),
    (CONNECT_INFO, "Connect-Info", Format::Text),
    (EAP_MESSAGE, "EAP-Message", Format::Secret),
    (MESSAGE_AUTHENTICATOR, "Message-Authenticator", Format::Secret),
    (TUNNEL_PRIVATE_GROUP_ID, "Tunnel-Private-Group-Id", Format::Text),
    (ACCT_INTERIM_INTERVAL, "Acct-Interim-Interval", Format::Number),
    (NAS_PORT_ID, "NAS-Port-Id", Format::Text),
    (FRAMED_POOL, "Framed-Pool", Format::Text),
    (CHARGEABLE_USER_IDENTITY, "Chargeable-User-Identity", Format::Identity),
    (NAS_FILTER_RULE, "NAS-Filter-Rule", Format::Text),
    (NAS_IPV6_ADDRESS, "NAS-IPv6-Address", Format::Ipv6),
    (FRAMED_INTERFACE_ID, "Framed-Interface-Id", Format::Octets),
    (FRAMED_IPV6_PREFIX, "Framed-IPv6-Prefix", Format::Prefix),
    (FRAMED_IPV6_ROUTE, "Framed-IPv6-Route", Format::Text),
    (FRAMED_IPV6_POOL, "Framed-IPv6-Pool", Format::Text),
    (ERROR_CAUSE, "Error-Cause", Format::Number),
    (DELEGATED_IPV6_PREFIX, "Delegated-IPv6-Prefix", Format::Prefix),
    (FRAMED_IPV6_ADDRESS, "Framed-IPv6-Address", Format::Ipv6),
    (EXTENDED_1, "Extended-Attribute-1", Format::Octets),
    (EXTENDED_2, "Extended-Attribute-2", Format::Octets),
    (EXTENDED_3, "Extended-Attribute-3", Format::Octets),
    (EXTENDED_4, "Extended-Attribute-4", Format::Octets),
    (EXTENDED_5, "Extended-Attribute-5", Format::Octets),
    (EXTENDED_6, "Extended-Attribute-6", Format::Octets),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_sorted_and_knows_its_rows() {
        assert!(NAMES.is_sorted_by_key(|row| row.0));
        assert_eq!(look_up(USER_PASSWORD), Some(("User-Password", Format::Secret)));
        assert_eq!(look_up(200), None);
    }
}

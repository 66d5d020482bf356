//! What access and accounting requests alike say about a session.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::attribute::Ipv6Prefix;
use crate::dictionary as d;
use crate::{Attribute, Text};

/// Who and where, as the NAS tells it. Of an attribute that comes twice the first counts.
///
/// Nothing here identifies the *sender*: NAS addresses are often the wrong side of the gateway, and User-Name is the device's
/// own choice. A client is known by its source address or certificate; a SIM by [`crate::tgpp::Tgpp::imsi`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subject<'a> {
    /// User-Name (1).
    pub user_name: Option<Text<'a>>,
    /// Calling-Station-Id (31): mostly the MSISDN.
    pub calling_station: Option<Text<'a>>,
    /// Called-Station-Id (30): the APN; see [`Subject::apn`].
    pub called_station: Option<Text<'a>>,
    /// Chargeable-User-Identity (89).
    pub chargeable_user: Option<Text<'a>>,
    /// NAS-Identifier (32).
    pub nas_identifier: Option<Text<'a>>,
    /// NAS-IP-Address (4).
    pub nas_ipv4: Option<Ipv4Addr>,
    /// NAS-IPv6-Address (95).
    pub nas_ipv6: Option<Ipv6Addr>,
    /// NAS-Port (5).
    pub nas_port: Option<u32>,
    /// NAS-Port-Id (87).
    pub nas_port_id: Option<Text<'a>>,
    /// NAS-Port-Type (61).
    pub nas_port_type: Option<u32>,
    /// Service-Type (6).
    pub service_type: Option<u32>,
    /// Framed-Protocol (7).
    pub framed_protocol: Option<u32>,
    /// Framed-IP-Address (8): the session's address. In a request also a hint.
    pub framed_ipv4: Option<Ipv4Addr>,
    /// Framed-IPv6-Prefix (97).
    pub framed_ipv6_prefix: Option<Ipv6Prefix>,
    /// Framed-IPv6-Address (168).
    pub framed_ipv6: Option<Ipv6Addr>,
    /// Framed-Interface-Id (96).
    pub framed_interface: Option<[u8; 8]>,
    /// Delegated-IPv6-Prefix (123).
    pub delegated_ipv6_prefix: Option<Ipv6Prefix>,
    /// Acct-Session-Id (44); some gateways send it in the Access-Request already.
    pub session_id: Option<Text<'a>>,
    /// Acct-Multi-Session-Id (50).
    pub multi_session_id: Option<Text<'a>>,
    /// The first Class (25); all of them: [`crate::Packet::all`].
    pub class: Option<&'a [u8]>,
    /// Connect-Info (77).
    pub connect_info: Option<Text<'a>>,
    /// Event-Timestamp (55), seconds since 1970, by the NAS's clock.
    pub event_timestamp: Option<u32>,
}

impl<'a> Subject<'a> {
    /// The APN or DNN without the operator part: `demo.nokia.mnc001.mcc206.gprs` is `demo.nokia` (TS 23.003 §9.1). Compare
    /// it without regard to case. `None` when Called-Station-Id is missing or not clean text.
    pub fn apn(&self) -> Option<&'a str> {
        let text = self.called_station?.clean()?;
        let Some(head) = strip_suffix_ignoring_case(text, ".gprs") else { return Some(text) };
        let network = |text| strip_label(text, "mcc").and_then(|text| strip_label(text, "mnc"));
        Some(network(head).unwrap_or(text))
    }

    /// The address the NAS gives itself. Data, never a destination.
    pub fn nas_address(&self) -> Option<IpAddr> {
        self.nas_ipv4.map(IpAddr::V4).or(self.nas_ipv6.map(IpAddr::V6))
    }

    /// Framed-IP-Address when it is one: the two "somebody picks" values of RFC 2865 §5.8 are none.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.framed_ipv4.filter(|address| u32::from(*address) < 0xFFFF_FFFE && !address.is_unspecified())
    }

    /// Takes one attribute; says whether it was one of these.
    pub(crate) fn take(&mut self, attribute: Attribute<'a>) -> bool {
        let value = attribute;
        match attribute.kind {
            d::USER_NAME => first(&mut self.user_name, Some(value.text())),
            d::CALLING_STATION_ID => first(&mut self.calling_station, Some(value.text())),
            d::CALLED_STATION_ID => first(&mut self.called_station, Some(value.text())),
            d::CHARGEABLE_USER_IDENTITY => first(&mut self.chargeable_user, Some(value.text())),
            d::NAS_IDENTIFIER => first(&mut self.nas_identifier, Some(value.text())),
            d::NAS_IP_ADDRESS => first(&mut self.nas_ipv4, value.ipv4()),
            d::NAS_IPV6_ADDRESS => first(&mut self.nas_ipv6, value.ipv6()),
            d::NAS_PORT => first(&mut self.nas_port, value.u32()),
            d::NAS_PORT_ID => first(&mut self.nas_port_id, Some(value.text())),
            d::NAS_PORT_TYPE => first(&mut self.nas_port_type, value.u32()),
            d::SERVICE_TYPE => first(&mut self.service_type, value.u32()),
            d::FRAMED_PROTOCOL => first(&mut self.framed_protocol, value.u32()),
            d::FRAMED_IP_ADDRESS => first(&mut self.framed_ipv4, value.ipv4()),
            d::FRAMED_IPV6_PREFIX => first(&mut self.framed_ipv6_prefix, value.ipv6_prefix()),
            d::FRAMED_IPV6_ADDRESS => first(&mut self.framed_ipv6, value.ipv6()),
            d::FRAMED_INTERFACE_ID => first(&mut self.framed_interface, value.value.try_into().ok()),
            d::DELEGATED_IPV6_PREFIX => first(&mut self.delegated_ipv6_prefix, value.ipv6_prefix()),
            d::ACCT_SESSION_ID => first(&mut self.session_id, Some(value.text())),
            d::ACCT_MULTI_SESSION_ID => first(&mut self.multi_session_id, Some(value.text())),
            d::CLASS => first(&mut self.class, Some(value.value)),
            d::CONNECT_INFO => first(&mut self.connect_info, Some(value.text())),
            d::EVENT_TIMESTAMP => first(&mut self.event_timestamp, value.u32()),
            _ => return false,
        }
        true
    }
}

/// Keeps what came first.
pub(crate) fn first<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

/// Without a last label of `name` and three digits (`.mnc001`).
fn strip_label<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (head, label) = text.rsplit_once('.')?;
    let digits = strip_prefix_ignoring_case(label, name)?;
    (digits.len() == 3 && digits.bytes().all(|digit| digit.is_ascii_digit())).then_some(head)
}

fn strip_suffix_ignoring_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    let (head, tail) = text.split_at_checked(at)?;
    tail.eq_ignore_ascii_case(suffix).then_some(head)
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

//! One pass over a packet's attributes that picks what observations and decisions need.
//!
//! The `radius` crate has a typed view of each kind of packet; this is the one of the hot path, where a record is
//! walked once and not once per field. Of attributes that come several times the first counts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fleetward_radius::tgpp::kind;
use fleetward_radius::{Attribute, Packet, dictionary as d};

/// What was there. All borrowed from the datagram, none of it checked.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) user_name: Option<&'a [u8]>,
    pub(crate) called_station: Option<&'a [u8]>,
    pub(crate) calling_station: Option<&'a [u8]>,
    pub(crate) session_id: Option<&'a [u8]>,
    pub(crate) multi_session_id: Option<&'a [u8]>,
    pub(crate) class: Option<&'a [u8]>,
    pub(crate) framed_ip: Option<Ipv4Addr>,
    pub(crate) framed_ipv6_prefix: Option<Attribute<'a>>,
    pub(crate) status: Option<u32>,
    pub(crate) delay_secs: Option<u32>,
    pub(crate) input_octets: Option<u32>,
    pub(crate) output_octets: Option<u32>,
    pub(crate) input_packets: Option<u32>,
    pub(crate) output_packets: Option<u32>,
    pub(crate) input_gigawords: Option<u32>,
    pub(crate) output_gigawords: Option<u32>,
    pub(crate) session_secs: Option<u32>,
    pub(crate) terminate_cause: Option<u32>,
    pub(crate) event_timestamp: Option<u32>,
    pub(crate) imsi: Option<&'a [u8]>,
    pub(crate) imeisv: Option<&'a [u8]>,
    pub(crate) serving_network: Option<&'a [u8]>,
    pub(crate) rat: Option<u8>,
    pub(crate) location: Option<&'a [u8]>,
    pub(crate) nsapi: Option<&'a [u8]>,
    pub(crate) gateway: Option<IpAddr>,
}

impl<'a> Fields<'a> {
    /// Reads them.
    pub(crate) fn read(packet: &Packet<'a>) -> Self {
        let mut fields = Self::default();
        let mut has_vendor = false;
        for attribute in packet.attributes() {
            has_vendor |= attribute.kind == d::VENDOR_SPECIFIC;
            fields.standard(attribute);
        }
        if has_vendor {
            for attribute in packet.vendor(d::VENDOR_3GPP) {
                fields.tgpp(attribute);
            }
        }
        fields
    }

    fn standard(&mut self, attribute: Attribute<'a>) {
        let value = attribute.value;
        let first = |slot: &mut Option<&'a [u8]>| _ = slot.get_or_insert(value);
        let number = |slot: &mut Option<u32>| *slot = slot.or_else(|| attribute.u32());
        match attribute.kind {
            d::USER_NAME => first(&mut self.user_name),
            d::CALLED_STATION_ID => first(&mut self.called_station),
            d::CALLING_STATION_ID => first(&mut self.calling_station),
            d::ACCT_SESSION_ID => first(&mut self.session_id),
            d::ACCT_MULTI_SESSION_ID => first(&mut self.multi_session_id),
            // Of several Class attributes ours counts; a proxy may have added its own.
            d::CLASS if value.starts_with(crate::reply::CLASS_PREFIX) => self.class = Some(value),
            d::CLASS => first(&mut self.class),
            d::FRAMED_IP_ADDRESS => self.framed_ip = self.framed_ip.or_else(|| attribute.ipv4()),
            d::FRAMED_IPV6_PREFIX => _ = self.framed_ipv6_prefix.get_or_insert(attribute),
            d::ACCT_STATUS_TYPE => number(&mut self.status),
            d::ACCT_DELAY_TIME => number(&mut self.delay_secs),
            d::ACCT_INPUT_OCTETS => number(&mut self.input_octets),
            d::ACCT_OUTPUT_OCTETS => number(&mut self.output_octets),
            d::ACCT_INPUT_PACKETS => number(&mut self.input_packets),
            d::ACCT_OUTPUT_PACKETS => number(&mut self.output_packets),
            d::ACCT_INPUT_GIGAWORDS => number(&mut self.input_gigawords),
            d::ACCT_OUTPUT_GIGAWORDS => number(&mut self.output_gigawords),
            d::ACCT_SESSION_TIME => number(&mut self.session_secs),
            d::ACCT_TERMINATE_CAUSE => number(&mut self.terminate_cause),
            d::EVENT_TIMESTAMP => number(&mut self.event_timestamp),
            _ => {}
        }
    }

    /// Sub-attributes of TS 29.061 §16.4.7.2.
    fn tgpp(&mut self, attribute: Attribute<'a>) {
        let value = attribute.value;
        let first = |slot: &mut Option<&'a [u8]>| _ = slot.get_or_insert(value);
        match attribute.kind {
            kind::IMSI => first(&mut self.imsi),
            kind::SGSN_ADDRESS => self.gateway = self.gateway.or_else(|| attribute.ipv4().map(IpAddr::V4)),
            kind::NSAPI => first(&mut self.nsapi),
            kind::SGSN_IPV6_ADDRESS => {
                self.gateway = self.gateway.or_else(|| attribute.ipv6().map(|ip: Ipv6Addr| IpAddr::V6(ip)));
            }
            kind::SGSN_MCC_MNC => first(&mut self.serving_network),
            kind::IMEISV => first(&mut self.imeisv),
            kind::RAT_TYPE => self.rat = self.rat.or_else(|| value.first().copied()),
            kind::USER_LOCATION_INFO => first(&mut self.location),
            _ => {}
        }
    }

    /// Device → network, octets: Acct-Input-Octets and its Gigawords (RFC 2869 §5.1).
    pub(crate) fn bytes_up(&self) -> u64 {
        wide(self.input_gigawords, self.input_octets)
    }

    /// Network → device, octets.
    pub(crate) fn bytes_down(&self) -> u64 {
        wide(self.output_gigawords, self.output_octets)
    }
}

fn wide(high: Option<u32>, low: Option<u32>) -> u64 {
    u64::from(high.unwrap_or(0)) << 32 | u64::from(low.unwrap_or(0))
}

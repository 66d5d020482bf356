//! The octets of answers. A reject holds Message-Authenticator and Proxy-State and nothing else (RFC 2865 §5.44;
//! the reason is ours to know).

use fleetward_fleet::{DeviceId, Timestamp};
use fleetward_radius::{Builder, Code, Ipv6Prefix, Packet, dictionary as d};

use crate::admission::{Accept, Decision};
use crate::metrics::{Discard, ReplyKind};

/// What our Class begins with.
pub(crate) const CLASS_PREFIX: &[u8] = b"fw1:";

/// Our Class attribute: prefix, device id (8 octets), time of the decision in milliseconds (8 octets). The NAS echoes
/// it in accounting, which ties a session to the admission record of that device and time.
pub fn class(device: DeviceId, decided_at: Timestamp) -> [u8; 20] {
    let mut class = [0; 20];
    class[..4].copy_from_slice(CLASS_PREFIX);
    class[4..12].copy_from_slice(&device.0.to_be_bytes());
    class[12..].copy_from_slice(&decided_at.0.to_be_bytes());
    class
}

/// The device and time in a Class that we handed out; `None` where it is not ours.
pub fn read_class(class: &[u8]) -> Option<(DeviceId, Timestamp)> {
    let (device, rest) = class.strip_prefix(CLASS_PREFIX)?.split_first_chunk::<8>()?;
    let time = i64::from_be_bytes(rest.try_into().ok()?);
    Some((DeviceId(u64::from_be_bytes(*device)), Timestamp(time)))
}

/// An answer, ready to leave.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) kind: ReplyKind,
    pub(crate) octets: Vec<u8>,
}

/// To an Access-Request.
pub(crate) fn access(request: &Packet<'_>, decision: &Decision, class: &[u8], secret: &[u8]) -> Result<Reply, Discard> {
    match decision {
        Decision::Accept(accept) => {
            let mut builder = Builder::reply_to(request, Code::ACCESS_ACCEPT);
            write_accept(&mut builder, accept);
            builder.attribute(d::CLASS, class);
            sign(builder, ReplyKind::Accept, secret)
        }
        Decision::Reject(_) => sign(Builder::reply_to(request, Code::ACCESS_REJECT), ReplyKind::Reject, secret),
    }
}

fn write_accept(builder: &mut Builder, accept: &Accept) {
    if let Some(ip) = accept.ip {
        builder.ipv4(d::FRAMED_IP_ADDRESS, ip);
    }
    if let Some(prefix) = accept.ipv6.and_then(|net| Ipv6Prefix::new(net.addr(), net.prefix_len())) {
        builder.ipv6_prefix(d::FRAMED_IPV6_PREFIX, prefix);
    }
    if let Some(secs) = accept.session_timeout_secs {
        builder.u32(d::SESSION_TIMEOUT, secs);
    }
    builder.u32(d::ACCT_INTERIM_INTERVAL, accept.interim_secs);
}

/// To an Accounting-Request. Leaves only once the record is stored.
pub(crate) fn accounting(request: &Packet<'_>, secret: &[u8]) -> Result<Reply, Discard> {
    sign(Builder::reply_to(request, Code::ACCOUNTING_RESPONSE), ReplyKind::Accounting, secret)
}

/// To Status-Server (RFC 5997 §4.2): Access-Accept at the authentication port, Accounting-Response at the other.
pub(crate) fn status(request: &Packet<'_>, accounting: bool, secret: &[u8]) -> Result<Reply, Discard> {
    let code = if accounting { Code::ACCOUNTING_RESPONSE } else { Code::ACCESS_ACCEPT };
    sign(Builder::reply_to(request, code), ReplyKind::Status, secret)
}

fn sign(builder: Builder, kind: ReplyKind, secret: &[u8]) -> Result<Reply, Discard> {
    builder.sign(secret).map(|octets| Reply { kind, octets }).map_err(|_| Discard::ReplyTooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_round_trip() {
        let class = class(DeviceId(7), Timestamp(1_795_000_000_123));
        assert_eq!(read_class(&class), Some((DeviceId(7), Timestamp(1_795_000_000_123))));
        assert_eq!(read_class(b"other"), None);
        assert_eq!(read_class(&class[..19]), None);
    }
}

//! How one NAS wants to be asked. Every NAS matches sessions on different attributes, some insist on Event-Timestamp,
//! some refuse what they do not know: so it is configuration, not code.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use fleetward_fleet::{Imsi, Secret};
use ipnet::Ipv6Net;

use crate::machine::NasPlan;

/// One attribute that helps to name a session, or the NAS itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// Acct-Session-Id (44).
    AcctSessionId,
    /// Acct-Multi-Session-Id (50).
    AcctMultiSessionId,
    /// User-Name (1). Alone, it names every session of that user.
    UserName,
    /// 3GPP-IMSI (10415/1).
    Imsi,
    /// 3GPP-NSAPI (10415/10).
    Nsapi,
    /// Framed-IP-Address (8).
    FramedIp,
    /// Framed-IPv6-Prefix (97).
    FramedIpv6Prefix,
    /// Calling-Station-Id (31): the number, or a MAC address.
    CallingStationId,
    /// Called-Station-Id (30): the access point name.
    CalledStationId,
    /// NAS-IP-Address (4) or NAS-IPv6-Address (95), from the profile.
    NasIpAddress,
    /// NAS-Identifier (32), from the profile.
    NasIdentifier,
}

impl Key {
    /// All of them, in no order that means anything.
    pub const ALL: [Self; 11] = [
        Self::AcctSessionId,
        Self::AcctMultiSessionId,
        Self::UserName,
        Self::Imsi,
        Self::Nsapi,
        Self::FramedIp,
        Self::FramedIpv6Prefix,
        Self::CallingStationId,
        Self::CalledStationId,
        Self::NasIpAddress,
        Self::NasIdentifier,
    ];

    /// The name in configuration and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::AcctSessionId => "acct-session-id",
            Self::AcctMultiSessionId => "acct-multi-session-id",
            Self::UserName => "user-name",
            Self::Imsi => "3gpp-imsi",
            Self::Nsapi => "3gpp-nsapi",
            Self::FramedIp => "framed-ip-address",
            Self::FramedIpv6Prefix => "framed-ipv6-prefix",
            Self::CallingStationId => "calling-station-id",
            Self::CalledStationId => "called-station-id",
            Self::NasIpAddress => "nas-ip-address",
            Self::NasIdentifier => "nas-identifier",
        }
    }

    /// The key with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// It names a session, not the NAS.
    pub(super) fn names_a_session(self) -> bool {
        !matches!(self, Self::NasIpAddress | Self::NasIdentifier)
    }
}

/// When a request without an answer is sent again (RFC 5080 §2.2.1: doubling, with jitter).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retransmit {
    /// The pause after the first transmission; each later one is twice as long. Spread by up to a quarter.
    pub first: Duration,
    /// The longest pause.
    pub cap: Duration,
    /// Transmissions in all, the first included.
    pub sends: u32,
}

impl Default for Retransmit {
    fn default() -> Self {
        Self { first: Duration::from_millis(1500), cap: Duration::from_secs(8), sends: 3 }
    }
}

impl Retransmit {
    /// The pause after transmission number `sent` (from 1), without jitter.
    pub fn pause(&self, sent: u32) -> Duration {
        self.first.saturating_mul(1 << sent.saturating_sub(1).min(16)).min(self.cap)
    }

    /// After this it is given up, at the latest.
    pub fn gives_up_after(&self) -> Duration {
        (1..=self.sends.max(1)).map(|sent| self.pause(sent)).sum::<Duration>().mul_f32(1.25)
    }
}

/// How one NAS is asked to end or change a session.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent quirks of a NAS, named in the configuration one by one")]
pub struct NasProfile {
    /// The configured name of the RADIUS client: the `nas` of its sessions.
    pub name: Box<str>,
    /// Where to send; from the configuration, never from a packet. The usual port is 3799.
    pub to: SocketAddr,
    /// The shared secret of the dynamic-authorization side.
    pub secret: Secret,
    /// What to name a session by: tried one after the other.
    pub key_sets: Vec<Vec<Key>>,
    /// The value of NAS-IP-Address or NAS-IPv6-Address, where a key set has it.
    pub nas_ip: Option<IpAddr>,
    /// The value of NAS-Identifier, where a key set has it.
    pub nas_identifier: Option<Box<str>>,
    /// Send Event-Timestamp (55), and refuse answers whose own is further than 300 s from now.
    pub event_timestamp: bool,
    /// Send Message-Authenticator (80).
    pub message_authenticator: bool,
    /// User-Name alone may be sent although other sessions with this name are open: they end, too.
    pub user_name_may_end_others: bool,
    /// Error-Cause 503 means that the session is gone. See [`NasPlan::not_found_is_gone`].
    pub not_found_is_gone: bool,
    /// How long after an ACK the Stop may take.
    pub deadline: Duration,
    /// When to send again.
    pub retransmit: Retransmit,
}

impl NasProfile {
    /// A profile with what RFC 5176 recommends: Acct-Session-Id and User-Name first, then Acct-Session-Id, then the
    /// 3GPP pair, then User-Name; Event-Timestamp and Message-Authenticator on; 30 s for the Stop.
    pub fn new(name: impl Into<Box<str>>, to: SocketAddr, secret: Secret) -> Self {
        Self {
            name: name.into(),
            to,
            secret,
            key_sets: vec![
                vec![Key::AcctSessionId, Key::UserName],
                vec![Key::AcctSessionId],
                vec![Key::Imsi, Key::Nsapi],
                vec![Key::UserName],
            ],
            nas_ip: None,
            nas_identifier: None,
            event_timestamp: true,
            message_authenticator: true,
            user_name_may_end_others: false,
            not_found_is_gone: true,
            deadline: Duration::from_secs(30),
            retransmit: Retransmit::default(),
        }
    }

    /// What the machine needs to know.
    pub fn plan(&self) -> NasPlan {
        NasPlan {
            key_sets: self.key_sets.len(),
            answer_within: self.retransmit.gives_up_after(),
            verify_within: self.deadline,
            not_found_is_gone: self.not_found_is_gone,
        }
    }
}

/// What is known of a session: the values that key sets draw on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionTarget {
    /// Acct-Session-Id.
    pub session_id: Box<str>,
    /// Acct-Multi-Session-Id.
    pub multi_session_id: Option<Box<str>>,
    /// User-Name.
    pub user_name: Option<Box<str>>,
    /// 3GPP-IMSI.
    pub imsi: Option<Imsi>,
    /// 3GPP-NSAPI, 0 to 15.
    pub nsapi: Option<u8>,
    /// Framed-IP-Address.
    pub framed_ip: Option<Ipv4Addr>,
    /// Framed-IPv6-Prefix.
    pub framed_ipv6_prefix: Option<Ipv6Net>,
    /// Calling-Station-Id.
    pub calling_station_id: Option<Box<str>>,
    /// Called-Station-Id.
    pub called_station_id: Option<Box<str>>,
    /// Open sessions on this NAS with this User-Name, this one included.
    pub same_user_name: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_up_in_bounded_time() {
        let retransmit = Retransmit::default();
        assert_eq!(retransmit.pause(1), Duration::from_millis(1500));
        assert_eq!(retransmit.pause(2), Duration::from_secs(3));
        assert_eq!(retransmit.pause(30), Duration::from_secs(8));
        assert_eq!(retransmit.gives_up_after(), Duration::from_millis(10_500 * 5 / 4));
    }

    #[test]
    fn keys_are_found_by_name() {
        for key in Key::ALL {
            assert_eq!(Key::by_name(key.name()), Some(key));
        }
        assert_eq!(Key::by_name("password"), None);
    }
}

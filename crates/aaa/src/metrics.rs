//! What the server counts. One table:
//!
//! | Name | Labels | Kind |
//! |---|---|---|
//! | `fleetward_radius_requests_total` | `kind` = access, accounting, status | counter: believed requests |
//! | `fleetward_radius_replies_total` | `kind` = accept, reject, accounting, status | counter: answers sent |
//! | `fleetward_radius_rejects_total` | `reason` = [`RejectReason::name`] | counter |
//! | `fleetward_radius_discards_total` | `reason` = [`Discard::name`] | counter: requests left without an answer |
//! | `fleetward_radius_duplicates_total` | `kind` = resent, in_progress, content | counter |
//! | `fleetward_radius_unsent_total` | | counter: answers that the kernel would not take |
//! | `fleetward_radius_skewed_total` | | counter: Event-Timestamp more than 5 minutes from arrival |
//! | `fleetward_radius_socket_drops_total` | `address` | counter: datagrams lost for want of receive buffer |
//! | `fleetward_radius_receive_buffer_bytes` | `address` | gauge: what the kernel granted each socket |
//! | `fleetward_radsec_connections` | | gauge |
//! | `fleetward_radsec_refused_total` | `reason` | counter: connections refused or closed for cause |
//! | `fleetward_directory_devices`, `fleetward_directory_bytes` | | gauge |

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fleetward_fleet::{RejectReason, metric::Sample};
use fleetward_radius::{Malformed, auth::Untrusted};

/// Why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    /// No client is configured at that address.
    UnknownClient,
    /// Not a RADIUS packet.
    Malformed,
    /// Longer than a RADIUS packet can be.
    Oversize,
    /// A code that has no business at this port.
    UnexpectedCode,
    /// The authenticator is wrong: another secret.
    BadAuthenticator,
    /// No Message-Authenticator, and it is required.
    MessageAuthenticatorMissing,
    /// The Message-Authenticator is wrong.
    MessageAuthenticatorInvalid,
    /// Proxy-State without Message-Authenticator (limit-proxy-state, CVE-2024-3596).
    ProxyState,
    /// An accounting record of a kind that we cannot keep, so must not answer (RFC 2866 §2).
    UnsupportedStatus,
    /// The journal did not take it, so it must not be answered.
    NotRecorded,
    /// Status-Server while the journal does not work: silence makes the NAS fail over.
    NotReady,
    /// The answer does not fit into a packet (a request full of Proxy-State).
    ReplyTooLong,
}

impl Discard {
    /// How many reasons there are.
    pub(crate) const COUNT: usize = Self::ALL.len();

    const ALL: [Self; 12] = [
        Self::UnknownClient,
        Self::Malformed,
        Self::Oversize,
        Self::UnexpectedCode,
        Self::BadAuthenticator,
        Self::MessageAuthenticatorMissing,
        Self::MessageAuthenticatorInvalid,
        Self::ProxyState,
        Self::UnsupportedStatus,
        Self::NotRecorded,
        Self::NotReady,
        Self::ReplyTooLong,
    ];

    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown_client",
            Self::Malformed => "malformed",
            Self::Oversize => "oversize",
            Self::UnexpectedCode => "unexpected_code",
            Self::BadAuthenticator => "bad_authenticator",
            Self::MessageAuthenticatorMissing => "message_authenticator_missing",
            Self::MessageAuthenticatorInvalid => "message_authenticator_invalid",
            Self::ProxyState => "proxy_state_without_message_authenticator",
            Self::UnsupportedStatus => "unsupported_status",
            Self::NotRecorded => "not_recorded",
            Self::NotReady => "not_ready",
            Self::ReplyTooLong => "reply_too_long",
        }
    }

    /// What the operator should know or do, for the log.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::UnknownClient => "add a client with this address to the configuration, or block it",
            Self::Malformed | Self::Oversize => "not RADIUS: a scanner, or a broken sender",
            Self::UnexpectedCode => "the NAS may have mixed up the authentication and accounting ports",
            Self::BadAuthenticator | Self::MessageAuthenticatorInvalid => {
                "the shared secret differs, or somebody changed the packet on its way"
            }
            Self::MessageAuthenticatorMissing => {
                "update the NAS; if that cannot be, set `legacy_pap_without_ma` for this client and read its warning"
            }
            Self::ProxyState => "a forgery, or a proxy that needs an update",
            Self::UnsupportedStatus => "only Start, Interim-Update, Stop, Accounting-On and -Off are kept",
            Self::NotRecorded | Self::NotReady => "see the journal's health; the NAS will send again",
            Self::ReplyTooLong => "the request carries more Proxy-State than fits into an answer",
        }
    }
}

impl From<Malformed> for Discard {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Length { length } if length > fleetward_radius::MAX_PACKET => Self::Oversize,
            _ => Self::Malformed,
        }
    }
}

impl From<Untrusted> for Discard {
    fn from(untrusted: Untrusted) -> Self {
        match untrusted {
            Untrusted::MessageAuthenticatorMissing => Self::MessageAuthenticatorMissing,
            Untrusted::MessageAuthenticatorInvalid => Self::MessageAuthenticatorInvalid,
            Untrusted::ProxyState => Self::ProxyState,
            Untrusted::Code(_) => Self::UnexpectedCode,
            _ => Self::BadAuthenticator,
        }
    }
}

/// A believed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Access,
    Accounting,
    Status,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReplyKind {
    Accept,
    Reject,
    Accounting,
    Status,
}

/// How a request was known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duplicate {
    Resent,
    InProgress,
    Content,
}

/// Why a `RadSec` connection was refused or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Handshake,
    UnknownCertificate,
    TooMany,
    BadPacket,
    Idle,
}

const REQUESTS: [&str; 3] = ["access", "accounting", "status"];
const REPLIES: [&str; 4] = ["accept", "reject", "accounting", "status"];
const DUPLICATES: [&str; 3] = ["resent", "in_progress", "content"];
const REFUSALS: [&str; 5] = ["handshake", "unknown_certificate", "too_many", "bad_packet", "idle"];

/// All counters. Relaxed: they are read by people.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: [AtomicU64; REQUESTS.len()],
    replies: [AtomicU64; REPLIES.len()],
    rejects: [AtomicU64; RejectReason::ALL.len()],
    discards: [AtomicU64; Discard::ALL.len()],
    duplicates: [AtomicU64; DUPLICATES.len()],
    refusals: [AtomicU64; REFUSALS.len()],
    unsent: AtomicU64,
    skewed: AtomicU64,
    connections: AtomicU64,
}

impl Counters {
    pub(crate) fn request(&self, kind: RequestKind) {
        self.requests[kind as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn reply(&self, kind: ReplyKind) {
        self.replies[kind as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn reject(&self, reason: RejectReason) {
        self.rejects[reason as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn discard(&self, reason: Discard) {
        self.discards[reason as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn duplicate(&self, kind: Duplicate) {
        self.duplicates[kind as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self, reason: Refusal) {
        self.refusals[reason as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn unsent(&self, count: usize) {
        self.unsent.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub(crate) fn disconnected(&self) {
        self.connections.fetch_sub(1, Relaxed);
    }

    pub(crate) fn skewed(&self) {
        self.skewed.fetch_add(1, Relaxed);
    }

    /// See the table above.
    pub(crate) fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        let mut family = |name, help, label, values: &mut dyn Iterator<Item = (&'static str, &AtomicU64)>| {
            samples.extend(
                values.map(|(value, count)| Sample::counter(name, help, count.load(Relaxed)).with(label, value)),
            );
        };
        family(
            "fleetward_radius_requests_total",
            "Requests whose sender is known and whose authenticator is right.",
            "kind",
            &mut REQUESTS.into_iter().zip(&self.requests),
        );
        family("fleetward_radius_replies_total", "Answers sent.", "kind", &mut REPLIES.into_iter().zip(&self.replies));
        family(
            "fleetward_radius_rejects_total",
            "Admissions refused, by reason.",
            "reason",
            &mut RejectReason::ALL.map(RejectReason::name).into_iter().zip(&self.rejects),
        );
        family(
            "fleetward_radius_discards_total",
            "Requests left without an answer, by reason.",
            "reason",
            &mut Discard::ALL.map(Discard::name).into_iter().zip(&self.discards),
        );
        family(
            "fleetward_radius_duplicates_total",
            "Requests that were known already.",
            "kind",
            &mut DUPLICATES.into_iter().zip(&self.duplicates),
        );
        family(
            "fleetward_radsec_refused_total",
            "RadSec connections refused or closed, by reason.",
            "reason",
            &mut REFUSALS.into_iter().zip(&self.refusals),
        );
        samples.push(Sample::counter(
            "fleetward_radius_unsent_total",
            "Answers that the kernel would not take.",
            self.unsent.load(Relaxed),
        ));
        samples.push(Sample::counter(
            "fleetward_radius_skewed_total",
            "Records whose Event-Timestamp is more than five minutes from their arrival.",
            self.skewed.load(Relaxed),
        ));
        #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
        samples.push(Sample::gauge(
            "fleetward_radsec_connections",
            "Open RadSec connections.",
            self.connections.load(Relaxed) as f64,
        ));
        samples
    }
}

//! What is remembered of one flow's payload: what it was recognised as, and how much more of it is wanted.

use super::lines::Dialogue;

/// What is remembered of one flow's payload; eight octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speech {
    pub(super) kind: Kind,
    /// Payloads that are still wanted, from the client and from the server; [`ALWAYS`] does not count down.
    pub(super) left: [u8; 2],
    /// What the kind makes of it.
    pub(super) note: u8,
    pub(super) place: u16,
}

/// What a flow was recognised as, or what is being tried.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Fresh,
    /// A ClientHello's beginning lies at `place`.
    Hello,
    Dns,
    Http,
    /// With a password in clear whose result is awaited.
    HttpLogin,
    Rtsp,
    Mqtt,
    Dialogue(Dialogue),
    Dhcp,
    Mdns,
    Ssdp,
    /// A ClientHello's pieces lie at `place`.
    Quic,
    /// Nothing more is wanted.
    Done,
}

impl Default for Speech {
    fn default() -> Self {
        Self { kind: Kind::Fresh, left: [PATIENCE; 2], note: 0, place: 0 }
    }
}

impl Speech {
    /// A payload of this side could still tell something.
    #[inline]
    pub fn wants(self, from_client: bool) -> bool {
        self.left[usize::from(!from_client)] != 0
    }

    pub(super) fn spend(&mut self, from_client: bool) {
        let left = &mut self.left[usize::from(!from_client)];
        if *left != ALWAYS {
            *left = left.saturating_sub(1);
        }
    }

    pub(super) fn become_(&mut self, kind: Kind, left: [u8; 2]) {
        (self.kind, self.left) = (kind, left);
    }

    pub(super) fn end(&mut self) {
        self.become_(Kind::Done, [0; 2]);
    }
}

/// A count of payloads that never goes down.
pub(super) const ALWAYS: u8 = u8::MAX;
/// Payloads of each side that are looked at before a flow stays unknown.
pub(super) const PATIENCE: u8 = 5;
/// Requests of one HTTP connection that are looked at.
pub(super) const REQUESTS: u8 = 64;
/// Payloads of each side of a dialogue with a log-in that are looked at; Telnet sends letter by letter.
pub(super) const DIALOGUE: u8 = 200;
/// Datagrams of each side in which devices introduce themselves.
pub(super) const INTRODUCTIONS: u8 = 32;

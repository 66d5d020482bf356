//! The typed view of an Access-Request.

use crate::dictionary as d;
use crate::{Packet, Subject};

/// How the device proves itself, if at all. On a mobile APN the network already did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Credentials {
    /// No password of any kind: usual on an APN without PCO credentials.
    #[default]
    None,
    /// User-Password: read it with [`crate::auth::user_password`].
    Pap,
    /// CHAP-Password: check it with [`crate::auth::chap_verify`].
    Chap,
    /// EAP-Message.
    Eap,
}

/// An Access-Request, read in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccessRequest<'a> {
    /// Who and where.
    pub subject: Subject<'a>,
    /// How it proves itself.
    pub credentials: Credentials,
    /// State (24) of an earlier challenge.
    pub state: Option<&'a [u8]>,
}

impl<'a> AccessRequest<'a> {
    /// Reads the packet, whatever its code.
    pub fn read(packet: &Packet<'a>) -> Self {
        let mut view = Self::default();
        for attribute in packet.attributes() {
            if view.subject.take(attribute) {
                continue;
            }
            match attribute.kind {
                d::STATE if view.state.is_none() => view.state = Some(attribute.value),
                d::EAP_MESSAGE => view.credentials = Credentials::Eap,
                d::USER_PASSWORD if view.credentials == Credentials::None => view.credentials = Credentials::Pap,
                d::CHAP_PASSWORD if view.credentials == Credentials::None => view.credentials = Credentials::Chap,
                _ => {}
            }
        }
        view
    }
}

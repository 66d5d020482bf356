//! What learning never admits, however often it is seen: it can be written by hand, by somebody who knows why.

use fleetward_fleet::Role;

use super::gather::{Thing, Who};
use super::support::Seen;

/// A remnant, unless it is a habit.
pub(super) const NEVER_ANSWERED: &str = "never answered, and seen once";

const TCP: u8 = 6;

/// Why it is not learnt; `None`: it may be.
pub(super) fn reason(thing: &Thing, seen: &Seen, captures: u32) -> Option<&'static str> {
    let is_far = matches!(thing.who, Who::Name(_) | Who::Far(_));
    if thing.protocol == TCP {
        match thing.port {
            23 | 2323 | 512..=514 => return Some("telnet and its kin: what malware uses to get in"),
            25 if is_far => return Some("mail straight to strangers"),
            6660..=6669 | 6697 if is_far => return Some("IRC: what malware takes orders over"),
            5555 | 7547 | 37_215 | 52_869 => return Some("administration of others (ADB, TR-069, UPnP control)"),
            _ => {}
        }
    }
    if thing.is_in && is_far && !matches!(thing.who, Who::Role(Role::Gateway)) {
        return Some("begun by a stranger from afar");
    }
    // Nobody ever answered, and it is not a habit: a remnant of another network, or a search.
    let is_group = matches!(thing.who, Who::Role(Role::Broadcast | Role::LinkMulticast));
    if seen.answered == 0 && !is_group && seen.captures.len() < 2 && captures > 2 {
        return Some(NEVER_ANSWERED);
    }
    None
}

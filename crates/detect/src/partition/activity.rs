//! What a device does beside its sessions: flows, messages, calls, logins, and changes of its SIM.

use fleetward_fleet::Body;
use fleetward_rules::{Detail, Trigger};

use super::judge::Happening;
use super::records::is_late;
use super::{PartitionState, Record, Told};

impl PartitionState {
    /// Nothing of it is kept but that the device was heard of; the rules see it.
    pub(super) fn activity(&mut self, record: &Record<'_>, body: &Body, out: &mut Told<'_>) {
        let destination = match body {
            Body::Flow(flow) => flow.destination(),
            Body::Network(sign) => sign.destination(),
            _ => None,
        };
        let (trigger, detail) = match body {
            Body::Flow(flow) => (Trigger::Flow, Detail::Flow(flow, destination.as_deref())),
            Body::Message(message) => (Trigger::Message, Detail::Message(message)),
            Body::Call(call) => (Trigger::Call, Detail::Call(call)),
            Body::Login(login) => (Trigger::Login, Detail::Login(login)),
            Body::SimChange(change) => (Trigger::SimChange, Detail::SimChange(change)),
            Body::Network(sign) => (Trigger::Network, Detail::Network(sign, destination.as_deref())),
            _ => return,
        };
        let place = self.place_of(record, out);
        let entry = self.devices.at(place);
        let late = is_late(entry, record);
        if detail.is_contact() {
            entry.seen(record.at);
        }
        if let (Some(destination), Body::Flow(_)) = (&destination, body) {
            self.learn_destination(place, record, destination);
        }
        self.judge(place, record, &Happening { detail, late, ..Happening::of(trigger) }, out);
    }
}

//! About what a rule of the second stage keeps windows: a group, a network, a module, the whole fleet.

use std::borrow::Cow;

use crate::facts::Facts;
use crate::subject::Subject;
use crate::symbol;

/// One group, one network, ... that a rule watches as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// What kind.
    pub subject: Subject,
    /// Which, as a number: the same for the same value everywhere.
    pub id: u64,
    /// Its name for people; `None` where only the event tells it.
    pub name: Option<&'a str>,
}

impl<'a> Key<'a> {
    /// A key that has a name.
    pub fn named(subject: Subject, name: &'a str) -> Self {
        Self { subject, id: symbol::hash(name.as_bytes()), name: Some(name) }
    }

    /// Calls `each` with every key of `subject` that this event concerns: none where the event does not carry it.
    pub fn of(subject: Subject, facts: &Facts<'a>, mut each: impl FnMut(Self)) {
        let named = |name: &'a str| Self::named(subject, name);
        let number = |id: u64| Self { subject, id, name: None };
        let one = match subject {
            Subject::Device => Some(number(facts.device_id.0)),
            Subject::Group => {
                let groups = facts.device.map_or(&[][..], |device| &device.groups);
                let first = |at: usize| !groups[..at].contains(&groups[at]);
                (0..groups.len()).filter(|at| first(*at)).for_each(|at| each(named(&groups[at])));
                None
            }
            Subject::Model => facts.device.and_then(|device| device.model.as_deref()).map(named),
            Subject::Destination => facts.destination().map(named),
            Subject::Apn => facts.apn.map(named),
            Subject::Source => facts.about_source().map(named),
            Subject::Fleet => Some(named("fleet")),
            Subject::Network => facts.network.map(symbol::network).map(number),
            Subject::Country => facts.country.map(symbol::country).map(number),
            Subject::Cell => facts.cell.map(symbol::hash).map(number),
            Subject::Imei => facts.imei.map(fleetward_fleet::Imei::number).map(number),
            Subject::Ip => facts.ip.map(|ip| number(symbol::hash(&ip.octets()))),
        };
        if let Some(key) = one {
            each(key);
        }
    }

    /// Its name for people, from the event where the key itself has none.
    pub fn describe<'b>(&self, facts: &Facts<'b>) -> Cow<'b, str>
    where
        'a: 'b,
    {
        let told = self.name.map(Cow::Borrowed).or_else(|| self.subject.key_of(facts));
        told.unwrap_or_else(|| Cow::Owned(format!("{} {:016x}", self.subject.name(), self.id)))
    }
}

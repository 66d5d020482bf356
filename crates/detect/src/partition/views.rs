//! The state as the query side sees it.

use std::hash::Hasher;

use fleetward_fleet::{DeviceId, SessionKey, Timestamp};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::PartitionState;
use super::device::Entry;
use crate::intern::Symbol;
use crate::session::{ClosedSession, OpenSession};
use crate::{Cursor, DeviceView, SessionFilter, SessionView};

impl PartitionState {
    /// The sessions behind `after` that the filter wants, at most `limit`, in order of their cursors.
    pub(crate) fn list(
        &self,
        filter: &Wanted,
        after: Option<Cursor>,
        limit: usize,
        partition: u8,
    ) -> Vec<(Cursor, SessionView)> {
        let mut found: Vec<(Cursor, Found<'_>)> = Vec::new();
        let nas = match &filter.filter.nas {
            Some(name) => match self.names.nases.find(&**name) {
                Some(nas) => Some(nas),
                None => return Vec::new(),
            },
            None => None,
        };
        let one = filter.filter.device.map(|device| self.devices.find(device));
        let all = one.is_none().then(|| self.devices.iter());
        for entry in one.flatten().into_iter().chain(all.into_iter().flatten()) {
            if after.is_some_and(|after| (partition, entry.id.0) < (after.partition, after.device)) {
                continue;
            }
            for session in of_entry(entry, filter.filter.open) {
                let cursor = Cursor { partition, device: entry.id.0, session: session.hash() };
                let wanted = nas.is_none_or(|nas| nas == session.nas()) && after.is_none_or(|after| cursor > after);
                if wanted && filter.matches(self, entry, &session) {
                    found.push((cursor, session));
                }
            }
        }
        if found.len() > limit {
            found.select_nth_unstable_by_key(limit, |(cursor, _)| *cursor);
            found.truncate(limit);
        }
        found.sort_unstable_by_key(|(cursor, _)| *cursor);
        found
            .into_iter()
            .filter_map(|(cursor, f)| Some((cursor, self.view(self.devices.find(DeviceId(cursor.device))?, &f))))
            .collect()
    }

    /// One session by its key, of one device or of whichever has it.
    pub(crate) fn session_view(&self, device: Option<DeviceId>, key: &SessionKey) -> Option<SessionView> {
        let nas = self.names.nases.find(&*key.nas)?;
        let find = |entry: &Entry| {
            let mut all = of_entry(entry, None);
            all.find(|session| session.nas() == nas && session.id() == &*key.id)
                .map(|session| self.view(entry, &session))
        };
        match device {
            Some(device) => find(self.devices.find(device)?),
            None => self.devices.iter().find_map(find),
        }
    }

    /// All that is known of a device.
    pub(crate) fn device_view(&self, device: DeviceId) -> Option<DeviceView> {
        let place = self.devices.place(device)?;
        let entry = self.devices.get(place);
        let class = self.classes.get(entry.class);
        Some(DeviceView {
            device,
            name: entry.name.as_str().into(),
            known: class.known,
            state: class.state,
            model: class.model.map(|model| self.names.models.value(model).clone()),
            first_seen: entry.first_seen(),
            last_seen: entry.last_seen(),
            bytes_up: entry.bytes_up,
            bytes_down: entry.bytes_down,
            sessions: u64::from(entry.begun),
            open: entry.sessions.open.iter().rev().map(|s| self.view(entry, &Found::Open(s))).collect(),
            has_episodes: entry.rules.has_episodes(),
            baseline_days: self
                .devices
                .habit(place)
                .map(|habit| habit.days(self.last_tick.max(entry.last_seen()).unwrap_or(Timestamp(0)))),
        })
    }

    fn view(&self, entry: &Entry, found: &Found<'_>) -> SessionView {
        let mut view = SessionView {
            device: entry.id,
            device_name: entry.name.as_str().into(),
            nas: self.names.nases.value(found.nas()).clone(),
            id: found.id().into(),
            imsi: entry.imsi.value(),
            ..SessionView::empty()
        };
        match found {
            Found::Open(session) => open_view(session, &mut view),
            Found::Closed(session) => closed_view(session, &mut view),
        }
        view
    }
}

/// Open ones, then closed ones from the newest. The same id twice is told apart by its begin (see [`Found::hash`]).
fn of_entry(entry: &Entry, open: Option<bool>) -> impl Iterator<Item = Found<'_>> {
    let opened = entry.sessions.open.iter().rev().map(Found::Open).filter(move |_| open != Some(false));
    let closed = entry.sessions.closed().iter().rev().map(Found::Closed).filter(move |_| open != Some(true));
    opened.chain(closed)
}

/// A filter, prepared once a query.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    filter: SessionFilter,
    text: Option<String>,
}

impl Wanted {
    pub(crate) fn new(filter: &SessionFilter) -> Self {
        let text = filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_lowercase);
        Self { filter: filter.clone(), text }
    }

    fn matches(&self, state: &PartitionState, entry: &Entry, found: &Found<'_>) -> bool {
        let Some(text) = &self.text else { return true };
        let has = |field: &str| field.to_lowercase().contains(&**text);
        if has(&entry.name)
            || has(found.id())
            || state.classes.get(entry.class).model.is_some_and(|m| has(state.names.models.value(m)))
        {
            return true;
        }
        let Found::Open(session) = found else { return false };
        session.texts.apn().is_some_and(has) || session.marks.ip().is_some_and(|ip| has(&ip.to_string()))
    }
}

/// A session, open or closed.
enum Found<'a> {
    Open(&'a OpenSession),
    Closed(&'a ClosedSession),
}

impl Found<'_> {
    fn nas(&self) -> Symbol {
        match self {
            Self::Open(session) => session.nas,
            Self::Closed(session) => session.nas,
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Open(session) => session.texts.id(),
            Self::Closed(session) => &session.id,
        }
    }

    /// Its place among the sessions of its device. A NAS may use an id again, so the begin is part of it.
    fn hash(&self) -> u128 {
        let begin = match self {
            Self::Open(session) => session.opened_at,
            Self::Closed(session) => session.opened_at,
        };
        let mut hasher = SipHasher13::new();
        hasher.write(&self.nas().0.to_be_bytes());
        hasher.write(&begin.0.to_be_bytes());
        hasher.write(self.id().as_bytes());
        hasher.finish128().as_u128()
    }
}

fn open_view(session: &OpenSession, view: &mut SessionView) {
    view.opened_at = session.opened_at;
    view.last_seen = session.last_event;
    view.bytes_up = session.counters.up();
    view.bytes_down = session.counters.down();
    view.wrapped = session.counters.wrapped();
    view.ip = session.marks.ip();
    view.ipv6 = session.counters.ipv6();
    view.imeisv = session.imeisv.value();
    view.msisdn = session.msisdn.value();
    view.network = session.network.value();
    view.country = session.network.value().and_then(fleetward_fleet::Plmn::country);
    view.apn = session.texts.apn().map(Into::into);
    view.rat = session.marks.rat();
    view.user_name = session.texts.user_name().map(Into::into);
    view.multi_session_id = session.texts.multi_session_id().map(Into::into);
    view.nsapi = session.marks.nsapi();
}

fn closed_view(session: &ClosedSession, view: &mut SessionView) {
    view.opened_at = session.opened_at;
    view.last_seen = session.last_event;
    view.ended_at = Some(session.ended_at);
    view.ended = Some(session.cause);
    view.bytes_up = session.counters.up();
    view.bytes_down = session.counters.down();
    view.wrapped = session.counters.wrapped();
}

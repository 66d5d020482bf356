//! Reading values at evaluation time. Unknown is `None`, for numbers NaN, so that arithmetic passes it on.

mod detail;

use std::net::{IpAddr, Ipv4Addr};

use std::time::Duration;

use fleetward_fleet::{CellId, Direction, Flow, LocalTime, Simultaneous, Timestamp, Zone};

use super::ir::{Address, Arithmetic, Near, Sym, Text, WindowRef};
use crate::detail::{Detail, Metric, Unusual, UnusualKind};
use crate::facts::{Facts, Trigger};
use crate::lookup;
use crate::places::Positions;
use crate::state::SubjectState;
use crate::symbol;
use crate::vocabulary::{Field, Flag, ListField, Number, Symbol, TextField};

/// What an expression is evaluated on.
pub(crate) struct Context<'a> {
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) state: Option<&'a SubjectState>,
    /// The newest event time of the subject, this event included.
    pub(crate) now: Timestamp,
    /// What windows hold that were fed for this event, by their number in the plan; see [`crate::plan`].
    pub(crate) held: &'a [f64],
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes are below 2^53")]
fn number(value: u64) -> f64 {
    value as f64
}

pub(crate) fn optional(value: Option<u64>) -> f64 {
    value.map_or(f64::NAN, number)
}

impl<'a> Context<'a> {
    pub(crate) fn flag(&self, flag: Flag) -> Option<bool> {
        let facts = self.facts;
        Some(match flag {
            Flag::SessionStart => facts.trigger == Trigger::SessionStart,
            Flag::SessionInterim => facts.trigger == Trigger::SessionInterim,
            Flag::SessionStop => facts.trigger == Trigger::SessionStop,
            Flag::Admitted => facts.trigger == Trigger::Admitted,
            Flag::Rejected => facts.trigger == Trigger::Rejected,
            Flag::Contact => facts.is_contact(),
            Flag::DeviceKnown => facts.device.is_some(),
            Flag::DeviceCritical => is_critical(facts),
            Flag::SessionIsNew => return facts.session_is_new,
            Flag::SessionOverlaps => return facts.session_overlaps,
            Flag::Late => facts.late,
            Flag::Fixed => facts.profile?.fixed,
            Flag::SimultaneousAllowed => facts.profile?.simultaneous == Simultaneous::Allow,
            Flag::Flow => facts.trigger == Trigger::Flow,
            Flag::MessageSent => matches!(facts.detail, Detail::Message(it) if it.direction == Direction::Out),
            Flag::MessageReceived => matches!(facts.detail, Detail::Message(it) if it.direction == Direction::In),
            Flag::CallMade => matches!(facts.detail, Detail::Call(it) if it.direction == Direction::Out),
            Flag::CallReceived => matches!(facts.detail, Detail::Call(it) if it.direction == Direction::In),
            Flag::LoginOk => matches!(facts.detail, Detail::Login(it) if it.ok),
            Flag::LoginFailed => matches!(facts.detail, Detail::Login(it) if !it.ok),
            Flag::SimChanged => facts.trigger == Trigger::SimChange,
            Flag::Sign => facts.trigger == Trigger::Network,
            Flag::SourceSilent => matches!(facts.detail, Detail::Source(it) if it.silent_since.is_some()),
            Flag::SourceBack => matches!(facts.detail, Detail::Source(it) if it.silent_since.is_none()),
            Flag::IsRecord => self.verdict()?.is_record,
            Flag::IdentityChanged => self.verdict()?.identity_changed,
            Flag::PlaceChanged => self.verdict()?.place_changed,
            Flag::NewDestination => self.verdict()?.new_destination,
            Flag::InHours => facts.profile?.hours?.contains(self.local()),
        })
    }

    /// The clock where the device works, by its profile.
    fn local(&self) -> LocalTime {
        let zone = self.facts.profile.and_then(|profile| profile.time_zone.as_ref());
        zone.map_or_else(|| Zone::UTC.local(self.facts.time()), |zone| zone.local(self.facts.time()))
    }

    fn verdict(&self) -> Option<&'a Unusual> {
        if let Detail::Unusual(unusual) = self.facts.detail { Some(unusual) } else { None }
    }

    /// Unknown where the event is no verdict about this.
    pub(crate) fn unusual(&self, kind: UnusualKind, metric: Metric) -> Option<bool> {
        self.verdict().filter(|it| it.kind == kind && it.metric == metric).map(|it| it.holds)
    }

    /// Unknown where it is not known through which source the device was last heard.
    pub(crate) fn feed_gap(&self, source: Option<&str>) -> Option<bool> {
        let source = source.or(self.facts.last_source);
        let Some(gaps) = self.facts.gaps else { return Some(false) };
        Some(gaps.is_silent(source?))
    }

    /// Of the network, or of the area that it was last heard of in.
    pub(crate) fn outage(&self, of_area: bool, share: f64) -> Option<bool> {
        let (around, network) = (self.facts.around?, self.facts.network?);
        let cell = || self.facts.cell.and_then(CellId::from_octets).and_then(CellId::short_area);
        let area = if of_area { Some(self.facts.area.or_else(cell)?) } else { None };
        Some(around.outage_share(network, area)? > share)
    }

    pub(crate) fn new_to_group(&self, field: Field) -> Option<bool> {
        self.facts.around?.is_new(field.code()?, self.stored(field)?.identity())
    }

    pub(crate) fn border_pair(&self) -> Option<bool> {
        let (now, before) = (self.facts.country?, self.held(Symbol::Country)?);
        Some(now.borders(symbol::unpack_country(before.0)?))
    }

    /// The last value of a field, and when it was last there.
    fn held(&self, field: Symbol) -> Option<(u64, Timestamp)> {
        let held = self.state?.remembered(field as u8)?;
        match held.value {
            Value::Symbol(value) => Some((value, held.at)),
            Value::Text(_) => None,
        }
    }

    /// In km, or in km/h since the device was last heard of there; not known is NaN.
    pub(crate) fn travel(&self, speed: bool, near: Near, positions: &Positions) -> f64 {
        let by_cell = || {
            let (before, at) = self.held(Symbol::Cell)?;
            let now = self.symbol(Symbol::Cell)?;
            let km = if now == before { 0.0 } else { positions.of(now)?.km_to(positions.of(before)?) };
            Some((km, at))
        };
        let by_country = || {
            let (before, at) = self.held(Symbol::Country)?;
            let km = self.facts.country?.km_apart(symbol::unpack_country(before)?)?;
            Some((km, at))
        };
        let travelled = match near {
            Near::Cell => by_cell(),
            Near::Country => by_country(),
            Near::Place => by_cell().or_else(by_country),
        };
        let Some((km, at)) = travelled.filter(|(_, at)| self.facts.time() >= *at) else { return f64::NAN };
        if !speed {
            return km;
        }
        // Two places within one second are as good as at the same time.
        km * 3600.0 / self.facts.time().since(at).as_secs_f64().max(1.0)
    }

    pub(crate) fn new_to_device(&self, field: Field, key: u32) -> Option<bool> {
        let value = self.stored(field)?.identity();
        self.state?.is_new(key, value, self.facts.time())
    }

    pub(crate) fn address(&self, address: Address) -> Option<IpAddr> {
        match (address, self.facts.detail) {
            (Address::Previous(field), _) => match self.previous(field as u8)? {
                Value::Symbol(value) => u32::try_from(value).ok().map(|bits| Ipv4Addr::from(bits).into()),
                Value::Text(_) => None,
            },
            (Address::Field(Symbol::Ip), _) => self.facts.ip.map(Into::into),
            (Address::Field(Symbol::DeviceIp), _) => self.facts.own()?.ip.map(Into::into),
            (Address::Field(Symbol::FlowAddress), Detail::Flow(flow, _)) => Some(flow.address?.to_canonical()),
            (Address::Field(Symbol::SignAddress), Detail::Network(sign, _)) => Some(sign.address?.to_canonical()),
            (Address::Field(Symbol::LoginFrom), Detail::Login(login)) => Some(login.from?.to_canonical()),
            (Address::Field(_), _) => None,
        }
    }

    pub(crate) fn number(&self, field: Number) -> f64 {
        let facts = self.facts;
        let volume = facts.profile.map(|profile| &profile.volume);
        match field {
            Number::Bytes => optional(facts.bytes()),
            Number::UplinkRatio => match (facts.bytes_up, facts.bytes()) {
                (Some(up), Some(all)) if all > 0 => number(up) / number(all),
                _ => f64::NAN,
            },
            Number::BytesUp => optional(facts.bytes_up),
            Number::BytesDown => optional(facts.bytes_down),
            Number::PacketsUp => optional(facts.packets_up.map(u64::from)),
            Number::PacketsDown => optional(facts.packets_down.map(u64::from)),
            Number::PacketsUpPerSecond => match (facts.packets_up, facts.gathered_since) {
                (Some(packets), Some(since)) if facts.at > since => {
                    f64::from(packets) / facts.at.since(since).as_secs_f64()
                }
                _ => f64::NAN,
            },
            Number::TotalBytes => optional(facts.total_bytes),
            Number::SessionSecs => optional(facts.session_secs.map(u64::from)),
            Number::Svn => optional(facts.imeisv.and_then(fleetward_fleet::Imeisv::software_version).map(u64::from)),
            Number::Age => facts.observed_at.since(facts.at).as_secs_f64(),
            Number::TerminateCause => optional(facts.terminate_cause.map(u64::from)),
            Number::HourOfDay => number(facts.time().secs().rem_euclid(86_400).unsigned_abs() / 3600),
            // 1970-01-01 was a Thursday.
            Number::Weekday => number((facts.time().secs().div_euclid(86_400) + 3).rem_euclid(7).unsigned_abs() + 1),
            Number::OpenSessions => optional(facts.open_sessions.map(u64::from)),
            Number::VolumePerHour => optional(volume.and_then(|volume| volume.per_hour)),
            Number::LocalHour => number(u64::from(self.local().hour)),
            Number::LocalWeekday => number(u64::from(self.local().weekday)),
            Number::VolumePerCycle => optional(volume.and_then(|volume| volume.per_cycle)),
            Number::VolumePerLife => optional(volume.and_then(|volume| volume.per_life)),
            Number::VolumePerDay => optional(volume.and_then(|volume| volume.per_day)),
            Number::SessionsPerDay => {
                optional(facts.profile.and_then(|profile| profile.sessions_per_day).map(u64::from))
            }
            Number::MessagesPerDay => {
                optional(facts.profile.and_then(|profile| profile.messages_per_day).map(u64::from))
            }
            Number::CallsPerDay => optional(facts.profile.and_then(|profile| profile.calls_per_day).map(u64::from)),
            Number::ContactEvery => {
                facts.profile.and_then(|profile| profile.contact_every).map_or(f64::NAN, |every| every.as_secs_f64())
            }
            _ => optional(self.detail_number(field)),
        }
    }

    pub(crate) fn symbol(&self, field: Symbol) -> Option<u64> {
        let facts = self.facts;
        match field {
            Symbol::Kind => Some(symbol::kind(facts.trigger)),
            Symbol::Status => symbol::status(facts.trigger),
            Symbol::Country => facts.country.map(symbol::country),
            Symbol::Network => facts.network.map(symbol::network),
            Symbol::Rat => facts.rat.map(symbol::rat),
            Symbol::Imei => facts.imei.map(fleetward_fleet::Imei::number),
            Symbol::Tac => facts.tac().map(|tac| u64::from(tac.0)),
            Symbol::Ip => facts.ip.map(symbol::ip),
            Symbol::Cell => facts.cell.map(symbol::cell),
            Symbol::Msisdn => facts.msisdn.map(fleetward_fleet::Msisdn::number),
            Symbol::Reason => facts.reject_reason.map(symbol::reason),
            Symbol::DeviceState => facts.device.map(|device| symbol::device_state(device.state)),
            Symbol::DeviceImei => facts.own().and_then(|own| own.imei).map(fleetward_fleet::Imei::number),
            Symbol::DeviceImeiLock => facts.device.map(|device| symbol::imei_lock(device.imei_lock)),
            Symbol::DeviceIp => facts.own().and_then(|own| own.ip).map(symbol::ip),
            Symbol::Device => Some(facts.device_id.0),
            Symbol::FlowAddress
            | Symbol::FlowProtocol
            | Symbol::FlowDirection
            | Symbol::LoginFrom
            | Symbol::Sign
            | Symbol::SignAddress
            | Symbol::SignProtocol
            | Symbol::SignDirection
            | Symbol::SimPart => self.detail_symbol(field),
        }
    }

    pub(crate) fn text(&self, field: TextField) -> Option<&'a str> {
        let facts = self.facts;
        match field {
            TextField::Apn => facts.apn,
            TextField::DeviceName => facts.own().map(|own| own.name),
            TextField::DeviceModel => facts.device.and_then(|device| device.model.as_deref()),
            TextField::Source => Some(facts.source),
            TextField::Expected => Some(facts.expected).filter(|text| !text.is_empty()),
            TextField::Observed => Some(facts.observed).filter(|text| !text.is_empty()),
            _ => self.detail_text(field),
        }
    }

    pub(crate) fn window(&self, window: WindowRef) -> Option<u64> {
        match self.state {
            Some(state) => state.window(window.key, window.spec, self.now),
            None => crate::window::WindowState::Empty.value(window.spec, self.now),
        }
    }

    pub(crate) fn window_number(&self, window: WindowRef) -> f64 {
        optional(self.window(window))
    }

    pub(crate) fn silence(&self) -> f64 {
        let facts = self.facts;
        let Some(last) = facts.last_contact else { return f64::NAN };
        let (now, silent) = (facts.time(), facts.time().since(last));
        // While its source was silent, the device could not be heard.
        let blind =
            facts.gaps.zip(facts.last_source).map_or(Duration::ZERO, |(gaps, source)| gaps.within(source, last, now));
        silent.saturating_sub(blind).as_secs_f64()
    }

    pub(crate) fn size(&self, list: ListField) -> f64 {
        self.list_len(list).map_or(f64::NAN, |len| number(len as u64))
    }

    /// `None`: not stated.
    pub(crate) fn list_len(&self, list: ListField) -> Option<usize> {
        let profile = self.facts.profile;
        let len = match list {
            ListField::Groups => return self.facts.device.map(|device| device.groups.len()),
            ListField::Tacs => profile?.tacs.len(),
            ListField::Countries => profile?.countries.len(),
            ListField::Networks => profile?.networks.len(),
            ListField::Apns => profile?.apns.len(),
            ListField::Rats => profile?.rats.len(),
            ListField::Destinations => profile?.destinations.len(),
        };
        Some(len).filter(|len| *len > 0)
    }

    /// Whether a list of symbols has this one; `None` where the list is not stated.
    pub(crate) fn list_has(&self, list: ListField, value: u64) -> Option<bool> {
        self.list_len(list)?;
        let profile = self.facts.profile?;
        Some(match list {
            ListField::Tacs => profile.tacs.iter().any(|tac| u64::from(tac.0) == value),
            ListField::Countries => profile.countries.iter().any(|country| symbol::country(*country) == value),
            ListField::Networks => profile.networks.iter().any(|network| symbol::network(*network) == value),
            ListField::Rats => {
                let name = fleetward_fleet::Rat(value as u8).name();
                profile.rats.iter().any(|rat| **rat == *name)
            }
            ListField::Groups | ListField::Apns | ListField::Destinations => return None,
        })
    }

    /// Whether a list of texts has this one; `None` where the list is not stated.
    pub(crate) fn list_has_text(&self, list: ListField, text: &str) -> Option<bool> {
        self.list_len(list)?;
        Some(match list {
            ListField::Groups => self.facts.device?.groups.iter().any(|group| **group == *text),
            ListField::Apns => self.facts.profile?.apns.iter().any(|apn| **apn == *text),
            ListField::Destinations => self.may_talk_to(text),
            _ => return None,
        })
    }

    /// By name, by a name above it, or by the address of the flow.
    fn may_talk_to(&self, name: &str) -> bool {
        let address = self.address(Address::Field(Symbol::FlowAddress));
        let destinations = self.facts.profile.map(|profile| profile.destinations.as_slice()).unwrap_or_default();
        destinations.iter().any(|entry| match entry.strip_prefix("*.") {
            Some(above) => name.strip_suffix(above).is_some_and(|below| below.ends_with('.')),
            None => {
                **entry == *name
                    || address.is_some_and(|ip| lookup::network(entry).is_some_and(|net| net.contains(&ip)))
            }
        })
    }

    pub(crate) fn changed(&self, field: Field) -> Option<bool> {
        let now = self.stored(field)?;
        let held = self.state?.remembered(field.code()?)?;
        // A record older than what we remember says nothing about a change.
        Some(self.facts.time() >= held.at && held.value != now)
    }

    pub(crate) fn first(&self, field: Field) -> Option<bool> {
        self.stored(field)?;
        Some(field.code().and_then(|code| self.state?.remembered(code)).is_none())
    }

    fn previous(&self, code: u8) -> Option<Value<'a>> {
        self.state?.remembered(code).map(|held| held.value)
    }

    pub(crate) fn previous_number(&self, field: Number) -> f64 {
        match self.previous(field as u8) {
            Some(Value::Symbol(bits)) => f64::from_bits(bits),
            _ => f64::NAN,
        }
    }

    /// The value as it is remembered.
    pub(crate) fn stored(&self, field: Field) -> Option<Value<'a>> {
        match field {
            Field::Number(number, _) => {
                Some(self.number(number)).filter(|n| !n.is_nan()).map(|n| Value::Symbol(n.to_bits()))
            }
            Field::Symbol(symbol, _) => self.symbol(symbol).map(Value::Symbol),
            Field::Text(text) => self.text(text).map(Value::Text),
            Field::Flag(_) | Field::List(..) => None,
        }
    }
}

/// What a record carried, where the field is that: the commonest of what is added up, and a whole number already.
pub(crate) fn octets<'a>(field: Number) -> Option<fn(&Facts<'a>) -> Option<u64>> {
    match field {
        Number::Bytes => Some(Facts::bytes),
        Number::BytesUp => Some(|facts| facts.bytes_up),
        Number::BytesDown => Some(|facts| facts.bytes_down),
        Number::FlowBytes => Some(|facts| flow(facts).map(|flow| flow.bytes_up.saturating_add(flow.bytes_down))),
        Number::FlowBytesUp => Some(|facts| flow(facts).map(|flow| flow.bytes_up)),
        Number::FlowBytesDown => Some(|facts| flow(facts).map(|flow| flow.bytes_down)),
        _ => None,
    }
}

fn flow<'a>(facts: &Facts<'a>) -> Option<&'a Flow> {
    if let Detail::Flow(flow, _) = facts.detail { Some(flow) } else { None }
}

/// A value that may be remembered, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Symbol(u64),
    Text(&'a str),
}

impl Value<'_> {
    /// A number that stands for it, never 0.
    pub(crate) fn identity(self) -> u64 {
        match self {
            Self::Symbol(value) => value.wrapping_add(1).max(1),
            Self::Text(text) => symbol::hash(text.as_bytes()).max(1),
        }
    }
}

impl Sym {
    pub(crate) fn read(&self, context: &Context<'_>) -> Option<u64> {
        match self {
            Self::Const(value) => Some(*value),
            Self::Field(symbol) => context.symbol(*symbol),
            Self::Previous(symbol) => match context.previous(*symbol as u8)? {
                Value::Symbol(value) => Some(value),
                Value::Text(_) => None,
            },
            Self::TacOf(imei) => imei.read(context).map(|imei| imei / 1_000_000),
        }
    }
}

impl Text {
    pub(crate) fn read<'x>(&'x self, context: &Context<'x>) -> Option<&'x str> {
        match self {
            Self::Const(text) => Some(text),
            Self::Field(field) => context.text(*field),
            Self::Previous(field) => match context.previous(*field as u8)? {
                Value::Text(text) => Some(text),
                Value::Symbol(_) => None,
            },
        }
    }
}

/// The device, or its model, is safety-critical.
pub(crate) fn is_critical(facts: &Facts<'_>) -> bool {
    facts.device.is_some_and(|device| device.critical) || facts.profile.is_some_and(|profile| profile.critical)
}

/// Arithmetic; what has no result is unknown.
pub(crate) fn compute(op: Arithmetic, a: f64, b: f64) -> f64 {
    let result = match op {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => a % b,
    };
    if result.is_finite() { result } else { f64::NAN }
}

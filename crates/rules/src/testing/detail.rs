//! The part of an example's event that its kind alone has.

use fleetward_fleet::{
    Call, Direction, Flow, Login, Message, NetworkSign, SignKind, SimChange, SimPart, SourceState, Timestamp,
};

use super::given::{bytes, duration, value};
use crate::detail::{Metric, OwnedDetail, Unusual, UnusualKind};
use crate::document::{EventDocument, Scalar};
use crate::facts::Trigger;
use crate::places::{CellPattern, cell_pattern};

/// What kind of event it is, by what it states, and its part.
pub(super) fn detail(event: &EventDocument, trigger: Trigger, at: Timestamp) -> Result<OwnedDetail, String> {
    Ok(match trigger {
        Trigger::Flow => {
            let flow = flow(event)?;
            let destination = flow.destination().map(|name| name.into_owned().into());
            OwnedDetail::Flow(Box::new(flow), destination)
        }
        Trigger::Message => OwnedDetail::Message(Box::new(Message {
            direction: direction(event)?,
            peer: text(event.peer.as_ref()),
            count: event.count.unwrap_or(1),
        })),
        Trigger::Call => OwnedDetail::Call(Box::new(Call {
            direction: direction(event)?,
            peer: text(event.peer.as_ref()),
            secs: duration(event.duration.as_ref())?.map_or(0, |length| length.as_secs() as u32),
        })),
        Trigger::Login => OwnedDetail::Login(Box::new(Login {
            service: text(event.service.as_ref()).unwrap_or_else(|| "ssh".into()),
            account: text(event.account.as_ref()),
            ok: event.ok.unwrap_or(false),
            from: value(event.from.as_ref())?,
        })),
        Trigger::SimChange => {
            let what = part(event.part.as_ref())?;
            let (from, to) = (text(event.from.as_ref()), text(event.to.as_ref()));
            OwnedDetail::SimChange(Box::new(SimChange { what, from, to }))
        }
        Trigger::SourceState => {
            let silent = duration(event.silent_for.as_ref())?;
            let silent_since = silent.map(|silent| Timestamp(at.0 - silent.as_millis() as i64));
            let name = text(event.source.as_ref()).unwrap_or_else(|| "test".into());
            OwnedDetail::Source(Box::new(SourceState { name, silent_since }))
        }
        Trigger::Network => {
            let sign = sign(event)?;
            let destination = sign.destination().map(|name| name.into_owned().into());
            OwnedDetail::Network(Box::new(sign), destination)
        }
        Trigger::Unusual => OwnedDetail::Unusual(Box::new(unusual(event)?)),
        _ => OwnedDetail::None,
    })
}

fn flow(event: &EventDocument) -> Result<Flow, String> {
    let destination = event.destination.as_ref().map(|name| name.0.as_str());
    let as_address = destination.and_then(|name| name.parse().ok());
    Ok(Flow {
        address: value(event.address.as_ref())?.or(as_address),
        name: destination.filter(|_| as_address.is_none()).map(Into::into),
        port: event.port,
        protocol: event.protocol,
        direction: direction(event)?,
        bytes_up: bytes(event.bytes_up.as_ref())?.unwrap_or(0),
        bytes_down: bytes(event.bytes.as_ref())?.or(bytes(event.bytes_down.as_ref())?).unwrap_or(0),
        count: event.count.unwrap_or(1),
    })
}

fn unusual(event: &EventDocument) -> Result<Unusual, String> {
    let stated = [
        (UnusualKind::Hour, &event.unusual),
        (UnusualKind::Drift, &event.drift),
        (UnusualKind::ModelWide, &event.model_wide),
    ];
    let Some((kind, name)) = stated.iter().find_map(|(kind, name)| Some((*kind, name.as_ref()?))) else {
        return Err("a verdict states `unusual: bytes`, `drift: bytes` or `model_wide: bytes`".into());
    };
    let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name.0);
    let usual = bytes(event.usual.as_ref())?.unwrap_or(1_000_000);
    Ok(Unusual {
        kind,
        metric: metric.ok_or_else(|| format!("there is no baseline for `{}`", name.0))?,
        holds: !event.over,
        now: bytes(event.now.as_ref())?.unwrap_or(40_000_000),
        low: usual / 4,
        high: usual,
        is_record: true,
        weeks: 8,
        odds: 250_000,
        devices: event.devices.unwrap_or(0),
        model_devices: 100,
        identity_changed: event.identity_changed,
        place_changed: event.place_changed,
        new_destination: event.new_destination,
        explanation: "Usual 0.2-1 MB; now 40 MB.".into(),
    })
}

fn sign(event: &EventDocument) -> Result<NetworkSign, String> {
    let name = event.sign.as_ref().map_or("", |name| name.0.as_str());
    let sign = SignKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let names = SignKind::ALL.map(SignKind::name).join(", ");
        format!("`sign: {name}` is no kind of sign; one of {names}")
    })?;
    let Flow { address, name, port, protocol, direction, .. } = flow(event)?;
    Ok(NetworkSign {
        sign,
        address,
        name,
        port,
        protocol,
        direction,
        count: u64::from(event.count.unwrap_or(1)),
        expected: "what was expected".into(),
        observed: "what happened".into(),
    })
}

fn direction(event: &EventDocument) -> Result<Direction, String> {
    match event.direction.as_ref().map(|direction| direction.0.as_str()) {
        None | Some("out") => Ok(Direction::Out),
        Some("in") => Ok(Direction::In),
        Some(other) => Err(format!("`{other}` is neither out nor in")),
    }
}

fn part(text: Option<&Scalar>) -> Result<SimPart, String> {
    let name = text.map_or("", |text| text.0.as_str());
    SimPart::ALL.into_iter().find(|part| part.name() == name).ok_or_else(|| {
        let names = SimPart::ALL.map(SimPart::name).join(", ");
        format!("`part: {name}` is no part of a SIM; one of {names}")
    })
}

fn text<T: From<String>>(text: Option<&Scalar>) -> Option<T> {
    text.map(|text| text.0.clone().into())
}

/// The kinds of event beside sessions, by name.
pub(super) fn kind(name: &str) -> Option<Trigger> {
    Some(match name {
        "session_lost" => Trigger::SessionLost,
        "device_change" => Trigger::DeviceChange,
        "tick" => Trigger::Tick,
        "flow" => Trigger::Flow,
        "message" => Trigger::Message,
        "call" => Trigger::Call,
        "login" => Trigger::Login,
        "sim_change" => Trigger::SimChange,
        "source_state" => Trigger::SourceState,
        "unusual" => Trigger::Unusual,
        "sign" => Trigger::Network,
        _ => return None,
    })
}

/// The kind that an event has by what it states, where it does not say.
pub(super) fn implied(event: &EventDocument) -> Option<Trigger> {
    let verdict = event.unusual.is_some() || event.drift.is_some() || event.model_wide.is_some();
    match () {
        () if verdict => Some(Trigger::Unusual),
        () if event.sign.is_some() => Some(Trigger::Network),
        () if event.destination.is_some() || event.address.is_some() => Some(Trigger::Flow),
        () if event.part.is_some() => Some(Trigger::SimChange),
        () => None,
    }
}

/// `26201-4660-19088743` as a network sends it (an eNodeB's cell with its area); anything else stands for itself.
pub(super) fn cell(text: &str) -> Vec<u8> {
    let Some(CellPattern { network, area: Some(area), cell: Some(cell) }) = cell_pattern(text) else {
        return text.as_bytes().to_vec();
    };
    let plmn = plmn(&network.to_string());
    let mut octets = vec![130];
    octets.extend(plmn);
    octets.extend(&area.to_be_bytes()[2..]);
    octets.extend(plmn);
    octets.extend(&cell.to_be_bytes()[4..]);
    octets
}

/// Digits with swapped nibbles (TS 29.274); a network code of two digits ends in `F`.
fn plmn(digits: &str) -> [u8; 3] {
    let digit = |at: usize| digits.as_bytes().get(at).map_or(15, |digit| digit - b'0');
    let third = if digits.len() == 6 { digit(5) } else { 15 };
    [digit(1) << 4 | digit(0), third << 4 | digit(2), digit(4) << 4 | digit(3)]
}

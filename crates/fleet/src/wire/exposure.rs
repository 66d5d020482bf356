//! What an audit found, as a message and back.

use super::WireError;
use super::message;
use super::read::{address, wrong};
use super::write::octets;
use crate::Severity;
use crate::exposure::{Exposure, Opening, Ports, Weakness};

const SEVERITIES: [Severity; 5] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

pub(super) fn to(value: &Exposure) -> message::Exposure {
    message::Exposure {
        address: octets(value.address),
        is_whole: value.is_whole,
        settled: value.settled.iter().flat_map(|it| [it.protocol.into(), it.first.into(), it.last.into()]).collect(),
        open: value.open.iter().map(opening_to).collect(),
        faults: value.faults.iter().map(weakness_to).collect(),
        marks: strings(&value.marks),
    }
}

pub(super) fn from(value: message::Exposure) -> Result<Exposure, WireError> {
    let settled = value.settled.chunks(3).map(|it| match it {
        [protocol, first, last] => {
            Ok(Ports { protocol: protocol_of(*protocol)?, first: port(*first)?, last: port(*last)? })
        }
        _ => Err(wrong("settled")),
    });
    Ok(Exposure {
        address: address(&value.address, "address")?,
        is_whole: value.is_whole,
        settled: settled.collect::<Result<_, _>>()?,
        open: value.open.into_iter().map(opening_from).collect::<Result<_, _>>()?,
        faults: value.faults.into_iter().map(weakness_from).collect::<Result<_, _>>()?,
        marks: boxes(value.marks),
    })
}

fn opening_to(value: &Opening) -> message::Opening {
    message::Opening {
        protocol: value.protocol.into(),
        port: value.port.into(),
        service: value.service.to_string(),
        product: value.product.to_string(),
        doubts: strings(&value.doubts),
        tried: strings(&value.tried),
    }
}

fn opening_from(value: message::Opening) -> Result<Opening, WireError> {
    Ok(Opening {
        protocol: protocol_of(value.protocol)?,
        port: port(value.port)?,
        service: value.service.into(),
        product: value.product.into(),
        doubts: boxes(value.doubts),
        tried: boxes(value.tried),
    })
}

fn weakness_to(value: &Weakness) -> message::Weakness {
    message::Weakness {
        check: value.check.to_string(),
        protocol: value.port.map(|(protocol, _)| protocol.into()),
        port: value.port.map_or(0, |(_, port)| port.into()),
        severity: value.severity as u32 + 1,
        title: value.title.to_string(),
        expected: value.expected.to_string(),
        observed: value.observed.to_string(),
        advice: value.advice.to_string(),
        tags: strings(&value.tags),
        by: value.by.as_ref().map(ToString::to_string),
    }
}

fn weakness_from(value: message::Weakness) -> Result<Weakness, WireError> {
    let severity = value.severity.checked_sub(1).and_then(|it| SEVERITIES.get(it as usize));
    let protocol = value.protocol.map(protocol_of).transpose()?;
    let number = port(value.port)?;
    Ok(Weakness {
        check: value.check.into(),
        port: protocol.map(|protocol| (protocol, number)),
        severity: *severity.ok_or(wrong("severity"))?,
        title: value.title.into(),
        expected: value.expected.into(),
        observed: value.observed.into(),
        advice: value.advice.into(),
        tags: boxes(value.tags),
        by: value.by.map(Into::into),
    })
}

fn strings(values: &[Box<str>]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn boxes(values: Vec<String>) -> Vec<Box<str>> {
    values.into_iter().map(Into::into).collect()
}

fn port(number: u32) -> Result<u16, WireError> {
    u16::try_from(number).map_err(|_| wrong("port"))
}

fn protocol_of(number: u32) -> Result<u8, WireError> {
    u8::try_from(number).map_err(|_| wrong("protocol"))
}

//! The profiles of all models, compiled.

use fleetward_fleet::{Direction, NetworkProfile, Peer, PortRange, Rate, TlsShape};
use hashbrown::HashMap;

use crate::fit::{Fit, Verdict};
use crate::hosts::Hosts;
use crate::survey::is_public;
use crate::view::View;

#[derive(Debug)]
struct Model {
    name: Box<str>,
    fit: Fit,
    rates: Vec<Option<Rate>>,
    tls: Vec<TlsShape>,
    /// What it may call on the Internet, whoever answers there.
    outside: Vec<(u8, PortRange)>,
}

#[derive(Debug, Default)]
pub(super) struct Models {
    list: Vec<Model>,
    by_name: HashMap<Box<str>, usize>,
}

impl Models {
    pub(super) fn new<'a>(profiles: impl IntoIterator<Item = (&'a str, &'a NetworkProfile)>) -> Self {
        let mut models = Self::default();
        for (name, profile) in profiles {
            let outside = profile.allow.iter().filter(|allow| {
                let is_remote = match &allow.peer {
                    Peer::Name(_) => true,
                    Peer::Net(net) => is_public(net.addr()),
                    Peer::Role(_) | Peer::Model(_) => false,
                };
                is_remote && allow.begins == Direction::Out
            });
            let outside =
                outside.flat_map(|allow| allow.ports.iter().map(|range| (allow.protocol.0, *range))).collect();
            let model = Model {
                name: name.into(),
                fit: Fit::new(profile),
                rates: profile.allow.iter().map(|allow| allow.rate).collect(),
                tls: profile.tls.clone(),
                outside,
            };
            models.by_name.insert(name.into(), models.list.len());
            models.list.push(model);
        }
        models
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn name(&self, model: usize) -> &str {
        &self.list[model].name
    }

    pub(super) fn judge(&self, model: usize, view: &View<'_>, hosts: &Hosts) -> Verdict {
        self.list[model].fit.judge(view, hosts)
    }

    pub(super) fn rate(&self, model: usize, rule: usize) -> Option<&Rate> {
        self.list[model].rates.get(rule)?.as_ref()
    }

    pub(super) fn allows_port_outside(&self, model: usize, protocol: u8, port: u16) -> bool {
        self.list[model].outside.iter().any(|(it, range)| *it == protocol && range.contains(port))
    }

    /// Software of this shape was seen on the model, or the profile says nothing of TLS.
    ///
    /// Extensions come and go with the connection (resumption, padding, a name or none) and newer software shuffles them, so what counts is
    /// what the software can do: versions and suites (RFC 9761 §5 states these as sets).
    pub(super) fn knows_tls(&self, model: usize, shape: &TlsShape) -> bool {
        let known = &self.list[model].tls;
        let within = |all: &[u16], some: &[u16]| some.iter().all(|it| all.contains(it));
        known.is_empty()
            || known.iter().any(|it| within(&it.ciphers, &shape.ciphers) && within(&it.versions, &shape.versions))
    }
}

//! The functions of the language.

use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, LiteralValue};
use ipnet::IpNet;

use super::check::{Checker, function_names, name_of};
use super::ir::{Address, Arithmetic, Bool, List, Num, Sym, Text, TextTest, Typed};
use super::place;
use super::units::HAS;
use crate::detail::{Metric, UnusualKind};
use crate::diagnostic::{did_you_mean, did_you_mean_text};
use crate::lookup::{self, NameSet, NetworkSet};
use crate::named::Meaning;
use crate::symbol::SymbolType;
use crate::vocabulary::{self, Dimension, Field, Symbol, TextField};
use crate::window::{Aggregate, Span};

/// `name(args)`.
pub(super) fn function(checker: &mut Checker<'_>, id: u64, name: &str, args: &[IdedExpr]) -> Typed {
    match (name, args) {
        (HAS, [x]) => has(checker, x),
        ("changed", [x]) => field(checker, x).map_or(Typed::Error, |field| Typed::Bool(Bool::Changed(field))),
        ("first", [x]) => field(checker, x).map_or(Typed::Error, |field| Typed::Bool(Bool::First(field))),
        ("previous", [x]) => previous(checker, x),
        ("tac", [x]) => match checker.check(x) {
            Typed::Symbol(imei, SymbolType::Imei) => Typed::Symbol(Sym::TacOf(Box::new(imei)), SymbolType::Tac),
            Typed::Error => Typed::Error,
            other => checker.error(x.id, format!("`tac` wants an IMEI, this is {}", other.describe()), None),
        },
        ("silence", []) => Typed::Number(Num::Silence, Dimension::Duration),
        ("size", [x]) => match checker.check(x) {
            Typed::List(List { field, .. }) => Typed::Number(Num::Size(field), Dimension::Plain),
            Typed::Error => Typed::Error,
            other => checker.error(x.id, format!("`size` wants a list, this is {}", other.describe()), None),
        },
        ("allowed", [x, list]) => allowed(checker, id, x, list),
        ("in_list", [x, list]) => in_list(checker, id, x, list),
        ("in_cidr", [x, net]) => in_cidr(checker, x, net),
        ("feed_gap", [x]) => feed_gap(checker, x),
        ("network_outage", [network, share]) => network_outage(checker, network, share),
        ("distance_km", [now, before]) => place::travel(checker, id, false, now, before),
        ("speed_kmh", [now, before]) => place::travel(checker, id, true, now, before),
        ("border_pair", [now, before]) => place::border_pair(checker, id, now, before),
        ("in_area", [place, area]) => place::in_area(checker, place, area),
        ("new_to_device", [x]) => field(checker, x).map_or(Typed::Error, |field| Typed::Bool(Bool::NewToDevice(field))),
        ("rate", [x]) => rate(checker, x),
        ("ratio", [a, b]) => {
            let (a, b) = (checker.check(a), checker.check(b));
            checker.compute(id, Arithmetic::Divide, &a, &b)
        }
        ("new_to_group", [x]) => field(checker, x).map_or(Typed::Error, |field| Typed::Bool(Bool::NewToGroup(field))),
        ("unusual", [x]) => unusual(checker, UnusualKind::Hour, x),
        ("drift", [x]) => unusual(checker, UnusualKind::Drift, x),
        ("model_wide", [x]) => unusual(checker, UnusualKind::ModelWide, x),
        ("@in" | "_[_]", _) => checker.error(id, "indexing is not part of the language", Some("use `in`".into())),
        _ => unknown(checker, id, name, args.len()),
    }
}

/// `target.name(args)`.
pub(super) fn method(checker: &mut Checker<'_>, id: u64, name: &str, target: &IdedExpr, args: &[IdedExpr]) -> Typed {
    let kind = match name {
        "startsWith" => TextTest::Starts,
        "endsWith" => TextTest::Ends,
        "contains" => TextTest::Contains,
        _ => return unknown(checker, id, name, args.len()),
    };
    let [arg] = args else { return checker.error(id, format!("`{name}` wants one text between quotes"), None) };
    let Some(part) = literal(arg) else {
        return checker.error(arg.id, format!("`{name}` wants a text between quotes"), None);
    };
    match checker.check(target) {
        Typed::Text(text) => Typed::Bool(Bool::TextTest(kind, text, part.into())),
        Typed::Error => Typed::Error,
        other => {
            let what = format!("`{name}` is defined for text, this is {}", other.describe());
            checker.error(target.id, what, None)
        }
    }
}

fn unknown(checker: &mut Checker<'_>, id: u64, name: &str, args: usize) -> Typed {
    if name.starts_with(['_', '@', '!', '-']) {
        return checker.error(id, "this operator is not part of the language", None);
    }
    let name = if name == HAS { "has" } else { name };
    if function_names().any(|known| known == name) {
        return checker.error(id, format!("`{name}` does not take {args} arguments"), None);
    }
    let hint = did_you_mean(name, function_names()).map(did_you_mean_text);
    checker.error(id, format!("unknown function `{name}`"), hint)
}

fn has(checker: &mut Checker<'_>, x: &IdedExpr) -> Typed {
    match checker.check(x) {
        Typed::Error => Typed::Error,
        Typed::Literal(_) | Typed::Amount(_) | Typed::Literals(_) => {
            checker.error(x.id, "`has` wants a field", Some("write for example `has(imei)`".into()))
        }
        typed => Typed::Bool(Bool::Has(Box::new(typed))),
    }
}

/// A field whose last value can be remembered.
fn field(checker: &mut Checker<'_>, x: &IdedExpr) -> Option<Field> {
    let entry = name_of(x).as_deref().and_then(vocabulary::find);
    match entry {
        Some(entry) if entry.field.code().is_some() => Some(entry.field),
        Some(_) => {
            checker.error(x.id, "only single values of a record are remembered, not flags and lists", None);
            None
        }
        None => {
            if !matches!(checker.check(x), Typed::Error) {
                checker.error(x.id, "this wants the name of a field", Some("write for example `changed(imei)`".into()));
            }
            None
        }
    }
}

fn previous(checker: &mut Checker<'_>, x: &IdedExpr) -> Typed {
    match field(checker, x) {
        Some(Field::Number(number, dimension)) => Typed::Number(Num::Previous(number), dimension),
        Some(Field::Symbol(symbol, kind)) => Typed::Symbol(Sym::Previous(symbol), kind),
        Some(Field::Text(text)) => Typed::Text(Text::Previous(text)),
        Some(Field::Flag(_) | Field::List(..)) | None => Typed::Error,
    }
}

fn allowed(checker: &mut Checker<'_>, id: u64, x: &IdedExpr, list: &IdedExpr) -> Typed {
    let (value, list_typed) = (checker.check(x), checker.check(list));
    let Typed::List(found) = &list_typed else {
        if matches!(list_typed, Typed::Error) {
            return Typed::Error;
        }
        return checker.error(
            list.id,
            "`allowed` wants a list of the profile",
            Some("use `in` for other lists".into()),
        );
    };
    let stated = Bool::Has(Box::new(Typed::List(found.clone())));
    match checker.membership(id, value, list_typed) {
        Typed::Bool(inside) => Typed::Bool(Bool::Or(Box::new(Bool::Not(Box::new(stated))), Box::new(inside))),
        other => other,
    }
}

fn in_list(checker: &mut Checker<'_>, id: u64, x: &IdedExpr, list: &IdedExpr) -> Typed {
    let value = checker.check(x);
    let Some(name) = literal(list) else {
        return checker.error(list.id, "`in_list` wants the name of a list between quotes", None);
    };
    let Some(entries) = checker.names.shared.lists.get(&name).cloned() else {
        let hint = did_you_mean(&name, checker.names.shared.lists.keys().map(String::as_str)).map(did_you_mean_text);
        return checker.error(list.id, format!("there is no list \"{name}\""), hint);
    };
    checker.names.named.add(format!("list {name}"), Meaning::List(Arc::clone(&entries)));
    match value {
        Typed::Symbol(sym, SymbolType::Ip) => in_networks(checker, list, &name, &sym, &entries),
        Typed::Text(text) => {
            let lower: Vec<String> = entries.iter().map(|entry| entry.to_lowercase()).collect();
            let is_name = matches!(text, Text::Field(TextField::Destination | TextField::FlowName));
            let all = if is_name { &lower[..] } else { &entries[..] };
            let named = Bool::Named(text.clone(), Arc::new(NameSet::of(all.iter().map(String::as_str))));
            // What has no name is known by its address, and a list may name networks, too.
            let networks: Vec<_> = entries.iter().filter_map(|entry| lookup::network(entry)).collect();
            if text == Text::Field(TextField::Destination) && !networks.is_empty() {
                let address = Address::Field(Symbol::FlowAddress);
                let inside = Bool::InNetworks(address, Arc::new(NetworkSet::of(networks)));
                // Where the address is not known, the name alone says that it is not in the list.
                let known = Typed::Symbol(Sym::Field(Symbol::FlowAddress), SymbolType::Ip);
                let inside = Bool::And(Box::new(Bool::Has(Box::new(known))), Box::new(inside));
                return Typed::Bool(Bool::Or(Box::new(named), Box::new(inside)));
            }
            Typed::Bool(named)
        }
        value => checker.membership(id, value, Typed::Literals(entries.to_vec())),
    }
}

fn in_networks(checker: &mut Checker<'_>, at: &IdedExpr, name: &str, sym: &Sym, entries: &[String]) -> Typed {
    let address = match sym {
        Sym::Field(field) => Address::Field(*field),
        Sym::Previous(field) => Address::Previous(*field),
        Sym::Const(_) | Sym::TacOf(_) => return Typed::Error,
    };
    let mut networks = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(network) = lookup::network(entry) else {
            let hint = Some("addresses and networks: `10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`".to_owned());
            return checker.error(at.id, format!("\"{entry}\" of the list \"{name}\" is no address"), hint);
        };
        networks.push(network);
    }
    Typed::Bool(Bool::InNetworks(address, Arc::new(NetworkSet::of(networks))))
}

fn in_cidr(checker: &mut Checker<'_>, x: &IdedExpr, net: &IdedExpr) -> Typed {
    let address = checker.check(x);
    let Some(net_value) = literal(net).and_then(|text| text.parse::<IpNet>().ok()) else {
        let hint = "write for example `\"10.0.0.0/8\"` or `\"2001:db8::/32\"`".to_owned();
        return checker.error(net.id, "`in_cidr` wants a network", Some(hint));
    };
    match address {
        Typed::Symbol(Sym::Field(field), SymbolType::Ip) => {
            Typed::Bool(Bool::InNetwork(Address::Field(field), net_value))
        }
        Typed::Symbol(Sym::Previous(field), SymbolType::Ip) => {
            Typed::Bool(Bool::InNetwork(Address::Previous(field), net_value))
        }
        Typed::Error => Typed::Error,
        other => checker.error(x.id, format!("`in_cidr` wants an IP address, this is {}", other.describe()), None),
    }
}

/// `rate(window)`: how much a second.
fn rate(checker: &mut Checker<'_>, x: &IdedExpr) -> Typed {
    let window = name_of(x).and_then(|name| checker.names.windows.get(&name).copied());
    let adds = |aggregate| matches!(aggregate, Aggregate::Sum | Aggregate::Count);
    match window {
        Some((window, dimension)) if window.spec.span() == Span::Sliding && adds(window.spec.aggregate) => {
            let seconds = Num::Const(window.spec.over().as_secs_f64());
            let rate = Num::Arithmetic(Arithmetic::Divide, Box::new(Num::Window(window)), Box::new(seconds));
            Typed::Number(rate, dimension)
        }
        _ => {
            let hint = "of one that sums or counts over a length of time: `rate(used) > 10 kB` is 10 kB a second";
            checker.error(x.id, "`rate` wants the name of a window", Some(hint.to_owned()))
        }
    }
}

/// `feed_gap(source)` or `feed_gap("pgw-1")`.
fn feed_gap(checker: &mut Checker<'_>, x: &IdedExpr) -> Typed {
    match (literal(x), name_of(x).as_deref()) {
        (Some(name), _) => Typed::Bool(Bool::FeedGap(Some(name.into()))),
        (None, Some("source")) => Typed::Bool(Bool::FeedGap(None)),
        _ => {
            let hint = "write `feed_gap(source)` for the source of the device, or its name between quotes".to_owned();
            checker.error(x.id, "`feed_gap` wants a source", Some(hint))
        }
    }
}

/// `network_outage(network, 0.2)` or `network_outage(area, 0.3)`.
fn network_outage(checker: &mut Checker<'_>, network: &IdedExpr, share: &IdedExpr) -> Typed {
    let hint = || Some("write for example `network_outage(network, 0.2)`".to_owned());
    let of_area = match name_of(network).as_deref() {
        Some("network") => false,
        Some("area") => true,
        _ => return checker.error(network.id, "`network_outage` wants the field `network`, or `area`", hint()),
    };
    match checker.check(share) {
        Typed::Amount(share) if share > 0.0 && share < 1.0 => Typed::Bool(Bool::Outage { of_area, share }),
        Typed::Error => Typed::Error,
        _ => checker.error(share.id, "`network_outage` wants a share between 0 and 1", hint()),
    }
}

/// `unusual(bytes)` and its like.
fn unusual(checker: &mut Checker<'_>, kind: UnusualKind, x: &IdedExpr) -> Typed {
    let name = name_of(x).unwrap_or_default();
    if let Some(metric) = Metric::ALL.into_iter().find(|metric| metric.name() == name) {
        return Typed::Bool(Bool::Unusual(kind, metric));
    }
    let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    let hint = format!("baselines exist for: {}", names.join(", "));
    checker.error(x.id, format!("there is no baseline for `{name}`"), Some(hint))
}

pub(super) fn literal(tree: &IdedExpr) -> Option<String> {
    match &tree.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

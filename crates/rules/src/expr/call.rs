//! The functions of the language.

use cel::common::ast::{Expr, IdedExpr, LiteralValue};
use ipnet::IpNet;

use super::check::{Checker, function_names, name_of};
use super::ir::{Address, Bool, List, Num, Sym, Text, TextTest, Typed};
use super::units::{HAS, did_you_mean_text};
use crate::detail::{Metric, UnusualKind};
use crate::diagnostic::did_you_mean;
use crate::symbol::SymbolType;
use crate::vocabulary::{self, Dimension, Field};

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
    checker.membership(id, value, Typed::Literals(entries.to_vec()))
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

/// `network_outage(network, 0.2)`.
fn network_outage(checker: &mut Checker<'_>, network: &IdedExpr, share: &IdedExpr) -> Typed {
    let hint = || Some("write for example `network_outage(network, 0.2)`".to_owned());
    if name_of(network).as_deref() != Some("network") {
        return checker.error(network.id, "`network_outage` wants the field `network`", hint());
    }
    match checker.check(share) {
        Typed::Amount(share) if share > 0.0 && share < 1.0 => Typed::Bool(Bool::Outage(share)),
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

fn literal(tree: &IdedExpr) -> Option<String> {
    match &tree.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

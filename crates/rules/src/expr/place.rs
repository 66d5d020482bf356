//! Functions about places: how far, how fast, in which area.

use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr};

use super::call::literal;
use super::check::{Checker, name_of};
use super::ir::{Bool, Near, Num, Typed};
use crate::diagnostic::{did_you_mean, did_you_mean_text};
use crate::named::Meaning;
use crate::vocabulary::Dimension;

/// `distance_km(place, previous(place))` and `speed_kmh(...)`.
pub(super) fn travel(checker: &mut Checker<'_>, id: u64, speed: bool, now: &IdedExpr, before: &IdedExpr) -> Typed {
    let function = if speed { "speed_kmh" } else { "distance_km" };
    let near = match name_of(now).as_deref() {
        Some("place") => Near::Place,
        Some("cell") => Near::Cell,
        Some("country") => Near::Country,
        _ => {
            let hint = Some(format!("write `{function}(place, previous(place))`, or `cell` or `country`"));
            return checker.error(now.id, format!("`{function}` wants a place"), hint);
        }
    };
    if previous_of(before) != name_of(now) {
        let name = name_of(now).unwrap_or_default();
        let hint = Some(format!("write `{function}({name}, previous({name}))`"));
        return checker.error(before.id, format!("`{function}` wants the place before"), hint);
    }
    let positions = Arc::clone(&checker.names.shared.positions);
    if near == Near::Cell && positions.len() == 0 {
        let hint = "a document `positions: name` with `file: cells.csv` tells; `place` takes the country where it must";
        return checker.error(id, "nobody knows where cells are", Some(hint.to_owned()));
    }
    checker.note_positions();
    Typed::Number(Num::Travel { speed, near, positions }, Dimension::Plain)
}

/// `border_pair(country, previous(country))`.
pub(super) fn border_pair(checker: &mut Checker<'_>, id: u64, now: &IdedExpr, before: &IdedExpr) -> Typed {
    if name_of(now).as_deref() == Some("country") && previous_of(before).as_deref() == Some("country") {
        return Typed::Bool(Bool::BorderPair);
    }
    let hint = Some("write `border_pair(country, previous(country))`".to_owned());
    checker.error(id, "`border_pair` wants the country and the country before", hint)
}

/// `in_area(cell, "depot")`.
pub(super) fn in_area(checker: &mut Checker<'_>, place: &IdedExpr, area: &IdedExpr) -> Typed {
    if !matches!(name_of(place).as_deref(), Some("place" | "cell" | "network" | "country")) {
        let hint = Some("write `in_area(place, \"depot\")`".to_owned());
        return checker.error(place.id, "`in_area` wants a place", hint);
    }
    let Some(name) = literal(area) else {
        return checker.error(area.id, "`in_area` wants the name of an area between quotes", None);
    };
    let areas = &checker.names.shared.areas;
    let Some(found) = areas.get(&name).map(Arc::clone) else {
        let hint = did_you_mean(&name, areas.keys().map(String::as_str)).map(did_you_mean_text);
        return checker.error(area.id, format!("there is no area \"{name}\""), hint);
    };
    checker.names.named.add(format!("area {name}"), Meaning::Area(Arc::clone(&found)));
    if !found.circles.is_empty() {
        checker.note_positions();
    }
    Typed::Bool(Bool::InArea(found, Arc::clone(&checker.names.shared.positions)))
}

impl Checker<'_> {
    /// It asks where cells are.
    fn note_positions(&self) {
        let positions = &self.names.shared.positions;
        if positions.len() > 0 {
            self.names.named.add("positions of cells", Meaning::Positions(Arc::clone(positions)));
        }
    }
}

/// `x` of `previous(x)`.
fn previous_of(tree: &IdedExpr) -> Option<String> {
    match &tree.expr {
        Expr::Call(call) if call.target.is_none() && call.func_name == "previous" => match call.args.as_slice() {
            [x] => name_of(x),
            _ => None,
        },
        _ => None,
    }
}

//! Areas and positions of cells, from their documents.

use std::str::FromStr;
use std::sync::Arc;

use fleetward_fleet::Point;
use serde_saphyr::Spanned;

use super::gather::data_file;
use super::read::Read;
use crate::diagnostic::Diagnostic;
use crate::document::{AreaDocument, Scalar};
use crate::places::{Area, CellPattern, Positions, cell_pattern, read_positions};
use crate::shared::Shared;
use crate::source::Source;

/// Adds them to what rules share.
pub(super) fn gather(read: &Read<'_>, shared: &mut Shared, wrong: &mut Vec<Diagnostic>) {
    let mut positions = Positions::default();
    for (source, document) in &read.positions {
        let Some(text) = data_file(source, &document.file, &read.data, wrong) else { continue };
        if let Err((line, message)) = read_positions(text, &mut positions) {
            let message = format!("{}:{line}: {message}", document.file.value);
            wrong.push(source.about(&document.file, message, None));
        }
    }
    positions.sort();
    shared.positions = Arc::new(positions);
    for (source, document) in &read.areas {
        let area = area(source, document, wrong);
        shared.areas.insert(document.area.value.clone(), Arc::new(area));
    }
}

fn area(source: &Source<'_>, document: &AreaDocument, wrong: &mut Vec<Diagnostic>) -> Area {
    let mut area = Area {
        countries: values(source, &document.countries, "a country of two capital letters: `DE`", wrong),
        networks: values(source, &document.networks, "a network of 5 or 6 digits: `26201`", wrong),
        ..Area::default()
    };
    for text in &document.cells {
        let found: Option<CellPattern> = cell_pattern(&text.value.0);
        if found.is_none() {
            let hint = Some("network, area and cell, `*` for any: `26201-4660-*`".to_owned());
            wrong.push(source.about(text, format!("`{}` names no cells", text.value.0), hint));
        }
        area.cells.extend(found);
    }
    for circle in &document.circles {
        match Point::new(circle.value.lat, circle.value.lon).filter(|_| circle.value.km > 0.0) {
            Some(centre) => area.circles.push((centre, circle.value.km)),
            None => wrong.push(source.about(circle, "this is no circle on the globe", None)),
        }
    }
    if area == Area::default() {
        let hint = Some("give it countries, networks, cells or circles".to_owned());
        wrong.push(source.about(&document.area, "this area is nowhere", hint));
    }
    area
}

fn values<T: FromStr>(
    source: &Source<'_>,
    texts: &[Spanned<Scalar>],
    hint: &str,
    wrong: &mut Vec<Diagnostic>,
) -> Vec<T> {
    let mut values = Vec::new();
    for text in texts {
        match text.value.0.parse() {
            Ok(value) => values.push(value),
            Err(_) => wrong.push(source.about(text, format!("`{}` is none", text.value.0), Some(hint.to_owned()))),
        }
    }
    values
}

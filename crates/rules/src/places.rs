//! Places by name: areas of an operator, and where cells are.

use fleetward_fleet::{CellId, Country, Plmn, Point};

use crate::facts::Facts;
use crate::symbol;

/// Where cells are, by the number that stands for a cell ([`symbol::cell`]). Sorted.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Positions(Vec<(u64, Point)>);

impl Positions {
    /// Adds what a list says, with the cell's area and without: networks send either.
    pub(crate) fn add(&mut self, cell: CellId, at: Point) {
        self.0.push((symbol::cell_id(cell.normal()), at));
    }

    /// Puts them in order; of a cell that is there twice the first counts.
    pub(crate) fn sort(&mut self) {
        self.0.sort_by_key(|(cell, _)| *cell);
        self.0.dedup_by_key(|(cell, _)| *cell);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn of(&self, cell: u64) -> Option<Point> {
        let at = self.0.binary_search_by_key(&cell, |(held, _)| *held).ok()?;
        Some(self.0[at].1)
    }
}

/// A part of a cell's name that an area asks for; `None`: any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellPattern {
    pub(crate) network: Plmn,
    pub(crate) area: Option<u32>,
    pub(crate) cell: Option<u64>,
}

/// A named area: a device is in it where any of this fits.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Area {
    pub(crate) countries: Vec<Country>,
    pub(crate) networks: Vec<Plmn>,
    pub(crate) cells: Vec<CellPattern>,
    /// Centre and radius in km, over the positions of cells.
    pub(crate) circles: Vec<(Point, f64)>,
}

impl Area {
    /// `None`: what the event carries does not tell.
    pub(crate) fn has(&self, facts: &Facts<'_>, positions: &Positions) -> Option<bool> {
        let cell = facts.cell.and_then(CellId::from_octets);
        let at = facts.cell.and_then(|octets| positions.of(symbol::cell(octets)));
        let parts = [
            part(&self.countries, facts.country, |held, now| held == now),
            part(&self.networks, facts.network, |held, now| held == now),
            part(&self.cells, cell, |pattern, cell| pattern.fits(*cell)),
            part(&self.circles, at, |(centre, km), at| centre.km_to(*at) <= *km),
        ];
        if parts.contains(&Some(true)) {
            return Some(true);
        }
        if parts.contains(&None) { None } else { Some(false) }
    }
}

impl CellPattern {
    fn fits(self, cell: CellId) -> bool {
        let area = self.area.is_none_or(|area| cell.area == Some(area));
        let number = self.cell.is_none_or(|number| cell.cell == Some(number));
        cell.network == self.network && area && number
    }
}

/// Whether one of the list fits; nothing fits an empty list, whatever is known.
fn part<T, V>(list: &[T], value: Option<V>, fits: impl Fn(&T, &V) -> bool) -> Option<bool> {
    if list.is_empty() {
        return Some(false);
    }
    value.map(|value| list.iter().any(|held| fits(held, &value)))
}

/// Reads a table of positions: a heading names the columns (`mcc`, `mnc` or `net`, `area` or `lac` or `tac`, `cell` or
/// `cid`, `lat`, `lon`; others are skipped), as the open tables of cells have them. The error has the line.
pub(crate) fn read_positions(text: &str, into: &mut Positions) -> Result<(), (usize, String)> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let Some((number, heading)) = lines.next() else { return Ok(()) };
    let names: Vec<String> = heading.split(',').map(|name| name.trim().to_lowercase()).collect();
    let column = |wanted: &[&str]| {
        let at = names.iter().position(|name| wanted.contains(&name.as_str()));
        at.ok_or_else(|| (number + 1, format!("the heading names no column `{}`", wanted[0])))
    };
    let [mcc, mnc, area, cell, lat, lon] = [
        column(&["mcc"])?,
        column(&["mnc", "net"])?,
        column(&["area", "lac", "tac"])?,
        column(&["cell", "cid"])?,
        column(&["lat"])?,
        column(&["lon"])?,
    ];
    for (number, line) in lines {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let read = || {
            let network: Plmn = format!("{:0>3}{:0>2}", field(mcc), field(mnc)).parse().ok()?;
            let part = |text: &str| if text.is_empty() { Some(None) } else { text.parse::<u64>().ok().map(Some) };
            let area = part(field(area))?.map(|area| u32::try_from(area).unwrap_or(u32::MAX));
            let at = Point::new(field(lat).parse().ok()?, field(lon).parse().ok()?)?;
            Some((CellId { network, area, cell: part(field(cell))? }, at))
        };
        let (cell, at) = read().ok_or_else(|| (number + 1, "this line is no position of a cell".to_owned()))?;
        into.add(cell, at);
    }
    Ok(())
}

/// `26201-4660-19088743`, with `*` for any: network, area, cell.
pub(crate) fn cell_pattern(text: &str) -> Option<CellPattern> {
    let mut parts = text.split('-').map(str::trim);
    let network = parts.next()?.parse().ok()?;
    let mut part = || match parts.next() {
        None | Some("*") => Some(None),
        Some(number) => number.parse::<u64>().ok().map(Some),
    };
    let area = part()?.map(u32::try_from).transpose().ok()?;
    let cell = part()?;
    parts.next().is_none().then_some(CellPattern { network, area, cell })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_table_of_cells_is_read() {
        let mut positions = Positions::default();
        let text = "radio,mcc,net,area,cell,unit,lon,lat,range\nLTE,262,01,4660,19088743,0,13.4,52.5,1000\nGSM,262,1,7,9,0,11.6,48.1,1000\n";
        assert_eq!(read_positions(text, &mut positions), Ok(()));
        positions.sort();
        let octets = [129, 0x62, 0xF2, 0x10, 0x01, 0x23, 0x45, 0x67];
        assert_eq!(positions.of(symbol::cell(&octets)), Point::new(52.5, 13.4));
        let octets = [0, 0x62, 0xF2, 0x10, 0x00, 0x07, 0x00, 0x09];
        assert_eq!(positions.of(symbol::cell(&octets)), Point::new(48.1, 11.6));
        let wrong = read_positions("mcc,mnc,area,cell,lat,lon\n262,01,1,2,99,0\n", &mut positions);
        assert_eq!(wrong.map_err(|(line, _)| line), Err(2));
        let wrong = read_positions("mcc,mnc,area,cell,lat\n", &mut positions);
        assert_eq!(wrong, Err((1, "the heading names no column `lon`".to_owned())));
    }

    #[test]
    fn patterns_of_cells() {
        let pattern = cell_pattern("26201-4660-*").expect("a pattern");
        assert_eq!((pattern.area, pattern.cell), (Some(4660), None));
        assert!(cell_pattern("26201").is_some() && cell_pattern("26201-*-7").is_some());
        for wrong in ["", "abc", "26201-x", "26201-1-2-3"] {
            assert!(cell_pattern(wrong).is_none(), "{wrong}");
        }
    }
}

//! A cell by its parts, from the octets that a network sends.

use super::Plmn;

/// A radio cell, or an area of cells where no more was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CellId {
    /// Whose it is.
    pub network: Plmn,
    /// Location or tracking area code.
    pub area: Option<u32>,
    /// Cell identity: CI, ECI or NCI.
    pub cell: Option<u64>,
}

impl CellId {
    /// From 3GPP-User-Location-Info (TS 29.061 §16.4.7.2, coded as in TS 29.274 and 29.060): type octet first. `None` for
    /// kinds without area and cell, and for what is too short.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let (&kind, rest) = octets.split_first()?;
        let network = Plmn::from_octets(rest.get(..3)?.try_into().ok()?)?;
        let number = |from: usize, len: usize| {
            let octets = rest.get(from..from + len)?;
            Some(octets.iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet)))
        };
        let area = |len: usize| number(3, len).map(|area| area as u32);
        let (area, cell) = match kind {
            // CGI, SAI
            0 | 1 => (area(2), Some(number(5, 2)?)),
            // RAI, TAI, TAI and eNodeB
            2 | 128 | 132 => (Some(area(2)?), None),
            // ECGI
            129 => (None, Some(number(3, 4)? & 0x0FFF_FFFF)),
            // TAI and ECGI
            130 => (area(2), Some(number(8, 4)? & 0x0FFF_FFFF)),
            // NCGI
            135 => (None, Some(number(3, 5)? & 0x000F_FFFF_FFFF)),
            // 5GS TAI
            136 => (Some(area(3)?), None),
            // 5GS TAI and NCGI
            137 => (area(3), Some(number(9, 5)? & 0x000F_FFFF_FFFF)),
            _ => return None,
        };
        Some(Self { network, area, cell })
    }

    /// The area in sixteen bits, as they are but for the longer ones of 5G, which are folded; `None` also for 0, which is
    /// nobody's (TS 23.003 §19.4.2.3).
    pub fn short_area(self) -> Option<u16> {
        self.area.map(|area| (area ^ area >> 16) as u16).filter(|area| *area != 0)
    }

    /// A name under which the same cell is found again, whichever way it was sent: cells above 16 bits are unique in a
    /// network without their area.
    #[must_use]
    pub fn normal(self) -> Self {
        let unique = self.cell.is_some_and(|cell| cell > 0xFFFF);
        Self { area: if unique { None } else { self.area }, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_cell_is_itself_with_and_without_its_area() {
        let ecgi = [129, 0x62, 0xF2, 0x10, 0x01, 0x23, 0x45, 0x67];
        let both = [130, 0x62, 0xF2, 0x10, 0x12, 0x34, 0x62, 0xF2, 0x10, 0x01, 0x23, 0x45, 0x67];
        let (a, b) = (CellId::from_octets(&ecgi).expect("a cell"), CellId::from_octets(&both).expect("a cell"));
        assert_eq!((a.area, b.area, a.cell), (None, Some(0x1234), Some(0x0123_4567)));
        assert_eq!(a.normal(), b.normal());
        assert_eq!(a.network.to_string(), "26201");
    }

    #[test]
    fn older_and_newer_kinds() {
        let cgi = [0, 0x62, 0xF2, 0x10, 0x00, 0x07, 0x00, 0x09];
        let cell = CellId::from_octets(&cgi).expect("a cell");
        assert_eq!((cell.area, cell.cell, cell.normal().area), (Some(7), Some(9), Some(7)));
        let new = [137, 0x62, 0xF2, 0x10, 0, 1, 2, 0x62, 0xF2, 0x10, 0, 0, 0, 0x10, 0];
        let cell = CellId::from_octets(&new).expect("a cell");
        assert_eq!((cell.area, cell.cell), (Some(258), Some(0x1000)));
        assert_eq!(CellId::from_octets(&[136, 0x62, 0xF2, 0x10, 0, 1, 2]).and_then(|cell| cell.area), Some(258));
        for damaged in [
            &[][..],
            &[129],
            &[129, 0x62, 0xF2, 0x10, 1],
            &[131, 0x62, 0xF2, 0x10, 1, 2, 3],
            &[0, 0xFF, 0xFF, 0xFF, 1, 1, 1, 1],
        ] {
            assert_eq!(CellId::from_octets(damaged), None, "{damaged:?}");
        }
    }
}

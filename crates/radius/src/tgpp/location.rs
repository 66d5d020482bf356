//! 3GPP-User-Location-Info (22).

use std::fmt;

use super::PlmnOctets;

/// Where the device is, as its network sees it. The first octet of the value is the type; lengths below include it.
///
/// A type that is unknown, or known and of another length, stays raw: a gateway with a newer release must not be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the specification's own abbreviations, explained at each variant")]
pub enum Location<'a> {
    /// 0: a GSM cell: location area and cell identity (8 octets).
    Cgi { plmn: PlmnOctets, lac: u16, ci: u16 },
    /// 1: a 3G service area (8 octets).
    Sai { plmn: PlmnOctets, lac: u16, sac: u16 },
    /// 2: a routing area (7 octets, or 8 with an octet of padding).
    Rai { plmn: PlmnOctets, lac: u16, rac: u8 },
    /// 128: an LTE tracking area (6 octets).
    Tai { plmn: PlmnOctets, tac: u16 },
    /// 129: an LTE cell, 28 bits (8 octets).
    Ecgi { plmn: PlmnOctets, eci: u32 },
    /// 130: both (13 octets).
    TaiEcgi { tai_plmn: PlmnOctets, tac: u16, plmn: PlmnOctets, eci: u32 },
    /// 135: a 5G cell, 36 bits (9 octets).
    Ncgi { plmn: PlmnOctets, nci: u64 },
    /// 136: a 5G tracking area, 24 bits (7 octets).
    FiveGsTai { plmn: PlmnOctets, tac: u32 },
    /// 137: both (15 octets).
    FiveGsTaiNcgi { tai_plmn: PlmnOctets, tac: u32, plmn: PlmnOctets, nci: u64 },
    /// Any other type (131 to 134, 138 and 139 are base station ids), or one of the above with a wrong length.
    Raw { kind: u8, octets: &'a [u8] },
}

impl<'a> Location<'a> {
    /// Reads the attribute's value; `None` only when it is empty.
    pub fn from_wire(value: &'a [u8]) -> Option<Self> {
        let (&kind, octets) = value.split_first()?;
        Some(typed(kind, octets).unwrap_or(Self::Raw { kind, octets }))
    }

    /// The attribute's value. Spare bits are zero, the padding of a routing area is `FF`.
    pub fn to_wire(&self) -> Vec<u8> {
        let kind = [self.kind()];
        match *self {
            Self::Cgi { plmn, lac, ci: cell } | Self::Sai { plmn, lac, sac: cell } => {
                [&kind[..], &plmn.0, &lac.to_be_bytes(), &cell.to_be_bytes()].concat()
            }
            Self::Rai { plmn, lac, rac } => [&kind[..], &plmn.0, &lac.to_be_bytes(), &[rac, 0xFF]].concat(),
            Self::Tai { plmn, tac } => [&kind[..], &plmn.0, &tac.to_be_bytes()].concat(),
            Self::Ecgi { plmn, eci } => [&kind[..], &plmn.0, &eci.to_be_bytes()].concat(),
            Self::TaiEcgi { tai_plmn, tac, plmn, eci } => {
                [&kind[..], &tai_plmn.0, &tac.to_be_bytes(), &plmn.0, &eci.to_be_bytes()].concat()
            }
            Self::Ncgi { plmn, nci } => [&kind[..], &plmn.0, &nci.to_be_bytes()[3..]].concat(),
            Self::FiveGsTai { plmn, tac } => [&kind[..], &plmn.0, &tac.to_be_bytes()[1..]].concat(),
            Self::FiveGsTaiNcgi { tai_plmn, tac, plmn, nci } => {
                [&kind[..], &tai_plmn.0, &tac.to_be_bytes()[1..], &plmn.0, &nci.to_be_bytes()[3..]].concat()
            }
            Self::Raw { octets, .. } => [&kind[..], octets].concat(),
        }
    }

    /// The geographic location type, the first octet.
    pub fn kind(&self) -> u8 {
        match *self {
            Self::Cgi { .. } => 0,
            Self::Sai { .. } => 1,
            Self::Rai { .. } => 2,
            Self::Tai { .. } => 128,
            Self::Ecgi { .. } => 129,
            Self::TaiEcgi { .. } => 130,
            Self::Ncgi { .. } => 135,
            Self::FiveGsTai { .. } => 136,
            Self::FiveGsTaiNcgi { .. } => 137,
            Self::Raw { kind, .. } => kind,
        }
    }

    /// The network of the cell, or of the area when there is no cell.
    pub fn plmn(&self) -> Option<PlmnOctets> {
        match *self {
            Self::Cgi { plmn, .. }
            | Self::Sai { plmn, .. }
            | Self::Rai { plmn, .. }
            | Self::Tai { plmn, .. }
            | Self::Ecgi { plmn, .. }
            | Self::TaiEcgi { plmn, .. }
            | Self::Ncgi { plmn, .. }
            | Self::FiveGsTai { plmn, .. }
            | Self::FiveGsTaiNcgi { plmn, .. } => Some(plmn),
            Self::Raw { .. } => None,
        }
    }

    /// LAC or TAC.
    pub fn area(&self) -> Option<u32> {
        match *self {
            Self::Cgi { lac, .. } | Self::Sai { lac, .. } | Self::Rai { lac, .. } => Some(lac.into()),
            Self::Tai { tac, .. } | Self::TaiEcgi { tac, .. } => Some(tac.into()),
            Self::FiveGsTai { tac, .. } | Self::FiveGsTaiNcgi { tac, .. } => Some(tac),
            Self::Ecgi { .. } | Self::Ncgi { .. } | Self::Raw { .. } => None,
        }
    }

    /// CI, SAC, ECI or NCI.
    pub fn cell(&self) -> Option<u64> {
        match *self {
            Self::Cgi { ci: cell, .. } | Self::Sai { sac: cell, .. } => Some(cell.into()),
            Self::Ecgi { eci, .. } | Self::TaiEcgi { eci, .. } => Some(eci.into()),
            Self::Ncgi { nci, .. } | Self::FiveGsTaiNcgi { nci, .. } => Some(nci),
            Self::Rai { .. } | Self::Tai { .. } | Self::FiveGsTai { .. } | Self::Raw { .. } => None,
        }
    }

    /// False for a known type whose length or network is broken. An unknown type is not broken.
    pub fn is_readable(&self) -> bool {
        match self {
            Self::Raw { kind, .. } => !matches!(kind, 0..=2 | 128..=130 | 135..=137),
            known => known.plmn().is_none_or(|plmn| plmn.digits().is_some()),
        }
    }
}

/// Exact lengths only: what is too short has no field to read, what is too long has something left.
fn typed(kind: u8, octets: &[u8]) -> Option<Location<'_>> {
    let mut rest = Fields(octets);
    let location = match kind {
        0 => Location::Cgi { plmn: rest.plmn()?, lac: rest.u16()?, ci: rest.u16()? },
        1 => Location::Sai { plmn: rest.plmn()?, lac: rest.u16()?, sac: rest.u16()? },
        2 => Location::Rai { plmn: rest.plmn()?, lac: rest.u16()?, rac: rest.octet_and_padding()? },
        128 => Location::Tai { plmn: rest.plmn()?, tac: rest.u16()? },
        129 => Location::Ecgi { plmn: rest.plmn()?, eci: rest.eci()? },
        130 => Location::TaiEcgi { tai_plmn: rest.plmn()?, tac: rest.u16()?, plmn: rest.plmn()?, eci: rest.eci()? },
        135 => Location::Ncgi { plmn: rest.plmn()?, nci: rest.nci()? },
        136 => Location::FiveGsTai { plmn: rest.plmn()?, tac: rest.u24()? },
        137 => {
            Location::FiveGsTaiNcgi { tai_plmn: rest.plmn()?, tac: rest.u24()?, plmn: rest.plmn()?, nci: rest.nci()? }
        }
        _ => return None,
    };
    rest.0.is_empty().then_some(location)
}

/// The fields of a location, front to back.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (octets, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*octets)
    }

    /// The last `N` octets of a 64-bit number.
    fn number<const N: usize>(&mut self) -> Option<u64> {
        self.take::<N>().map(|octets| octets.iter().fold(0, |number, &octet| number << 8 | u64::from(octet)))
    }

    fn plmn(&mut self) -> Option<PlmnOctets> {
        self.take().map(PlmnOctets)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    fn u24(&mut self) -> Option<u32> {
        self.number::<3>().map(|number| number as u32)
    }

    /// 4 spare bits and 28.
    fn eci(&mut self) -> Option<u32> {
        self.take().map(|octets| u32::from_be_bytes(octets) & 0x0FFF_FFFF)
    }

    /// 4 spare bits and 36.
    fn nci(&mut self) -> Option<u64> {
        self.number::<5>().map(|number| number & 0xF_FFFF_FFFF)
    }

    /// A routing area code ends the value, or one octet of padding does: implementations differ.
    fn octet_and_padding(&mut self) -> Option<u8> {
        let [octet] = self.take()?;
        if self.0.len() == 1 {
            self.0 = &[];
        }
        Some(octet)
    }
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Cgi { plmn, lac, ci } => write!(f, "CGI {plmn} lac {lac} ci {ci}"),
            Self::Sai { plmn, lac, sac } => write!(f, "SAI {plmn} lac {lac} sac {sac}"),
            Self::Rai { plmn, lac, rac } => write!(f, "RAI {plmn} lac {lac} rac {rac}"),
            Self::Tai { plmn, tac } => write!(f, "TAI {plmn} tac {tac}"),
            Self::Ecgi { plmn, eci } => write!(f, "ECGI {plmn} eci {eci}"),
            Self::TaiEcgi { tai_plmn, tac, plmn, eci } => write!(f, "TAI {tai_plmn} tac {tac} ECGI {plmn} eci {eci}"),
            Self::Ncgi { plmn, nci } => write!(f, "NCGI {plmn} nci {nci}"),
            Self::FiveGsTai { plmn, tac } => write!(f, "5GS TAI {plmn} tac {tac}"),
            Self::FiveGsTaiNcgi { tai_plmn, tac, plmn, nci } => {
                write!(f, "5GS TAI {tai_plmn} tac {tac} NCGI {plmn} nci {nci}")
            }
            Self::Raw { kind, octets } => {
                write!(f, "type {kind} ")?;
                octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}

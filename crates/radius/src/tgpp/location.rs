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

/// Exact lengths only.
fn typed(kind: u8, octets: &[u8]) -> Option<Location<'_>> {
    let u16_of = |a, b| u16::from_be_bytes([a, b]);
    Some(match (kind, octets) {
        (0, &[a, b, c, d, e, f, g]) => {
            Location::Cgi { plmn: PlmnOctets([a, b, c]), lac: u16_of(d, e), ci: u16_of(f, g) }
        }
        (1, &[a, b, c, d, e, f, g]) => {
            Location::Sai { plmn: PlmnOctets([a, b, c]), lac: u16_of(d, e), sac: u16_of(f, g) }
        }
        // Six octets as one reader has it, seven with padding as another.
        (2, &[a, b, c, d, e, rac] | &[a, b, c, d, e, rac, _]) => {
            Location::Rai { plmn: PlmnOctets([a, b, c]), lac: u16_of(d, e), rac }
        }
        (128, &[a, b, c, d, e]) => Location::Tai { plmn: PlmnOctets([a, b, c]), tac: u16_of(d, e) },
        (129, &[a, b, c, d, e, f, g]) => Location::Ecgi { plmn: PlmnOctets([a, b, c]), eci: eci([d, e, f, g]) },
        (130, &[a, b, c, d, e, f, g, h, i, j, k, l]) => Location::TaiEcgi {
            tai_plmn: PlmnOctets([a, b, c]),
            tac: u16_of(d, e),
            plmn: PlmnOctets([f, g, h]),
            eci: eci([i, j, k, l]),
        },
        (135, &[a, b, c, d, e, f, g, h]) => Location::Ncgi { plmn: PlmnOctets([a, b, c]), nci: nci([d, e, f, g, h]) },
        (136, &[a, b, c, d, e, f]) => {
            Location::FiveGsTai { plmn: PlmnOctets([a, b, c]), tac: u32::from_be_bytes([0, d, e, f]) }
        }
        (137, &[a, b, c, d, e, f, g, h, i, j, k, l, m, n]) => Location::FiveGsTaiNcgi {
            tai_plmn: PlmnOctets([a, b, c]),
            tac: u32::from_be_bytes([0, d, e, f]),
            plmn: PlmnOctets([g, h, i]),
            nci: nci([j, k, l, m, n]),
        },
        _ => return None,
    })
}

/// The low 28 bits.
fn eci(octets: [u8; 4]) -> u32 {
    u32::from_be_bytes(octets) & 0x0FFF_FFFF
}

/// The low 36 bits.
fn nci([a, b, c, d, e]: [u8; 5]) -> u64 {
    u64::from_be_bytes([0, 0, 0, a & 0x0F, b, c, d, e])
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

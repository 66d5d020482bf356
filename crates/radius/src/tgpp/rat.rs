//! 3GPP-RAT-Type (21).

use std::fmt;

/// Radio access technology. Any octet is one. An NB-IoT SIM that is suddenly on [`Rat::EUTRAN`] has a new home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rat(pub u8);

impl Rat {
    /// 3G.
    pub const UTRAN: Self = Self(1);
    /// 2G.
    pub const GERAN: Self = Self(2);
    /// Wi-Fi.
    pub const WLAN: Self = Self(3);
    /// LTE.
    pub const EUTRAN: Self = Self(6);
    /// NB-IoT.
    pub const NB_IOT: Self = Self(8);
    /// LTE-M.
    pub const LTE_M: Self = Self(9);
    /// 5G.
    pub const NR: Self = Self(51);

    /// A short name; `None` for values that are not assigned.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "UTRAN",
            2 => "GERAN",
            3 => "WLAN",
            4 => "GAN",
            5 => "HSPA+",
            6 => "EUTRAN",
            7 => "Virtual",
            8 => "NB-IoT",
            9 => "LTE-M",
            51 => "NR",
            52 => "NR-U",
            53 => "Trusted WLAN",
            54 => "Trusted non-3GPP",
            55..=57 => "Wireline",
            101 => "IEEE 802.16e",
            102 => "3GPP2 eHRPD",
            103 => "3GPP2 HRPD",
            104 => "3GPP2 1xRTT",
            105 => "3GPP2 UMB",
            _ => return None,
        })
    }
}

impl fmt::Display for Rat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "RAT-{}", self.0),
        }
    }
}

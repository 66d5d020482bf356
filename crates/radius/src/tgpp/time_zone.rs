//! 3GPP-MS-TimeZone (23; TS 23.040 §9.2.3.11, TS 24.008 §10.5.3.12).

use std::fmt;

/// Local time at the device: offset from UTC in quarter hours, daylight saving in hours. `80 21` is +02:00, DST +1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeZone {
    /// -79 to 79.
    pub quarter_hours: i8,
    /// 0 to 3 (3 is reserved).
    pub daylight_saving: u8,
}

impl TimeZone {
    /// Two octets: quarter hours in swapped BCD with bit 3 as the minus sign, then daylight saving in the low two bits.
    pub fn from_wire(value: &[u8]) -> Option<Self> {
        let &[offset, saving] = value else { return None };
        let ones = i8::try_from(offset >> 4).ok().filter(|&ones| ones < 10)?;
        let tens = i8::try_from(offset & 7).ok()?;
        let quarter_hours = tens * 10 + ones;
        let quarter_hours = if offset & 8 == 0 { quarter_hours } else { -quarter_hours };
        Some(Self { quarter_hours, daylight_saving: saving & 3 })
    }

    /// The two octets; `None` beyond 79 quarter hours or 3 hours.
    pub fn to_wire(self) -> Option<[u8; 2]> {
        let magnitude = self.quarter_hours.unsigned_abs();
        if magnitude > 79 || self.daylight_saving > 3 {
            return None;
        }
        let sign = if self.quarter_hours < 0 { 8 } else { 0 };
        Some([(magnitude % 10) << 4 | sign | (magnitude / 10), self.daylight_saving])
    }

    /// Minutes east of UTC, daylight saving included as networks send it (the offset already contains it).
    pub fn minutes(self) -> i16 {
        i16::from(self.quarter_hours) * 15
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.minutes();
        let sign = if minutes < 0 { '-' } else { '+' };
        let minutes = minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)?;
        if self.daylight_saving > 0 { write!(f, " (DST +{})", self.daylight_saving) } else { Ok(()) }
    }
}

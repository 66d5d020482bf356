//! What a device half tells a model half about one hour or one day.

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Metric {
    /// Bytes of one hour, both directions: `unusual(bytes)`.
    Bytes,
    /// Evidence over days that the daily volume has moved up: `drift(bytes)`.
    Drift,
}

/// Which span a measure is about, and whether that span is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// An hour to which nothing can be added any more.
    Closed,
    /// An hour that still grows; its volume is a lower bound.
    Open,
    /// A day that is over.
    Day,
}

/// One hour or day of one device, with what the device itself knows about such hours. Small and `Copy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Hours since 1970-01-01T00:00Z; for a day, its first hour.
    pub hour: u32,
    /// What it is about.
    pub kind: Kind,
    /// Bytes, both directions.
    pub bytes: u64,
}

impl Measure {
    /// When the hour or day began.
    pub fn start(&self) -> Timestamp {
        Timestamp::from_secs(i64::from(self.hour) * 3600)
    }

    /// Whether the device itself finds this remarkable. The model half decides; this only tells which measures deserve
    /// that more is carried along with them. Few are (about one in thousands).
    pub fn is_high(&self) -> bool {
        self.kind == Kind::Open
    }
}

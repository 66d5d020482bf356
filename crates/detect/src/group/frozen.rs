//! The second stage as bytes and back.

use fleetward_fleet::Offset;
use serde::{Deserialize, Serialize};

use super::GroupState;
use super::baselines::Baselines;
use super::keys::{Frozen, Keys, Slot};
use super::networks::Outages;
use super::novelty::Novelty;
use crate::planned::{self, Planned};

#[derive(Serialize)]
struct Whole<'a> {
    next: Offset,
    keys: Vec<Frozen<&'a Slot>>,
    baselines: &'a Baselines,
    novelty: &'a Novelty,
    outages: &'a Outages,
    planned: planned::Frozen,
}

/// The same, read. Field for field in the order of [`Whole`].
#[derive(Deserialize)]
struct Thawed {
    next: Offset,
    keys: Vec<Frozen<Slot>>,
    baselines: Baselines,
    novelty: Novelty,
    outages: Outages,
    planned: planned::Frozen,
}

impl GroupState {
    /// As bytes, for [`Self::thaw`] of the same version of the program.
    pub(crate) fn freeze(&self) -> Vec<u8> {
        let keys = self.keys.iter().map(Keys::freeze).collect();
        let whole = Whole {
            next: self.next,
            keys,
            baselines: &self.baselines,
            novelty: &self.novelty,
            outages: &self.outages,
            planned: self.planned.freeze(),
        };
        // It cannot fail: memory takes any length, and all types are plain. If it did, what is empty does not thaw.
        postcard::to_extend(&whole, Vec::new()).unwrap_or_default()
    }

    /// From the bytes that [`Self::freeze`] made; `None` where they are not such bytes.
    pub(crate) fn thaw(bytes: &[u8]) -> Option<Self> {
        let thawed: Thawed = postcard::from_bytes(bytes).ok()?;
        let keys: Vec<Keys> = thawed.keys.into_iter().map(Keys::thaw).collect::<Option<_>>()?;
        let novelty = Some(thawed.novelty).filter(Novelty::is_sound)?;
        Some(Self {
            next: thawed.next,
            keys: keys.try_into().ok()?,
            baselines: thawed.baselines,
            novelty,
            outages: thawed.outages,
            planned: Planned::thaw(thawed.planned),
        })
    }
}

//! What the rules remember of one subject (a device or a group): windows, last values, episodes.
//!
//! A subject of which nothing is remembered costs one pointer. Windows and episodes are found by stable keys (hashes of
//! what they are), so a snapshot survives a change of other rules.

use fleetward_fleet::{Offset, Timestamp};
use serde::{Deserialize, Serialize};

use crate::window::WindowState;

/// The state of all rules for one subject.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubjectState(Option<Box<Inner>>);

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inner {
    /// The newest event time: windows are judged up to here, so a late record does not see less than its predecessor.
    pub(crate) watermark: Timestamp,
    pub(crate) windows: Vec<(u32, WindowState)>,
    pub(crate) memory: Vec<Remembered>,
    pub(crate) episodes: Vec<Episode>,
}

/// The last value of one field, with the time and the field ([`crate::vocabulary::Field::code`]) in one word: there are several
/// of them for each of millions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// Milliseconds, 56 bits with sign, above the field.
    tag: i64,
    pub(crate) value: Stored,
}

impl Remembered {
    pub(crate) fn new(field: u8, at: Timestamp, value: Stored) -> Self {
        Self { tag: at.0 << 8 | i64::from(field), value }
    }

    pub(crate) fn is_of(&self, field: u8) -> bool {
        self.field() == field
    }

    pub(crate) fn field(&self) -> u8 {
        self.tag.cast_unsigned() as u8
    }

    pub(crate) fn at(&self) -> Timestamp {
        Timestamp(self.tag >> 8)
    }

    pub(crate) fn move_to(&mut self, at: Timestamp) {
        self.tag = at.0 << 8 | (self.tag & 0xFF);
    }
}

/// A remembered value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Stored {
    Symbol(u64),
    /// Behind two boxes: 8 octets instead of 16 in every remembered value, and texts are rare.
    Text(Box<Box<str>>),
}

/// Where one rule is with one subject. There is none while all is well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Episode {
    /// Hash of the rule's name.
    pub(crate) rule: u32,
    pub(crate) phase: Phase,
    /// When the condition first held.
    pub(crate) start: Timestamp,
    /// When it last held.
    pub(crate) last: Timestamp,
    /// Since when it is in this phase.
    pub(crate) since: Timestamp,
    /// When the finding was last written.
    pub(crate) told: Timestamp,
    /// How often it held.
    pub(crate) count: u64,
    /// The value that `once per new …` compares.
    pub(crate) value: u64,
    /// Hash of the session that was last responded to.
    pub(crate) session: u64,
    /// The first records that show it.
    pub(crate) evidence: Vec<Offset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// The condition holds, but not yet for long enough.
    Pending,
    /// A finding is open.
    Firing,
    /// The way back holds, but not yet for long enough.
    Clearing,
    /// Cleared; the cooldown runs, and a relapse reopens the same finding.
    Cooling,
}

impl SubjectState {
    /// Whether nothing is remembered: the caller need not keep it.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether an episode is under way, so that ticks matter to it.
    pub fn has_episodes(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| !inner.episodes.is_empty())
    }

    /// Bytes it takes, heap included.
    pub fn bytes(&self) -> usize {
        let Some(inner) = &self.0 else { return size_of::<Self>() };
        let windows: usize = inner.windows.iter().map(|(_, window)| heap_of(window)).sum();
        let evidence: usize = inner.episodes.iter().map(|episode| episode.evidence.capacity() * 8).sum();
        size_of::<Self>()
            + size_of::<Inner>()
            + inner.windows.capacity() * size_of::<(u32, WindowState)>()
            + inner.memory.capacity() * size_of::<Remembered>()
            + inner.episodes.capacity() * size_of::<Episode>()
            + windows
            + evidence
    }

    /// Touches what is kept, so that a batch waits for memory once and not record by record. `step` 0: the block, 1: what
    /// it points at, 2: what that points at. The result means nothing.
    pub fn touch(&self, step: u8) -> u64 {
        let Some(inner) = &self.0 else { return 0 };
        match step {
            0 => inner.watermark.0.cast_unsigned(),
            1 => {
                let window = inner.windows.first().map_or(0, |(key, _)| *key);
                let last = inner.windows.last().map_or(0, |(key, _)| *key);
                let memory =
                    inner.memory.first().map_or(0, |held| held.tag) ^ inner.memory.last().map_or(0, |held| held.tag);
                u64::from(window ^ last) ^ memory.cast_unsigned()
            }
            _ => inner.windows.iter().fold(0, |sum, (_, window)| sum ^ window.touch()),
        }
    }

    pub(crate) fn inner(&self) -> Option<&Inner> {
        self.0.as_deref()
    }

    pub(crate) fn inner_mut(&mut self) -> &mut Inner {
        self.0.get_or_insert_default()
    }

    /// Lets go of the block when nothing is in it.
    pub(crate) fn shrink(&mut self) {
        if self
            .0
            .as_ref()
            .is_some_and(|inner| inner.windows.is_empty() && inner.memory.is_empty() && inner.episodes.is_empty())
        {
            self.0 = None;
        }
    }
}

impl Inner {
    pub(crate) fn window(&self, key: u32) -> Option<&WindowState> {
        self.windows.iter().find(|(held, _)| *held == key).map(|(_, window)| window)
    }

    pub(crate) fn window_mut(&mut self, key: u32) -> &mut WindowState {
        let at = self.windows.iter().position(|(held, _)| *held == key).unwrap_or_else(|| {
            self.windows.reserve_exact(1);
            self.windows.push((key, WindowState::Empty));
            self.windows.len() - 1
        });
        &mut self.windows[at].1
    }

    pub(crate) fn remembered(&self, field: u8) -> Option<&Remembered> {
        self.memory.iter().find(|held| held.is_of(field))
    }
}

fn heap_of(window: &WindowState) -> usize {
    match window {
        WindowState::Ring(ring) => size_of_val(&**ring),
        WindowState::Wide(ring) => size_of_val(&**ring),
        WindowState::Set(set) => size_of::<Vec<(u64, u32)>>() + set.capacity() * size_of::<(u64, u32)>(),
        WindowState::Sketch(sketch) => sketch.bytes(),
        WindowState::Empty | WindowState::One { .. } | WindowState::Last(_) => 0,
    }
}

//! What only few subjects have: episodes, texts that are compared, windows with many different values.

use serde::{Deserialize, Serialize};

use super::Episode;
use crate::window::WindowState;

/// Kept apart from the block, and not there while there is none of it.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rare {
    pub(super) episodes: Vec<Episode>,
    /// Last values that are texts, by field.
    pub(super) texts: Vec<(u8, Box<str>)>,
    /// Windows by key.
    pub(super) windows: Vec<(u32, WindowState)>,
}

impl Rare {
    pub(super) fn is_empty(&self) -> bool {
        self.episodes.is_empty() && self.texts.is_empty() && self.windows.is_empty()
    }

    pub(super) fn window(&self, key: u32) -> Option<&WindowState> {
        self.windows.iter().find(|(held, _)| *held == key).map(|(_, window)| window)
    }

    pub(super) fn text(&self, field: u8) -> Option<&str> {
        self.texts.iter().find(|(held, _)| *held == field).map(|(_, text)| &**text)
    }

    pub(super) fn keep_text(&mut self, field: u8, text: &str) {
        match self.texts.iter_mut().find(|(held, _)| *held == field) {
            Some((_, held)) if **held == *text => {}
            Some((_, held)) => *held = text.into(),
            None => self.texts.push((field, text.into())),
        }
    }

    /// Bytes on the heap, its own included.
    pub(super) fn bytes(&self) -> usize {
        let evidence: usize = self.episodes.iter().map(|episode| episode.evidence.capacity() * 8).sum();
        let texts: usize = self.texts.iter().map(|(_, text)| text.len()).sum();
        let windows: usize = self.windows.iter().map(|(_, window)| window.heap()).sum();
        size_of::<Self>()
            + self.episodes.capacity() * size_of::<Episode>()
            + self.texts.capacity() * size_of::<(u8, Box<str>)>()
            + self.windows.capacity() * size_of::<(u32, WindowState)>()
            + evidence
            + texts
            + windows
    }
}

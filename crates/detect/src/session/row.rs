//! A row of few things in exactly the memory that they need.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

/// Adding and removing moves all of it, so it is for what is read much more often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row<T>(Box<[T]>);

impl<T> Row<T> {
    pub(crate) fn push(&mut self, value: T) {
        let mut all = std::mem::take(&mut self.0).into_vec();
        all.reserve_exact(1);
        all.push(value);
        self.0 = all.into();
    }

    pub(crate) fn remove(&mut self, index: usize) -> T {
        let mut all = std::mem::take(&mut self.0).into_vec();
        let removed = all.remove(index);
        self.0 = all.into();
        removed
    }
}

impl<T> Default for Row<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T> Deref for Row<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for Row<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

//! Cursor pagination: a page is asked for with what the last one returned, so that rows are seen once while others arrive.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Result, StoreError};

/// The most rows that one page holds.
pub const MAX_PAGE: usize = 1000;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// At most so many rows; 0 means 100, more than [`MAX_PAGE`] means that.
    pub limit: usize,
    /// [`Listing::next`] of the page before; `None` for the first.
    pub cursor: Option<String>,
}

impl Page {
    /// The first page, with at most `limit` rows.
    pub fn first(limit: usize) -> Self {
        Self { limit, cursor: None }
    }

    /// The number of rows after defaults and limits.
    pub fn rows(&self) -> usize {
        if self.limit == 0 { 100 } else { self.limit.min(MAX_PAGE) }
    }

    /// What the cursor points at, as the list wrote it.
    pub(crate) fn position(&self) -> Result<Option<String>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(Some).ok_or_else(bad_cursor)
    }

    /// The same for lists that are ordered by a number.
    pub(crate) fn sequence(&self) -> Result<Option<i64>> {
        self.position()?.map(|text| text.parse().map_err(|_| bad_cursor())).transpose()
    }
}

fn bad_cursor() -> StoreError {
    StoreError::invalid("cursor", "not a cursor of this list; leave it out for the first page")
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Ask with this for the page after; `None`: this was the last.
    pub next: Option<String>,
}

impl<T> Listing<T> {
    /// From up to `limit + 1` rows with their positions: one more than asked for means that there is another page.
    pub(crate) fn of(mut rows: Vec<(String, T)>, limit: usize) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|(position, _)| URL_SAFE_NO_PAD.encode(position));
        Self { items: rows.into_iter().map(|(_, item)| item).collect(), next }
    }

    /// The same page with every row changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Listing<U> {
        Listing { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

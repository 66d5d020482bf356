//! The windows in a block: a table in order of their keys, and the octets of each behind it.

use super::{Block, ENTRY, HEAD, MOST, WINDOWS};
use crate::state::octets::{TIME, put_u16, put_u32, u16_at, u32_at};
use crate::state::packed::{Form, Packed};

impl Block {
    pub(in crate::state) fn windows(&self) -> usize {
        self.0.get(WINDOWS).map_or(0, |count| usize::from(*count))
    }

    /// The place of a window, or where its entry belongs.
    pub(in crate::state) fn find(&self, key: u32) -> Result<usize, usize> {
        // Keys are hashes: how large one is says nearly where it lies.
        let near = (u64::from(key) * self.windows() as u64) >> 32;
        self.find_near(near as usize, key)
    }

    /// The same, from a place that is likely to be it or before it.
    #[inline]
    pub(in crate::state) fn find_near(&self, near: usize, key: u32) -> Result<usize, usize> {
        let begin = self.entries();
        let entries = self.0.get(begin..begin + self.windows() * ENTRY).unwrap_or_default();
        let key_at = |place: usize| entries.get(place * ENTRY..place * ENTRY + 4).map(|entry| u32_at(entry, 0));
        let mut place = near.min(self.windows());
        while place > 0 && key_at(place - 1).is_some_and(|held| held >= key) {
            place -= 1;
        }
        while key_at(place).is_some_and(|held| held < key) {
            place += 1;
        }
        if key_at(place) == Some(key) { Ok(place) } else { Err(place) }
    }

    /// The octets of a window, from a place that is likely to be it or before it; then `near` is its place. `None` where it is
    /// not found that way: look with [`Self::find`].
    #[inline]
    pub(in crate::state) fn seek(&mut self, near: &mut usize, key: u32) -> Option<(Form, &mut [u8])> {
        let (entries, octets) = self.split();
        seek(entries, octets, near, key)
    }

    /// The entries of the windows, and their octets.
    pub(in crate::state) fn split(&mut self) -> (&[[u8; ENTRY]], &mut [u8]) {
        let (entries, octets) = (self.entries(), self.octets());
        let Some((head, windows)) = self.0.split_at_mut_checked(octets) else { return (&[], &mut []) };
        (head.get(entries..).unwrap_or_default().as_chunks().0, windows)
    }

    pub(in crate::state) fn key(&self, place: usize) -> u32 {
        u32_at(&self.0, self.entry(place))
    }

    pub(in crate::state) fn window(&self, place: usize) -> Packed<'_> {
        let (form, range) = self.range(place);
        Packed { form, bytes: &self.0[range] }
    }

    pub(in crate::state) fn window_mut(&mut self, place: usize) -> (Form, &mut [u8]) {
        let (form, range) = self.range(place);
        (form, &mut self.0[range])
    }

    /// Puts a window where [`Self::find`] said. `false`: there is no room.
    pub(in crate::state) fn insert(&mut self, place: usize, key: u32, form: Form, bytes: &[u8]) -> bool {
        if self.windows() == usize::from(u8::MAX) || self.used() + ENTRY + bytes.len() > MOST {
            return false;
        }
        self.begin(HEAD + ENTRY + bytes.len());
        let at = self.entry(place);
        self.splice(at, 0, ENTRY);
        self.0[WINDOWS] += 1;
        put_u32(&mut self.0, at, key);
        self.append(place, form, bytes);
        true
    }

    /// Puts something else in the place of a window. `false`: there is no room, and the window is gone.
    pub(in crate::state) fn replace(&mut self, place: usize, form: Form, bytes: &[u8]) -> bool {
        let (_, range) = self.range(place);
        if range.len() == bytes.len() {
            self.0[range].copy_from_slice(bytes);
            let at = self.entry(place);
            self.0[at + 7] = form.0;
            return true;
        }
        if self.used() + bytes.len() > MOST {
            self.remove(place);
            return false;
        }
        self.cut(place);
        self.append(place, form, bytes);
        true
    }

    /// One more number behind those of a ring, or as many as before where there is no room; its octets.
    pub(in crate::state) fn lengthen(&mut self, place: usize) -> &mut [u8] {
        let (Form(width), range) = self.range(place);
        let more = 1 << width;
        let used = self.used();
        if used + more > MOST {
            return &mut self.0[range];
        }
        if range.end == used && used + more <= self.len() {
            // The last one, and there is room: what is behind it is zero.
            let at = self.entry(place);
            self.0[at + 6] += more as u8;
            put_u16(&mut self.0, TIME, (used + more) as u16);
            return &mut self.0[range.start..range.end + more];
        }
        self.splice(range.end, 0, more);
        let (entries, octets) = (self.entries(), self.octets());
        let offset = (range.start - octets) as u16;
        let (table, _) = self.0[entries..octets].as_chunks_mut::<ENTRY>();
        for entry in &mut *table {
            let held = u16_at(entry, 4);
            put_u16(entry, 4, if held > offset { held + more as u16 } else { held });
        }
        table[place][6] += more as u8;
        &mut self.0[range.start..range.end + more]
    }

    pub(in crate::state) fn remove(&mut self, place: usize) {
        self.cut(place);
        let at = self.entry(place);
        self.splice(at, ENTRY, 0);
        self.0[WINDOWS] -= 1;
    }

    /// Takes the octets of a window out; its entry is of no use until [`Self::append`].
    fn cut(&mut self, place: usize) {
        let (_, range) = self.range(place);
        let offset = (range.start - self.octets()) as u16;
        let len = range.len();
        self.splice(range.start, len, 0);
        for other in 0..self.windows() {
            let at = self.entry(other) + 4;
            let held = u16_at(&self.0, at);
            if held > offset {
                put_u16(&mut self.0, at, held - len as u16);
            }
        }
    }

    /// Puts the octets of a window behind all others.
    fn append(&mut self, place: usize, form: Form, bytes: &[u8]) {
        let begin = self.used();
        self.splice(begin, 0, bytes.len());
        self.0[begin..begin + bytes.len()].copy_from_slice(bytes);
        let (at, offset) = (self.entry(place), begin - self.octets());
        put_u16(&mut self.0, at + 4, offset as u16);
        self.0[at + 6] = bytes.len() as u8;
        self.0[at + 7] = form.0;
    }

    /// Where the entries of the windows begin.
    fn entries(&self) -> usize {
        self.value(self.values())
    }

    fn entry(&self, place: usize) -> usize {
        self.entries() + place * ENTRY
    }

    /// Where the octets of the windows begin.
    pub(super) fn octets(&self) -> usize {
        self.entry(self.windows())
    }

    pub(super) fn range(&self, place: usize) -> (Form, std::ops::Range<usize>) {
        let entry = self.entry(place);
        let begin = self.octets() + usize::from(u16_at(&self.0, entry + 4));
        (Form(self.0[entry + 7]), begin..begin + usize::from(self.0[entry + 6]))
    }
}

/// See [`Block::seek`]; of what [`Block::split`] gives.
#[inline]
pub(in crate::state) fn seek<'a>(
    entries: &[[u8; ENTRY]],
    octets: &'a mut [u8],
    near: &mut usize,
    key: u32,
) -> Option<(Form, &'a mut [u8])> {
    let entry = loop {
        let entry = u64::from_le_bytes(*entries.get(*near)?);
        if entry as u32 >= key {
            break entry;
        }
        *near += 1;
    };
    if entry as u32 != key {
        return None;
    }
    let (begin, len, form) = ((entry >> 32) as u16, (entry >> 48) as u8, Form((entry >> 56) as u8));
    Some((form, octets.get_mut(usize::from(begin)..usize::from(begin) + usize::from(len))?))
}

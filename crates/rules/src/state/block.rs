//! One block of octets for a subject: there are millions of them, and each is read for every record.
//!
//! ```text
//! 0   newest event time, 6     octets in use, 2     values (and APART or NEWEST), 1     windows, 1
//! 10  time of the values, 6 (where there are any, and neither APART nor NEWEST)
//!     values: field, 1   value, 8   time, 6 (only where APART)
//!     windows, by key: key, 4   place of its octets behind all of these, 2   how many, 1   form, 1
//!     octets of the windows, in any order without gaps
//! ```
//!
//! # Invariants
//!
//! * **Nothing is one empty block**, without memory of its own.
//! * **Values have one time** where it is the same for all, as it is where each record states them all; otherwise they are
//!   `APART`, each with its own. Where it is the newest event time, it is not kept again: they are `NEWEST`.
//! * **What follows from the events is in use**: octets behind it are room to grow, zero, and no part of what is equal.

use super::octets::{TIME, put_time, put_u16, put_u32, put_u64, time_at, u16_at, u32_at, u64_at};
use super::packed::{Form, Packed};
use fleetward_fleet::Timestamp;

#[derive(Debug, Default, Clone)]
pub(super) struct Block(Box<[u8]>);

/// Octets before the values and their time.
const HEAD: usize = TIME + 4;
/// The place of the number of values.
const VALUES: usize = TIME + 2;
/// The place of the number of windows.
const WINDOWS: usize = TIME + 3;
/// Octets of a value without its time.
const VALUE: usize = 1 + 8;
/// Beside the number of values: each has a time of its own.
const APART: u8 = 0x80;
/// The same: all have the newest event time.
const NEWEST: u8 = 0x40;
/// Octets of a window's entry.
pub(super) const ENTRY: usize = 8;
/// A block grows by at least this much, as memory is handed out anyway.
const STEP: usize = 16;
/// What a block must stay below.
const MOST: usize = u16::MAX as usize - 4096;

impl Block {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Octets on the heap.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The octets in use.
    pub(super) fn in_use(&self) -> &[u8] {
        &self.0[..self.used()]
    }

    /// From octets in use; `None` where they are no block.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut block = Self::default();
        if bytes.is_empty() {
            return Some(block);
        }
        if bytes.len() < HEAD || usize::from(u16_at(bytes, TIME)) != bytes.len() {
            return None;
        }
        block.0 = bytes.into();
        block.is_sound().then_some(block)
    }

    /// Makes room for about so many octets, before the first of them come.
    pub(super) fn reserve(&mut self, octets: usize) {
        if self.is_empty() {
            self.begin(octets);
        }
    }

    pub(super) fn watermark(&self) -> Option<Timestamp> {
        (!self.is_empty()).then(|| Timestamp(time_at(&self.0, 0)))
    }

    /// Moves the newest event time on. What the values had is theirs alone then.
    pub(super) fn set_watermark(&mut self, to: Timestamp) {
        self.begin(HEAD);
        if self.is_newest() && time_at(&self.0, 0) != to.0 {
            let held = time_at(&self.0, 0);
            self.0[VALUES] &= !NEWEST;
            self.splice(HEAD, 0, TIME);
            put_time(&mut self.0, HEAD, held);
        }
        put_time(&mut self.0, 0, to.0);
    }

    pub(super) fn values(&self) -> usize {
        self.0.get(VALUES).map_or(0, |count| usize::from(count & !(APART | NEWEST)))
    }

    pub(super) fn windows(&self) -> usize {
        self.0.get(WINDOWS).map_or(0, |count| usize::from(*count))
    }

    /// When the field had its last value, and which.
    pub(super) fn held(&self, field: u8) -> Option<(Timestamp, u64)> {
        let place = self.place_of(field)?;
        Some((Timestamp(self.held_at(place)), u64_at(&self.0, self.value(place) + 1)))
    }

    /// The last value of a field. `near`: its place, likely; then that of the field after it.
    pub(super) fn held_near(&self, near: &mut usize, field: u8) -> Option<u64> {
        let is_there = *near < self.values() && self.0[self.value(*near)] == field;
        let place = if is_there { *near } else { self.place_of(field)? };
        *near = place + 1;
        Some(u64_at(&self.0, self.value(place) + 1))
    }

    /// All fields had their values again. A later time than any before is the newest event time then.
    pub(super) fn hold_on(&mut self, time: Timestamp) {
        let places = 0..self.values();
        if places.is_empty() {
            return;
        }
        if places.clone().all(|place| self.held_at(place) <= time.0) {
            self.gather(time);
        } else if self.is_apart() {
            for place in places {
                self.set_held_at(place, time.max(Timestamp(self.held_at(place))));
            }
        }
    }

    /// Remembers the values of fields, each where it has no newer one; of the time the same as in [`Self::hold_on`].
    pub(super) fn hold(&mut self, time: Timestamp, values: impl Iterator<Item = (u8, u64)> + Clone) {
        let is_newer = |field| self.held(field).is_none_or(|(held, _)| held <= time);
        if !values.clone().any(|(field, _)| is_newer(field)) {
            return;
        }
        self.begin(HEAD + TIME + VALUE);
        let ends_at_time = |place: usize| {
            let (field, held) = (self.0[self.value(place)], self.held_at(place));
            held == time.0 || held < time.0 && values.clone().any(|(stated, _)| stated == field)
        };
        if (0..self.values()).all(ends_at_time) {
            self.gather(time);
        } else {
            self.part();
        }
        for (field, value) in values {
            let place = match self.place_of(field) {
                Some(place) if self.held_at(place) > time.0 => continue,
                Some(place) => place,
                None => self.add_value(field),
            };
            let at = self.value(place);
            put_u64(&mut self.0, at + 1, value);
            self.set_held_at(place, time);
        }
        if !self.is_apart() {
            self.gather(time); // if these are the first
        }
    }

    /// Forgets fields.
    pub(super) fn retain_fields(&mut self, stays: impl Fn(u8) -> bool) {
        let (before, is_apart, beside) = (self.values(), self.is_apart(), self.beside());
        for place in (0..before).rev() {
            let at = self.value(place);
            if !stays(self.0[at]) {
                self.splice(at, self.value_size(), 0);
                self.0[VALUES] -= 1;
            }
        }
        if before > 0 && self.values() == 0 {
            self.0[VALUES] = 0;
            self.splice(HEAD, beside, 0);
        } else if is_apart {
            let first = self.held_at(0);
            if (0..self.values()).all(|place| self.held_at(place) == first) {
                self.gather(Timestamp(first));
            }
        }
    }

    /// The place of a window, or where its entry belongs.
    pub(super) fn find(&self, key: u32) -> Result<usize, usize> {
        // Keys are hashes: how large one is says nearly where it lies.
        let near = (u64::from(key) * self.windows() as u64) >> 32;
        self.find_near(near as usize, key)
    }

    /// The same, from a place that is likely to be it or before it.
    #[inline]
    pub(super) fn find_near(&self, near: usize, key: u32) -> Result<usize, usize> {
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
    pub(super) fn seek(&mut self, near: &mut usize, key: u32) -> Option<(Form, &mut [u8])> {
        let (entries, octets) = self.split();
        seek(entries, octets, near, key)
    }

    /// The entries of the windows, and their octets.
    pub(super) fn split(&mut self) -> (&[[u8; ENTRY]], &mut [u8]) {
        let (entries, octets) = (self.entries(), self.octets());
        let Some((head, windows)) = self.0.split_at_mut_checked(octets) else { return (&[], &mut []) };
        (head.get(entries..).unwrap_or_default().as_chunks().0, windows)
    }

    pub(super) fn key(&self, place: usize) -> u32 {
        u32_at(&self.0, self.entry(place))
    }

    pub(super) fn window(&self, place: usize) -> Packed<'_> {
        let (form, range) = self.range(place);
        Packed { form, bytes: &self.0[range] }
    }

    pub(super) fn window_mut(&mut self, place: usize) -> (Form, &mut [u8]) {
        let (form, range) = self.range(place);
        (form, &mut self.0[range])
    }

    /// Puts a window where [`Self::find`] said. `false`: there is no room.
    pub(super) fn insert(&mut self, place: usize, key: u32, form: Form, bytes: &[u8]) -> bool {
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
    pub(super) fn replace(&mut self, place: usize, form: Form, bytes: &[u8]) -> bool {
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
    pub(super) fn lengthen(&mut self, place: usize) -> &mut [u8] {
        let (Form(width), range) = self.range(place);
        let more = 1 << width;
        if self.used() + more > MOST {
            return &mut self.0[range];
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

    pub(super) fn remove(&mut self, place: usize) {
        self.cut(place);
        let at = self.entry(place);
        self.splice(at, ENTRY, 0);
        self.0[WINDOWS] -= 1;
    }

    /// Gives back what is not in use, where it is worth it; all of it where nothing is kept.
    pub(super) fn shrink(&mut self) {
        if self.values() == 0 && self.windows() == 0 {
            *self = Self::default();
        } else if self.len() - self.used() >= 4 * STEP {
            self.resize(self.used().next_multiple_of(STEP));
        }
    }

    /// All of it, what is not in use too.
    pub(super) fn memory(&self) -> &[u8] {
        &self.0
    }

    fn is_apart(&self) -> bool {
        self.0.get(VALUES).is_some_and(|count| count & APART != 0)
    }

    fn is_newest(&self) -> bool {
        self.0.get(VALUES).is_some_and(|count| count & NEWEST != 0)
    }

    /// Octets of the one time of all values.
    fn beside(&self) -> usize {
        let is_kept = self.0.get(VALUES).is_some_and(|count| *count != 0 && count & (APART | NEWEST) == 0);
        if is_kept { TIME } else { 0 }
    }

    fn value_size(&self) -> usize {
        if self.is_apart() { VALUE + TIME } else { VALUE }
    }

    /// Where a value begins.
    fn value(&self, place: usize) -> usize {
        HEAD + self.beside() + place * self.value_size()
    }

    /// Where the time of a value lies.
    fn time_of(&self, place: usize) -> usize {
        match self.0[VALUES] & (APART | NEWEST) {
            0 => HEAD,
            NEWEST => 0,
            _ => self.value(place) + VALUE,
        }
    }

    fn held_at(&self, place: usize) -> i64 {
        time_at(&self.0, self.time_of(place))
    }

    fn set_held_at(&mut self, place: usize, time: Timestamp) {
        let at = self.time_of(place);
        put_time(&mut self.0, at, time.0);
    }

    /// A field behind the others, with no value yet; its place.
    fn add_value(&mut self, field: u8) -> usize {
        let place = self.values();
        if place == 0 {
            self.splice(HEAD, 0, TIME);
        }
        let at = if place == 0 { HEAD + TIME } else { self.value(place) };
        self.splice(at, 0, self.value_size());
        self.0[VALUES] += 1;
        self.0[at] = field;
        place
    }

    /// Gives all values one time, which none of them is after.
    fn gather(&mut self, time: Timestamp) {
        let values = self.values();
        if values == 0 {
            return;
        }
        let is_newest = time.0 >= time_at(&self.0, 0);
        if is_newest {
            put_time(&mut self.0, 0, time.0);
        }
        let beside = if is_newest { 0 } else { TIME };
        if self.is_apart() {
            for place in 0..values {
                let at = self.value(place);
                self.0.copy_within(at..at + VALUE, HEAD + beside + place * VALUE);
            }
            self.splice(HEAD + beside + values * VALUE, values * TIME - beside, 0);
        } else if self.beside() != beside {
            self.splice(HEAD, self.beside(), beside);
        }
        self.0[VALUES] = values as u8 | if is_newest { NEWEST } else { 0 };
        self.set_held_at(0, time);
    }

    /// Gives each value a time of its own.
    fn part(&mut self) {
        if self.is_apart() {
            return;
        }
        let (values, time, beside) = (self.values(), Timestamp(self.held_at(0)), self.beside());
        self.splice(self.value(values), 0, values * TIME - beside);
        for place in (0..values).rev() {
            let from = HEAD + beside + place * VALUE;
            self.0.copy_within(from..from + VALUE, HEAD + place * (VALUE + TIME));
        }
        self.0[VALUES] = values as u8 | APART;
        (0..values).for_each(|place| self.set_held_at(place, time));
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

    fn used(&self) -> usize {
        if self.is_empty() { 0 } else { usize::from(u16_at(&self.0, TIME)) }
    }

    /// Where the entries of the windows begin.
    fn entries(&self) -> usize {
        self.value(self.values())
    }

    fn entry(&self, place: usize) -> usize {
        self.entries() + place * ENTRY
    }

    /// Where the octets of the windows begin.
    fn octets(&self) -> usize {
        self.entry(self.windows())
    }

    fn range(&self, place: usize) -> (Form, std::ops::Range<usize>) {
        let entry = self.entry(place);
        let begin = self.octets() + usize::from(u16_at(&self.0, entry + 4));
        (Form(self.0[entry + 7]), begin..begin + usize::from(self.0[entry + 6]))
    }

    /// The place of a field among the values.
    fn place_of(&self, field: u8) -> Option<usize> {
        (0..self.values()).find(|place| self.0[self.value(*place)] == field)
    }

    fn begin(&mut self, octets: usize) {
        if self.is_empty() {
            self.0 = vec![0; octets.next_multiple_of(STEP)].into();
            put_u16(&mut self.0, TIME, HEAD as u16);
        }
    }

    /// Takes `cut` octets out at `at` and puts `insert` zeros there.
    fn splice(&mut self, at: usize, cut: usize, insert: usize) {
        let used = self.used();
        let after = used - cut + insert;
        if after > self.len() {
            self.resize(after.next_multiple_of(STEP));
        }
        self.0.copy_within(at + cut..used, at + insert);
        self.0[at..at + insert].fill(0);
        if after < used {
            self.0[after..used].fill(0);
        }
        put_u16(&mut self.0, TIME, after as u16);
    }

    fn resize(&mut self, octets: usize) {
        let mut grown = std::mem::take(&mut self.0).into_vec();
        grown.reserve_exact(octets.saturating_sub(grown.len()));
        grown.resize(octets, 0);
        self.0 = grown.into_boxed_slice();
    }

    fn is_sound(&self) -> bool {
        let kinds = self.0[VALUES] & (APART | NEWEST);
        if kinds == APART | NEWEST || kinds != 0 && self.values() == 0 || self.octets() > self.used() {
            return false;
        }
        let range = |place| self.range(place).1;
        let follows = |place| (0..self.windows()).any(|other| range(other).end == range(place).start);
        let fits = |place| {
            let range = range(place);
            range.end <= self.used()
                && (range.start == self.octets() || follows(place))
                && self.window(place).is_sound()
        };
        let sorted = (1..self.windows()).all(|place| self.key(place - 1) < self.key(place));
        let sum: usize = (0..self.windows()).map(|place| range(place).len()).sum();
        sorted && self.octets() + sum == self.used() && (0..self.windows()).all(fits)
    }
}

/// See [`Block::seek`]; of what [`Block::split`] gives.
#[inline]
pub(super) fn seek<'a>(
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

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.in_use() == other.in_use()
    }
}

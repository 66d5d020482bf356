//! The last values in a block, and when the subject had them.

use super::{APART, Block, HEAD, NEWEST, VALUE, VALUES};
use crate::state::octets::{TIME, put_time, put_u64, time_at, u64_at};
use fleetward_fleet::Timestamp;

/// Fields with a last value at most: more are not remembered, and rules that ask for more are refused.
pub(crate) const FIELDS: usize = (!(APART | NEWEST)) as usize;

impl Block {
    pub(in crate::state) fn values(&self) -> usize {
        self.0.get(VALUES).map_or(0, |count| usize::from(count & !(APART | NEWEST)))
    }

    /// When the field had its last value, and which.
    pub(in crate::state) fn held(&self, field: u8) -> Option<(Timestamp, u64)> {
        let place = self.place_of(field)?;
        Some((Timestamp(self.held_at(place)), u64_at(&self.0, self.value(place) + 1)))
    }

    /// The last values in the order in which they came, so many octets each, the field first and then the value.
    pub(in crate::state) fn last(&self) -> (&[u8], usize) {
        let size = self.value_size();
        (self.0.get(self.value(0)..self.value(self.values())).unwrap_or_default(), size)
    }

    /// All fields had their values again. A later time than any before is the newest event time then.
    pub(in crate::state) fn hold_on(&mut self, time: Timestamp) {
        let places = 0..self.values();
        if places.is_empty() {
            return;
        }
        if self.is_newest() && time.0 >= time_at(&self.0, 0) {
            put_time(&mut self.0, 0, time.0); // as nearly always
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
    pub(in crate::state) fn hold(&mut self, time: Timestamp, values: impl Iterator<Item = (u8, u64)> + Clone) {
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
                None if self.values() == FIELDS => continue,
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
    pub(in crate::state) fn retain_fields(&mut self, stays: impl Fn(u8) -> bool) {
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

    pub(super) fn is_apart(&self) -> bool {
        self.0.get(VALUES).is_some_and(|count| count & APART != 0)
    }

    pub(super) fn is_newest(&self) -> bool {
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
    pub(super) fn value(&self, place: usize) -> usize {
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

    /// The place of a field among the values.
    fn place_of(&self, field: u8) -> Option<usize> {
        (0..self.values()).find(|place| self.0[self.value(*place)] == field)
    }
}

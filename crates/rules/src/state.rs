//! What the rules remember of one subject (a device or a group): windows, last values, episodes.
//!
//! A subject of which nothing is remembered costs three words. What nearly every subject has lies in one block of memory
//! ([`block`]), the rest behind one pointer ([`rare`]). Windows and episodes are found by stable keys (hashes of what they
//! are), so a snapshot survives a change of other rules.

mod block;
mod episode;
mod octets;
mod packed;
mod rare;
mod ring;
mod row;
mod serial;

use fleetward_fleet::Timestamp;

use self::block::{Block, VALUE};
use self::octets::u64_at;
use self::packed::Packed;
use self::rare::Rare;
use self::ring::Added;
use crate::expr::read::Value;
use crate::window::{WindowSpec, WindowState};

pub(crate) use self::block::FIELDS as MOST_REMEMBERED;
pub(crate) use self::episode::{Episode, Phase};
pub(crate) use self::row::Sliding;

/// The state of all rules for one subject.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct SubjectState {
    block: Block,
    rare: Option<Box<Rare>>,
}

/// The last value of one field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remembered<'a> {
    pub(crate) at: Timestamp,
    pub(crate) value: Value<'a>,
}

/// See [`SubjectState::last`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastValues<'a> {
    all: &'a [u8],
    /// Octets of each.
    size: usize,
    /// Where the one after that which was asked for last begins.
    next: usize,
    texts: &'a [(u8, Box<str>)],
}

impl LastValues<'_> {
    /// Whether it is the last value of the field. For less where the fields come in the order in which they did before.
    #[inline]
    pub(crate) fn holds(&mut self, field: u8, value: Value<'_>) -> bool {
        if self.all.get(self.next) != Some(&field) {
            let Some(place) = self.all.chunks_exact(self.size).position(|value| value[0] == field) else {
                return false;
            };
            self.next = place * self.size;
        }
        let held = self.all.get(self.next + 1..self.next + VALUE).map_or(0, |held| u64_at(held, 0));
        self.next += self.size;
        let text = self.texts.iter().find(|(held, _)| *held == field);
        match (value, text) {
            (Value::Symbol(value), None) => value == held,
            (Value::Text(text), Some((_, held))) => *text == **held,
            _ => false,
        }
    }
}

/// A window, what an event adds to it (`None`: nothing), and below which all that it holds is the same to those who ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fed<'a> {
    pub(crate) key: u32,
    pub(crate) spec: &'a WindowSpec,
    pub(crate) time: Timestamp,
    pub(crate) value: Option<u64>,
    /// `None`: nobody asks.
    pub(crate) least: Option<u64>,
}

impl SubjectState {
    /// Whether nothing is remembered: the caller need not keep it.
    pub fn is_empty(&self) -> bool {
        self.block.is_empty() && self.rare.is_none()
    }

    /// Whether an episode is under way, so that ticks matter to it.
    pub fn has_episodes(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.episodes.is_empty())
    }

    /// Bytes it takes, heap included.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.block.len() + self.rare.as_ref().map_or(0, |rare| rare.bytes())
    }

    /// What nearly every subject has, as it lies in memory: for reading ahead.
    pub fn memory(&self) -> &[u8] {
        self.block.memory()
    }

    /// The newest event time: windows are judged up to here, so a late record does not see less than its predecessor.
    pub(crate) fn watermark(&self) -> Option<Timestamp> {
        self.block.watermark()
    }

    /// Moves the newest event time on, where anything is remembered at all.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        if self.block.watermark().map_or(self.rare.is_some(), |held| held < now) {
            self.block.set_watermark(now);
        }
    }

    /// Makes room for about so many octets, where nothing is remembered yet.
    pub(crate) fn reserve(&mut self, octets: usize) {
        self.block.reserve(octets);
    }

    pub(crate) fn episodes(&self) -> &[Episode] {
        self.rare.as_ref().map_or(&[], |rare| &rare.episodes)
    }

    /// Takes an episode out, in order to step it.
    pub(crate) fn take_episode(&mut self, place: usize) -> Option<Episode> {
        self.rare.as_mut().map(|rare| rare.episodes.swap_remove(place))
    }

    pub(crate) fn put_episode(&mut self, episode: Episode) {
        let episodes = &mut self.rare.get_or_insert_default().episodes;
        episodes.reserve_exact(1);
        episodes.push(episode);
    }

    /// How many fields have a last value.
    pub(crate) fn fields(&self) -> usize {
        self.block.values()
    }

    pub(crate) fn remembered(&self, field: u8) -> Option<Remembered<'_>> {
        let (at, value) = self.block.held(field)?;
        let text = self.rare.as_ref().and_then(|rare| rare.text(field));
        Some(Remembered { at, value: text.map_or(Value::Symbol(value), Value::Text) })
    }

    /// The last values, to be compared one by one.
    pub(crate) fn last(&self) -> LastValues<'_> {
        let (all, size) = self.block.last();
        LastValues { all, size, next: 0, texts: self.rare.as_ref().map_or(&[], |rare| &rare.texts) }
    }

    /// All fields had the same values again.
    pub(crate) fn hold_on(&mut self, time: Timestamp) {
        self.block.hold_on(time);
    }

    /// What a record states in some fields. An older one does not overwrite a newer one's value.
    pub(crate) fn remember<'v>(&mut self, time: Timestamp, values: impl Iterator<Item = (u8, Value<'v>)> + Clone) {
        for (field, value) in values.clone() {
            if let Value::Text(text) = value
                && self.block.held(field).is_none_or(|(held, _)| held <= time)
            {
                self.rare.get_or_insert_default().keep_text(field, text);
            }
        }
        let number = |value| if let Value::Symbol(value) = value { value } else { 0 };
        self.block.hold(time, values.map(|(field, value)| (field, number(value))));
    }

    /// See [`WindowState::value`].
    pub(crate) fn window(&self, key: u32, spec: WindowSpec, now: Timestamp) -> Option<u64> {
        match self.block.find(key) {
            Ok(place) => self.block.window(place).value(spec, now),
            Err(_) => self.apart(key).unwrap_or(&WindowState::Empty).value(spec, now),
        }
    }

    /// Adds an event to a window.
    pub(crate) fn feed(&mut self, key: u32, spec: WindowSpec, time: Timestamp, value: u64) {
        match self.block.find(key) {
            Ok(place) => {
                let mut added = self.add(place, spec, time, value);
                if added == Added::Full {
                    self.block.lengthen(place);
                    added = self.add(place, spec, time, value);
                }
                if added == Added::Done {
                    return;
                }
            }
            Err(place) if self.apart(key).is_none() => {
                if let Some((form, bytes, len)) = packed::first(spec, time, value)
                    && self.block.insert(place, key, form, &bytes[..len])
                {
                    return;
                }
            }
            Err(_) => {}
        }
        self.alter(key, spec, |window| window.add(spec, time, value));
    }

    /// Adds an event to a window and says what it holds then if that is asked, for less where its place is likely to be `near`
    /// or soon after it; then `near` is its place. For less still: [`Self::row`].
    ///
    /// Only values from `least` on are told apart: where a look says that it holds less, it may be any number below `least`.
    pub(crate) fn feed_and_ask(&mut self, near: &mut usize, fed: &Fed<'_>, now: Timestamp) -> Option<u64> {
        let Some((form, mut bytes)) = self.block.seek(near, fed.key) else {
            return self.feed_and_ask_slowly(near, fed, now);
        };
        let spec = *fed.spec;
        let mut added = fed.value.map_or(Added::Done, |value| packed::add(form, bytes, spec, fed.time, value));
        if let (Added::Full, Some(value)) = (added, fed.value) {
            // A window that fills: there is one more number as time passes.
            bytes = self.block.lengthen(*near);
            added = packed::add(form, bytes, spec, fed.time, value);
        }
        if added != Added::Done {
            return self.feed_and_ask_slowly(near, fed, now);
        }
        let (window, least) = (Packed { form, bytes }, fed.least?);
        window.most(spec).filter(|most| *most < least).or_else(|| window.value(spec, now))
    }

    #[cold]
    fn feed_and_ask_slowly(&mut self, near: &mut usize, fed: &Fed<'_>, now: Timestamp) -> Option<u64> {
        if let Some(value) = fed.value {
            self.feed(fed.key, *fed.spec, fed.time, value);
        }
        let (Ok(place) | Err(place)) = self.block.find(fed.key);
        *near = place;
        fed.least.and_then(|_| self.window(fed.key, *fed.spec, now))
    }

    /// Whether the window is too large to be exact in any case.
    pub(crate) fn is_estimated(&self, key: u32) -> bool {
        matches!(self.apart(key), Some(WindowState::Sketch(_)))
    }

    /// The different values that a window counts, as far as it knows them one by one.
    pub(crate) fn values(&self, key: u32) -> Vec<u64> {
        self.whole(key).values()
    }

    /// See [`WindowState::is_new`]; unknown where nothing of it is known.
    pub(crate) fn is_new(&self, key: u32, value: u64, at: Timestamp) -> Option<bool> {
        match self.block.find(key) {
            Ok(place) => self.block.window(place).is_new(value, at),
            Err(_) => self.apart(key)?.is_new(value, at),
        }
    }

    /// See [`WindowState::is_blurred`].
    pub(crate) fn is_blurred(&self, key: u32, spec: WindowSpec, now: Timestamp) -> bool {
        self.whole(key).is_blurred(spec, now)
    }

    /// See [`WindowState::become_exactly`].
    pub(crate) fn become_exactly(&mut self, key: u32, spec: WindowSpec, now: Timestamp, values: &[(Timestamp, u64)]) {
        self.alter(key, spec, |window| window.become_exactly(spec, now, values));
    }

    /// Forgets what is over at `now`, and what nobody asks for any more.
    pub(crate) fn expire(
        &mut self,
        now: Timestamp,
        spec: impl Fn(u32) -> Option<WindowSpec>,
        field: impl Fn(u8) -> bool,
        rule: impl Fn(u32) -> bool,
    ) {
        for place in (0..self.block.windows()).rev() {
            let key = self.block.key(place);
            match spec(key) {
                None => self.block.remove(place),
                Some(spec) if self.block.window(place).may_expire(spec, now) => {
                    self.alter(key, spec, |window| window.expire(spec, now));
                }
                Some(_) => {}
            }
        }
        self.block.retain_fields(&field);
        if let Some(rare) = &mut self.rare {
            let mut small = Vec::new();
            rare.windows.retain_mut(|(key, window)| {
                let Some(spec) = spec(*key) else { return false };
                window.expire(spec, now);
                let is_small = packed::pack(window, spec).is_some();
                if is_small {
                    small.push((*key, spec, std::mem::take(window)));
                }
                !is_small && !window.is_empty()
            });
            rare.texts.retain(|(held, _)| field(*held));
            rare.episodes.retain(|held| rule(held.rule));
            rare.windows.shrink_to_fit();
            rare.texts.shrink_to_fit();
            rare.episodes.shrink_to_fit();
            for (key, spec, window) in small {
                self.put(key, spec, window);
            }
        }
        self.shrink();
    }

    /// Lets go of what nothing is in.
    pub(crate) fn shrink(&mut self) {
        if self.rare.as_ref().is_some_and(|rare| rare.is_empty()) {
            self.rare = None;
        }
        if self.rare.is_none() {
            self.block.shrink();
        }
    }

    fn add(&mut self, place: usize, spec: WindowSpec, time: Timestamp, value: u64) -> Added {
        let (form, bytes) = self.block.window_mut(place);
        packed::add(form, bytes, spec, time, value)
    }

    /// A window that is kept apart.
    fn apart(&self, key: u32) -> Option<&WindowState> {
        self.rare.as_ref()?.window(key)
    }

    fn whole(&self, key: u32) -> WindowState {
        match self.block.find(key) {
            Ok(place) => self.block.window(place).state(),
            Err(_) => self.apart(key).cloned().unwrap_or_default(),
        }
    }

    /// Changes a window in a way that takes all of it.
    fn alter(&mut self, key: u32, spec: WindowSpec, change: impl FnOnce(&mut WindowState)) {
        if self.block.find(key).is_err()
            && let Some(rare) = &mut self.rare
            && let Some((_, window)) = rare.windows.iter_mut().find(|(held, _)| *held == key)
        {
            change(window);
            return;
        }
        let mut window = self.whole(key);
        change(&mut window);
        self.put(key, spec, window);
    }

    /// Keeps a window that is not kept apart yet.
    fn put(&mut self, key: u32, spec: WindowSpec, window: WindowState) {
        let packed = packed::pack(&window, spec);
        let is_put = match (self.block.find(key), &packed) {
            (Ok(place), Some((form, bytes))) => self.block.replace(place, *form, bytes),
            (Err(place), Some((form, bytes))) => self.block.insert(place, key, *form, bytes),
            (Ok(place), None) => {
                self.block.remove(place);
                false
            }
            (Err(_), None) => false,
        };
        if !is_put && !window.is_empty() {
            let windows = &mut self.rare.get_or_insert_default().windows;
            windows.reserve_exact(1);
            windows.push((key, window));
        }
    }
}

#[cfg(test)]
mod tests;

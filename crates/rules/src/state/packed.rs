//! One window as octets, and back as a [`WindowState`] for what is rare.
//!
//! What nearly every record does (adding to a bucket, a value that is known, reading) is done on the octets; the rest goes
//! through [`WindowState`], which decides what is right. A property test holds the two against each other.

use fleetward_fleet::Timestamp;

use super::octets::{put_u32, put_u64, u32_at, u64_at, width_of};
use super::ring::{self, Added};
use crate::window::{Aggregate, BUCKETS, Ring, Span, WindowSpec, WindowState, inverted, is_new_among};

/// How the octets are to be read. Below [`Form::SET`] they are a ring whose numbers are `1 << form` octets wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form(pub(super) u8);

impl Form {
    /// Different values, each with a bucket.
    const SET: Self = Self(4);
    /// The time of the last event.
    const LAST: Self = Self(5);

    #[inline]
    pub(super) fn is_ring(self) -> bool {
        self.0 < Self::SET.0
    }
}

/// Octets of a value with its bucket.
const VALUE: usize = 12;
/// More values than this are kept apart.
const MOST_VALUES: usize = 16;

/// A window, borrowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed<'a> {
    pub(super) form: Form,
    pub(super) bytes: &'a [u8],
}

impl<'a> Packed<'a> {
    /// See [`WindowState::value`].
    pub(super) fn value(self, spec: WindowSpec, now: Timestamp) -> Option<u64> {
        if self.form.0 < Form::SET.0 {
            let newest = spec.bucket_near(u32_at(self.bytes, 0), now);
            let amount = ring::amount(self.bytes, self.form.0, spec, newest);
            return if spec.aggregate == Aggregate::Min {
                Some(amount).filter(|held| *held > 0).map(inverted)
            } else {
                Some(amount)
            };
        }
        if self.form == Form::LAST {
            return self.state().value(spec, now);
        }
        let newest = spec.bucket(now);
        match spec.aggregate {
            Aggregate::Last => self.values().next().filter(|(_, at)| spec.covers(newest, *at)).map(|(value, _)| value),
            _ => Some(self.values().filter(|(_, bucket)| spec.covers(newest, *bucket)).count() as u64),
        }
    }

    /// [`Self::value`] is known and no more than this, for less than it costs; `None`: only asking says.
    #[inline]
    pub(super) fn most(self, spec: WindowSpec) -> Option<u64> {
        match self.form {
            Form::SET if spec.aggregate == Aggregate::Distinct => Some((self.bytes.len() / VALUE) as u64),
            Form(width) if self.form.is_ring() => ring::most(self.bytes, width, spec.aggregate),
            _ => None,
        }
    }

    /// See [`WindowState::is_new`].
    pub(super) fn is_new(self, value: u64, at: Timestamp) -> Option<bool> {
        if self.form == Form::SET { is_new_among(self.values(), value, at) } else { None }
    }

    /// Whether [`WindowState::expire`] would change it.
    pub(super) fn may_expire(self, spec: WindowSpec, now: Timestamp) -> bool {
        let newest = spec.bucket(now);
        match self.form {
            _ if spec.span() == Span::Life => false,
            Form::LAST => false,
            Form::SET => self.values().any(|(_, bucket)| !spec.covers(newest, bucket)),
            _ => {
                let passed = newest.saturating_sub(u32_at(self.bytes, 0));
                passed >= BUCKETS as u32 || passed > 0 && spec.span() != Span::Sliding
            }
        }
    }

    /// The same as it is kept apart.
    pub(super) fn state(self) -> WindowState {
        match self.form {
            Form::LAST => WindowState::Last(Timestamp(u64_at(self.bytes, 0).cast_signed())),
            Form::SET => match self.bytes.len() / VALUE {
                0 => WindowState::Empty,
                1 => WindowState::One { bucket: u32_at(self.bytes, 8), value: u64_at(self.bytes, 0) },
                _ => WindowState::Set(Box::new(self.values().collect())),
            },
            Form(width) => {
                let buckets: Vec<_> = ring::buckets(self.bytes, width).collect();
                match buckets.as_slice() {
                    [] => WindowState::Empty,
                    [(bucket, value)] => WindowState::One { bucket: *bucket, value: *value },
                    buckets => Ring::of_buckets(u32_at(self.bytes, 0), buckets).compact(),
                }
            }
        }
    }

    /// Whether the octets are what the form says.
    pub(super) fn is_sound(self) -> bool {
        match self.form {
            Form::LAST => self.bytes.len() == 8,
            Form::SET => self.bytes.len().is_multiple_of(VALUE) && self.bytes.len() <= VALUE * MOST_VALUES,
            Form(width) => width < Form::SET.0 && ring::is_sound(self.bytes, width),
        }
    }

    fn values(self) -> impl Iterator<Item = (u64, u32)> + Clone + 'a {
        self.bytes.chunks_exact(VALUE).map(|value| (u64_at(value, 0), u32_at(value, 8)))
    }
}

/// Adds an event in place.
pub(super) fn add(form: Form, bytes: &mut [u8], spec: WindowSpec, time: Timestamp, value: u64) -> Added {
    match form {
        Form::LAST => {
            let last = u64_at(bytes, 0).cast_signed().max(time.0);
            put_u64(bytes, 0, last.cast_unsigned());
            Added::Done
        }
        Form::SET if spec.aggregate == Aggregate::Last => {
            let bucket = spec.bucket(time);
            if (u32_at(bytes, 8), u64_at(bytes, 0)) < (bucket, value) {
                put_u64(bytes, 0, value);
                put_u32(bytes, 8, bucket);
            }
            Added::Done
        }
        Form::SET => add_to_set(bytes, spec, spec.bucket(time), value),
        Form(width) => ring::add(bytes, width, spec, spec.bucket_near(u32_at(bytes, 0), time), value),
    }
}

fn add_to_set(bytes: &mut [u8], spec: WindowSpec, bucket: u32, value: u64) -> Added {
    if matches!(spec.span(), Span::Cycle(_)) && bytes.chunks_exact(VALUE).any(|held| u32_at(held, 8) != bucket) {
        return Added::Hard;
    }
    let Some(held) = bytes.chunks_exact_mut(VALUE).find(|held| u64_at(held, 0) == value) else { return Added::Hard };
    let before = u32_at(held, 8);
    let after = if spec.aggregate == Aggregate::Known { before.min(bucket) } else { before.max(bucket) };
    put_u32(held, 8, after);
    Added::Done
}

/// As octets; `None` where it is empty or has to be kept apart.
pub(super) fn pack(state: &WindowState, spec: WindowSpec) -> Option<(Form, Vec<u8>)> {
    let ring = |buckets: &[(u32, u64)]| {
        let width = width_of(buckets.iter().map(|(_, value)| *value).max().unwrap_or(0));
        Some((Form(width), ring::of(buckets, width)))
    };
    match state {
        WindowState::Empty | WindowState::Sketch(_) => None,
        WindowState::Last(at) => Some((Form::LAST, at.0.to_le_bytes().to_vec())),
        WindowState::One { bucket, value } if is_ring(spec.aggregate) => ring(&[(*bucket, *value)]),
        WindowState::One { bucket, value } => Some((Form::SET, set(&[(*value, *bucket)]))),
        WindowState::Set(values) => (values.len() <= MOST_VALUES).then(|| (Form::SET, set(values))),
        WindowState::Ring(held) => ring(&held.busy()),
        WindowState::Wide(held) => ring(&held.busy()),
    }
}

/// A window with one event, which [`pack`] would come to by a longer way: its form, and its octets, which are the first so many;
/// `None` where it takes [`WindowState::add`].
pub(super) fn first(spec: WindowSpec, time: Timestamp, value: u64) -> Option<(Form, [u8; ring::HEAD + 8], usize)> {
    if !is_ring(spec.aggregate) {
        return None;
    }
    let (value, _) = ring::joined(spec.aggregate, value);
    let (width, mut bytes) = (width_of(value), [0; ring::HEAD + 8]);
    ring::begin(&mut bytes, spec.bucket(time), width, value);
    Some((Form(width), bytes, ring::HEAD + (1 << width)))
}

fn is_ring(aggregate: Aggregate) -> bool {
    matches!(aggregate, Aggregate::Sum | Aggregate::Count | Aggregate::Max | Aggregate::Min)
}

fn set(values: &[(u64, u32)]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * VALUE];
    for (place, (value, bucket)) in values.iter().enumerate() {
        put_u64(&mut bytes, place * VALUE, *value);
        put_u32(&mut bytes, place * VALUE + 8, *bucket);
    }
    bytes
}

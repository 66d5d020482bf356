//! Does it behave like its model, or like another?
//!
//! Of the different things that a device does (housekeeping aside), the share that each profile lists: the *dynamic similarity* of Hamza et
//! al. (TDSC 2020). Said when its own model explains less than half, and another nine tenths, of at least eight things.

/// Different things that are compared.
const MAX_THINGS: usize = 64;
const NEEDED: usize = 8;
/// Profiles that are compared.
pub(super) const MAX_MODELS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Likeness {
    things: Vec<u64>,
    /// By the number of the model.
    fits: Vec<u8>,
}

impl Likeness {
    /// Something new that it does; `fits` says for every model whether its profile lists it. Returns the other model that it resembles.
    pub(super) fn add(&mut self, thing: u64, own: usize, models: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
        if self.things.len() >= MAX_THINGS || self.things.contains(&thing) {
            return None;
        }
        self.things.push(thing);
        self.fits.resize(models.min(MAX_MODELS), 0);
        for (model, count) in self.fits.iter_mut().enumerate() {
            *count += u8::from(fits(model));
        }
        let all = self.things.len();
        let share = |model: usize| usize::from(self.fits.get(model).copied().unwrap_or(0));
        if all < NEEDED || share(own) * 2 >= all {
            return None;
        }
        (0..self.fits.len())
            .filter(|model| *model != own)
            .max_by_key(|model| share(*model))
            .filter(|best| share(*best) * 10 >= all * 9)
    }
}

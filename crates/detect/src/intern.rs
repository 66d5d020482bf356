//! Names that operators choose (models, NASes, sets of groups), kept once and referred to by number.
//!
//! Nothing that a packet says may come in here: names are never taken out again, so a stranger could fill the memory.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// The number of an interned value.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Symbol(pub(crate) u32);

/// The values, each once, in order of first appearance.
#[derive(Debug, Clone)]
pub(crate) struct Interner<T> {
    values: Vec<T>,
    index: HashMap<T, Symbol>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { values: Vec::new(), index: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interner<T> {
    /// Its number; a new one where it was not known.
    pub(crate) fn intern<Q>(&mut self, value: &Q) -> Symbol
    where
        Q: std::hash::Hash + hashbrown::Equivalent<T> + ?Sized,
        T: for<'a> From<&'a Q>,
    {
        if let Some(&symbol) = self.index.get(value) {
            return symbol;
        }
        let symbol = Symbol(u32::try_from(self.values.len()).expect("fewer names than memory"));
        self.values.push(T::from(value));
        self.index.insert(T::from(value), symbol);
        symbol
    }

    /// The same, for less where it is likely to be `near`.
    pub(crate) fn intern_near<Q>(&mut self, near: Symbol, value: &Q) -> Symbol
    where
        Q: std::hash::Hash + hashbrown::Equivalent<T> + ?Sized,
        T: for<'a> From<&'a Q>,
    {
        let is_near = self.values.get(near.0 as usize).is_some_and(|held| value.equivalent(held));
        if is_near { near } else { self.intern(value) }
    }

    /// Its number, if it has one.
    pub(crate) fn find<Q>(&self, value: &Q) -> Option<Symbol>
    where
        Q: std::hash::Hash + hashbrown::Equivalent<T> + ?Sized,
    {
        self.index.get(value).copied()
    }

    /// The value.
    pub(crate) fn value(&self, symbol: Symbol) -> &T {
        &self.values[symbol.0 as usize]
    }

    /// All values in order of their numbers.
    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    /// From values in order of their numbers.
    pub(crate) fn from_values(values: Vec<T>) -> Self {
        let index = values.iter().enumerate().map(|(i, v)| (v.clone(), Symbol(i as u32))).collect();
        Self { values, index }
    }
}

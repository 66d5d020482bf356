//! Expressions: CEL syntax, checked by us, compiled into closures.
//!
//! `units` rewrites unit literals without moving a column, the `cel` crate parses, `check` gives every node a type and
//! resolves every name, `reach` finds out which events can make it true, `build` makes the closure.

pub(crate) mod build;
mod call;
pub(crate) mod check;
pub(crate) mod ir;
mod operate;
mod place;
pub(crate) mod reach;
pub(crate) mod read;
pub(crate) mod units;

pub(crate) use check::{Names, Wrong, check_any, check_bool};
pub(crate) use ir::{Bool, Sym, Text, Typed};

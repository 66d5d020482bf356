//! What remains to be asked for a condition to be true, once what is fixed is known.
//!
//! Only truth counts here: unknown and false are both "not true". So negation is pushed down to the leaves (De Morgan
//! holds in three-valued logic), and a leaf that cannot become true takes its whole conjunction with it.

use super::fixed::{Extent, is_fixed, list_is_fixed, number_is_fixed};
use crate::expr::Bool;
use crate::expr::build;
use crate::expr::ir::Num;
use crate::expr::reach::may_be;
use crate::expr::read::Context;

/// What is known beforehand.
pub(super) struct Known<'a> {
    /// The kind of event, and the class and the shape where they are known.
    pub(super) context: Context<'a>,
    pub(super) extent: Extent,
}

/// When a condition is true.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Truth {
    Never,
    Always,
    /// Where all of these are.
    If(Vec<Bool>),
}

impl Known<'_> {
    /// When all of them are true.
    pub(super) fn all(&self, nodes: &[&Bool]) -> Truth {
        nodes.iter().fold(Truth::Always, |truth, node| both(truth, || self.truth(node, true)))
    }

    /// When `node` is `wanted`.
    fn truth(&self, node: &Bool, wanted: bool) -> Truth {
        if is_fixed(node, self.extent) {
            let holds = build::condition(node)(&self.context) == Some(wanted);
            return if holds { Truth::Always } else { Truth::Never };
        }
        match (node, wanted) {
            (Bool::Not(inner), _) => self.truth(inner, !wanted),
            (Bool::And(a, b), true) | (Bool::Or(a, b), false) => both(self.truth(a, wanted), || self.truth(b, wanted)),
            (Bool::Or(a, b), true) | (Bool::And(a, b), false) => {
                either(self.truth(a, wanted), || self.truth(b, wanted))
            }
            (Bool::Changed(_) | Bool::First(_), true) if self.extent.shape => Truth::Never,
            (leaf, _) if !may_be(leaf, self.context.facts.trigger, wanted) => Truth::Never,
            (leaf, _) => self
                .leaf(leaf)
                .map_or(Truth::Never, |leaf| Truth::If(vec![if wanted { leaf } else { Bool::Not(Box::new(leaf)) }])),
        }
    }

    /// A comparison with its fixed side worked out; `None`: always unknown, because that side is.
    fn leaf(&self, leaf: &Bool) -> Option<Bool> {
        match leaf {
            Bool::Compare(op, a, b) => Some(Bool::Compare(*op, self.number(a)?, self.number(b)?)),
            Bool::SymbolInField(_, list) | Bool::TextInField(_, list) if list_is_fixed(*list, self.extent) => {
                self.context.list_len(*list).map(|_| leaf.clone())
            }
            leaf => Some(leaf.clone()),
        }
    }

    fn number(&self, node: &Num) -> Option<Num> {
        if !number_is_fixed(node, self.extent) {
            return Some(node.clone());
        }
        let value = build::amount(node)(&self.context);
        (!value.is_nan()).then_some(Num::Const(value))
    }
}

fn both(a: Truth, b: impl FnOnce() -> Truth) -> Truth {
    match a {
        Truth::Never => Truth::Never,
        Truth::Always => b(),
        Truth::If(mut tests) => match b() {
            Truth::Never => Truth::Never,
            Truth::Always => Truth::If(tests),
            Truth::If(more) => {
                tests.extend(more);
                Truth::If(tests)
            }
        },
    }
}

fn either(a: Truth, b: impl FnOnce() -> Truth) -> Truth {
    match a {
        Truth::Always => Truth::Always,
        Truth::Never => b(),
        Truth::If(tests) => match b() {
            Truth::Always => Truth::Always,
            Truth::Never => Truth::If(tests),
            Truth::If(more) => Truth::If(vec![Bool::Or(Box::new(conjunction(tests)), Box::new(conjunction(more)))]),
        },
    }
}

fn conjunction(tests: Vec<Bool>) -> Bool {
    let joined = tests.into_iter().reduce(|a, b| Bool::And(Box::new(a), Box::new(b)));
    joined.unwrap_or(Bool::Const(true))
}

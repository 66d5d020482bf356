//! Rules that ask whether a number is above some limit, the lowest first: most records are below the lowest of all, and
//! that is one comparison for all of them.

use super::Asked;
use super::guard::{Tested, all_of};
use crate::expr::Bool;
use crate::expr::build::Condition;
use crate::expr::ir::{Num, Op};
use crate::expr::read::Context;
use crate::vocabulary::Number;

/// Rules for which one number must be above a limit.
pub(crate) struct Ladder {
    number: Number,
    /// From the lowest limit on.
    rungs: Vec<Rung>,
}

struct Rung {
    limit: f64,
    rule: u16,
    /// Everything that the rule asks, unless it is only that the number is at least the limit.
    test: Option<Condition>,
}

impl Ladder {
    pub(super) fn len(&self) -> usize {
        self.rungs.len()
    }

    /// Names the rules whose tests hold.
    pub(crate) fn ask(&self, context: &Context<'_>, hits: &mut Vec<u16>) {
        let number = context.number(self.number);
        // Nothing is above what is unknown.
        for rung in self.rungs.iter().take_while(|rung| number >= rung.limit) {
            if rung.test.as_ref().is_none_or(|test| test(context) == Some(true)) {
                hits.push(rung.rule);
            }
        }
    }
}

/// Puts rules that ask for more than a constant of a number on ladders; also the others.
pub(super) fn climb(rules: Tested, asked: &[Asked]) -> (Vec<Ladder>, Tested) {
    let mut ladders = Vec::<Ladder>::new();
    let mut others = Vec::new();
    for (index, tests) in rules {
        let Some((number, op, limit)) = tests.iter().find_map(above) else {
            others.push((index, tests));
            continue;
        };
        let is_all = tests.len() == 1 && op == Op::GreaterEqual;
        let rung = Rung { limit, rule: index, test: (!is_all).then(|| all_of(tests, asked)) };
        match ladders.iter_mut().find(|ladder| ladder.number == number) {
            Some(ladder) => ladder.rungs.push(rung),
            None => ladders.push(Ladder { number, rungs: vec![rung] }),
        }
    }
    for ladder in &mut ladders {
        ladder.rungs.sort_by(|a, b| a.limit.total_cmp(&b.limit));
    }
    (ladders, others)
}

/// A number that must be above a constant.
fn above(test: &Bool) -> Option<(Number, Op, f64)> {
    match test {
        Bool::Compare(op @ (Op::Greater | Op::GreaterEqual), Num::Field(number), Num::Const(limit)) => {
            Some((*number, *op, *limit)).filter(|_| !limit.is_nan())
        }
        _ => None,
    }
}

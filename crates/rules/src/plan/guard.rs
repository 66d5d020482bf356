//! Tests in the order in which they cost least, and what several rules ask asked once.

use super::Asked;
use super::condition;
use crate::expr::Bool;
use crate::expr::build::Condition;
use crate::expr::ir::{Num, Op, WindowRef};
use crate::expr::reach::Reads;
use crate::expr::read::Context;

/// Rules by index, each with everything that it asks.
pub(super) type Tested = Vec<(u16, Vec<Bool>)>;

/// Rules behind one common test.
pub(crate) struct Guarded {
    guard: Option<Condition>,
    /// Index of the rule and what it asks beside the guard.
    rules: Vec<(u16, Option<Condition>)>,
}

/// From this many rules on, a common test pays.
const SHARED: usize = 3;

impl Guarded {
    pub(super) fn len(&self) -> usize {
        self.rules.len()
    }

    /// Names the rules whose tests hold.
    pub(crate) fn ask(&self, context: &Context<'_>, hits: &mut Vec<u16>) {
        if self.guard.as_ref().is_some_and(|guard| guard(context) != Some(true)) {
            return;
        }
        for (index, test) in &self.rules {
            if test.as_ref().is_none_or(|test| test(context) == Some(true)) {
                hits.push(*index);
            }
        }
    }
}

/// Puts rules that ask the same behind one test; also those that share none.
pub(super) fn share(mut rules: Tested, asked: &[Asked]) -> (Vec<Guarded>, Tested) {
    let mut guarded = Vec::new();
    while let Some(common) = commonest(&rules) {
        let (with, without): (Vec<_>, Vec<_>) = rules.into_iter().partition(|(_, tests)| tests.contains(&common));
        rules = without;
        let rest = with.into_iter().map(|(index, mut tests)| {
            tests.retain(|test| *test != common);
            (index, (!tests.is_empty()).then(|| all_of(tests, asked)))
        });
        guarded.push(Guarded { guard: Some(condition(&common, asked)), rules: rest.collect() });
    }
    (guarded, rules)
}

/// Rules that share no test.
pub(super) fn alone(rules: Tested, asked: &[Asked]) -> Option<Guarded> {
    let rules = rules.into_iter().map(|(index, tests)| (index, (!tests.is_empty()).then(|| all_of(tests, asked))));
    let rules: Vec<_> = rules.collect();
    (!rules.is_empty()).then_some(Guarded { guard: None, rules })
}

/// What most rules ask, if it is enough of them.
fn commonest(rules: &[(u16, Vec<Bool>)]) -> Option<Bool> {
    let mut counted: Vec<(&Bool, usize)> = Vec::new();
    for test in rules.iter().flat_map(|(_, tests)| tests) {
        match counted.iter_mut().find(|(held, _)| *held == test) {
            Some((_, count)) => *count += 1,
            None => counted.push((test, 1)),
        }
    }
    // The first of the most: the order must not depend on anything but the rules.
    let most = counted.iter().map(|(_, count)| *count).max().filter(|count| *count >= SHARED)?;
    counted.iter().find(|(_, count)| *count == most).map(|(test, _)| (*test).clone())
}

/// True where all are, the cheapest first.
pub(super) fn all_of(mut tests: Vec<Bool>, asked: &[Asked]) -> Condition {
    let is_held = |test: &Bool| number(test, asked).is_some();
    // One that was read already is a number at hand.
    tests.sort_by_key(|test| if is_held(test) { 1 } else { weight(test) });
    tests.dedup();
    let mut conditions = tests.iter().map(|test| condition(test, asked));
    match (conditions.next(), conditions.next(), conditions.next()) {
        (None, ..) => Box::new(|_| Some(true)),
        (Some(one), None, _) => one,
        (Some(a), Some(b), None) => Box::new(move |context| Some(a(context) == Some(true) && b(context) == Some(true))),
        (Some(a), Some(b), Some(c)) => {
            let rest: Vec<Condition> = [a, b, c].into_iter().chain(conditions).collect();
            Box::new(move |context| Some(rest.iter().all(|test| test(context) == Some(true))))
        }
    }
}

/// A window that must be above a constant.
pub(super) fn above(test: &Bool) -> Option<(WindowRef, Op, f64)> {
    match test {
        Bool::Compare(op @ (Op::Greater | Op::GreaterEqual), Num::Window(window), Num::Const(limit)) => {
            Some((*window, *op, *limit)).filter(|_| !limit.is_nan())
        }
        _ => None,
    }
}

fn number(test: &Bool, asked: &[Asked]) -> Option<usize> {
    let (window, ..) = above(test)?;
    asked.iter().find(|it| it.key == window.key).map(|it| usize::from(it.number))
}

/// Rules by the number of a window that must be above a limit for them, and those that ask nothing of that kind.
pub(super) fn watch(rules: Tested, asked: &[Asked]) -> (Vec<Guarded>, Tested) {
    let mut watching: Vec<Guarded> = asked.iter().map(|_| Guarded { guard: None, rules: Vec::new() }).collect();
    let mut others = Vec::new();
    for (index, tests) in rules {
        match tests.iter().find_map(|test| number(test, asked)) {
            Some(number) => watching[number].rules.push((index, Some(all_of(tests, asked)))),
            None => others.push((index, tests)),
        }
    }
    (watching, others)
}

/// Reading a window or a text costs more than comparing a field.
fn weight(test: &Bool) -> usize {
    let reads = Reads::of(test);
    let of_text =
        usize::from(matches!(test, Bool::Texts(..) | Bool::TextIn(..) | Bool::TextTest(..) | Bool::TextInField(..)));
    reads.nodes + 2 * of_text + 2 * reads.memory.len() + 8 * reads.windows.len()
}

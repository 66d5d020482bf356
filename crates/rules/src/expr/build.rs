//! Typed nodes become closures. Conditions are three-valued: true, false, or `None` for unknown (Kleene): a condition
//! about something that the record does not carry neither holds nor fails to hold, however it is negated.

use super::ir::{Bool, Num, Op, Sym, Text, TextTest, Typed};
use super::read::{Context, compute};

/// A compiled condition.
pub(crate) type Condition = Box<dyn Fn(&Context<'_>) -> Option<bool> + Send + Sync>;
/// A compiled number; NaN is unknown.
pub(crate) type Amount = Box<dyn Fn(&Context<'_>) -> f64 + Send + Sync>;

/// Compiles a condition.
pub(crate) fn condition(node: &Bool) -> Condition {
    match node.clone() {
        Bool::Const(value) => Box::new(move |_| Some(value)),
        Bool::Flag(flag) => Box::new(move |context| context.flag(flag)),
        Bool::Not(inner) => {
            let inner = condition(&inner);
            Box::new(move |context| inner(context).map(|value| !value))
        }
        Bool::And(a, b) => and(condition(&a), condition(&b)),
        Bool::Or(a, b) => or(condition(&a), condition(&b)),
        Bool::Same(a, b) => {
            let (a, b) = (condition(&a), condition(&b));
            Box::new(move |context| Some(a(context)? == b(context)?))
        }
        Bool::Has(operand) => has(&operand),
        Bool::Compare(op, a, b) => compare(op, &a, &b),
        Bool::Symbols(equal, a, b) => symbols(equal, a, b),
        Bool::SymbolIn(value, list) => Box::new(move |context| Some(list.binary_search(&value.read(context)?).is_ok())),
        Bool::SymbolInField(value, list) => Box::new(move |context| context.list_has(list, value.read(context)?)),
        Bool::Texts(equal, a, b) => Box::new(move |context| Some((a.read(context)? == b.read(context)?) == equal)),
        Bool::TextIn(text, list) => Box::new(move |context| {
            let text = text.read(context)?;
            Some(list.binary_search_by(|held| (**held).cmp(text)).is_ok())
        }),
        Bool::TextInField(text, list) => Box::new(move |context| context.list_has_text(list, text.read(context)?)),
        Bool::TextTest(kind, text, part) => text_test(kind, text, part),
        Bool::InNetwork(address, net) => Box::new(move |context| context.address(address).map(|ip| net.contains(&ip))),
        Bool::FeedGap(source) => Box::new(move |context| context.feed_gap(source.as_deref())),
        Bool::Outage { of_area, share } => Box::new(move |context| context.outage(of_area, share)),
        Bool::Before(end) => Box::new(move |context| Some(context.facts.time() < end)),
        Bool::Named(text, names) => Box::new(move |context| Some(names.has(text.read(context)?))),
        Bool::InNetworks(address, networks) => {
            Box::new(move |context| context.address(address).map(|ip| networks.has(ip)))
        }
        Bool::BorderPair =>
        {
            #[expect(
                clippy::redundant_closure_for_method_calls,
                reason = "the method is not general enough over lifetimes"
            )]
            Box::new(|context| context.border_pair())
        }
        Bool::InArea(area, positions) => Box::new(move |context| area.has(context.facts, &positions)),
        Bool::NewToDevice(field) => {
            let key = crate::compile::known_key(field);
            Box::new(move |context| context.new_to_device(field, key))
        }
        Bool::NewToGroup(field) => Box::new(move |context| context.new_to_group(field)),
        Bool::Unusual(kind, metric) => Box::new(move |context| context.unusual(kind, metric)),
        Bool::Changed(field) => Box::new(move |context| context.changed(field)),
        Bool::First(field) => Box::new(move |context| context.first(field)),
        Bool::Absent(window) => Box::new(move |context| context.window(window).map(|absent| absent == 1)),
    }
}

/// Compiles a number.
pub(crate) fn amount(node: &Num) -> Amount {
    match node.clone() {
        Num::Const(value) => Box::new(move |_| value),
        Num::Field(field) => Box::new(move |context| context.number(field)),
        Num::Previous(field) => Box::new(move |context| context.previous_number(field)),
        Num::Window(window) => Box::new(move |context| context.window_number(window)),
        Num::Silence =>
        {
            #[expect(
                clippy::redundant_closure_for_method_calls,
                reason = "the method is not general enough over lifetimes"
            )]
            Box::new(|context| context.silence())
        }
        Num::Travel { speed, near, positions } => Box::new(move |context| context.travel(speed, near, &positions)),
        Num::Size(list) => Box::new(move |context| context.size(list)),
        Num::Negate(inner) => {
            let inner = amount(&inner);
            Box::new(move |context| -inner(context))
        }
        Num::Arithmetic(op, a, b) => {
            let (a, b) = (amount(&a), amount(&b));
            Box::new(move |context| compute(op, a(context), b(context)))
        }
        Num::Choose(test, yes, no) => {
            let (test, yes, no) = (condition(&test), amount(&yes), amount(&no));
            Box::new(move |context| match test(context) {
                Some(true) => yes(context),
                Some(false) => no(context),
                None => f64::NAN,
            })
        }
    }
}

fn and(a: Condition, b: Condition) -> Condition {
    Box::new(move |context| match a(context) {
        Some(false) => Some(false),
        Some(true) => b(context),
        None => b(context).filter(|value| !value),
    })
}

fn or(a: Condition, b: Condition) -> Condition {
    Box::new(move |context| match a(context) {
        Some(true) => Some(true),
        Some(false) => b(context),
        None => b(context).filter(|value| *value),
    })
}

fn has(operand: &Typed) -> Condition {
    match operand.clone() {
        Typed::Bool(node) => {
            let node = condition(&node);
            Box::new(move |context| Some(node(context).is_some()))
        }
        Typed::Number(node, _) => {
            let node = amount(&node);
            Box::new(move |context| Some(!node(context).is_nan()))
        }
        Typed::Symbol(Sym::Field(field), _) => Box::new(move |context| Some(context.symbol(field).is_some())),
        Typed::Symbol(sym, _) => Box::new(move |context| Some(sym.read(context).is_some())),
        Typed::Text(text) => Box::new(move |context| Some(text.read(context).is_some())),
        Typed::List(list) => Box::new(move |context| Some(context.list_len(list.field).is_some())),
        Typed::Literal(_) | Typed::Amount(_) | Typed::Literals(_) | Typed::Error => Box::new(|_| Some(true)),
    }
}

fn compare(op: Op, a: &Num, b: &Num) -> Condition {
    let decide = move |a: f64, b: f64| (!a.is_nan() && !b.is_nan()).then(|| op.holds(a, b));
    // The commonest shapes need no second closure.
    match (a.clone(), b.clone()) {
        (Num::Field(a), Num::Const(b)) => Box::new(move |context| decide(context.number(a), b)),
        (Num::Window(a), Num::Const(b)) => Box::new(move |context| decide(context.window_number(a), b)),
        (Num::Window(a), Num::Field(b)) => {
            // The limit first: reading it is cheaper, and where it is not stated the window need not be summed.
            Box::new(move |context| {
                let limit = context.number(b);
                if limit.is_nan() { None } else { decide(context.window_number(a), limit) }
            })
        }
        (a, b) => {
            let (a, b) = (amount(&a), amount(&b));
            Box::new(move |context| decide(a(context), b(context)))
        }
    }
}

fn symbols(equal: bool, a: Sym, b: Sym) -> Condition {
    match (a, b) {
        // The commonest need not be asked what they are.
        (Sym::Field(a), Sym::Const(b)) => Box::new(move |context| Some((context.symbol(a)? == b) == equal)),
        (Sym::Field(a), Sym::Field(b)) => {
            Box::new(move |context| Some((context.symbol(a)? == context.symbol(b)?) == equal))
        }
        (a, b) => Box::new(move |context| Some((a.read(context)? == b.read(context)?) == equal)),
    }
}

fn text_test(kind: TextTest, text: Text, part: Box<str>) -> Condition {
    Box::new(move |context| {
        let text = text.read(context)?;
        Some(match kind {
            TextTest::Starts => text.starts_with(&*part),
            TextTest::Ends => text.ends_with(&*part),
            TextTest::Contains => text.contains(&*part),
        })
    })
}

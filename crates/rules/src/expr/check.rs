//! From the parser's tree to typed nodes. Every mistake is noted with its place, and checking goes on behind it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::parser::Parser;

use super::call;
use super::ir::{Arithmetic, Bool, List, Num, Op, Sym, Text, Typed, WindowRef};
use super::operate::{arithmetic, comparison};
use super::units::{self, HAS, Rewritten};
use crate::diagnostic::{did_you_mean, did_you_mean_text};
use crate::named::{Meaning, Named};
use crate::shared::Shared;
use crate::vocabulary::{self, Dimension, FIELDS, FUNCTIONS, Field};
use crate::window::Aggregate;

/// Longest expression, in characters.
const MAX_LENGTH: usize = 2000;
/// Deepest nesting of brackets and prefix operators.
const MAX_DEPTH: usize = 24;
/// Most nodes of one expression: keeps the cost of a record bounded.
const MAX_NODES: usize = 300;
/// Longest list between brackets.
const MAX_LIST: usize = 500;

/// One mistake, or one doubt: character position in the expression, what is wrong, what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// What an expression may name beside the vocabulary.
#[derive(Debug, Default, Clone)]
pub(crate) struct Names {
    pub(crate) windows: BTreeMap<String, (WindowRef, Dimension)>,
    pub(crate) shared: Arc<Shared>,
    /// Which of it was named.
    pub(crate) named: Named,
    /// What the author of the expression that was checked last may not have meant.
    pub(crate) doubts: RefCell<Vec<Wrong>>,
}

/// Checks an expression that must be true or false.
pub(crate) fn check_bool(text: &str, names: &Names) -> Result<Bool, Vec<Wrong>> {
    match check_any(text, names)? {
        Typed::Bool(node) => Ok(node),
        other => Err(vec![Wrong {
            at: 0,
            message: format!("this is {}, but a condition must be true or false", other.describe()),
            hint: None,
        }]),
    }
}

/// Checks an expression of any type.
pub(crate) fn check_any(text: &str, names: &Names) -> Result<Typed, Vec<Wrong>> {
    let rewritten = units::rewrite(text);
    if let Some(wrong) = too_large(&rewritten.text) {
        return Err(vec![wrong]);
    }
    let mut wrong: Vec<Wrong> =
        rewritten.errors.iter().cloned().map(|(at, message, hint)| Wrong { at, message, hint }).collect();
    let (tree, places) = match Parser::new().max_recursion_depth(64).parse_with_source_info(&rewritten.text) {
        Ok(parsed) => parsed,
        Err(errors) => {
            if wrong.is_empty() {
                wrong = errors.errors.iter().take(1).map(|error| syntax(text, error)).collect();
            }
            return Err(wrong);
        }
    };
    let mut checker = Checker { names, rewritten: &rewritten, places: &places, wrong, doubts: Vec::new(), nodes: 0 };
    let typed = checker.check(&tree);
    names.doubts.replace(std::mem::take(&mut checker.doubts));
    if checker.nodes > MAX_NODES {
        checker.wrong.push(Wrong {
            at: 0,
            message: format!("more than {MAX_NODES} terms"),
            hint: Some("split the rule".into()),
        });
    }
    if checker.wrong.is_empty() { Ok(typed) } else { Err(checker.wrong) }
}

fn too_large(text: &str) -> Option<Wrong> {
    let (mut depth, mut prefix, mut choices) = (0_usize, 0_usize, 0_usize);
    let mut quote = None;
    for (at, c) in text.chars().enumerate() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, '?') => choices += 1,
            _ => {}
        }
        prefix = if matches!(c, '!' | '-') {
            prefix + 1
        } else if c == ' ' {
            prefix
        } else {
            0
        };
        if depth > MAX_DEPTH || prefix > MAX_DEPTH || choices > MAX_DEPTH {
            return Some(Wrong { at, message: format!("nested deeper than {MAX_DEPTH}"), hint: None });
        }
        if at >= MAX_LENGTH {
            return Some(Wrong { at, message: format!("longer than {MAX_LENGTH} characters"), hint: None });
        }
    }
    None
}

fn syntax(text: &str, error: &cel::ParseError) -> Wrong {
    let (line, column) = (error.pos.0.max(1).cast_unsigned(), error.pos.1.max(1).cast_unsigned());
    let before: usize = text.split_inclusive('\n').take(line - 1).map(|line| line.chars().count()).sum();
    let said = error.msg.trim().replace(HAS, "has");
    let said = said.strip_prefix("Syntax error: ").unwrap_or(&said);
    let (message, hint) = in_words(said.split(" expecting ").next().unwrap_or_default());
    let hint = if hint.is_some() {
        hint.map(str::to_owned)
    } else if text.contains(" and ") || text.contains(" or ") || text.contains(" not ") {
        Some("write `&&`, `||` and `!` for and, or and not".to_owned())
    } else if text.contains(" = ") {
        Some("write `==` to compare".to_owned())
    } else {
        None
    };
    Wrong { at: before + column - 1, message, hint }
}

/// What the parser says, in words; with a hint where what is meant is plain.
fn in_words(said: &str) -> (String, Option<&'static str>) {
    const END: &str = "<EOF>";
    let quoted = |rest: &str| rest.trim().trim_matches('\'').to_owned();
    let unexpected = ["extraneous input ", "mismatched input "].iter().find_map(|theirs| said.strip_prefix(theirs));
    if let Some(rest) = said.strip_prefix("token recognition error at: ") {
        let token = quoted(rest);
        let hint = match token.trim_start().chars().next() {
            Some('&') => Some("write `&&` for and"),
            Some('|') => Some("write `||` for or"),
            Some('=') => Some("write `==` to compare"),
            Some('"' | '\'') => Some("close the quote"),
            _ => None,
        };
        (format!("`{}` has no meaning here", token.trim()), hint)
    } else if let Some(rest) = unexpected {
        match quoted(rest) {
            end if end == END => ("the expression ends too early".to_owned(), None),
            token => (format!("`{token}` is not expected here"), None),
        }
    } else if let Some((missing, at)) = said.strip_prefix("missing ").and_then(|rest| rest.split_once(" at ")) {
        match quoted(at) {
            end if end == END => (format!("`{}` is missing at the end", quoted(missing)), None),
            token => (format!("`{}` is missing before `{token}`", quoted(missing)), None),
        }
    } else if let Some(rest) = said.strip_prefix("no viable alternative at input ") {
        (format!("this cannot be read: `{}`", quoted(rest).replace(END, "")), None)
    } else {
        (said.replace(END, "the end of the expression"), None)
    }
}

pub(super) struct Checker<'a> {
    pub(super) names: &'a Names,
    rewritten: &'a Rewritten,
    places: &'a SourceInfo,
    wrong: Vec<Wrong>,
    doubts: Vec<Wrong>,
    nodes: usize,
}

impl Checker<'_> {
    pub(super) fn error(&mut self, id: u64, message: impl Into<String>, hint: Option<String>) -> Typed {
        let at = self.place(id);
        self.wrong.push(Wrong { at, message: message.into(), hint });
        Typed::Error
    }

    /// It is no mistake, and yet hardly meant.
    pub(super) fn doubt(&mut self, id: u64, message: String, hint: String) {
        let at = self.place(id);
        self.doubts.push(Wrong { at, message, hint: Some(hint) });
    }

    /// The parser counts bytes, we count characters.
    fn place(&self, id: u64) -> usize {
        let start = self.places.offset_for(id).map_or(0, |(start, _)| start as usize);
        self.rewritten.text.char_indices().take_while(|(at, _)| *at < start).count()
    }

    pub(super) fn check(&mut self, tree: &IdedExpr) -> Typed {
        self.nodes += 1;
        match &tree.expr {
            Expr::Literal(literal) => self.literal(tree.id, literal),
            Expr::Ident(_) | Expr::Select(_) => match name_of(tree) {
                Some(name) => self.name(tree, &name),
                None => self.error(tree.id, "only names have fields", None),
            },
            Expr::List(list) => self.list(tree.id, &list.elements),
            Expr::Call(call) => self.call(tree.id, call),
            Expr::Comprehension(_) => {
                self.error(tree.id, "loops are not part of the language", Some("use `in` or a window".into()))
            }
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                self.error(tree.id, "maps are not part of the language", None)
            }
        }
    }

    fn literal(&mut self, id: u64, literal: &LiteralValue) -> Typed {
        let place = self.place(id);
        let amount = |value: f64| match self.rewritten.units.get(&place) {
            Some((factor, dimension)) => Typed::Number(Num::Const(value * factor), *dimension),
            None => Typed::Amount(value),
        };
        #[expect(clippy::cast_precision_loss, reason = "numbers in rules are far below 2^53")]
        match literal {
            LiteralValue::Boolean(value) => Typed::Bool(Bool::Const(*value.inner())),
            LiteralValue::Int(value) => amount(*value.inner() as f64),
            LiteralValue::UInt(value) => amount(*value.inner() as f64),
            LiteralValue::Double(value) => amount(*value.inner()),
            LiteralValue::String(value) => Typed::Literal(value.inner().to_owned()),
            LiteralValue::Bytes(_) | LiteralValue::Null => {
                self.error(id, "this kind of literal is not part of the language", None)
            }
        }
    }

    fn list(&mut self, id: u64, elements: &[IdedExpr]) -> Typed {
        if elements.len() > MAX_LIST {
            let hint = "put it into a named list and use `in_list`".to_owned();
            return self.error(id, format!("more than {MAX_LIST} entries"), Some(hint));
        }
        let mut texts = Vec::with_capacity(elements.len());
        for element in elements {
            match &element.expr {
                Expr::Literal(LiteralValue::String(text)) => texts.push(text.inner().to_owned()),
                Expr::Literal(literal) => match self.literal(element.id, literal) {
                    Typed::Amount(value) => texts.push(value.to_string()),
                    Typed::Error => return Typed::Error,
                    _ => return self.error(element.id, "numbers in a list have no unit", None),
                },
                _ => return self.error(element.id, "a list holds texts between quotes, or numbers", None),
            }
        }
        Typed::Literals(texts)
    }

    fn name(&mut self, tree: &IdedExpr, name: &str) -> Typed {
        if let Some((window, dimension)) = self.names.windows.get(name) {
            return match window.spec.aggregate {
                Aggregate::Absent => Typed::Bool(Bool::Absent(*window)),
                _ => Typed::Number(Num::Window(*window), *dimension),
            };
        }
        if let Some(entry) = vocabulary::find(name) {
            return match entry.field {
                Field::Flag(flag) => Typed::Bool(Bool::Flag(flag)),
                Field::Number(number, dimension) => Typed::Number(Num::Field(number), dimension),
                Field::Symbol(symbol, kind) => Typed::Symbol(Sym::Field(symbol), kind),
                Field::Text(text) => Typed::Text(Text::Field(text)),
                Field::List(field, of) => Typed::List(List { field, of }),
            };
        }
        if let Some(held) = self.names.shared.macros.get(name) {
            self.nodes += held.nodes;
            self.names.named.add(format!("macro {name}"), Meaning::Macro(Arc::clone(&held.text)));
            self.names.named.add_all(&held.named);
            return held.typed.clone();
        }
        let windows = self.names.windows.keys().map(String::as_str);
        let macros = self.names.shared.macros.keys().map(String::as_str);
        let known = FIELDS.iter().map(|entry| entry.name).chain(windows).chain(macros);
        let device = name.strip_prefix("sim.").map(|rest| format!("device.{rest}"));
        let hint = match device.filter(|name| vocabulary::find(name).is_some()) {
            Some(name) => Some(did_you_mean_text(&name)),
            None => did_you_mean(name, known).map(did_you_mean_text),
        };
        let root = root_of(tree);
        self.error(root, format!("unknown field `{name}`"), hint)
    }

    fn call(&mut self, id: u64, call: &CallExpr) -> Typed {
        if let Some(target) = &call.target {
            return call::method(self, id, &call.func_name, target, &call.args);
        }
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [a, b]) => self.logic(a, b, Bool::And),
            (operators::LOGICAL_OR, [a, b]) => self.logic(a, b, Bool::Or),
            (operators::LOGICAL_NOT, [a]) => match self.truth(a) {
                Some(node) => Typed::Bool(Bool::Not(Box::new(node))),
                None => Typed::Error,
            },
            (operators::NEGATE, [a]) => self.negate(id, a),
            (operators::IN, [a, b]) => {
                let (left, right) = (self.check(a), self.check(b));
                self.membership(id, left, right)
            }
            (operators::CONDITIONAL, [condition, yes, no]) => self.choose(id, condition, yes, no),
            (name, [a, b]) if comparison(name).is_some() => {
                let (left, right) = (self.check(a), self.check(b));
                let op = comparison(name).unwrap_or(Op::Equal);
                for (value, held, at, below) in [(&left, &right, b.id, Op::Less), (&right, &left, a.id, Op::Greater)] {
                    if let (Typed::Number(value, _), Typed::Amount(held)) = (value, held) {
                        self.in_range(at, value, *held, op == below);
                    }
                }
                self.compare(id, op, left, right)
            }
            (name, [a, b]) if arithmetic(name).is_some() => {
                let (left, right) = (self.check(a), self.check(b));
                self.compute(id, arithmetic(name).unwrap_or(Arithmetic::Add), &left, &right)
            }
            (name, args) => call::function(self, id, name, args),
        }
    }

    pub(super) fn truth(&mut self, tree: &IdedExpr) -> Option<Bool> {
        match self.check(tree) {
            Typed::Bool(node) => Some(node),
            Typed::Error => None,
            other => {
                self.error(tree.id, format!("this is {}, but must be true or false", other.describe()), None);
                None
            }
        }
    }

    fn logic(&mut self, a: &IdedExpr, b: &IdedExpr, join: fn(Box<Bool>, Box<Bool>) -> Bool) -> Typed {
        match (self.truth(a), self.truth(b)) {
            (Some(a), Some(b)) => Typed::Bool(join(Box::new(a), Box::new(b))),
            _ => Typed::Error,
        }
    }
}

pub(super) fn name_of(tree: &IdedExpr) -> Option<String> {
    match &tree.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => Some(format!("{}.{}", name_of(&select.operand)?, select.field)),
        _ => None,
    }
}

fn root_of(tree: &IdedExpr) -> u64 {
    match &tree.expr {
        Expr::Select(select) => root_of(&select.operand),
        _ => tree.id,
    }
}

/// The names of functions, for suggestions.
pub(super) fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().filter_map(|(name, _)| name.split('(').next()).map(|name| name.trim_start_matches("text."))
}

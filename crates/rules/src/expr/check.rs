//! From the parser's tree to typed nodes. Every mistake is noted with its place, and checking goes on behind it.

use std::collections::BTreeMap;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::parser::Parser;

use super::call;
use super::ir::{Arithmetic, Bool, List, Num, Op, Sym, Text, Typed, WindowRef};
use super::units::{self, HAS, Rewritten, did_you_mean_text};
use crate::diagnostic::did_you_mean;
use crate::symbol::SymbolType;
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

/// One mistake: character position in the expression, what is wrong, what would be right.
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
    pub(crate) lists: BTreeMap<String, Vec<String>>,
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
    let mut checker = Checker { names, rewritten: &rewritten, places: &places, wrong, nodes: 0 };
    let typed = checker.check(&tree);
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
    let (line, column) = (error.pos.0.max(1) as usize, error.pos.1.max(1) as usize);
    let before: usize = text.split_inclusive('\n').take(line - 1).map(|line| line.chars().count()).sum();
    let message = error.msg.trim().replace("<EOF>", "the end of the expression");
    let message = message.split(" expecting {").next().unwrap_or_default().replace(HAS, "has");
    let hint = if text.contains(" and ") || text.contains(" or ") || text.contains(" not ") {
        Some("write `&&`, `||` and `!` for and, or and not".to_owned())
    } else if text.contains(" = ") {
        Some("write `==` to compare".to_owned())
    } else {
        None
    };
    Wrong { at: before + column - 1, message, hint }
}

pub(super) struct Checker<'a> {
    pub(super) names: &'a Names,
    rewritten: &'a Rewritten,
    places: &'a SourceInfo,
    wrong: Vec<Wrong>,
    nodes: usize,
}

impl Checker<'_> {
    pub(super) fn error(&mut self, id: u64, message: impl Into<String>, hint: Option<String>) -> Typed {
        let at = self.place(id);
        self.wrong.push(Wrong { at, message: message.into(), hint });
        Typed::Error
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
                _ => return self.error(element.id, "a list holds texts between quotes", None),
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
        let known = FIELDS.iter().map(|entry| entry.name).chain(self.names.windows.keys().map(String::as_str));
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
                self.compare(id, comparison(name).unwrap_or(Op::Equal), left, right)
            }
            (name, [a, b]) if arithmetic(name).is_some() => {
                let (left, right) = (self.check(a), self.check(b));
                self.compute(id, arithmetic(name).unwrap_or(Arithmetic::Add), left, right)
            }
            (name, args) => call::function(self, id, name, args),
        }
    }

    fn truth(&mut self, tree: &IdedExpr) -> Option<Bool> {
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

    fn negate(&mut self, id: u64, operand: &IdedExpr) -> Typed {
        match self.check(operand) {
            Typed::Amount(value) => Typed::Amount(-value),
            Typed::Number(node, dimension) => Typed::Number(Num::Negate(Box::new(node)), dimension),
            Typed::Error => Typed::Error,
            other => self.error(id, format!("`-` is not defined for {}", other.describe()), None),
        }
    }

    fn choose(&mut self, id: u64, condition: &IdedExpr, yes: &IdedExpr, no: &IdedExpr) -> Typed {
        let condition = self.truth(condition);
        let (yes, no) = (self.check(yes), self.check(no));
        let Some(condition) = condition else { return Typed::Error };
        match (yes, no) {
            (Typed::Bool(a), Typed::Bool(b)) => {
                let not = Bool::Not(Box::new(condition.clone()));
                let yes = Bool::And(Box::new(condition), Box::new(a));
                Typed::Bool(Bool::Or(Box::new(yes), Box::new(Bool::And(Box::new(not), Box::new(b)))))
            }
            (Typed::Error, _) | (_, Typed::Error) => Typed::Error,
            (a, b) => match numbers(a, b) {
                Ok((a, b, dimension)) => {
                    Typed::Number(Num::Choose(Box::new(condition), Box::new(a), Box::new(b)), dimension)
                }
                Err((a, b)) => {
                    self.error(id, format!("`? :` chooses between {} and {}", a.describe(), b.describe()), None)
                }
            },
        }
    }

    fn compute(&mut self, id: u64, op: Arithmetic, left: Typed, right: Typed) -> Typed {
        if matches!(left, Typed::Error) || matches!(right, Typed::Error) {
            return Typed::Error;
        }
        if let (Typed::Amount(a), Typed::Amount(b)) = (&left, &right) {
            return Typed::Amount(super::read::compute(op, *a, *b));
        }
        let (Some((a, a_dim)), Some((b, b_dim))) = (amount(&left), amount(&right)) else {
            let what = format!("`{}` is not defined for {} and {}", sign(op), left.describe(), right.describe());
            return self.error(id, what, None);
        };
        let plain = Dimension::Plain;
        let dimension = match op {
            Arithmetic::Multiply if a_dim == plain || b_dim == plain => {
                Some(if a_dim == plain { b_dim } else { a_dim })
            }
            Arithmetic::Divide if b_dim == plain => Some(a_dim),
            Arithmetic::Divide if a_dim == b_dim => Some(plain),
            Arithmetic::Multiply | Arithmetic::Divide => None,
            _ if a_dim == b_dim => Some(a_dim),
            _ if a_dim == Dimension::Bytes && matches!(right, Typed::Amount(_)) => Some(a_dim),
            _ if b_dim == Dimension::Bytes && matches!(left, Typed::Amount(_)) => Some(b_dim),
            _ => None,
        };
        match dimension {
            Some(dimension) => Typed::Number(Num::Arithmetic(op, Box::new(a), Box::new(b)), dimension),
            None => {
                let what = format!("`{}` is not defined for {} and {}", sign(op), left.describe(), right.describe());
                self.error(id, what, None)
            }
        }
    }

    pub(super) fn compare(&mut self, id: u64, op: Op, left: Typed, right: Typed) -> Typed {
        let equality = matches!(op, Op::Equal | Op::NotEqual);
        let equal = op == Op::Equal;
        match (left, right) {
            (Typed::Error, _) | (_, Typed::Error) => Typed::Error,
            (Typed::Bool(a), Typed::Bool(b)) if equality => {
                let same = Bool::Same(Box::new(a), Box::new(b));
                Typed::Bool(if equal { same } else { Bool::Not(Box::new(same)) })
            }
            (Typed::Symbol(a, x), Typed::Symbol(b, y)) if equality && x == y => Typed::Bool(Bool::Symbols(equal, a, b)),
            (Typed::Symbol(a, kind), Typed::Literal(text)) | (Typed::Literal(text), Typed::Symbol(a, kind))
                if equality =>
            {
                match self.symbol(id, kind, &text) {
                    Some(value) => Typed::Bool(Bool::Symbols(equal, a, Sym::Const(value))),
                    None => Typed::Error,
                }
            }
            (Typed::Text(a), Typed::Text(b)) if equality => Typed::Bool(Bool::Texts(equal, a, b)),
            (Typed::Text(a), Typed::Literal(b)) | (Typed::Literal(b), Typed::Text(a)) if equality => {
                Typed::Bool(Bool::Texts(equal, a, Text::Const(b.into())))
            }
            (left, right) => match numbers(left, right) {
                Ok((a, b, _)) => Typed::Bool(Bool::Compare(op, a, b)),
                Err((left, right)) => self.incomparable(id, op, &left, &right),
            },
        }
    }

    fn incomparable(&mut self, id: u64, op: Op, left: &Typed, right: &Typed) -> Typed {
        let message = format!("`{}` is not defined for {} and {}", symbol_of(op), left.describe(), right.describe());
        let hint = match (left, right) {
            (Typed::Number(_, Dimension::Duration), Typed::Amount(value)) => {
                Some(format!("write the unit: `{value} s`"))
            }
            (Typed::Number(..), Typed::Literal(_)) => Some("write numbers without quotes".to_owned()),
            (Typed::Symbol(..), Typed::Amount(value)) => Some(format!("write it between quotes: `\"{value}\"`")),
            (Typed::Symbol(..) | Typed::Text(_), Typed::List(_) | Typed::Literals(_)) => Some("use `in`".to_owned()),
            _ => None,
        };
        self.error(id, message, hint)
    }

    pub(super) fn symbol(&mut self, id: u64, kind: SymbolType, text: &str) -> Option<u64> {
        match kind.parse(text) {
            Ok(value) => Some(value),
            Err(hint) => {
                self.error(id, format!("\"{text}\" is not {}", kind.describe()), Some(hint));
                None
            }
        }
    }

    pub(super) fn membership(&mut self, id: u64, left: Typed, right: Typed) -> Typed {
        match (left, right) {
            (Typed::Error, _) | (_, Typed::Error) => Typed::Error,
            (Typed::Symbol(value, kind), Typed::Literals(texts)) => {
                let values: Vec<Option<u64>> = texts.iter().map(|text| self.symbol(id, kind, text)).collect();
                let mut values: Vec<u64> = values.into_iter().flatten().collect();
                values.sort_unstable();
                values.dedup();
                Typed::Bool(Bool::SymbolIn(value, values))
            }
            (Typed::Symbol(value, kind), Typed::List(list)) if list.of == Some(kind) => {
                Typed::Bool(Bool::SymbolInField(value, list.field))
            }
            (Typed::Text(text), Typed::Literals(texts)) => {
                let mut texts: Vec<Box<str>> = texts.into_iter().map(Into::into).collect();
                texts.sort_unstable();
                texts.dedup();
                Typed::Bool(Bool::TextIn(text, texts))
            }
            (Typed::Text(text), Typed::List(list)) if list.of.is_none() => {
                Typed::Bool(Bool::TextInField(text, list.field))
            }
            (Typed::Literal(text), Typed::List(list)) => match list.of {
                None => Typed::Bool(Bool::TextInField(Text::Const(text.into()), list.field)),
                Some(kind) => match self.symbol(id, kind, &text) {
                    Some(value) => Typed::Bool(Bool::SymbolInField(Sym::Const(value), list.field)),
                    None => Typed::Error,
                },
            },
            (left, right) => {
                let what = format!("`in` is not defined for {} and {}", left.describe(), right.describe());
                self.error(id, what, None)
            }
        }
    }
}

/// Both as numbers of one dimension; a number without unit counts as bytes beside bytes.
fn numbers(left: Typed, right: Typed) -> Result<(Num, Num, Dimension), (Typed, Typed)> {
    match (left, right) {
        (Typed::Number(a, x), Typed::Number(b, y)) if x == y => Ok((a, b, x)),
        (Typed::Number(a, dimension), Typed::Amount(b)) if dimension != Dimension::Duration => {
            Ok((a, Num::Const(b), dimension))
        }
        (Typed::Amount(a), Typed::Number(b, dimension)) if dimension != Dimension::Duration => {
            Ok((Num::Const(a), b, dimension))
        }
        (Typed::Amount(a), Typed::Amount(b)) => Ok((Num::Const(a), Num::Const(b), Dimension::Plain)),
        other => Err(other),
    }
}

fn amount(typed: &Typed) -> Option<(Num, Dimension)> {
    match typed {
        Typed::Number(node, dimension) => Some((node.clone(), *dimension)),
        Typed::Amount(value) => Some((Num::Const(*value), Dimension::Plain)),
        _ => None,
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

fn comparison(name: &str) -> Option<Op> {
    Some(match name {
        operators::EQUALS => Op::Equal,
        operators::NOT_EQUALS => Op::NotEqual,
        operators::LESS => Op::Less,
        operators::LESS_EQUALS => Op::LessEqual,
        operators::GREATER => Op::Greater,
        operators::GREATER_EQUALS => Op::GreaterEqual,
        _ => return None,
    })
}

fn symbol_of(op: Op) -> &'static str {
    match op {
        Op::Equal => "==",
        Op::NotEqual => "!=",
        Op::Less => "<",
        Op::LessEqual => "<=",
        Op::Greater => ">",
        Op::GreaterEqual => ">=",
    }
}

fn arithmetic(name: &str) -> Option<Arithmetic> {
    Some(match name {
        operators::ADD => Arithmetic::Add,
        operators::SUBSTRACT => Arithmetic::Subtract,
        operators::MULTIPLY => Arithmetic::Multiply,
        operators::DIVIDE => Arithmetic::Divide,
        operators::MODULO => Arithmetic::Remainder,
        _ => return None,
    })
}

fn sign(op: Arithmetic) -> &'static str {
    match op {
        Arithmetic::Add => "+",
        Arithmetic::Subtract => "-",
        Arithmetic::Multiply => "*",
        Arithmetic::Divide => "/",
        Arithmetic::Remainder => "%",
    }
}

/// The names of functions, for suggestions.
pub(super) fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().filter_map(|(name, _)| name.split('(').next()).map(|name| name.trim_start_matches("text."))
}

//! Operators: what each is defined for, and what it makes of its operands.

use cel::common::ast::{IdedExpr, operators};

use super::check::Checker;
use super::ir::{Arithmetic, Bool, Num, Op, Sym, Text, Typed};
use crate::symbol::SymbolType;
use crate::vocabulary::{self, Dimension};

/// Fewer octets are hardly ever what a volume is compared with.
const IMPLAUSIBLE: f64 = 1000.0;

impl Checker<'_> {
    pub(super) fn negate(&mut self, id: u64, operand: &IdedExpr) -> Typed {
        match self.check(operand) {
            Typed::Amount(value) => Typed::Amount(-value),
            Typed::Number(node, dimension) => Typed::Number(Num::Negate(Box::new(node)), dimension),
            Typed::Error => Typed::Error,
            other => self.error(id, format!("`-` is not defined for {}", other.describe()), None),
        }
    }

    pub(super) fn choose(&mut self, id: u64, condition: &IdedExpr, yes: &IdedExpr, no: &IdedExpr) -> Typed {
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
                Err(both) => self.error(
                    id,
                    format!("`? :` chooses between {} and {}", both.0.describe(), both.1.describe()),
                    None,
                ),
            },
        }
    }

    pub(super) fn compute(&mut self, id: u64, op: Arithmetic, left: &Typed, right: &Typed) -> Typed {
        if matches!(left, Typed::Error) || matches!(right, Typed::Error) {
            return Typed::Error;
        }
        if let (Typed::Amount(a), Typed::Amount(b)) = (left, right) {
            return Typed::Amount(super::read::compute(op, *a, *b));
        }
        let (Some((a, a_dim)), Some((b, b_dim))) = (amount(left), amount(right)) else {
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
        if let Some(dimension) = dimension {
            Typed::Number(Num::Arithmetic(op, Box::new(a), Box::new(b)), dimension)
        } else {
            let what = format!("`{}` is not defined for {} and {}", sign(op), left.describe(), right.describe());
            self.error(id, what, None)
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
            (left, right) => {
                self.doubt_volume(id, &left, &right);
                self.compare_numbers(id, op, left, right)
            }
        }
    }

    fn compare_numbers(&mut self, id: u64, op: Op, left: Typed, right: Typed) -> Typed {
        match numbers(left, right) {
            Ok((a, b, _)) => Typed::Bool(Bool::Compare(op, a, b)),
            Err(both) => self.incomparable(id, op, &both.0, &both.1),
        }
    }

    /// A volume as it was measured, held against a few octets without a unit: people mean MB. One that was divided may be in MB.
    fn doubt_volume(&mut self, id: u64, left: &Typed, right: &Typed) {
        let ((Typed::Number(volume, Dimension::Bytes), Typed::Amount(bare))
        | (Typed::Amount(bare), Typed::Number(volume, Dimension::Bytes))) = (left, right)
        else {
            return;
        };
        let is_measured = matches!(volume, Num::Field(_) | Num::Previous(_) | Num::Window(_));
        if is_measured && *bare > 0.0 && *bare < IMPLAUSIBLE {
            let message = format!("a volume is compared with {bare} octets");
            self.doubt(id, message, format!("did you mean `{bare} MB`? if octets are meant, write `{bare} B`"));
        }
    }

    /// A number with bounds held against what it never is: that is always true, or never. `is_end`: it must be below that, and
    /// people say "before 24 o'clock", too.
    pub(super) fn in_range(&mut self, id: u64, value: &Num, held: f64, is_end: bool) {
        let (Num::Field(number) | Num::Previous(number)) = value else { return };
        if let Some((least, most)) = vocabulary::range(*number)
            && !(least..=most).contains(&held)
            && !(is_end && (least..=most).contains(&(held - 1.0)))
        {
            let name = vocabulary::name(*number);
            let hint = Some(format!("it goes from {least} to {most}"));
            self.error(id, format!("`{name}` is never {held}"), hint);
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
            (Typed::Number(value, Dimension::Plain), Typed::Literals(texts)) => self.number_in(id, &value, &texts),
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

    /// `flow.port in [22, 23]`: one comparison after the other.
    fn number_in(&mut self, id: u64, value: &Num, texts: &[String]) -> Typed {
        let mut found = Bool::Const(false);
        for text in texts {
            let Ok(number) = text.parse() else {
                return self.error(id, format!("\"{text}\" is not a number"), None);
            };
            self.in_range(id, value, number, false);
            let same = Bool::Compare(Op::Equal, value.clone(), Num::Const(number));
            found = if found == Bool::Const(false) { same } else { Bool::Or(Box::new(found), Box::new(same)) };
        }
        Typed::Bool(found)
    }
}

/// Both as numbers of one dimension; a number without unit counts as bytes beside bytes.
fn numbers(left: Typed, right: Typed) -> Result<(Num, Num, Dimension), Box<(Typed, Typed)>> {
    match (left, right) {
        (Typed::Number(a, x), Typed::Number(b, y)) if x == y => Ok((a, b, x)),
        (Typed::Number(a, dimension), Typed::Amount(b)) if dimension != Dimension::Duration => {
            Ok((a, Num::Const(b), dimension))
        }
        (Typed::Amount(a), Typed::Number(b, dimension)) if dimension != Dimension::Duration => {
            Ok((Num::Const(a), b, dimension))
        }
        (Typed::Amount(a), Typed::Amount(b)) => Ok((Num::Const(a), Num::Const(b), Dimension::Plain)),
        other => Err(Box::new(other)),
    }
}

fn amount(typed: &Typed) -> Option<(Num, Dimension)> {
    match typed {
        Typed::Number(node, dimension) => Some((node.clone(), *dimension)),
        Typed::Amount(value) => Some((Num::Const(*value), Dimension::Plain)),
        _ => None,
    }
}

pub(super) fn comparison(name: &str) -> Option<Op> {
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

pub(super) fn arithmetic(name: &str) -> Option<Arithmetic> {
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

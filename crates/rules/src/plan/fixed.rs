//! Which parts of an expression are the same for every record of a class and kind of event.
//!
//! What is not listed here counts as different from record to record: that costs time, never truth.

use crate::expr::ir::{Num, Sym, Text};
use crate::expr::{Bool, Typed};
use crate::vocabulary::{Flag, ListField, Number, Symbol, TextField};

/// `class`: the device's class is known, not just the kind of event.
pub(super) fn is_fixed(node: &Bool, class: bool) -> bool {
    match node {
        Bool::Const(_) => true,
        Bool::Flag(flag) => flag_is_fixed(*flag, class),
        Bool::Not(inner) => is_fixed(inner, class),
        Bool::And(a, b) | Bool::Or(a, b) | Bool::Same(a, b) => is_fixed(a, class) && is_fixed(b, class),
        Bool::Has(operand) => operand_is_fixed(operand, class),
        Bool::Compare(_, a, b) => number_is_fixed(a, class) && number_is_fixed(b, class),
        Bool::Symbols(_, a, b) => symbol_is_fixed(a, class) && symbol_is_fixed(b, class),
        Bool::SymbolIn(value, _) => symbol_is_fixed(value, class),
        Bool::SymbolInField(value, list) => symbol_is_fixed(value, class) && list_is_fixed(*list, class),
        Bool::Texts(_, a, b) => text_is_fixed(a, class) && text_is_fixed(b, class),
        Bool::TextIn(text, _) | Bool::TextTest(_, text, _) => text_is_fixed(text, class),
        Bool::TextInField(text, list) => text_is_fixed(text, class) && list_is_fixed(*list, class),
        _ => false,
    }
}

fn flag_is_fixed(flag: Flag, class: bool) -> bool {
    match flag {
        Flag::SessionStart | Flag::SessionInterim | Flag::SessionStop | Flag::Admitted | Flag::Rejected => true,
        Flag::DeviceKnown | Flag::DeviceCritical | Flag::SimultaneousAllowed | Flag::Fixed => class,
        _ => false,
    }
}

fn operand_is_fixed(operand: &Typed, class: bool) -> bool {
    match operand {
        Typed::Bool(node) => is_fixed(node, class),
        Typed::Number(node, _) => number_is_fixed(node, class),
        Typed::Symbol(sym, _) => symbol_is_fixed(sym, class),
        Typed::Text(text) => text_is_fixed(text, class),
        Typed::List(list) => list_is_fixed(list.field, class),
        _ => false,
    }
}

pub(super) fn number_is_fixed(node: &Num, class: bool) -> bool {
    match node {
        Num::Const(_) => true,
        Num::Field(
            Number::VolumePerHour
            | Number::VolumePerDay
            | Number::SessionsPerDay
            | Number::MessagesPerDay
            | Number::CallsPerDay
            | Number::ContactEvery,
        ) => class,
        Num::Size(list) => list_is_fixed(*list, class),
        Num::Negate(inner) => number_is_fixed(inner, class),
        Num::Arithmetic(_, a, b) => number_is_fixed(a, class) && number_is_fixed(b, class),
        _ => false,
    }
}

fn symbol_is_fixed(sym: &Sym, class: bool) -> bool {
    match sym {
        Sym::Const(_) | Sym::Field(Symbol::Kind | Symbol::Status) => true,
        Sym::Field(Symbol::DeviceState | Symbol::DeviceImeiLock) => class,
        _ => false,
    }
}

fn text_is_fixed(text: &Text, class: bool) -> bool {
    match text {
        Text::Const(_) => true,
        Text::Field(TextField::DeviceModel) => class,
        _ => false,
    }
}

/// Groups belong to the class, all other lists to the profile.
pub(super) fn list_is_fixed(list: ListField, class: bool) -> bool {
    class
        && matches!(
            list,
            ListField::Groups
                | ListField::Tacs
                | ListField::Countries
                | ListField::Networks
                | ListField::Apns
                | ListField::Rats
        )
}

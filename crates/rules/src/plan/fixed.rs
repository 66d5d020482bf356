//! Which parts of an expression are the same for every record of a class and kind of event.
//!
//! What is not listed here counts as different from record to record: that costs time, never truth.

use crate::expr::ir::{Num, Sym, Text};
use crate::expr::{Bool, Typed};
use crate::vocabulary::{Flag, ListField, Number, Symbol, TextField};

/// What is known beside the kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The device's class.
    pub(super) class: bool,
    /// The record's shape ([`super::Shape`]), and that the device shows nothing new.
    pub(super) shape: bool,
}

/// Whether it is the same for all records of which so much is known.
pub(super) fn is_fixed(node: &Bool, known: Extent) -> bool {
    match node {
        Bool::Const(_) => true,
        Bool::Flag(flag) => flag_is_fixed(*flag, known),
        Bool::Not(inner) => is_fixed(inner, known),
        Bool::And(a, b) | Bool::Or(a, b) | Bool::Same(a, b) => is_fixed(a, known) && is_fixed(b, known),
        Bool::Has(operand) => operand_is_fixed(operand, known),
        Bool::Compare(_, a, b) => number_is_fixed(a, known) && number_is_fixed(b, known),
        Bool::Symbols(_, a, b) => symbol_is_fixed(a, known) && symbol_is_fixed(b, known),
        Bool::SymbolIn(value, _) => symbol_is_fixed(value, known),
        Bool::SymbolInField(value, list) => symbol_is_fixed(value, known) && list_is_fixed(*list, known),
        Bool::Texts(_, a, b) => text_is_fixed(a, known) && text_is_fixed(b, known),
        Bool::TextIn(text, _) | Bool::TextTest(_, text, _) => text_is_fixed(text, known),
        Bool::TextInField(text, list) => text_is_fixed(text, known) && list_is_fixed(*list, known),
        _ => false,
    }
}

fn flag_is_fixed(flag: Flag, known: Extent) -> bool {
    match flag {
        Flag::SessionStart | Flag::SessionInterim | Flag::SessionStop | Flag::Admitted | Flag::Rejected => true,
        Flag::DeviceKnown | Flag::DeviceCritical | Flag::SimultaneousAllowed | Flag::Fixed => known.class,
        Flag::SessionIsNew | Flag::SessionOverlaps | Flag::Late => known.shape,
        _ => false,
    }
}

fn operand_is_fixed(operand: &Typed, known: Extent) -> bool {
    match operand {
        Typed::Bool(node) => is_fixed(node, known),
        Typed::Number(node, _) => number_is_fixed(node, known),
        Typed::Symbol(sym, _) => symbol_is_fixed(sym, known),
        Typed::Text(text) => text_is_fixed(text, known),
        Typed::List(list) => list_is_fixed(list.field, known),
        _ => false,
    }
}

pub(super) fn number_is_fixed(node: &Num, known: Extent) -> bool {
    match node {
        Num::Const(_) => true,
        Num::Field(
            Number::VolumePerHour
            | Number::VolumePerDay
            | Number::VolumePerCycle
            | Number::VolumePerLife
            | Number::SessionsPerDay
            | Number::MessagesPerDay
            | Number::CallsPerDay
            | Number::ContactEvery,
        ) => known.class,
        Num::Size(list) => list_is_fixed(*list, known),
        Num::Negate(inner) => number_is_fixed(inner, known),
        Num::Arithmetic(_, a, b) => number_is_fixed(a, known) && number_is_fixed(b, known),
        _ => false,
    }
}

fn symbol_is_fixed(sym: &Sym, known: Extent) -> bool {
    match sym {
        Sym::Const(_) | Sym::Field(Symbol::Kind | Symbol::Status) => true,
        Sym::Field(Symbol::DeviceState | Symbol::DeviceImeiLock) => known.class,
        Sym::Field(Symbol::Country | Symbol::Network | Symbol::Rat | Symbol::Tac) => known.shape,
        Sym::TacOf(imei) => known.shape && **imei == Sym::Field(Symbol::Imei),
        _ => false,
    }
}

fn text_is_fixed(text: &Text, known: Extent) -> bool {
    match text {
        Text::Const(_) => true,
        Text::Field(TextField::DeviceModel) => known.class,
        Text::Field(TextField::Apn) => known.shape,
        _ => false,
    }
}

/// Groups belong to the class, all other lists to the profile.
pub(super) fn list_is_fixed(list: ListField, known: Extent) -> bool {
    known.class
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

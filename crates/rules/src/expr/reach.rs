//! Which events can make a condition true, what it reads, and what it costs: the base of routing and of `cost`.
//!
//! The analysis is conservative: it may name an event that never makes the condition true, never leave one out.

use super::ir::{Address, Bool, List, Near, Num, Sym, Text, Typed, WindowRef};
use crate::facts::{Trigger, Triggers};
use crate::symbol::{self, SymbolType};
use crate::vocabulary::{FIELDS, Field, Flag, Number, Symbol, TextField};

/// What a condition reads.
#[derive(Debug, Default, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent answers, each with a name")]
pub(crate) struct Reads {
    /// Events that carry something it reads.
    pub(crate) carriers: Triggers,
    /// Some of it is the device or its profile.
    pub(crate) device: bool,
    /// ... more than its model, groups, state and profile: what is not the same for all of its kind.
    pub(crate) whole_device: bool,
    pub(crate) windows: Vec<WindowRef>,
    /// Fields whose last value must be remembered.
    pub(crate) memory: Vec<Field>,
    /// Its value changes as time passes, with no event.
    pub(crate) time: bool,
    /// `kind` is compared: ticks are asked for by name.
    pub(crate) kind: bool,
    /// It asks what only the second stage knows: the baseline, other devices.
    pub(crate) later: bool,
    /// It asks how many devices of a network are silent.
    pub(crate) outage: bool,
    pub(crate) nodes: usize,
    /// How often a text is read, and a last value.
    pub(crate) texts: usize,
    pub(crate) recalls: usize,
    pub(crate) first_memory: Option<Field>,
    /// Fields whose values the second stage must know of all devices.
    pub(crate) new_to_group: Vec<Field>,
    /// Fields whose values must be known of the device.
    pub(crate) new_to_device: Vec<Field>,
}

/// The events at which `node` may be true.
pub(crate) fn may_be_true(node: &Bool) -> Triggers {
    let mut set = Triggers::NONE;
    for trigger in Trigger::ALL {
        if outcome(node, trigger).0 {
            set = set.or(Triggers::of(trigger));
        }
    }
    set
}

/// Whether `node` may be `wanted` at such an event.
pub(crate) fn may_be(node: &Bool, at: Trigger, wanted: bool) -> bool {
    let (yes, no) = outcome(node, at);
    if wanted { yes } else { no }
}

const COUNTRY: Field = Field::Symbol(Symbol::Country, SymbolType::Country);
const CELL: Field = Field::Symbol(Symbol::Cell, SymbolType::Cell);

/// May be true, may be false; neither: always unknown.
type Outcome = (bool, bool);
const EITHER: Outcome = (true, true);
const NEITHER: Outcome = (false, false);

fn exactly(value: bool) -> Outcome {
    (value, !value)
}

fn either_if(known: bool) -> Outcome {
    if known { EITHER } else { NEITHER }
}

fn outcome(node: &Bool, at: Trigger) -> Outcome {
    match node {
        Bool::Const(value) => exactly(*value),
        Bool::Flag(flag) => outcome_of_flag(*flag, at),
        Bool::Not(inner) => {
            let (yes, no) = outcome(inner, at);
            (no, yes)
        }
        Bool::And(a, b) => {
            let (a, b) = (outcome(a, at), outcome(b, at));
            (a.0 && b.0, a.1 || b.1)
        }
        Bool::Or(a, b) => {
            let (a, b) = (outcome(a, at), outcome(b, at));
            (a.0 || b.0, a.1 && b.1)
        }
        Bool::Same(a, b) => either_if(outcome(a, at) != NEITHER && outcome(b, at) != NEITHER),
        Bool::Has(operand) => (known(operand, at), true),
        Bool::Compare(_, a, b) => either_if(number_known(a, at) && number_known(b, at)),
        Bool::Symbols(equal, Sym::Field(Symbol::Kind), Sym::Const(kind)) => {
            exactly((symbol::kind(at) == *kind) == *equal)
        }
        Bool::Symbols(equal, Sym::Field(Symbol::Status), Sym::Const(status)) => {
            symbol::status(at).map_or(NEITHER, |held| exactly((held == *status) == *equal))
        }
        Bool::SymbolIn(Sym::Field(Symbol::Kind), kinds) => exactly(kinds.contains(&symbol::kind(at))),
        Bool::Symbols(_, a, b) => either_if(symbol_known(a, at) && symbol_known(b, at)),
        Bool::SymbolIn(value, _) | Bool::SymbolInField(value, _) => either_if(symbol_known(value, at)),
        Bool::InNetworks(Address::Field(field), _) | Bool::InNetwork(Address::Field(field), _) => {
            either_if(symbol_carriers(*field).contains(at))
        }
        Bool::Unusual(..) => either_if(at == Trigger::Unusual),
        Bool::BorderPair | Bool::InArea(..) => either_if(Triggers::CONTACT.contains(at)),
        Bool::Texts(_, a, b) => either_if(text_known(a, at) && text_known(b, at)),
        Bool::TextIn(text, _) | Bool::TextInField(text, _) | Bool::TextTest(_, text, _) | Bool::Named(text, _) => {
            either_if(text_known(text, at))
        }
        Bool::Changed(field) | Bool::First(field) | Bool::NewToGroup(field) | Bool::NewToDevice(field) => {
            either_if(carriers(*field).contains(at))
        }
        Bool::Absent(_)
        | Bool::Before(_)
        | Bool::FeedGap(_)
        | Bool::Outage { .. }
        | Bool::InNetworks(..)
        | Bool::InNetwork(..) => EITHER,
    }
}

fn outcome_of_flag(flag: Flag, at: Trigger) -> Outcome {
    match flag {
        Flag::SessionStart => exactly(at == Trigger::SessionStart),
        Flag::SessionInterim => exactly(at == Trigger::SessionInterim),
        Flag::SessionStop => exactly(at == Trigger::SessionStop),
        Flag::Admitted => exactly(at == Trigger::Admitted),
        Flag::Rejected => exactly(at == Trigger::Rejected),
        Flag::Contact if at.is_contact() => exactly(true),
        Flag::Contact => (Triggers::MAY_CONTACT.contains(at), true),
        Flag::Flow => exactly(at == Trigger::Flow),
        Flag::MessageSent | Flag::MessageReceived => (at == Trigger::Message, true),
        Flag::CallMade | Flag::CallReceived => (at == Trigger::Call, true),
        Flag::LoginOk | Flag::LoginFailed => (at == Trigger::Login, true),
        Flag::SimChanged => exactly(at == Trigger::SimChange),
        Flag::Sign => exactly(at == Trigger::Network),
        Flag::SourceSilent | Flag::SourceBack => (at == Trigger::SourceState, true),
        Flag::IsRecord | Flag::IdentityChanged | Flag::PlaceChanged | Flag::NewDestination => {
            either_if(at == Trigger::Unusual)
        }
        Flag::SessionIsNew | Flag::SessionOverlaps => either_if(Triggers::SESSION.contains(at)),
        Flag::DeviceKnown
        | Flag::DeviceCritical
        | Flag::Late
        | Flag::SimultaneousAllowed
        | Flag::Fixed
        | Flag::InHours => EITHER,
    }
}

pub(crate) fn carriers(field: Field) -> Triggers {
    FIELDS.iter().find(|entry| entry.field == field).map_or(Triggers::ALL, |entry| entry.carriers)
}

fn number_carriers(number: crate::vocabulary::Number) -> Triggers {
    let entry = FIELDS.iter().find(|entry| matches!(entry.field, Field::Number(held, _) if held == number));
    entry.map_or(Triggers::ALL, |entry| entry.carriers)
}

fn symbol_carriers(symbol: Symbol) -> Triggers {
    let entry = FIELDS.iter().find(|entry| matches!(entry.field, Field::Symbol(held, _) if held == symbol));
    entry.map_or(Triggers::ALL, |entry| entry.carriers)
}

fn known(operand: &Typed, at: Trigger) -> bool {
    match operand {
        Typed::Bool(node) => outcome(node, at) != NEITHER,
        Typed::Number(node, _) => number_known(node, at),
        Typed::Symbol(sym, _) => symbol_known(sym, at),
        Typed::Text(text) => text_known(text, at),
        Typed::List(_) | Typed::Literal(_) | Typed::Amount(_) | Typed::Literals(_) | Typed::Error => true,
    }
}

fn number_known(node: &Num, at: Trigger) -> bool {
    match node {
        // How many sessions are open changes with their records, and is known at any time.
        Num::Field(Number::OpenSessions)
        | Num::Const(_)
        | Num::Previous(_)
        | Num::Window(_)
        | Num::Silence
        | Num::Size(_) => true,
        Num::Field(number) => number_carriers(*number).contains(at),
        Num::Travel { .. } => Triggers::CONTACT.contains(at),
        Num::Negate(inner) => number_known(inner, at),
        Num::Arithmetic(_, a, b) => number_known(a, at) && number_known(b, at),
        Num::Choose(_, a, b) => number_known(a, at) || number_known(b, at),
    }
}

fn symbol_known(sym: &Sym, at: Trigger) -> bool {
    match sym {
        Sym::Field(symbol) => symbol_carriers(*symbol).contains(at),
        Sym::TacOf(inner) => symbol_known(inner, at),
        Sym::Const(_) | Sym::Previous(_) => true,
    }
}

fn text_known(text: &Text, at: Trigger) -> bool {
    match text {
        Text::Field(field) => carriers(Field::Text(*field)).contains(at),
        Text::Const(_) | Text::Previous(_) => true,
    }
}

impl Reads {
    pub(crate) fn of(node: &Bool) -> Self {
        let mut reads = Self::default();
        reads.bool(node);
        reads
    }

    pub(crate) fn typed(&mut self, typed: &Typed) {
        match typed {
            Typed::Bool(node) => self.bool(node),
            Typed::Number(node, _) => self.number(node),
            Typed::Symbol(sym, _) => self.sym(sym),
            Typed::Text(text) => self.text(text),
            Typed::List(List { .. }) => self.device = true,
            Typed::Literal(_) | Typed::Amount(_) | Typed::Literals(_) | Typed::Error => {}
        }
    }

    pub(crate) fn bool(&mut self, node: &Bool) {
        self.nodes += 1;
        match node {
            Bool::Const(_) | Bool::Before(_) => {}
            Bool::Flag(flag) => self.flag(*flag),
            Bool::Not(inner) => self.bool(inner),
            Bool::And(a, b) | Bool::Or(a, b) | Bool::Same(a, b) => {
                self.bool(a);
                self.bool(b);
            }
            Bool::Has(operand) => self.typed(operand),
            Bool::Compare(_, a, b) => {
                self.number(a);
                self.number(b);
            }
            Bool::Symbols(_, a, b) => {
                self.sym(a);
                self.sym(b);
            }
            Bool::SymbolIn(value, _) => self.sym(value),
            Bool::InNetworks(Address::Field(field), _) | Bool::InNetwork(Address::Field(field), _) => {
                self.sym(&Sym::Field(*field));
            }
            Bool::InNetworks(Address::Previous(field), _) | Bool::InNetwork(Address::Previous(field), _) => {
                self.sym(&Sym::Previous(*field));
            }
            Bool::FeedGap(_) => self.time = true,
            Bool::Outage { .. } => {
                self.later = true;
                self.outage = true;
                self.time = true;
            }
            Bool::BorderPair => {
                self.carriers = self.carriers.or(Triggers::CONTACT);
                self.remember(COUNTRY);
            }
            Bool::InArea(..) => self.carriers = self.carriers.or(Triggers::CONTACT),
            Bool::NewToDevice(field) => {
                self.carriers = self.carriers.or(carriers(*field));
                if !self.new_to_device.contains(field) {
                    self.new_to_device.push(*field);
                }
            }
            Bool::NewToGroup(field) => {
                self.later = true;
                self.carriers = self.carriers.or(carriers(*field));
                if !self.new_to_group.contains(field) {
                    self.new_to_group.push(*field);
                }
            }
            Bool::Unusual(..) => {
                self.later = true;
                self.carriers = self.carriers.or(Triggers::of(Trigger::Unusual));
            }
            Bool::SymbolInField(value, _) => {
                self.sym(value);
                self.device = true;
            }
            Bool::Texts(_, a, b) => {
                self.text(a);
                self.text(b);
            }
            Bool::TextIn(text, _) | Bool::TextTest(_, text, _) | Bool::Named(text, _) => self.text(text),
            Bool::TextInField(text, _) => {
                self.text(text);
                self.device = true;
            }
            Bool::Changed(field) | Bool::First(field) => {
                self.carriers = self.carriers.or(carriers(*field));
                self.remember(*field);
            }
            Bool::Absent(window) => {
                self.window(*window);
                self.time = true;
            }
        }
    }

    fn flag(&mut self, flag: Flag) {
        match flag {
            Flag::DeviceKnown | Flag::DeviceCritical | Flag::SimultaneousAllowed | Flag::Fixed | Flag::InHours => {
                self.device = true;
            }
            Flag::SessionIsNew | Flag::SessionOverlaps => self.carriers = self.carriers.or(Triggers::SESSION),
            Flag::Late | Flag::Contact => self.carriers = self.carriers.or(Triggers::MAY_CONTACT),
            Flag::Flow => self.carriers = self.carriers.or(Triggers::of(Trigger::Flow)),
            Flag::MessageSent | Flag::MessageReceived => {
                self.carriers = self.carriers.or(Triggers::of(Trigger::Message));
            }
            Flag::CallMade | Flag::CallReceived => self.carriers = self.carriers.or(Triggers::of(Trigger::Call)),
            Flag::LoginOk | Flag::LoginFailed => self.carriers = self.carriers.or(Triggers::of(Trigger::Login)),
            Flag::SimChanged => self.carriers = self.carriers.or(Triggers::of(Trigger::SimChange)),
            Flag::Sign => self.carriers = self.carriers.or(Triggers::of(Trigger::Network)),
            Flag::SourceSilent | Flag::SourceBack => {
                self.carriers = self.carriers.or(Triggers::of(Trigger::SourceState));
            }
            Flag::IsRecord | Flag::IdentityChanged | Flag::PlaceChanged | Flag::NewDestination => {
                self.later = true;
                self.carriers = self.carriers.or(Triggers::of(Trigger::Unusual));
            }
            Flag::SessionStart | Flag::SessionInterim | Flag::SessionStop => {
                self.carriers = self.carriers.or(Triggers::SESSION);
            }
            Flag::Admitted | Flag::Rejected => self.carriers = self.carriers.or(Triggers::ADMISSION),
        }
    }

    fn number(&mut self, node: &Num) {
        self.nodes += 1;
        match node {
            Num::Const(_) => {}
            Num::Field(number) => {
                let held = number_carriers(*number);
                self.read(held);
            }
            Num::Previous(number) => {
                let entry =
                    FIELDS.iter().find(|entry| matches!(entry.field, Field::Number(held, _) if held == *number));
                if let Some(entry) = entry {
                    self.remember(entry.field);
                }
            }
            Num::Window(window) => self.window(*window),
            Num::Silence => self.time = true,
            Num::Travel { near, .. } => {
                self.carriers = self.carriers.or(Triggers::CONTACT);
                if *near != Near::Cell {
                    self.remember(COUNTRY);
                }
                if *near != Near::Country {
                    self.remember(CELL);
                }
            }
            Num::Size(_) => self.device = true,
            Num::Negate(inner) => self.number(inner),
            Num::Arithmetic(_, a, b) => {
                self.nodes += 1; // a result is looked at once more
                self.number(a);
                self.number(b);
            }
            Num::Choose(test, a, b) => {
                self.bool(test);
                self.number(a);
                self.number(b);
            }
        }
    }

    fn sym(&mut self, sym: &Sym) {
        match sym {
            Sym::Const(_) => {}
            Sym::Field(symbol) => {
                self.kind |= *symbol == Symbol::Kind;
                self.whole_device |= matches!(symbol, Symbol::DeviceImei | Symbol::DeviceIp);
                let held = symbol_carriers(*symbol);
                self.read(held);
            }
            Sym::Previous(symbol) => {
                let entry =
                    FIELDS.iter().find(|entry| matches!(entry.field, Field::Symbol(held, _) if held == *symbol));
                if let Some(entry) = entry {
                    self.remember(entry.field);
                }
            }
            Sym::TacOf(inner) => self.sym(inner),
        }
    }

    fn text(&mut self, text: &Text) {
        self.texts += usize::from(!matches!(text, Text::Const(_)));
        match text {
            Text::Const(_) => {}
            Text::Field(field) => {
                let held = carriers(Field::Text(*field));
                self.whole_device |= *field == TextField::DeviceName;
                self.read(held);
            }
            Text::Previous(field) => self.remember(Field::Text(*field)),
        }
    }

    fn read(&mut self, held: Triggers) {
        self.later |= held == Triggers::of(Trigger::Unusual);
        if held == Triggers::ALL {
            self.device = true;
        } else {
            self.carriers = self.carriers.or(held);
        }
    }

    fn window(&mut self, window: WindowRef) {
        self.nodes += 4;
        if !self.windows.contains(&window) {
            self.windows.push(window);
        }
    }

    fn remember(&mut self, field: Field) {
        self.recalls += 1;
        self.first_memory.get_or_insert(field);
        if !self.memory.contains(&field) {
            self.memory.push(field);
        }
    }
}

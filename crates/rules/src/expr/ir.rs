//! Checked expressions: every node has a type, every name is resolved, every literal is what it is compared with.

use std::sync::Arc;

use fleetward_fleet::Timestamp;
use ipnet::IpNet;

use crate::detail::{Metric, UnusualKind};
use crate::lookup::{NameSet, NetworkSet};
use crate::places::{Area, Positions};
use crate::symbol::SymbolType;
use crate::vocabulary::{Dimension, Field, Flag, ListField, Number, Symbol, TextField};
use crate::window::WindowSpec;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Typed {
    Bool(Bool),
    Number(Num, Dimension),
    Symbol(Sym, SymbolType),
    Text(Text),
    List(List),
    /// Text between quotes that has not yet met what it is compared with.
    Literal(String),
    /// A number without unit; it may stand for bytes.
    Amount(f64),
    /// A list of texts between quotes.
    Literals(Vec<String>),
    /// Wrong already; said already.
    Error,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bool {
    Const(bool),
    Flag(Flag),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Same(Box<Self>, Box<Self>),
    Has(Box<Typed>),
    Compare(Op, Num, Num),
    Symbols(bool, Sym, Sym),
    SymbolIn(Sym, Vec<u64>),
    SymbolInField(Sym, ListField),
    Texts(bool, Text, Text),
    TextIn(Text, Vec<Box<str>>),
    TextInField(Text, ListField),
    TextTest(TextTest, Text, Box<str>),
    InNetwork(Address, IpNet),
    Changed(Field),
    First(Field),
    Absent(WindowRef),
    Unusual(UnusualKind, Metric),
    /// The source is silent now: the named one, or the one that the device was last heard through.
    FeedGap(Option<Box<str>>),
    /// More than this share of the devices of the network, or of its area, is silent.
    Outage {
        of_area: bool,
        share: f64,
    },
    NewToGroup(Field),
    NewToDevice(Field),
    /// The country now and the one before border on each other.
    BorderPair,
    InArea(Arc<Area>, Arc<Positions>),
    /// In a named list of names with wildcards.
    Named(Text, Arc<NameSet>),
    /// In a named list of networks.
    InNetworks(Address, Arc<NetworkSet>),
    /// Before this moment, by the time at which rules judge.
    Before(Timestamp),
}

/// What a place is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Near {
    /// The cell where its position is known, else the country.
    Place,
    Cell,
    Country,
}

/// An address of the record, whole: a symbol is too short for IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    Field(Symbol),
    /// IPv4 only: of IPv6 no more than a hash is remembered.
    Previous(Symbol),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Op {
    pub(crate) fn holds(self, left: f64, right: f64) -> bool {
        #[expect(clippy::float_cmp, reason = "counts and bytes are whole numbers")]
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterEqual => left >= right,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextTest {
    Starts,
    Ends,
    Contains,
}

/// A number; unknown is NaN at run time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Num {
    Const(f64),
    Field(Number),
    Previous(Number),
    Window(WindowRef),
    Silence,
    Size(ListField),
    /// At least so far (km) from the place before, or so fast (km/h).
    Travel {
        speed: bool,
        near: Near,
        positions: Arc<Positions>,
    },
    Negate(Box<Self>),
    Arithmetic(Arithmetic, Box<Self>, Box<Self>),
    Choose(Box<Bool>, Box<Self>, Box<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sym {
    Const(u64),
    Field(Symbol),
    Previous(Symbol),
    TacOf(Box<Self>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Text {
    Const(Box<str>),
    Field(TextField),
    Previous(TextField),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct List {
    pub(crate) field: ListField,
    pub(crate) of: Option<SymbolType>,
}

/// A named window: its key in the subject's state, and how to read it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct WindowRef {
    pub(crate) key: u32,
    pub(crate) spec: WindowSpec,
}

impl Typed {
    /// With article, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Bool(_) => "true or false".into(),
            Self::Number(_, dimension) => dimension.describe().into(),
            Self::Amount(_) => "a number".into(),
            Self::Symbol(_, kind) => kind.describe().into(),
            Self::Text(_) | Self::Literal(_) => "text".into(),
            Self::List(_) | Self::Literals(_) => "a list".into(),
            Self::Error => "an error".into(),
        }
    }
}

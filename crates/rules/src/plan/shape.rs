//! What an accounting record has in common with nearly all others of its class: where the device is attached, and that
//! nothing about it is new. Rules that ask about that are decided once for the shape and not for each record.
//!
//! # Invariants
//!
//! * **Good for its shape alone**: a [`ShapedPlan`] may be used for a record that has the shape, of a device that shows
//!   the values that it showed last in all fields that rules remember ([`Shown`]); for any other the plan of the class.
//! * **Windows are those of the class**: what a shape cannot use now is fed all the same, another shape may ask for it.

use fleetward_fleet::{Country, Imei, Plmn, Rat, Tac};

use super::fixed::Extent;
use super::{Class, Plan, Steps};
use crate::expr::read::Context;
use crate::facts::{Facts, Trigger, Triggers};
use crate::ruleset::RuleSet;
use crate::state::SubjectState;

/// What rules may ask of an accounting record that hardly ever differs from record to record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    trigger: Trigger,
    country: Option<Country>,
    network: Option<Plmn>,
    rat: Option<Rat>,
    tac: Option<Tac>,
    apn: Option<Box<str>>,
    session_is_new: Option<bool>,
    session_overlaps: Option<bool>,
    late: bool,
}

/// The rules of a class made ready for records of one shape.
pub struct ShapedPlan {
    pub(crate) steps: Steps,
}

impl Shape {
    /// The shape of a record; `None`: it is no accounting record.
    pub fn of(facts: &Facts<'_>) -> Option<Self> {
        Triggers::SESSION.contains(facts.trigger).then(|| Self {
            trigger: facts.trigger,
            country: facts.country,
            network: facts.network,
            rat: facts.rat,
            tac: facts.tac(),
            apn: facts.apn.map(Into::into),
            session_is_new: facts.session_is_new,
            session_overlaps: facts.session_overlaps,
            late: facts.late,
        })
    }

    /// Whether it is the shape of this record.
    pub fn is(&self, facts: &Facts<'_>) -> bool {
        self.trigger == facts.trigger
            && self.network == facts.network
            && self.country == facts.country
            && self.rat == facts.rat
            && self.tac == facts.tac()
            && self.session_is_new == facts.session_is_new
            && self.session_overlaps == facts.session_overlaps
            && self.late == facts.late
            && self.apn.as_deref() == facts.apn
    }

    /// Tells what it knows.
    fn tell<'a>(&'a self, facts: &mut Facts<'a>) {
        facts.country = self.country;
        facts.network = self.network;
        facts.rat = self.rat;
        // Any module of the type: of a module, nothing but its type is taken for known.
        facts.imei = self.tac.and_then(|tac| Imei::from_number(u64::from(tac.0) * 1_000_000));
        facts.apn = self.apn.as_deref();
        facts.session_is_new = self.session_is_new;
        facts.session_overlaps = self.session_overlaps;
        facts.late = self.late;
    }
}

impl Plan {
    /// The plan for records of this shape, which are all of one kind of event. `set` and `class` are those that this plan
    /// was made of.
    pub fn shaped(&self, set: &RuleSet, class: Class<'_>, shape: &Shape) -> ShapedPlan {
        let class = self.is_of_class.then_some(class); // a plan for all devices knows none
        let mut facts = super::facts_of(class, shape.trigger);
        shape.tell(&mut facts);
        let extent = Extent { class: class.is_some(), shape: true };
        let tests = super::first_tests(set, &facts, extent);
        ShapedPlan { steps: super::steps(set, tests, &facts, extent, &self.used) }
    }
}

impl std::fmt::Debug for ShapedPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = (self.steps.feeds.len(), self.steps.rules());
        f.debug_struct("ShapedPlan").field("feeds_and_rules", &count).finish_non_exhaustive()
    }
}

/// What the record shows in the fields that rules remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Something that the device did not show last.
    News,
    /// What the device showed last; it may leave fields out.
    TheSame,
    /// All that the device showed last.
    AllTheSame,
}

impl Shown {
    pub(crate) fn of(set: &RuleSet, facts: &Facts<'_>, state: &SubjectState) -> Self {
        let context = Context { facts, state: None, now: facts.at, held: &[] };
        let (mut last, mut same) = (state.last(), 0);
        for field in &set.memory {
            let (Some(value), Some(code)) = (context.stored(*field), field.code()) else { continue };
            if !last.holds(code, value) {
                return Self::News;
            }
            same += 1;
        }
        if same == state.fields() { Self::AllTheSame } else { Self::TheSame }
    }
}

//! The shapes that accounting records of a class have: most of a fleet's records have one of a few, and rules are made ready
//! for those (see [`fleetward_rules::Shape`]). They follow from what came, and change what judging costs, never what is
//! found: they are no state.

use std::sync::Arc;

use fleetward_rules::{Facts, Plan, Shape, ShapedPlan};

use crate::Compiled;

/// Shapes of one class in one partition, the commonest at the front.
#[derive(Debug, Default, Clone)]
pub(super) struct Shapes(Vec<Slot>);

#[derive(Debug, Clone)]
struct Slot {
    shape: Shape,
    seen: u32,
    /// `None`: not made, or too many were.
    plan: Option<Arc<ShapedPlan>>,
}

/// Shapes that are kept in mind.
const MOST: usize = 16;
/// A plan takes as long to make as many records to judge: it is made for a shape that came this often.
const ENOUGH: u32 = 64;

impl Shapes {
    /// The rules made ready for records like this one, where there are many of them. `plan`: that of the class.
    pub(super) fn plan(&mut self, plan: &Plan, facts: &Facts<'_>, compiled: &Compiled) -> Option<&ShapedPlan> {
        let Some(mut at) = self.0.iter().position(|slot| slot.shape.is(facts)) else {
            self.meet(facts);
            return None;
        };
        if at > 0 {
            self.0.swap(at, at - 1);
            at -= 1;
        }
        let slot = self.0.get_mut(at)?;
        slot.seen = slot.seen.saturating_add(1);
        if slot.seen == ENOUGH {
            slot.plan = compiled.shaped(plan, facts, &slot.shape);
        }
        slot.plan.as_deref()
    }

    fn meet(&mut self, facts: &Facts<'_>) {
        if let Some(shape) = Shape::of(facts) {
            self.0.truncate(MOST - 1);
            self.0.push(Slot { shape, seen: 1, plan: None });
        }
    }
}

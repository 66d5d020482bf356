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

#[cfg(test)]
mod tests {
    use fleetward_fleet::{DeviceId, Timestamp};
    use fleetward_rules::{Options, RuleSet, Trigger};

    use super::*;

    fn facts(apn: &str) -> Facts<'_> {
        let mut facts = Facts::new(Trigger::SessionInterim, Timestamp(0), Timestamp(0), DeviceId(1), "a");
        facts.apn = Some(apn);
        facts
    }

    #[test]
    fn a_plan_is_made_for_what_comes_often_and_few_shapes_are_kept_in_mind() {
        let compiled = Compiled::new(Arc::new(RuleSet::builtin(&Options::default())), []);
        let (plan, mut shapes) = (compiled.plan(None, None), Shapes::default());
        for time in 1..ENOUGH {
            assert!(shapes.plan(&plan, &facts("iot.example"), &compiled).is_none(), "after {time}");
        }
        assert!(shapes.plan(&plan, &facts("iot.example"), &compiled).is_some());
        for number in 0..1000 {
            let apn = format!("{number}.example");
            assert!(shapes.plan(&plan, &facts(&apn), &compiled).is_none());
            assert!(shapes.0.len() <= MOST);
        }
        assert!(shapes.plan(&plan, &facts("iot.example"), &compiled).is_some(), "what is common stays");
        let tick = Facts::new(Trigger::Tick, Timestamp(0), Timestamp(0), DeviceId(1), "a");
        assert!((0..2 * ENOUGH).all(|_| shapes.plan(&plan, &tick, &compiled).is_none()));
    }
}

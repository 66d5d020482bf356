//! The shapes that accounting records of a class have: most of a fleet's records have one of a few, and rules are made ready
//! for those (see [`fleetward_rules::Shape`]).

use std::sync::OnceLock;

use fleetward_rules::{Facts, Shape, ShapedPlan};
use parking_lot::Mutex;

/// The shapes of one class. Looking one up takes no lock.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    /// In the order in which they were found to be common.
    common: [OnceLock<Common>; MOST],
    /// Others, with how often they came.
    met: Mutex<Vec<(Shape, u32)>>,
}

#[derive(Debug)]
struct Common {
    shape: Shape,
    /// `None`: too many were made.
    plan: Option<ShapedPlan>,
}

/// Shapes that get a plan, and as many others that are kept in mind.
const MOST: usize = 16;
/// A plan takes as long to make as many records to judge: it is made for a shape that came this often.
const ENOUGH: u32 = 64;

impl Shapes {
    /// The plan for the shape of a record, where it is common. `make`: makes one.
    pub(super) fn plan(
        &self,
        facts: &Facts<'_>,
        make: impl FnOnce(&Shape) -> Option<ShapedPlan>,
    ) -> Option<&ShapedPlan> {
        for slot in &self.common {
            let Some(common) = slot.get() else { return self.meet(facts, slot, make) };
            if common.shape.is(facts) {
                return common.plan.as_ref();
            }
        }
        None
    }

    /// Counts a record; where it was enough of them, the shape gets the `free` slot.
    #[cold]
    fn meet<'a>(
        &self,
        facts: &Facts<'_>,
        free: &'a OnceLock<Common>,
        make: impl FnOnce(&Shape) -> Option<ShapedPlan>,
    ) -> Option<&'a ShapedPlan> {
        // Another worker counts one: this one may be missed.
        let mut met = self.met.try_lock()?;
        let Some(at) = met.iter().position(|(shape, _)| shape.is(facts)) else {
            let shape = Shape::of(facts)?;
            met.truncate(MOST - 1);
            met.push((shape, 1));
            return None;
        };
        met[at].1 += 1;
        if met[at].1 < ENOUGH || free.get().is_some() {
            return None;
        }
        let (shape, _) = met.swap_remove(at);
        let plan = make(&shape);
        free.get_or_init(|| Common { shape, plan }).plan.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fleetward_fleet::{Device, DeviceId, Timestamp};
    use fleetward_rules::{Options, RuleSet, Trigger};

    use super::*;
    use crate::Compiled;

    fn facts(apn: &str) -> Facts<'_> {
        let mut facts = Facts::new(Trigger::SessionInterim, Timestamp(0), Timestamp(0), DeviceId(1), "a");
        facts.apn = Some(apn);
        facts
    }

    #[test]
    fn a_plan_is_made_for_what_comes_often_and_few_shapes_are_kept_in_mind() {
        let compiled = Compiled::new(Arc::new(RuleSet::builtin(&Options::default())), []);
        let ready = compiled.ready(Device::named(""), false);
        let has_plan = |facts: &Facts<'_>| ready.shaped(facts, &compiled).is_some();
        for time in 1..ENOUGH {
            assert!(!has_plan(&facts("iot.example")), "after {time}");
        }
        assert!(has_plan(&facts("iot.example")));
        for number in 0..1000 {
            assert!(!has_plan(&facts(&format!("{number}.example"))));
            assert!(ready.shapes.met.lock().len() <= MOST);
        }
        assert!(has_plan(&facts("iot.example")), "what is common stays");
        let tick = Facts::new(Trigger::Tick, Timestamp(0), Timestamp(0), DeviceId(1), "a");
        assert!((0..2 * ENOUGH).all(|_| !has_plan(&tick)));
    }

    #[test]
    fn no_more_than_so_many_shapes_get_a_plan() {
        let compiled = Compiled::new(Arc::new(RuleSet::builtin(&Options::default())), []);
        let ready = compiled.ready(Device::named(""), false);
        let apns: Vec<String> = (0..2 * MOST).map(|number| format!("{number}.example")).collect();
        let often = |apn: &String| (0..ENOUGH).filter(|_| ready.shaped(&facts(apn), &compiled).is_some()).count();
        let with_plan = apns.iter().filter(|apn| often(apn) == 1).count();
        assert_eq!(with_plan, MOST);
    }
}

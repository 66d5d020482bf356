//! Devices by their names: the machine knows them by their ids alone where no rule has spoken of them, which is where a person asked, and
//! after a restart.

use std::sync::Arc;

use fleetward_fleet::Finding;
use fleetward_store::Lookup;

use super::run::Worker;
use crate::machine::Effect;

impl Worker {
    /// Calls devices in the machine's own findings by what people call them.
    pub(super) fn name_devices(&self, effects: &mut [Effect]) {
        for effect in effects {
            match effect {
                Effect::Raise(finding) => self.name_device(finding),
                Effect::Notify { notice: Some(notice), .. } => self.name_device(&mut notice.finding),
                _ => {}
            }
        }
    }

    fn name_device(&self, finding: &mut Arc<Finding>) {
        if *finding.subject != *finding.device.to_string() {
            return;
        }
        // One that is not in the inventory (any more) keeps its id; a store that fails says so when the finding is written.
        if let Ok(Some(device)) = self.store.device(&Lookup::Id(finding.device)) {
            Arc::make_mut(finding).subject = device.name;
        }
    }
}

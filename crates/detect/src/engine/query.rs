//! Questions to the workers. They wait in the same queue as batches, so an answer knows everything submitted before.

use fleetward_baseline::Learning;
use fleetward_fleet::{DeviceId, PARTITIONS, SessionKey};

use super::worker::Share;
use super::{Engine, Stopped};
use crate::group::model_key;
use crate::partition::Wanted;
use crate::{Cursor, DeviceView, Learnt, Page, SessionFilter, SessionView};

/// Sessions on a page at most.
const LONGEST_PAGE: usize = 1000;

impl Engine {
    /// One page of sessions behind `after`, `limit` of them (1 to 1000). Asks one partition after the other, so that a
    /// long list does not hold up judging.
    pub fn sessions(
        &self,
        filter: &SessionFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<SessionView>, Stopped> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        let wanted = Wanted::new(filter);
        let first = after.map_or(0, |after| usize::from(after.partition));
        let partitions = match filter.device {
            Some(device) => usize::from(device.partition().0)..usize::from(device.partition().0) + 1,
            None => first..PARTITIONS,
        };
        let mut found: Vec<(Cursor, SessionView)> = Vec::new();
        for partition in partitions {
            if found.len() > limit {
                break;
            }
            let (wanted, room) = (wanted.clone(), limit + 1 - found.len());
            let answer = self.ask(partition % self.workers.len(), move |owned| {
                owned.partition(partition).list(&wanted, after, room, partition as u8)
            })?;
            found.extend(answer.recv().map_err(|_| Stopped)?);
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|(cursor, _)| *cursor).filter(|_| more);
        Ok(Page { items: found.into_iter().map(|(_, view)| view).collect(), next })
    }

    /// One session of a device, open or recently closed.
    pub fn session(&self, device: DeviceId, key: &SessionKey) -> Result<Option<SessionView>, Stopped> {
        let key = key.clone();
        self.of_device(device, move |state| state.session_view(Some(device), &key))
    }

    /// One session whose device the caller does not know: asks every partition in turn.
    pub fn find_session(&self, key: &SessionKey) -> Result<Option<SessionView>, Stopped> {
        for partition in 0..PARTITIONS {
            let key = key.clone();
            let answer = self.ask(partition % self.workers.len(), move |owned| {
                owned.partition(partition).session_view(None, &key)
            })?;
            if let Some(found) = answer.recv().map_err(|_| Stopped)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// What is known of a device; `None` if nothing.
    pub fn device(&self, device: DeviceId) -> Result<Option<DeviceView>, Stopped> {
        self.of_device(device, move |state| state.device_view(device))
    }

    /// How far the baseline of a device of the inventory has come. `model`: the one that the inventory states.
    pub fn learnt(&self, device: DeviceId, model: Option<&str>) -> Result<Learnt, Stopped> {
        let key = model_key(model);
        let partition = device.partition();
        let answer = self.ask(Share::owner(partition, self.workers.len()), move |owned| {
            let is_on = owned.compiled.has_baseline(key);
            is_on.then(|| owned.partition(usize::from(partition.0)).device_view(device)?.baseline_days)
        })?;
        Ok(match answer.recv().map_err(|_| Stopped)? {
            None => Learnt::Off,
            Some(None) => Learnt::Unheard,
            Some(Some(days)) => Learnt::Days { days, model: self.learning(model)? },
        })
    }

    /// How far the baseline of a model has come; `None` where none of its devices has talked yet. `model`: `None` for
    /// devices without one.
    pub fn learning(&self, model: Option<&str>) -> Result<Option<Learning>, Stopped> {
        let model = model.map(str::to_owned);
        self.settled(|_| (), move |stage, _| stage.state.learning(model.as_deref()))
    }

    fn of_device<T: Send + 'static>(
        &self,
        device: DeviceId,
        question: impl FnOnce(&crate::PartitionState) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let partition = device.partition();
        let worker = Share::owner(partition, self.workers.len());
        let answer = self.ask(worker, move |owned| question(owned.partition(usize::from(partition.0))))?;
        answer.recv().map_err(|_| Stopped)
    }
}

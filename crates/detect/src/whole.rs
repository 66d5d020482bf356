//! All of detection in one value, without threads: what a backtest, an evaluation and a test run.

use std::sync::Arc;

use fleetward_fleet::{DeviceId, Observation, Offset, PARTITIONS};
use serde::{Deserialize, Serialize};

use crate::group::{GroupFact, GroupState};
use crate::partition::Told;
use crate::{Compiled, DeviceView, History, Output, PartitionState};

/// The state of all 256 partitions and of the second stage. It says what an [`crate::Engine`] says, record by record:
/// first what concerns the devices, then what concerns groups, models, keys and baselines.
///
/// ```
/// use std::sync::Arc;
/// use fleetward_detect::{Compiled, Detection};
/// use fleetward_fleet::{Body, DeviceId, Observation, Offset, Timestamp};
///
/// let compiled = Compiled::new(Arc::default(), []);
/// let now = Timestamp(1_795_000_000_000);
/// let tick = Observation {
///     event_time: now, observed_at: now, source: "clock".into(), device: DeviceId(0), identity: None, body: Body::Tick,
/// };
/// let (mut detection, mut out) = (Detection::new(), Vec::new());
/// detection.apply([(Offset(0), &tick)], &compiled, &mut out);
/// assert!(out.is_empty());
/// ```
#[derive(Clone)]
pub struct Detection {
    partitions: Vec<PartitionState>,
    groups: GroupState,
    history: Option<Arc<dyn History>>,
}

/// Partitions and second stage as bytes.
#[derive(Serialize, Deserialize)]
struct Frozen {
    partitions: Vec<Vec<u8>>,
    groups: Vec<u8>,
}

impl std::fmt::Debug for Detection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detection").field("next", &self.groups.next()).finish_non_exhaustive()
    }
}

impl Default for Detection {
    fn default() -> Self {
        Self::new()
    }
}

impl Detection {
    /// Knows nothing yet.
    pub fn new() -> Self {
        let partitions = std::iter::repeat_with(PartitionState::default).take(PARTITIONS).collect();
        Self { partitions, groups: GroupState::default(), history: None }
    }

    /// The same with the past at hand: windows are measured exactly before an alarm.
    #[must_use]
    pub fn with_history(mut self, history: Arc<dyn History>) -> Self {
        self.history = Some(history);
        self
    }

    /// Applies records in journal order and appends what is said. Pure: any batching gives the same.
    pub fn apply<'a>(
        &mut self,
        batch: impl IntoIterator<Item = (Offset, &'a Observation)>,
        compiled: &Compiled,
        out: &mut Vec<Output>,
    ) {
        let history = self.history.clone();
        let mut told = Told { outputs: std::mem::take(out), history: history.as_deref(), ..Told::default() };
        for (offset, observation) in batch {
            self.stage_one(offset, observation, compiled, &mut told);
            self.groups.apply(&mut told.facts, Offset(offset.0 + 1), compiled, &mut told.outputs);
        }
        *out = told.outputs;
    }

    /// What is known of a device; `None` if nothing.
    pub fn device(&self, device: DeviceId) -> Option<DeviceView> {
        self.partitions[usize::from(device.partition().0)].device_view(device)
    }

    /// As bytes, for [`Self::thaw`] of the same version of the program.
    pub fn freeze(&self) -> Vec<u8> {
        let frozen = Frozen {
            partitions: self.partitions.iter().map(PartitionState::freeze).collect(),
            groups: self.groups.freeze(),
        };
        postcard::to_extend(&frozen, Vec::new()).unwrap_or_default()
    }

    /// From the bytes that [`Self::freeze`] made; `None` where they are not such bytes.
    pub fn thaw(bytes: &[u8]) -> Option<Self> {
        let frozen: Frozen = postcard::from_bytes(bytes).ok()?;
        let partitions: Vec<_> = frozen.partitions.iter().map(|p| PartitionState::thaw(p)).collect::<Option<_>>()?;
        let is_whole = partitions.len() == PARTITIONS;
        Some(Self { partitions, groups: GroupState::thaw(&frozen.groups)?, history: None }).filter(|_| is_whole)
    }

    fn stage_one(&mut self, offset: Offset, observation: &Observation, compiled: &Compiled, told: &mut Told<'_>) {
        if !observation.body.concerns_all() {
            let partition = usize::from(observation.device.partition().0);
            self.partitions[partition].apply_one(offset, observation, compiled, told);
            return;
        }
        for state in &mut self.partitions {
            state.apply_one(offset, observation, compiled, told);
        }
        if compiled.groups.any() {
            let planned = || self.partitions.first().map(|state| state.in_force(observation.event_time));
            told.facts.events.extend(GroupFact::broadcast(offset, observation, planned, compiled));
        }
    }
}

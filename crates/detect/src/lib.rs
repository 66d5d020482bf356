//! Observations, profile and rules become findings.
//!
//! The heart is [`apply`]: one pure function over the state of one of 256 partitions. Around it, [`Engine`] runs worker
//! threads that own the partitions, answers questions about sessions and devices, and keeps snapshots.
//!
//! ```
//! use std::sync::Arc;
//! use fleetward_detect::{Compiled, Engine, engine::{Config, Outputs}};
//! use fleetward_fleet::{Body, DeviceId, Observation, Offset, Timestamp};
//! use fleetward_rules::{Options, RuleSet};
//!
//! let compiled = Compiled::new(Arc::new(RuleSet::builtin(&Options::default())), []);
//! let sink = Arc::new(|outputs: Outputs| for output in outputs.outputs { let _ = output; /* store, respond */ });
//! let (engine, resume) = Engine::start(Config::default(), Arc::new(compiled), sink)?;
//! // Replay the journal from `resume.next`, then hand over what is committed:
//! let now = Timestamp(1_795_000_000_000);
//! let tick = Observation {
//!     event_time: now, observed_at: now, source: "clock".into(), device: DeviceId(0), identity: None, body: Body::Tick,
//! };
//! engine.submit([(resume.next, Arc::new(tick))])?;
//! engine.drain()?;
//! assert_eq!(engine.applied(), Offset(resume.next.0 + 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where things are
//!
//! | module | holds |
//! | --- | --- |
//! | `session` | counting: cumulative counters, retransmits, wraps, resets, ids used again |
//! | `partition` | devices, what each kind of record does, ticks, facts for the rules, views, bytes for the snapshot |
//! | `group` | rules about a group or a model as a whole: what partitions hand on, judged in journal order |
//! | [`backtest`] | outputs of a replay, counted: what rules would have found and done |
//! | [`history`] | the past of one device, for what is measured exactly before an alarm |
//! | [`engine`] | threads, queues, queries, the two phases of a snapshot |
//! | [`snapshot`] | the file |
//!
pub mod backtest;
mod compiled;
pub mod engine;
mod group;
pub mod history;
mod intern;
mod output;
mod pack;
mod partition;
mod planned;
mod prefetch;
mod ready;
mod session;
pub mod snapshot;
#[cfg(test)]
mod testing;
mod view;
mod whole;

pub use fleetward_baseline::{Budget as AlarmBudget, Learning, Settings as BaselineSettings};

pub use compiled::{Compiled, Limits};
pub use engine::{Engine, Sink};
pub use history::History;
pub use output::{EndCause, Output, Raised, SessionEnded, SessionOpened, SessionTarget, Subject};
pub use partition::{PartitionState, apply, apply_with};
pub use planned::{Excused, MAX_PLANNED};
pub use view::{Counts, Cursor, DeviceView, InvalidCursor, Learnt, Page, SessionFilter, SessionView};
pub use whole::Detection;

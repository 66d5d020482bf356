//! Observations, profile and rules become findings.
mod compiled;
pub mod engine;
mod intern;
mod output;
mod pack;
mod partition;
mod session;
pub mod snapshot;
#[cfg(test)]
mod testing;
mod view;

pub use compiled::{Compiled, Limits};
pub use engine::{Engine, Sink};
pub use output::{EndCause, Output, Raised, SessionEnded, SessionOpened, SessionTarget, Subject};
pub use partition::{PartitionState, apply};
pub use view::{Counts, Cursor, DeviceView, InvalidCursor, Page, SessionFilter, SessionView};

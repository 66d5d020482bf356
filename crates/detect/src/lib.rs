//! Observations, profile and rules become findings.
mod compiled;
pub mod engine;
mod output;
pub mod snapshot;
mod view;

pub use compiled::{Compiled, Limits, RulePolicy};
pub use engine::{Engine, Sink};
pub use output::{EndCause, FindingUpdated, Output, Raised, SessionEnded, SessionOpened, SessionTarget, Subject};
pub use view::{Counts, Cursor, DeviceView, InvalidCursor, Page, SessionFilter, SessionView};

//! The HTTP contract: routes, types, sign-in, `OpenAPI`.
//!
//! What is stored comes from [`fleetward_store::Store`]; what needs the running server goes through [`Control`], which
//! the binary implements. [`routes::table`] is the one list of what there is and who may call it: the router, the checks
//! of scope and the `OpenAPI` document are all made from it, and from the document what a query may say.
//!
//! # Invariants
//!
//! * **Every route names who may call it**; only sign-in, health and the description of the API are open.
//! * **Every change leaves a row in the audit log**, and so does every look at an unmasked identity.
//! * **Identities are masked** unless an operator asks with `reveal=true`.
//! * **Every error is a problem document** (RFC 9457), made in one table: [`error::ApiError`].
//! * **A query says only what its route knows**: a misspelt filter is refused, never left out.
//! * **Nothing waits for ever**: heads, bodies, handlers, handshakes and connections have limits ([`serve`]).

mod control;
pub mod error;
mod events;
mod extract;
mod guard;
pub mod inventory;
mod limiter;
mod mask;
mod observations;
mod openapi;
mod prometheus;
mod query;
pub mod routes;
mod server;
mod state;
pub mod tls;
pub mod view;

pub use control::{
    AuditGoing, AuditRun, Baseline, Component, Control, ControlError, Event, Health, Imported, NewRule, OwnRule,
    Reloaded, RuleCheck, RuleExample, RuleInfo, RuleWritten, ScheduledAudit, SessionChange, SessionFilter, SessionInfo,
};
pub use observations::{KINDS as OBSERVATION_KINDS, MAX_OBSERVATIONS, Told};
pub use openapi::document as openapi;
pub use prometheus::render as render_metrics;
pub use routes::router;
pub use server::serve;
pub use state::{ApiConfig, ApiState, Clock};

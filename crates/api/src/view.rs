//! What goes over the wire, as types. Identities in them are masked unless they were revealed on purpose.

mod audits;
mod device;
mod finding;
mod names;
mod other;
mod planned;
mod response;
mod rules;
mod session;

pub use audits::{AuditGoingView, AuditRunView, ScheduledAuditView};
pub use device::{BaselineView, DeviceView, ImportReport};
pub use finding::{FindingDetailView, FindingView, StepView, SuppressionScopeView, SuppressionView};
pub use names::{
    DeviceStateName, FindingStateName, HealthName, PlannedKindName, ResponseStateName, RoleName, SeverityName,
};
pub use other::{
    AuditReportView, AuditView, ComponentView, CountView, HealthView, RuleView, TokenView, UserView, WhoView,
};
pub use planned::{ExcusedView, PlannedChangeView};
pub use response::{ActionView, ResponseView, TransitionView};
pub use rules::{OwnRuleView, ReloadView, RuleCheckView, RuleExampleView, RuleWrittenView};
pub use session::{SessionChangeView, SessionView};

use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ListOf<T: ToSchema> {
    /// The rows.
    pub items: Vec<T>,
    /// Ask again with `cursor=` this for the page after; `null`: this was the last.
    pub next: Option<String>,
    /// How many there are in all, where it was asked for (`count=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl<T: ToSchema> ListOf<T> {
    pub(crate) fn from<S>(listing: fleetward_store::Listing<S>, view: impl FnMut(S) -> T) -> Self {
        let listing = listing.map(view);
        Self { items: listing.items, next: listing.next, total: None }
    }
}

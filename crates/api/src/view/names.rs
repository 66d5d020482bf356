//! The names of enumerations as the API writes them. `fleet` and `store` know nothing of `OpenAPI`, so these say it for them;
//! every conversion is exhaustive, and a test holds the words against serde's.

use fleetward_fleet::{DeviceState, FindingState, PlannedKind, ResponseState, Severity};
use fleetward_store::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Health;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident of $of:ty { $($variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "the words are explained where they are defined")]
        pub enum $name { $($variant),* }

        impl From<$of> for $name {
            fn from(value: $of) -> Self {
                match value { $(<$of>::$variant => Self::$variant),* }
            }
        }

        impl From<$name> for $of {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),* }
            }
        }
    };
}

names!(
    /// Where a device is in its life.
    DeviceStateName of DeviceState { Stock, Active, Suspended, Retired }
);
names!(
    /// How bad a finding is.
    SeverityName of Severity { Info, Low, Medium, High, Critical }
);
names!(
    /// Where a finding is in its life.
    FindingStateName of FindingState { New, Acknowledged, Resolved, Suppressed }
);
names!(
    /// Where a response is in its life.
    ResponseStateName of ResponseState { Proposed, Approved, Sent, Accepted, Verified, Failed, Reverted }
);
names!(
    /// What kind of deviation is coming.
    PlannedKindName of PlannedKind { SimSwap, ModuleSwap, Move, RollOut, Maintenance }
);
names!(
    /// What somebody may do; each may what those before may.
    RoleName of Role { Ingest, Viewer, Operator, Admin }
);
names!(
    /// How well something is.
    HealthName of Health { Ok, Degraded, Failing }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_types() {
        fn same<A: Serialize, B: Serialize + From<A> + Copy>(values: impl IntoIterator<Item = A>) {
            for value in values {
                let ours = serde_json::to_string(&value).unwrap();
                assert_eq!(serde_json::to_string(&B::from(value)).unwrap(), ours);
            }
        }
        use ResponseState as R;
        same::<_, SeverityName>([Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]);
        same::<_, FindingStateName>([
            FindingState::New,
            FindingState::Acknowledged,
            FindingState::Resolved,
            FindingState::Suppressed,
        ]);
        same::<_, ResponseStateName>([
            R::Proposed,
            R::Approved,
            R::Sent,
            R::Accepted,
            R::Verified,
            R::Failed,
            R::Reverted,
        ]);
        same::<_, DeviceStateName>([
            DeviceState::Stock,
            DeviceState::Active,
            DeviceState::Suspended,
            DeviceState::Retired,
        ]);
        same::<_, PlannedKindName>(PlannedKind::ALL);
        same::<_, RoleName>([Role::Ingest, Role::Viewer, Role::Operator, Role::Admin]);
    }
}

//! How to undo an action (promise 4: every response says how).

use fleetward_fleet::{Action, ResponseId};

/// The action that takes this one back, where there is one.
pub(crate) fn of(action: &Action) -> Option<Action> {
    match action {
        Action::SuspendSim => Some(Action::ResumeSim),
        Action::ResumeSim => Some(Action::SuspendSim),
        Action::Quarantine => Some(Action::Release),
        Action::Release => Some(Action::Quarantine),
        Action::Disconnect { .. } | Action::ChangeOfAuthorization { .. } | Action::Notify { .. } => None,
    }
}

/// How to undo it, in words with the command.
pub(crate) fn words(action: &Action, id: ResponseId) -> String {
    match action {
        Action::SuspendSim => {
            format!("admit the device again: `fleetward responses revert {id}` (or resume the device by name)")
        }
        Action::ResumeSim => format!("suspend the device again: `fleetward responses revert {id}`"),
        Action::Quarantine => {
            format!("let the device back: `fleetward responses revert {id}` (or release the device by name)")
        }
        Action::Release => format!("cut the device off again: `fleetward responses revert {id}`"),
        Action::Disconnect { .. } => {
            "nothing to undo: the device may open a new session at once, unless it is also suspended".into()
        }
        Action::ChangeOfAuthorization { .. } => {
            "nothing to undo: the next session gets the profile's own Session-Timeout".into()
        }
        Action::Notify { .. } => "nothing to undo: a message cannot be called back".into(),
    }
}

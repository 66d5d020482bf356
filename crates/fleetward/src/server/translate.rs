//! Between the words of neighbouring crates that must not know each other.

use std::sync::Arc;

use fleetward_detect::{EndCause, Raised, SessionEnded, SessionView};
use fleetward_respond::dac::SessionTarget;
use fleetward_respond::machine::{Approval, FindingRaised, Mode, RespondSpec, Wish};
use fleetward_rules as rules;

/// A finding of detection, as the responder takes it. `kin`: its groups with their sizes.
pub(super) fn raised(raised: Raised, kin: Vec<(Box<str>, u32)>) -> FindingRaised {
    let mode = match raised.rule.mode {
        rules::Mode::Off => Mode::Off,
        rules::Mode::DryRun => Mode::DryRun,
        rules::Mode::NotifyOnly => Mode::NotifyOnly,
        rules::Mode::Enforce => Mode::Enforce,
    };
    // In dry-run nothing is decided, but it is said what would have been.
    let responds = if mode == Mode::DryRun { &raised.rule.responds } else { &raised.responds };
    FindingRaised {
        respond: responds.iter().map(respond).collect(),
        mode,
        budget_per_hour: raised.rule.budget.max_actions_per_hour,
        critical: raised.subject.critical,
        groups: raised.subject.groups,
        kin,
        sessions: raised.sessions.into_iter().map(|session| session.key).collect(),
        finding: Arc::new(raised.finding),
    }
}

fn respond(respond: &rules::Respond) -> RespondSpec {
    let wish = match &respond.action {
        rules::RespondAction::Notify { channel } => Wish::Notify { channel: channel.clone() },
        rules::RespondAction::Disconnect => Wish::Disconnect,
        rules::RespondAction::SuspendSim => Wish::SuspendSim,
        rules::RespondAction::Quarantine => Wish::Quarantine,
        rules::RespondAction::ChangeOfAuthorization { session_timeout_secs } => {
            Wish::ChangeOfAuthorization { session_timeout_secs: *session_timeout_secs }
        }
    };
    RespondSpec { wish, approval: if respond.needs_approval { Approval::Human } else { Approval::Automatic } }
}

/// How a session ended, in words for the history of a response.
pub(super) fn cause(ended: &SessionEnded) -> String {
    let seen = match ended.cause {
        EndCause::Stop(Some(cause)) => format!("Stop seen, cause {}", terminate_cause(cause)),
        EndCause::Stop(None) => "Stop seen".to_owned(),
        EndCause::NasReset => "the gateway restarted (Accounting-On or -Off)".to_owned(),
        EndCause::Vanished => "the gateway no longer knows the session (Error-Cause 503)".to_owned(),
        EndCause::Superseded => "the gateway began another session under the same id".to_owned(),
        EndCause::Lost | EndCause::Forgotten => "nothing was heard of it".to_owned(),
    };
    format!("{seen}, record {}", ended.offset.0)
}

/// Acct-Terminate-Cause (RFC 2866 §5.10) by name, or its number.
fn terminate_cause(cause: u32) -> String {
    fleetward_radius::dictionary::terminate_cause::name(cause).map_or_else(|| cause.to_string(), str::to_owned)
}

/// What a Disconnect may say about a session.
pub(super) fn target(session: &SessionView, same_user_name: u32) -> SessionTarget {
    SessionTarget {
        session_id: session.id.clone(),
        multi_session_id: session.multi_session_id.clone(),
        user_name: session.user_name.clone(),
        imsi: session.imsi,
        nsapi: session.nsapi,
        framed_ip: session.ip,
        framed_ipv6_prefix: session.ipv6,
        calling_station_id: session.msisdn.map(|msisdn| msisdn.reveal().into()),
        called_station_id: session.apn.clone(),
        same_user_name,
    }
}

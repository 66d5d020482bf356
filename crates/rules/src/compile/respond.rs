//! What a rule asks for.

use serde_saphyr::Spanned;

use super::times::length;
use super::{Compiler, plain};
use crate::diagnostic::{did_you_mean, did_you_mean_text};
use crate::document::{ApprovalDocument, RespondDocument, RuleDocument};
use crate::expr::build::{self, Condition};
use crate::rule::{Respond, RespondAction};

/// The responses of a rule; the three lists are parallel.
#[derive(Default)]
pub(super) struct Responds {
    pub(super) asked: Vec<Respond>,
    pub(super) unless: Vec<Option<Condition>>,
    pub(super) unless_text: Vec<Option<String>>,
}

impl Compiler<'_, '_> {
    /// What it asks for; for each response, when it is left out, compiled and as written.
    /// `is_shared`: the rule is about many devices, each of which waits for a person unless the rule says `approval: none`.
    pub(super) fn responds(&mut self, document: &RuleDocument, is_shared: bool) -> Responds {
        let mut responds = Responds::default();
        for respond in &document.respond {
            let options = &respond.value.options;
            let unless = options.unless.as_ref().and_then(|text| self.condition(text));
            let Some(action) = self.action(document, respond) else { continue };
            let needs_approval = match options.approval {
                Some(approval) => approval == ApprovalDocument::Human,
                None => is_shared && action.is_intervention(),
            };
            responds.asked.push(Respond { action, needs_approval });
            responds.unless.push(unless.as_ref().map(build::condition));
            responds.unless_text.push(options.unless.as_ref().map(|text| plain(&text.value)));
        }
        responds
    }

    fn action(&mut self, document: &RuleDocument, respond: &Spanned<RespondDocument>) -> Option<RespondAction> {
        let options = &respond.value.options;
        match respond.value.action.as_str() {
            "notify" => self.channel(document, respond, options.channel.clone()),
            "disconnect" => Some(RespondAction::Disconnect),
            "suspend_sim" => Some(RespondAction::SuspendSim),
            "quarantine" => Some(RespondAction::Quarantine),
            "change_of_authorization" => {
                let timeout = options.session_timeout.as_ref().and_then(|text| length(&text.value));
                let secs = timeout.and_then(|timeout| u32::try_from(timeout.as_secs()).ok()).filter(|secs| *secs > 0);
                if secs.is_none() {
                    let hint = Some("change_of_authorization: { session_timeout: 10 min }".to_owned());
                    self.wrong.push(self.source.about(respond, "a session_timeout is needed", hint));
                }
                Some(RespondAction::ChangeOfAuthorization { session_timeout_secs: secs? })
            }
            other => {
                let known = ["notify", "disconnect", "suspend_sim", "quarantine", "change_of_authorization"];
                let hint = did_you_mean(other, known).map_or(format!("one of {}", known.join(", ")), did_you_mean_text);
                self.wrong.push(self.source.about(respond, format!("unknown response `{other}`"), Some(hint)));
                None
            }
        }
    }

    fn channel(
        &mut self,
        document: &RuleDocument,
        respond: &Spanned<RespondDocument>,
        channel: Option<String>,
    ) -> Option<RespondAction> {
        let Some(channel) = channel else {
            self.wrong.push(self.source.about(respond, "`notify` needs a channel", Some("notify: ops".into())));
            return None;
        };
        if let Some(channels) = &self.options.channels
            && !channels.contains(&channel)
        {
            if !self.builtin && self.options.after_restart.contains(&channel) {
                let message = format!(
                    "{} notifies the channel `{channel}`, which the running server does not have yet",
                    document.rule.value
                );
                let hint = Some("channels are not reloaded: restart the server, then it knows it".to_owned());
                self.wrong.push(self.source.about(respond, message, hint));
            } else if !self.builtin {
                let near = did_you_mean(&channel, channels.iter().map(String::as_str)).map(did_you_mean_text);
                let hint = near.or_else(|| Some("configure it under `channels:` in fleetward.yaml".into()));
                self.wrong.push(self.source.about(respond, format!("there is no channel `{channel}`"), hint));
            }
            return None;
        }
        Some(RespondAction::Notify { channel: channel.into() })
    }
}

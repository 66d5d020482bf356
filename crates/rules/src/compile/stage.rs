//! What a rule may not ask where it is judged.

use std::sync::Arc;

use super::{Compiler, Feed};
use crate::document::RuleDocument;
use crate::subject::Subject;
use crate::vocabulary::Field;

impl Compiler<'_, '_> {
    /// The second stage knows no last values, and of single devices only what the baseline says.
    pub(super) fn check_stage(
        &mut self,
        document: &RuleDocument,
        subject: Subject,
        later: bool,
        memory: &[Field],
        feeds: &[Arc<Feed>],
    ) {
        if subject != Subject::Device && !memory.is_empty() {
            let message = "`changed`, `previous` and `first` are about one device, not a group";
            self.wrong.push(self.source.about(&document.when, message, None));
        }
        if subject != Subject::Device || !later {
            return;
        }
        if !memory.is_empty() {
            let hint = "`unusual.identity_changed`, `unusual.place_changed` and `unusual.new_destination` tell of the last day";
            let message = "a rule that asks the baseline or other devices cannot compare a device's last values";
            self.wrong.push(self.source.about(&document.when, message, Some(hint.to_owned())));
        }
        if !feeds.is_empty() {
            let hint = "write a second rule for the window, or count over the fleet with `per:`".to_owned();
            let message = "a rule about one device that asks the baseline or other devices has no windows";
            self.wrong.push(self.source.about(&document.when, message, Some(hint)));
        }
    }
}

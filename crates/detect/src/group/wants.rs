//! What the second stage asks the partitions for, worked out once from the rules.

use fleetward_rules::{Facts, Interest, RuleSet, Subject, Trigger, Triggers};

/// Which events the second stage wants, by subject of its rules.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wants {
    interests: [Interest; Subject::ALL.len()],
    /// Those that an event may concern, by its kind.
    subjects: [Subjects; Trigger::ALL.len()],
    /// Any of them wants these.
    triggers: Triggers,
    /// Some rule reads more of a device than its kind.
    device: bool,
    /// Baselines are learnt.
    baselines: bool,
    /// Events that may show what is new to a model.
    novel: Triggers,
}

/// Subjects to which one event matters, as bits by number.
pub(crate) type Subjects = u16;

impl Wants {
    pub(crate) fn of(rules: &RuleSet, baselines: bool) -> Self {
        let interests = Subject::ALL.map(|subject| rules.interest(subject));
        let triggers = interests.iter().fold(Triggers::NONE, |all, interest| all.or(interest.triggers));
        let novel = rules.new_to_group().fold(Triggers::NONE, |all, (_, triggers)| all.or(triggers));
        let device = interests.iter().any(|interest| interest.device);
        let subjects = Trigger::ALL.map(|trigger| {
            let wanted = Subject::ALL.into_iter().filter(|it| interests[*it as usize].triggers.contains(trigger));
            wanted.fold(0, |all, subject| all | 1 << subject as u16)
        });
        Self { interests, subjects, triggers: triggers.or(novel), device, baselines, novel }
    }

    /// Whether there is anything for the second stage to do.
    pub(crate) fn any(&self) -> bool {
        self.baselines || !self.triggers.is_empty()
    }

    /// Whether the baselines are learnt.
    pub(crate) fn baselines(&self) -> bool {
        self.baselines
    }

    /// Whether an event of this kind may be wanted at all.
    pub(crate) fn triggers(&self) -> Triggers {
        self.triggers
    }

    /// Whether an event of this kind is to be handed on whatever it says: it may show something new.
    pub(crate) fn is_novel(&self, trigger: Trigger) -> bool {
        self.novel.contains(trigger)
    }

    /// What rules about `subject` want.
    pub(crate) fn interest(&self, subject: Subject) -> Interest {
        self.interests[subject as usize]
    }

    /// Whether a rule reads more of a device than its model, groups and state.
    pub(crate) fn whole_device(&self) -> bool {
        self.device
    }

    /// The subjects to which this event matters.
    pub(crate) fn subjects(&self, rules: &RuleSet, facts: &Facts<'_>) -> Subjects {
        let is_known = facts.device.is_some();
        let mut left = self.subjects[facts.trigger as usize];
        let mut wanted = 0;
        while left != 0 {
            let subject = Subject::ALL[left.trailing_zeros() as usize];
            left &= left - 1;
            let may = is_known || !matches!(subject, Subject::Device | Subject::Group | Subject::Model);
            wanted |= Subjects::from(may && rules.matters(subject, facts)) << subject as u16;
        }
        wanted
    }
}

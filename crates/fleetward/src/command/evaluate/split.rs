//! From when on a recorded stream is the test: what was before is there to learn from.

use std::collections::BTreeSet;
use std::time::Duration;

use fleetward_evaluate::Case;
use fleetward_fleet::{DeviceId, Observation, Timestamp, counted};

use crate::exit::Failure;

const DAY: i64 = 86_400;

/// What a stream covers.
pub(super) struct Survey {
    first: Timestamp,
    last: Timestamp,
    pub(super) devices: BTreeSet<DeviceId>,
}

/// The test, and why it begins then.
pub(super) struct Split {
    pub(super) test_begins: Timestamp,
    training: Duration,
    why: &'static str,
}

impl Survey {
    /// `None`: there is no record.
    pub(super) fn of(records: impl Iterator<Item = Observation>) -> Option<Self> {
        let mut survey: Option<Self> = None;
        for record in records {
            let at = record.observed_at;
            let survey = survey.get_or_insert_with(|| Self { first: at, last: at, devices: BTreeSet::new() });
            survey.last = survey.last.max(at);
            survey.devices.insert(record.device);
        }
        survey
    }

    /// From `asked` on; without it, from a full day (UTC) on.
    pub(super) fn split(&self, asked: Option<Timestamp>, cases: &[Case]) -> Result<Split, Failure> {
        if let Some(asked) = asked.filter(|asked| *asked > self.last) {
            let message = format!("--test-begins {asked} is after the last record ({})", self.last);
            return Err(Failure::input(message, "the test needs records"));
        }
        let thirds = Timestamp(self.first.0 + (self.last.0 - self.first.0) / 3 * 2);
        let misuse = cases.iter().map(|case| case.from).min().filter(|from| *from < thirds);
        let (begins, why) = match (asked, misuse) {
            (Some(asked), _) => (asked, "as --test-begins says"),
            (None, Some(misuse)) => (midnight(misuse), "the day of the first misuse"),
            (None, None) => (midnight(thirds), "after two thirds of the recorded time"),
        };
        let training = begins.since(self.first.min(begins));
        Ok(Split { test_begins: begins, training, why })
    }
}

impl Split {
    /// For the report.
    pub(super) fn text(&self) -> String {
        let days = counted(self.training.as_secs() / DAY.unsigned_abs(), "day");
        let begins = format!("The test begins {} ({}), {days} after the first record.", self.test_begins, self.why);
        if self.training < Duration::from_hours(24) {
            return format!(
                "{begins} There was nothing to learn from before: what the baselines and the textbook say rests on less \
                 than a day. Record more, or say with --test-begins from when on alarms count."
            );
        }
        begins
    }
}

/// When the day of this moment began; never before 1970.
fn midnight(at: Timestamp) -> Timestamp {
    Timestamp::from_secs(at.secs().div_euclid(DAY) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(days: i64) -> Survey {
        Survey { first: Timestamp(0), last: Timestamp::from_secs(days * DAY), devices: BTreeSet::new() }
    }

    fn case(day: i64) -> Case {
        let at = |day: i64| Timestamp::from_secs(day * DAY + 7200);
        let line = format!(r#"{{"device":"a","scenario":"s","from":"{}","until":"{}"}}"#, at(day), at(day + 1));
        fleetward_evaluate::labels(&line).expect("a label").remove(0)
    }

    fn begins(asked: Option<Timestamp>, cases: &[Case]) -> (i64, String) {
        let split = survey(30).split(asked, cases).unwrap_or_else(|_| panic!("refused"));
        (split.test_begins.secs() / DAY, split.text())
    }

    #[test]
    fn the_test_begins_after_what_there_is_to_learn_from() {
        assert_eq!(begins(None, &[]).0, 20);
        assert_eq!(begins(None, &[case(25)]).0, 20);
        let (day, said) = begins(None, &[case(25), case(12)]);
        assert!(day == 12 && said.contains("the day of the first misuse), 12 days after"), "{said}");
        assert_eq!(begins(Some(Timestamp::from_secs(3 * DAY)), &[case(12)]).0, 3);
        assert!(begins(None, &[case(0)]).1.contains("nothing to learn from"));
        assert!(survey(30).split(Some(Timestamp::from_secs(31 * DAY)), &[]).is_err());
    }
}

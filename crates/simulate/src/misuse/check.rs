//! What the types of an overlay cannot say: what does nothing, and what is too much.

use super::document::{Effect, OverlayError, Scenario, ShapeName, unchanged};
use super::{Bytes, Choice};

/// More events an hour of one device are no misuse that a quarter of an hour could hold.
const MOST_PER_HOUR: f64 = 3_600.0;

/// More addresses of one device add nothing that a rule could tell apart.
const MOST_ADDRESSES: u32 = 10_000;

impl Effect {
    /// How many events an hour, of those that are counted so.
    fn per_hour(&self) -> Option<&Choice<f64>> {
        match self {
            Self::Flows { per_hour, .. }
            | Self::Messages { per_hour, .. }
            | Self::Calls { per_hour, .. }
            | Self::Logins { per_hour, .. }
            | Self::Sessions { per_hour, .. }
            | Self::Rejected { per_hour, .. } => Some(per_hour),
            _ => None,
        }
    }

    /// Why it would do nothing at all.
    fn without_effect(&self) -> Option<&'static str> {
        let none = |amount: &Choice<Bytes>| amount.most.0 <= 0.0;
        let same = |factor: &Choice<f64>| *factor == unchanged();
        match self {
            Self::Traffic { up, down, .. } if none(up) && none(down) => {
                Some("`traffic` without `up` and `down` does nothing: write for example `traffic: { up: 2 MB }`")
            }
            Self::Transfer { up, down, .. } if none(up) && none(down) => Some(
                "`transfer` without `up` and `down` does nothing: write for example `transfer: { up: 200 MB, over: 1 h }`",
            ),
            Self::Multiply { up, down, .. } if same(up) && same(down) => Some(
                "`multiply` without `up` and `down` does nothing: write for example `multiply: { up: 3, down: 3 }`",
            ),
            _ if self.per_hour().is_some_and(|per_hour| per_hour.most == 0.0) => {
                Some("`per_hour: 0` does nothing: write for example `per_hour: 4`")
            }
            Self::Place { network: None, roams: false } => Some(
                "`place` without `network` and `roams: true` does nothing: write for example `place: { network: '23410' }`",
            ),
            _ => None,
        }
    }

    /// Why it would cost more time or memory than a simulation has.
    fn beyond_bounds(&self) -> Option<String> {
        match self {
            Self::Flows { addresses, .. } if *addresses > MOST_ADDRESSES => {
                Some(format!("{addresses} addresses; at most {MOST_ADDRESSES}"))
            }
            _ if self.per_hour().is_some_and(|per_hour| {
                !(0.0..=MOST_PER_HOUR).contains(&per_hour.least) || !(0.0..=MOST_PER_HOUR).contains(&per_hour.most)
            }) =>
            {
                Some(format!("`per_hour` lies between 0 and {MOST_PER_HOUR}"))
            }
            Self::Traffic { spread, .. }
                if !(0.0..=3.0).contains(&spread.least) || !(0.0..=3.0).contains(&spread.most) =>
            {
                Some("`spread` lies between 0 and 3".into())
            }
            Self::Multiply { up, down, .. }
                if ![up.least, up.most, down.least, down.most].iter().all(|factor| (0.0..=1e6).contains(factor)) =>
            {
                Some("a factor lies between 0 and 1000000".into())
            }
            Self::Traffic { hours: Some(hours), .. } if hours.iter().any(|hour| !(0.0..=24.0).contains(hour)) => {
                Some("`hours` lie between 0 and 24".into())
            }
            _ => None,
        }
    }
}

impl Scenario {
    /// What the types cannot say. The place is that of the scenario's name.
    pub(super) fn check(&self, text: &str) -> Result<(), OverlayError> {
        let wrong = |message: String| {
            let at = text.lines().position(|line| line.contains("scenario:") && line.contains(&*self.scenario));
            let column = at.and_then(|line| text.lines().nth(line)?.find("scenario:")).map_or(0, |column| column + 1);
            let line = at.map_or(0, |line| line as u64 + 1);
            Err(OverlayError { line, column: column as u64, message: format!("{}: {message}", self.scenario) })
        };
        for class in &self.select.classes {
            if crate::Class::find(class).is_none() {
                let known: Vec<&str> = crate::CLASSES.iter().map(|class| class.name).collect();
                return wrong(format!("there is no class {class:?}; there are {}", known.join(", ")));
            }
        }
        if self.select.count.is_some() && self.select.share.is_some() {
            return wrong("`count` and `share` exclude each other".into());
        }
        if self.lasts.is_some_and(|lasts| lasts.most.0 <= 0.0) {
            return wrong("`lasts: 0` is no time: write for example `lasts: 5 d`, or leave it out: to the end".into());
        }
        let Choice { least, most } = self.start.hour;
        if !(0.0..=24.0).contains(&least) || !(0.0..=24.0).contains(&most) {
            return wrong("the `hour` of its start lies between 0 and 24".into());
        }
        if self.effects.is_empty() {
            return wrong("it has no effects".into());
        }
        for effect in &self.effects {
            if let Some(message) = effect.without_effect() {
                return wrong(message.into());
            }
            if let Some(message) = effect.beyond_bounds() {
                return wrong(message);
            }
            let (Effect::Traffic { shape, .. } | Effect::Clone { shape, .. }) = effect else { continue };
            match shape {
                ShapeName::Named(name) if super::draw::named_shape(name).is_none() => {
                    return wrong(format!("there is no shape {name:?}; there are flat, human, night and office"));
                }
                ShapeName::Hourly(hours) if hours.len() != 24 || hours.iter().any(|h| !(0.0..=10.0).contains(h)) => {
                    return wrong("a shape has 24 numbers between 0 and 10, one an hour".into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Overlay;

    fn refused(traffic: &str) -> String {
        of(&format!("title: t\n    effects:\n      - traffic: {traffic}"))
    }

    fn of(scenario: &str) -> String {
        let text = format!("overlay: o\ntitle: t\nscenarios:\n  - scenario: s\n    {scenario}\n");
        Overlay::from_yaml(&text).map_or_else(|error| error.to_string(), |_| "taken".into())
    }

    #[test]
    fn a_mistake_is_told_with_its_place_once() {
        assert_eq!(refused("{ up: 1 MB, hours: [23, 4] }"), "taken");
        assert_eq!(refused("{ up: 1 MB, hours: [23, 25] }"), "line 4, column 5: s: `hours` lie between 0 and 24");
        let told = refused("{ upp: 1 MB }");
        assert_eq!(told, "line 7, column 20: unknown field `upp` (did you mean `up`?)");
        for (traffic, column, question) in [
            ("{ up: 3 }", 24, "3 of what? write `3 B`, `3 kB` or `3 MB`"),
            ("{ up: [1 MB, 2] }", 31, "2 of what? write `2 B`, `2 kB` or `2 MB`"),
            ("{ up: 1 MB, active: 40 }", 38, "40 of what? a share is at most 1: write `40 %` or `0.4`"),
        ] {
            assert_eq!(refused(traffic), format!("line 7, column {column}: {question}"));
        }
        assert!(refused("{}").starts_with("line 4, column 5: s: `traffic` without `up` and `down` does nothing"));
        assert!(refused("{ up: 0, hours: [1, 4] }").contains("does nothing"));
        assert_eq!(
            of("lasts: 0 s\n    effects: [silence: {}]"),
            "line 4, column 5: s: `lasts: 0` is no time: write for example `lasts: 5 d`, or leave it out: to the end"
        );
        assert_eq!(of("lasts: [0 s, 5 d]\n    effects: [silence: {}]"), "taken");
        assert!(of("effects: [messages: { per_hour: 0 }]").contains("`per_hour: 0` does nothing"));
        let nowhere = OverlayError { line: 0, column: 0, message: "too few devices".into() };
        assert_eq!(nowhere.to_string(), "too few devices");
    }
}

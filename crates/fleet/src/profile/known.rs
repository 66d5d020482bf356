//! Names in a profile that are held against those that exist: a word that nothing can match would alarm everywhere.

use serde::{Deserialize, Deserializer, de::Error};

use crate::{Country, Rat, did_you_mean};

pub(super) fn countries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Country>, D::Error> {
    let known = Vec::<KnownCountry>::deserialize(deserializer)?;
    Ok(known.into_iter().map(|it| it.0).collect())
}

pub(super) fn rats<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Box<str>>, D::Error> {
    let known = Vec::<KnownRat>::deserialize(deserializer)?;
    Ok(known.into_iter().map(|it| it.0).collect())
}

struct KnownCountry(Country);

impl<'de> Deserialize<'de> for KnownCountry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let country = Country::deserialize(deserializer)?;
        let known = country.assigned().map(Self);
        known.map_err(|hint| D::Error::custom(format!("`{country}` is no country ({hint})")))
    }
}

struct KnownRat(Box<str>);

impl<'de> Deserialize<'de> for KnownRat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Box::<str>::deserialize(deserializer)?;
        if Rat::NAMES.contains(&&*name) {
            return Ok(Self(name));
        }
        let lower = name.to_lowercase().replace('_', "-");
        let meant = GENERATIONS.iter().find(|(written, _)| *written == lower).map(|(_, name)| *name);
        let hint = match meant.or_else(|| did_you_mean(&lower, Rat::NAMES)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write one of {}", Rat::NAMES.join(", ")),
        };
        Err(D::Error::custom(format!("`{name}` is no radio technology ({hint})")))
    }
}

/// What people call them.
const GENERATIONS: [(&str, &str); 10] = [
    ("2g", "geran"),
    ("gsm", "geran"),
    ("3g", "utran"),
    ("umts", "utran"),
    ("4g", "eutran"),
    ("lte", "eutran"),
    ("cat-m1", "lte-m"),
    ("nbiot", "nb-iot"),
    ("5g", "nr"),
    ("wifi", "wlan"),
];

#[cfg(test)]
mod tests {
    use crate::Profile;

    #[test]
    fn every_name_that_a_record_may_have_can_be_written() {
        for number in 0..=u8::MAX {
            assert!(crate::Rat::NAMES.contains(&crate::Rat(number).name()), "{number}");
        }
    }

    #[test]
    fn unknown_countries_and_radio_technologies_are_refused() {
        for (text, column, told) in [
            ("rats: [eutran, xyz]", 16, "`xyz` is no radio technology (write one of utran, geran, wlan, "),
            ("rats: [eutrann]", 8, "`eutrann` is no radio technology (did you mean `eutran`?)"),
            ("rats: [LTE]", 8, "did you mean `eutran`?"),
            ("countries: [DE, XX]", 17, "`XX` is no country (write its two letters of ISO 3166-1, for example `DE`)"),
            ("countries: [UK]", 13, "`UK` is no country (did you mean `GB`?)"),
        ] {
            let error = Profile::from_yaml(&format!("model: m\n{text}\n")).expect_err(text);
            assert_eq!((error.line, error.column), (2, column), "{error}");
            assert!(error.message.contains(told), "{error}");
        }
        assert!(Profile::from_yaml("model: m\nrats: [nb-iot, hspa+, other]\ncountries: [DE, XK, AX]\n").is_ok());
    }
}

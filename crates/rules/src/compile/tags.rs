//! Tags: techniques and provisions by the shape of their numbers, everything else as free words.

use crate::diagnostic::{did_you_mean, did_you_mean_text};

/// Schemes with a known shape, and an example of it.
const SCHEMES: [(&str, &str); 4] = [
    ("attack.mobile", "attack.mobile:T1451"),
    ("attack.ics", "attack.ics:T0812"),
    ("attack.enterprise", "attack.enterprise:T1048.003"),
    ("etsi-en-303-645", "etsi-en-303-645:5.5-1"),
];

/// What is wrong with a tag, and what would be right.
pub(super) fn mistake(tag: &str) -> Option<(String, Option<String>)> {
    let Some((scheme, id)) = tag.split_once(':') else {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let hint = Some("small letters, digits, `-`, `_` and `.`; or `scheme:number`".to_owned());
        return (tag.is_empty() || !tag.chars().all(is_word)).then(|| (format!("`{tag}` is no tag"), hint));
    };
    let Some((_, example)) = SCHEMES.iter().find(|(known, _)| *known == scheme) else {
        let near = did_you_mean(scheme, SCHEMES.iter().map(|(known, _)| *known))?;
        return Some((format!("unknown scheme `{scheme}`"), Some(did_you_mean_text(near))));
    };
    let fits = if scheme.starts_with("attack") { is_technique(id) } else { is_provision(id) };
    (!fits).then(|| (format!("`{id}` is no number of {scheme}"), Some(format!("for example `{example}`"))))
}

/// `T1451`, `T1048.003`, `TA0107`.
fn is_technique(id: &str) -> bool {
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let Some(rest) = id.strip_prefix("TA").or_else(|| id.strip_prefix('T')) else { return false };
    match rest.split_once('.') {
        None => digits(rest, 4),
        Some((number, part)) => !id.starts_with("TA") && digits(number, 4) && digits(part, 3),
    }
}

/// `5.1-2`, `5.1-2A`; of clause 6, which has no sections, `6-5` (the norm's pro forma writes `6.5`).
fn is_provision(id: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    let is_item = |item: &str| number(item.strip_suffix(|c: char| c.is_ascii_uppercase()).unwrap_or(item));
    let (clause, item) = id.split_once('-').map_or((id, None), |(clause, item)| (clause, Some(item)));
    match clause.split_once('.') {
        Some((chapter, section)) => number(chapter) && number(section) && item.is_none_or(is_item),
        None => clause == "6" && item.is_some_and(is_item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_known() {
        for good in [
            "attack.mobile:T1451",
            "attack.ics:TA0107",
            "attack.enterprise:T1048.003",
            "etsi-en-303-645:5.1-2A",
            "etsi-en-303-645:6-5",
            "etsi-en-303-645:6.5",
            "sms",
            "iec-62443:SR-1.1",
        ] {
            assert_eq!(mistake(good), None, "{good}");
        }
        for bad in [
            "attack.mobile:1451",
            "attack.ics:T08",
            "etsi-en-303-645:5",
            "etsi-en-303-645:5-1",
            "etsi-en-303-645:6",
            "attack.mobil:T1451",
            "Two Words",
            "",
        ] {
            assert!(mistake(bad).is_some(), "{bad}");
        }
    }
}

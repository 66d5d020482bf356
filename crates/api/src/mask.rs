//! What of an identity is shown.

use fleetward_fleet::Imsi;

/// Shows a value whole or as it prints (masked).
pub(crate) fn shown<T: std::fmt::Display + Copy>(
    value: Option<T>,
    whole: fn(T) -> String,
    reveal: bool,
) -> Option<String> {
    value.map(|value| if reveal { whole(value) } else { value.to_string() })
}

/// A device's name. One that was made from an IMSI (`Identity::default_name`) is an identity too.
pub(crate) fn name(name: &str) -> String {
    match name.strip_prefix("imsi:").and_then(|digits| digits.parse::<Imsi>().ok()) {
        Some(imsi) => format!("imsi:{imsi}"),
        None => name.to_owned(),
    }
}

/// [`name`], unless whole names are asked for.
pub(crate) fn name_or_whole(text: &str, reveal: bool) -> String {
    if reveal { text.to_owned() } else { name(text) }
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::Identity;

    use super::*;

    #[test]
    fn a_name_made_from_an_imsi_is_masked() {
        let imsi: Imsi = "262011234567890".parse().unwrap();
        assert_eq!(name(&Identity::Imsi(imsi).default_name()), "imsi:26201•••••••890");
        assert_eq!(name("meter-17"), "meter-17");
        assert_eq!(name("imsi:none"), "imsi:none");
        assert_eq!(shown(Some(imsi), Imsi::reveal, true).as_deref(), Some("262011234567890"));
    }
}

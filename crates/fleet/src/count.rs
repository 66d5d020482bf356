//! A number with what it counts.

use std::fmt::Display;

/// `1 rule`, `2 rules`; `one` is the word for one of them.
pub fn counted(number: impl Display, one: &str) -> String {
    let number = number.to_string();
    let ending = match one.as_bytes().last() {
        _ if number == "1" => "",
        Some(b's' | b'x') => "es",
        _ => "s",
    };
    format!("{number} {one}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let told = [0, 1, 2].map(|number| format!("{}, {}", counted(number, "rule"), counted(number, "address")));
        assert_eq!(told, ["0 rules, 0 addresses", "1 rule, 1 address", "2 rules, 2 addresses"]);
    }
}

//! Names with patterns.

/// The name is meant by the pattern: equal, or with `*` for any characters but the dot.
pub fn matches(pattern: &str, name: &str) -> bool {
    fn glob(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) if glob(rest, name) => true,
            (Some((b'*', _)), Some((byte, after))) if *byte != b'.' => glob(pattern, after),
            (Some((expected, rest)), Some((byte, after))) if expected == byte => glob(rest, after),
            _ => false,
        }
    }
    glob(pattern.as_bytes(), name.as_bytes())
}

//! What somebody who misspelt a word most likely meant.

/// The word of `known` that somebody who wrote `word` most likely meant.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let near = known.into_iter().map(|candidate| (distance(word, candidate), candidate));
    near.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// The hint that says so.
pub fn did_you_mean_text(word: &str) -> String {
    format!("did you mean `{word}`?")
}

/// Edits, of which swapping two neighbours is one (optimal string alignment); words of more than 64 characters are far from
/// everything.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(65).collect(), b.chars().take(65).collect());
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(x != y)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_was_meant() {
        assert_eq!(did_you_mean("bytes_upp", ["bytes_up", "bytes_down"]), Some("bytes_up"));
        assert_eq!(did_you_mean("contry", ["count", "country"]), Some("country"));
        assert_eq!(did_you_mean("wehn", ["then", "when"]), Some("when"));
        assert_eq!(did_you_mean("xyz", ["country"]), None);
    }
}

//! "Did you mean": the known word that is closest to a mistyped one.

/// Longest word that is compared, in characters; longer ones get no suggestion.
const MAX_WORD: usize = 64;

/// The candidate closest to `input`, if it is close enough to be a typing mistake of it.
pub fn suggest<'a>(input: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> = input.to_lowercase().chars().collect();
    if typed.is_empty() || typed.len() > MAX_WORD {
        return None;
    }
    let allowed = (typed.len() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count() <= MAX_WORD)
        .map(|candidate| {
            (
                distance(
                    &typed,
                    &candidate.to_lowercase().chars().collect::<Vec<_>>(),
                ),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at =
                |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&last, j) + usize::from(x != y))
                .min(at(&last, j + 1) + 1)
                .min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_word_that_was_meant() {
        let words = ["permit", "forbid", "guard", "require"];
        assert_eq!(suggest("frobid", words), Some("forbid"));
        assert_eq!(suggest("permitt", words), Some("permit"));
        assert_eq!(suggest("Guard", words), Some("guard"));
        assert_eq!(suggest("zzz", words), None);
        assert_eq!(suggest("", words), None);
    }
}

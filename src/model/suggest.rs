//! The "did you mean" behind every message that names an unknown word.

/// Words longer than this get no suggestion: the cost is the product of both lengths.
const LONGEST: usize = 64;

/// Finds the candidate nearest to `input`, or none when no candidate is near.
///
/// Near means that at most a third of the longer word's letters were added, dropped, replaced or swapped with their
/// neighbour. Case does not matter. Of two candidates equally near the first is taken. Words over 64 letters match nothing.
pub fn suggest<'a>(input: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let input = letters(input)?;
    let mut best = None;
    for candidate in candidates {
        let Some(word) = letters(candidate) else {
            continue;
        };
        let allowed = word.len().max(input.len()) / 3;
        if word.len().abs_diff(input.len()) > allowed {
            continue;
        }
        let distance = distance(&input, &word);
        if distance <= allowed && best.is_none_or(|(_, nearest)| distance < nearest) {
            best = Some((candidate, distance));
        }
    }
    best.map(|(candidate, _)| candidate)
}

fn letters(word: &str) -> Option<Vec<char>> {
    let letters: Vec<char> = word
        .chars()
        .take(LONGEST + 1)
        .flat_map(char::to_lowercase)
        .collect();
    (1..=LONGEST).contains(&letters.len()).then_some(letters)
}

/// The optimal string alignment distance: edits and swaps of neighbours, each letter touched once.
fn distance(from: &[char], to: &[char]) -> usize {
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(LONGEST);
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = at(&above, j) + usize::from(a != b);
            let mut best = replaced.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            if i > 0 && j > 0 && from.get(i - 1) == Some(b) && to.get(j - 1) == Some(a) {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 5] = ["id", "permit", "forbid", "guard", "when"];

    #[test]
    fn swapped_dropped_added_and_replaced_letters_are_recognised() {
        for word in ["frobid", "forbi", "forbidd", "farbid", "FORBID"] {
            assert_eq!(suggest(word, KEYS), Some("forbid"), "{word}");
        }
    }

    #[test]
    fn distant_short_and_overlong_words_get_no_suggestion() {
        for word in ["allow", "if", "", &"x".repeat(65)] {
            assert_eq!(suggest(word, KEYS), None, "{word}");
        }
    }

    #[test]
    fn the_nearest_candidate_wins_and_the_first_of_equals() {
        assert_eq!(
            suggest("guards", ["guarded", "guard", "guardz"]),
            Some("guard")
        );
        assert_eq!(suggest("cat", ["bat", "hat"]), Some("bat"));
    }

    #[test]
    fn distances_are_those_of_optimal_string_alignment() {
        let of = |a: &str, b: &str| {
            distance(
                &a.chars().collect::<Vec<_>>(),
                &b.chars().collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            (
                of("ca", "abc"),
                of("kitten", "sitting"),
                of("ab", "ba"),
                of("", "abc")
            ),
            (3, 3, 1, 3)
        );
    }
}

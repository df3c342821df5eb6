//! "Did you mean …?": what was probably meant by a word that nothing has.
//!
//! Owns how alike two spellings must be. Never decides anything: the wrong word is refused, and the answer
//! carries the suggestion.

/// How similar two names must be to be suggested (Jaro-Winkler, 1 is equal).
const SIMILARITY_MIN: f64 = 0.8;

/// Characters that are compared: the cost of a comparison grows with the product of the two lengths.
const FOLDED_CHARS_MAX: usize = 64;

/// The key of a fixed list that is nearest to `found`, if at most a third of it differs.
///
/// Edits are counted here, because keys share long parts (`bufferPerBot`, `bufferPerBotPerRoom`) without
/// meaning the same. For names that people chose there is [`alike`].
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(found);
    let distance = |word: &&str| match fold(word) {
        // `warning` for `warn` adds more letters than a typing error does, and is clear all the same.
        longer if starts_one_another(&folded, &longer) => 1,
        other => strsim::damerau_levenshtein(&folded, &other),
    };
    let best = known.into_iter().min_by_key(distance)?;
    let allowed = (folded.chars().count().max(3) / 3).min(3);
    (distance(&best) <= allowed).then_some(best)
}

fn starts_one_another(one: &str, other: &str) -> bool {
    let shorter = one.len().min(other.len());
    shorter >= 4
        && one.len().abs_diff(other.len()) <= 3
        && one.as_bytes()[..shorter] == other.as_bytes()[..shorter]
}

/// A word without the parts of its spelling that carry no meaning: case, and the signs between words.
pub fn fold(word: &str) -> String {
    let letters = word.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.take(FOLDED_CHARS_MAX).flat_map(char::to_lowercase).collect()
}

/// The candidates whose names contain `typed`, are contained in it, or are spelt like it; the most similar
/// first.
pub fn alike<T>(
    typed: &str,
    candidates: impl IntoIterator<Item = T>,
    name: impl Fn(&T) -> &str,
) -> Vec<T> {
    let rated = candidates.into_iter().map(|it| (similarity(typed, name(&it)), it));
    let mut found: Vec<(f64, T)> = rated.filter(|(it, _)| *it >= SIMILARITY_MIN).collect();
    found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    found.into_iter().map(|(_, it)| it).collect()
}

/// Between 0 and 1 for the spelling, and 1 more if one name contains the other.
fn similarity(one: &str, other: &str) -> f64 {
    let contains = one.len().min(other.len()) >= 2 && (one.contains(other) || other.contains(one));
    strsim::jaro_winkler(one, other) + f64::from(u8::from(contains))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_nonsense_finds_none() {
        let check = |found: &str, expected: Option<&str>| {
            let known = ["port", "listen", "botId", "frameBytes", "bufferPerBotPerRoom"];
            assert_eq!(nearest(found, known), expected, "{found}");
        };
        check("prot", Some("port"));
        check("botid", Some("botId"));
        check("bot-id", Some("botId"));
        check("frame_byte", Some("frameBytes"));
        check("bufferPerBot", None);
        check("portal", Some("port"));
        check("portals", Some("port"));
        check("portfolio", None);
        check("xxrt", None);
        check("colour", None);
        check("", None);
    }

    #[test]
    fn the_name_that_contains_the_typed_one_comes_first() {
        let check = |typed: &str, expected: &[&str]| {
            let known = ["marlbot", "marlbot-pelouse", "pelouse", "lab"];
            assert_eq!(alike(typed, known, |it| it), expected, "{typed}");
        };
        check("pelous", &["pelouse", "marlbot-pelouse"]);
        check("marlbto", &["marlbot", "marlbot-pelouse"]);
        check("zzz", &[]);
    }
}
